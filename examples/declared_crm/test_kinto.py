"""Kinto as it is declared: the suite that proves a consumer, and what is particular to Kinto."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app import HERE
from contact_sync.consumer import Changes, ask, ask_many, changes
from contact_sync.consumers.rest import RestConsumer
from contact_sync.testing import ConsumerContract
from kinto_server import environment

DECLARATION = HERE / "kinto.yaml"
QUICK = "\ntimeouts: {connect: 1, read: 1, total: 3}\n"


class TestKinto(ConsumerContract):
    """Everything that is expected of a consumer, against a real server."""

    text_field = "first_name"
    missing_id = "9e83aa09-cfd7-457b-b227-aa76692d343a"

    @pytest.fixture
    def consumer(self, kinto: dict[str, str]) -> Iterator[RestConsumer]:
        consumer = RestConsumer.from_file(DECLARATION, environ=kinto)
        yield consumer
        consumer.close()

    @pytest.fixture
    def crm_url(self, kinto: dict[str, str]) -> str:
        return kinto["KINTO_SERVER"].removesuffix("/v1")

    def consumer_at(self, url: str) -> RestConsumer:
        return RestConsumer.from_yaml(DECLARATION.read_text() + QUICK, environ=environment(f"{url}/v1"))


@pytest.fixture
def crm(empty_kinto: dict[str, str]) -> Iterator[RestConsumer]:
    crm = RestConsumer.from_file(DECLARATION, environ=empty_kinto)
    yield crm
    crm.close()


def told(crm: RestConsumer, cursor: str | None) -> tuple[list[Mapping[str, Any]], list[str], str | None]:
    """The contacts and the ids of deleted ones that a pull would be told, and the cursor for the next one."""
    contacts: list[Mapping[str, Any]] = []
    deleted: list[str] = []
    for page in changes(crm, cursor):
        assert isinstance(page, Changes), page
        contacts += page.contacts
        deleted += page.deleted
        cursor = page.cursor
    return contacts, deleted, cursor


def test_what_changes_and_what_is_deleted_is_told_once(crm: RestConsumer) -> None:
    ann, bea = (str(crm.create_contact({"email": f"{name}@example.com"}).id) for name in ("ann", "bea"))
    everything, _, cursor = told(crm, None)
    assert sorted(contact["id"] for contact in everything) == sorted([ann, bea])
    crm.update_contact({"id": ann, "first_name": "Ann"})
    crm.delete_contact(bea)
    contacts, deleted, cursor = told(crm, cursor)
    assert ([contact["first_name"] for contact in contacts], deleted) == (["Ann"], [bea])
    assert told(crm, cursor) == ([], [], cursor)


def test_an_email_that_looks_like_json_is_found_as_text(crm: RestConsumer) -> None:
    for email in ("123", "null", "true", '"quoted"', "[1]"):
        created = crm.create_contact({"email": email})
        assert crm.get_contact_by_email(email).id == created.id


def test_a_contact_is_found_by_its_phone_number(crm: RestConsumer) -> None:
    created = crm.create_contact({"email": "ann@example.com", "phone": "+33612345678"})
    crm.create_contact({"email": "bea@example.com", "phone": "+33612345679"})
    assert crm.find_contact("phone", "+33612345678").id == created.id


def test_a_batch_is_one_call_and_a_missing_record_in_it_stops_no_other(crm: RestConsumer) -> None:
    made = ask_many(crm, "create_contacts", [{"email": f"c{n}@example.com"} for n in range(25)])
    ids = [str(result.id) for result in made]
    assert len(set(ids)) == 25
    crm.delete_contact(ids[1])
    results = ask_many(crm, "update_contacts", [{"id": id, "first_name": "New"} for id in ids[:3]])
    assert [(result.success, result.not_found) for result in results] == [(True, False), (False, True), (True, False)]


def test_a_missing_collection_is_no_missing_record(empty_kinto: dict[str, str]) -> None:
    elsewhere = DECLARATION.read_text().replace("collections/contacts", "collections/elsewhere")
    crm = RestConsumer.from_yaml(elsewhere, environ=empty_kinto)
    assert ask(crm, "get_contact", "ann").error == "read: the API answered HTTP 404, code 111"
    assert not ask(crm, "list_contacts").success
    crm.close()


def test_a_wrong_password_is_a_failure_that_does_not_show_it(empty_kinto: dict[str, str]) -> None:
    crm = RestConsumer.from_file(DECLARATION, environ={**empty_kinto, "KINTO_PASSWORD": "not-the-right-one"})
    assert ask(crm, "get_contact", "ann").error == "read: the API answered HTTP 401, code 104"
    crm.close()
