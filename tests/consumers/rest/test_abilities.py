"""What a declaration says that the CRM can do, and that nothing else is pretended."""

from __future__ import annotations

import pytest

from contact_sync.consumer import READ_ONLY, CRMField, abilities_of, ask
from contact_sync.consumers.rest import RestConsumer
from contact_sync.errors import ContactSyncError
from key_stores import MemoryKeyStore

from .script import Script


def test_what_is_not_declared_is_not_there(api: Script) -> None:
    crm = api.consumer()
    assert abilities_of(crm) == ["iter_contacts"]
    assert crm.list_fields() == ()
    assert ask(crm, "archive_contact", "7").error == (
        "RestConsumer has no archive_contact; write one, or let records be deleted"
    )
    assert ask(crm, "archive_contact", "7").retryable is False


def test_what_is_declared_is(api: Script) -> None:
    crm = api.consumer(
        "archive: DELETE /archive/{id}\nfind: {fields: [email, phone]}\nfields: [email]\n"
        "changed: {query: {s: '{since}'}, next: n}\n"
        "create_many: {path: /b, size: 2}\nupdate_many: {path: /b, size: 2}"
    )
    assert len(abilities_of(crm)) == 7
    api.then(b"", 204).then({}, 404)
    assert crm.archive_contact("7").success
    assert crm.archive_contact("8").not_found
    assert [(call.verb, call.path) for call in api.calls] == [("DELETE", "/archive/7"), ("DELETE", "/archive/8")]


def test_records_that_cannot_be_written_are_said_to_be_so(api: Script) -> None:
    crm = api.consumer("create: false\nupdate: false\ndelete: false")
    assert (crm.can_create, crm.can_update, crm.can_delete) == (False, False, False)
    for what, given in (("create", {}), ("update", {"id": "7"}), ("delete", "7")):
        result = ask(crm, f"{what}_contact", given)
        assert (result.reason, result.error) == (READ_ONLY, f"RestConsumer: its declaration says {what}: false")
    assert api.calls == []


def test_what_the_engine_asks_about_fields_is_declared(api: Script) -> None:
    crm = api.consumer(
        "record: {read_only: [score], unique: email, partial_updates: false, omits_empty: true, email: mail}"
    )
    assert (crm.read_only_fields, crm.unique_keys) == (("score",), ("email",))
    assert (crm.partial_updates, crm.omits_empty) == (False, True)
    assert (api.consumer().partial_updates, api.consumer().omits_empty) == (True, False)


class TestFields:
    """`fields`, for `contact-sync check`."""

    def test_they_can_be_listed_in_the_declaration(self, api: Script) -> None:
        crm = api.consumer("fields: [email, {name: score, type: number, read_only: true, label: Points, unique: true}]")
        assert list(crm.list_fields()) == [CRMField("email"), CRMField("score", "number", True, True, "Points")]

    def test_or_the_api_names_them(self, api: Script) -> None:
        crm = api.consumer(
            "fields: {path: /properties, list: results, name: key, type: kind, label: text, read_only: meta.fixed,\n"
            "  unique: uniq, prefix: properties.}"
        )
        api.then(
            {"results": [{"key": "email", "kind": "string", "text": "E-mail", "uniq": True}, {"key": 5}, {"x": 1}]}
        )
        assert list(crm.list_fields()) == [CRMField("properties.email", "string", False, True, "E-mail")]
        assert api.calls[0].path == "/properties"

    def test_an_api_that_does_not_name_them_is_a_failure_that_says_why(self, api: Script) -> None:
        crm = api.consumer("fields: {path: /properties}")
        api.then({}, 403)
        with pytest.raises(ContactSyncError, match="fields: the API answered HTTP 403"):
            crm.list_fields()


def test_a_method_can_be_overridden_for_what_cannot_be_declared(api: Script) -> None:
    class OwnConsumer(RestConsumer):
        """Its CRM has no search by e-mail address, but one by a key that is made of it."""

        def get_contact_by_email(self, email: str) -> object:  # type: ignore[override]
            return super().find_contact("key", f"mail:{email}")

    api.then([{"id": "7", "key": "mail:a@b.c"}]).then([])
    crm = OwnConsumer({"base_url": api.url, "find": {"fields": ["key"]}})
    assert ask(crm, "get_contact_by_email", "a@b.c").id == "7"
    crm.close()


def test_a_token_that_runs_out_is_shared_through_the_key_store(api: Script) -> None:
    """The second process need not log in."""
    store, keys = MemoryKeyStore(), ["a-key-for-this-test-and-nothing-else"]
    declared = {
        "base_url": api.url,
        "auth": {"type": "login", "url": "/login", "body": {"who": "me"}, "token": "token"},
    }
    api.then({"token": "t"}).then({"id": "7"}).then({"id": "7"})
    for _ in range(2):
        crm = RestConsumer(declared, key_store=store, secret_keys=keys)
        assert crm.get_contact("7").success
        crm.close()
    assert [call.path for call in api.calls] == ["/login", "/contacts/7", "/contacts/7"]
    assert [call.headers.get("Authorization") for call in api.calls] == [None, "Bearer t", "Bearer t"]


def test_a_consumer_shows_nothing_of_its_declaration(api: Script) -> None:
    crm = api.consumer("auth: {type: bearer, token: top-secret}\nheaders: {X-Key: top-secret}")
    assert "top-secret" not in f"{crm!r}{vars(crm)!r}{crm._declared!r}"
