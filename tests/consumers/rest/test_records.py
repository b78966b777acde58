"""How a contact is sent, and how the record that is answered is read."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumer import CANNOT_CLEAR, ask
from contact_sync.consumers.rest import RestConsumer

from .script import Script

ANN = {"id": "7", "email": "ann@example.com"}


def sent(api: Script) -> Any:
    """The body of the last call."""
    return api.calls[-1].body


class TestAnOrdinaryApi:
    """With a base URL and nothing else."""

    def test_each_method_has_its_verb_and_its_address(self, api: Script) -> None:
        crm = api.consumer()
        for answer in (ANN, ANN, ANN, [ANN], [], [ANN], b""):
            api.then(answer)
        created = crm.create_contact({"email": "ann@example.com"})
        assert (created.success, created.id, created.contact) == (True, "7", ANN)
        assert crm.get_contact("7").contact == ANN
        assert crm.update_contact({"id": "7", "email": "ann@example.com"}).contact == ANN
        assert crm.get_contact_by_email("ann@example.com").id == "7"
        assert crm.list_contacts().contacts == [ANN]
        assert crm.delete_contact("7").success
        assert [(call.verb, call.path, call.query, call.body) for call in api.calls] == [
            ("POST", "/contacts", {}, {"email": "ann@example.com"}),
            ("GET", "/contacts/7", {}, None),
            ("PATCH", "/contacts/7", {}, {"email": "ann@example.com"}),
            ("GET", "/contacts", {"email": "ann@example.com", "page": "1", "limit": "100"}, None),
            ("GET", "/contacts", {"email": "ann@example.com", "page": "2", "limit": "100"}, None),
            ("GET", "/contacts", {"page": "1", "limit": "30"}, None),
            ("DELETE", "/contacts/7", {}, None),
        ]

    def test_what_cannot_be_written_is_never_sent(self, api: Script) -> None:
        contact = {"id": "7", "made": "now", "p": {"score": 5, "x": 1}}
        crm = api.consumer(
            "record: {read_only: [made, p.score]}\n"
            "create_many: {path: /many, size: 5, body: {all: '{contacts}'}, results: all}"
        )
        api.then(ANN).then(ANN).then({"all": [ANN, ANN]})
        assert crm.create_contact(contact).success
        assert sent(api) == {"p": {"x": 1}}
        assert crm.update_contact(contact).success
        assert sent(api) == {"p": {"x": 1}}
        crm.create_contacts([contact, contact])
        assert sent(api) == {"all": [{"p": {"x": 1}}] * 2}
        assert contact["made"] == "now"

    def test_arguments_and_the_declaration_are_left_alone(self, api: Script) -> None:
        declaration = {"base_url": api.url, "record": {"dates": {"born": "%d.%m.%Y"}}, "headers": {"X-A": "1"}}
        contact = {"id": "7", "born": "1990-02-09", "p": {"q": None}}
        crm = RestConsumer(declaration)
        api.then(ANN)
        crm.update_contact(contact)
        crm.close()
        assert contact == {"id": "7", "born": "1990-02-09", "p": {"q": None}}
        assert declaration == {"base_url": api.url, "record": {"dates": {"born": "%d.%m.%Y"}}, "headers": {"X-A": "1"}}

    def test_headers_go_along_with_each_call(self, api: Script) -> None:
        api.then(ANN)
        api.consumer("headers: {X-Version: '3'}\nread: {path: '/contacts/{id}', headers: {X-Own: y}}").get_contact("7")
        headers = api.calls[0].headers
        assert (headers["X-Version"], headers["X-Own"]) == ("3", "y")


class TestWrapping:
    """`wrap`, `body`, and where the answer holds the record."""

    def test_a_path_puts_the_contact_there(self, api: Script) -> None:
        api.then({"data": {"person": ANN}})
        crm = api.consumer("record: {wrap: data.person, item: data.person}")
        assert crm.create_contact({"email": "ann@example.com"}).contact == ANN
        assert sent(api) == {"data": {"person": {"email": "ann@example.com"}}}

    def test_a_template_holds_the_contact_and_what_else_the_api_wants(self, api: Script) -> None:
        api.then(ANN).then(ANN)
        crm = api.consumer("record: {wrap: {kind: person, n: 1, list: ['{contact}'], live: true}}\npath: /people")
        crm.update_contact({"id": "7", "name": "Ann"})
        assert sent(api) == {"kind": "person", "n": 1, "list": [{"name": "Ann"}], "live": True}

    def test_an_endpoint_can_have_a_body_and_a_place_of_its_own(self, api: Script) -> None:
        api.then({"row": ANN})
        crm = api.consumer(
            "record: {item: data}\nupdate: {verb: POST, path: /save, body: {id: '{id}', set: '{contact}'}, item: row}"
        )
        assert crm.update_contact({"id": "7", "name": "Ann"}).contact == ANN
        assert sent(api) == {"id": "7", "set": {"name": "Ann"}}

    def test_fields_can_lie_one_level_below_the_id(self, api: Script) -> None:
        """As in JSON:API. A field that is called `id` gives way to the record's."""
        api.then({"data": {"id": 7, "attributes": {"email": "ann@example.com", "id": "x"}}})
        crm = api.consumer("record: {item: data, fields: attributes, wrap: {data: {attributes: '{contact}'}}}")
        assert crm.get_contact("7").contact == {"id": 7, "email": "ann@example.com"}

    def test_the_id_can_lie_deeper(self, api: Script) -> None:
        api.then({"meta": {"uid": "7"}, "email": "a"}).then({"meta": {"uid": "7"}, "email": "a"})
        crm = api.consumer("record: {id: meta.uid}")
        assert crm.get_contact("7").contact == {"meta": {"uid": "7"}, "email": "a"}
        assert crm.update_contact({"meta": {"uid": "7"}, "email": "b"}).id == "7"
        assert (api.calls[-1].path, sent(api)) == ("/contacts/7", {"email": "b"})

    def test_a_create_may_be_answered_with_the_id_alone(self, api: Script) -> None:
        api.then({"result": {"id": 0}}).then({"result": {}}).then({"result": {"id": None}})
        crm = api.consumer("create: {id: result.id}")
        created = crm.create_contact({"email": "a"})
        assert (created.success, created.id, created.contact) == (True, "0", None)
        for _ in range(2):
            assert ask(crm, "create_contact", {}).error == "create: the answer holds no id; see create.id"

    def test_an_update_may_be_answered_with_nothing(self, api: Script) -> None:
        api.then(b"", 204).then({"ok": True})
        assert api.consumer().update_contact({"id": "7"}).success
        assert api.consumer("update: {item: false}").update_contact({"id": "7"}).success


class TestEmptyFields:
    """What clears a field."""

    @pytest.mark.parametrize(
        ("clear", "body"),
        [
            ("null", {"a": None, "b": "", "p": {"c": None, "d": 1}}),
            ("''", {"a": "", "b": "", "p": {"c": "", "d": 1}}),
            ("cannot", {"b": "", "p": {"d": 1}}),
        ],
    )
    def test_none_is_written_as_declared(self, api: Script, clear: str, body: object) -> None:
        api.then(ANN)
        crm = api.consumer(f"record: {{clear: {clear}}}")
        crm.update_contact({"id": "7", "a": None, "b": "", "p": {"c": None, "d": 1}})
        assert sent(api) == body

    def test_a_new_record_has_nothing_to_clear(self, api: Script) -> None:
        api.then(ANN)
        api.consumer().create_contact({"email": "a", "b": None, "c": 0, "d": False})
        assert sent(api) == {"email": "a", "c": 0, "d": False}

    def test_the_engine_is_told(self, api: Script) -> None:
        assert [api.consumer(f"record: {{clear: {clear}}}").clear_value for clear in ("null", "''", "cannot")] == [
            None,
            "",
            CANNOT_CLEAR,
        ]


class TestDates:
    """`dates`: contacts have them in ISO 8601, whatever the API writes."""

    @pytest.mark.parametrize(
        ("form", "wire", "inside"),
        [
            ("'%d/%m/%Y'", "09/02/1990", "1990-02-09"),
            ("epoch_s", 634550400, "1990-02-09T08:00:00.000Z"),
            ("epoch_ms", 634550400123, "1990-02-09T08:00:00.123Z"),
            ("'%Y-%m-%d %H:%M:%S'", "1990-02-09 08:00:00", "1990-02-09T08:00:00.000Z"),
        ],
    )
    def test_a_date_is_read_and_written_in_its_form(self, api: Script, form: str, wire: object, inside: str) -> None:
        record = {"id": "7", "p": {"born": wire}}
        api.then(record).then(record)
        crm = api.consumer(f"record: {{dates: {{p.born: {form}}}}}")
        contact = crm.get_contact("7").contact or {}
        assert contact["p"] == {"born": inside}
        crm.update_contact(dict(contact))
        assert sent(api) == {"p": {"born": wire}}

    @pytest.mark.parametrize("value", [None, "", "soon", True, {"y": 1}])
    def test_what_is_no_date_in_a_record_stays_as_it_is(self, api: Script, value: object) -> None:
        """The mapping judges it."""
        api.then({"id": "7", "born": value})
        assert api.consumer("record: {dates: {born: epoch_s}}").get_contact("7").contact == {"id": "7", "born": value}

    def test_what_is_no_date_in_a_contact_is_a_failure_that_does_not_repeat_it(self, api: Script) -> None:
        result = ask(api.consumer("record: {dates: {born: epoch_s}}"), "update_contact", {"id": "7", "born": "soon"})
        assert result.error == (
            "the field 'born' cannot be written as record.dates says: expected a datetime such as "
            "2018-02-09T12:44:26Z, got text of another form"
        )
        assert api.calls == []


class TestIds:
    """An id is only an id."""

    @pytest.mark.parametrize("id", ["", ".", "..", "\ud800"])
    def test_what_cannot_be_quoted_is_not_found_without_a_call(self, api: Script, id: str) -> None:
        crm = api.consumer()
        for result in (crm.get_contact(id), crm.update_contact({"id": id}), crm.delete_contact(id)):
            assert result.not_found
        assert api.calls == []

    def test_what_does_not_look_like_one_is_not_found_without_a_call(self, api: Script) -> None:
        crm = api.consumer("record: {id_pattern: '[0-9]+'}")
        for id in ("7a", "7\n", "-7"):
            assert crm.get_contact(id).not_found
        assert api.calls == []

    def test_any_other_is_quoted_whole(self, api: Script) -> None:
        api.then({"id": "a/../b?c#d%20é"})
        assert api.consumer().get_contact("a/../b?c#d%20é").success
        assert api.calls[0].path == "/contacts/a%2F..%2Fb%3Fc%23d%2520%C3%A9"

    @pytest.mark.parametrize("method", ["get_contact", "update_contact"])
    def test_the_record_of_another_id_is_a_failure(self, api: Script, method: str) -> None:
        api.then({"id": "8"})
        result = ask(api.consumer(), method, "7" if method == "get_contact" else {"id": "7"})
        name = "read" if method == "get_contact" else "update"
        assert result.error == f"{name}: the answer holds another record than the one that was asked for"

    def test_a_contact_without_an_id_cannot_be_updated(self, api: Script) -> None:
        result = api.consumer("record: {id: meta.uid}").update_contact({"name": "Ann"})
        assert result.error == "the contact has no id in its field 'meta.uid'"


class TestReadingFirst:
    """APIs that do not say that a record is missing, or that blank what they are not sent."""

    def test_a_record_that_is_missing_is_neither_updated_nor_deleted(self, api: Script) -> None:
        crm = api.consumer("update: {read_first: true}\ndelete: {read_first: true}")
        api.then({}, 404).then({}, 404)
        assert crm.update_contact({"id": "7"}).not_found
        assert crm.delete_contact("7").not_found
        assert [call.verb for call in api.calls] == ["GET", "GET"]

    def test_the_whole_record_is_sent_with_the_changes_in_it(self, api: Script) -> None:
        api.then({"id": "7", "a": 1, "p": {"x": 1, "y": 2}, "made": "then"}).then(ANN)
        crm = api.consumer("record: {read_only: [made]}\nupdate: {verb: PUT, whole: true}")
        crm.update_contact({"id": "7", "p": {"y": None}})
        assert [call.verb for call in api.calls] == ["GET", "PUT"]
        assert sent(api) == {"a": 1, "p": {"x": 1, "y": None}}

    def test_what_is_not_changed_goes_back_exactly_as_it_came(self, api: Script) -> None:
        """Null stays null where text empties a field, and what is no date stays what it is."""
        record = {"id": "7", "age": None, "p": {"born": "sometime", "seen": "03/04/1990", "x": None}, "name": "A"}
        crm = api.consumer(
            'record: {clear: "", dates: {p.born: "%d/%m/%Y", p.seen: "%d/%m/%Y"}}\nupdate: {verb: PUT, whole: true}'
        )
        api.then(record).then(record)
        assert crm.update_contact({"id": "7", "name": None}).success
        assert sent(api) == {"age": None, "p": {"born": "sometime", "seen": "03/04/1990", "x": None}, "name": ""}
        api.then(record).then(record)
        assert crm.update_contact({"id": "7", "p": {"born": "1990-02-09"}}).success
        assert sent(api) == {"age": None, "p": {"born": "09/02/1990", "seen": "03/04/1990", "x": None}, "name": "A"}

    def test_so_it_does_below_the_id(self, api: Script) -> None:
        record = {"data": {"id": "7", "attributes": {"a": None, "made": "then", "id": "of another kind"}}}
        api.then(record).then(record)
        crm = api.consumer(
            "record: {item: data, fields: attributes, read_only: [made], wrap: data}\nupdate: {whole: true}"
        )
        assert crm.update_contact({"id": "7", "b": 1}).success
        assert sent(api) == {"data": {"a": None, "id": "of another kind", "b": 1}}
