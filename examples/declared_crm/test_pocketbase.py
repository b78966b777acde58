"""PocketBase as it is declared: the suite that proves a consumer, and what is particular to PocketBase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from app import HERE
from contact_sync.consumer import EXISTS, TURNED_DOWN, ask, ask_many
from contact_sync.consumers.rest import RestConsumer
from contact_sync.testing import ConsumerContract
from servers import pocketbase_environment

DECLARATION = HERE / "pocketbase.yaml"
QUICK = "\ntimeouts: {connect: 1, read: 1, total: 3}\n"


@pytest.fixture(scope="module")
def shared(pocketbase: dict[str, str]) -> Iterator[RestConsumer]:
    """One consumer for all tests: each would log in."""
    shared = RestConsumer.from_file(DECLARATION, environ=pocketbase)
    yield shared
    shared.close()


class TestPocketBase(ConsumerContract):
    """Everything that is expected of a consumer, against a real server."""

    text_field = "first_name"
    missing_id = "a0a0a0a0a0a0a0a"
    tells_deletes = False

    @pytest.fixture
    def consumer(self, shared: RestConsumer) -> RestConsumer:
        return shared

    def consumer_at(self, url: str) -> RestConsumer:
        return RestConsumer.from_yaml(DECLARATION.read_text() + QUICK, environ=pocketbase_environment(url))


@pytest.fixture
def crm(empty_pocketbase: dict[str, str], shared: RestConsumer) -> RestConsumer:
    """The consumer, and no contacts."""
    return shared


def test_an_address_is_found_in_whatever_case_it_is_written(crm: RestConsumer) -> None:
    created = crm.create_contact({"email": "Ann@example.com"})
    crm.create_contact({"email": "joann@example.com"})
    assert crm.get_contact_by_email("ANN@example.com").id == created.id


def test_a_second_record_with_an_address_exists_already(crm: RestConsumer) -> None:
    assert crm.create_contact({"email": "ann@example.com"}).success
    again = crm.create_contact({"email": "Ann@example.com"})
    assert (again.success, again.retryable, again.reason) == (False, False, EXISTS)


def test_a_batch_is_done_whole_or_not_at_all(crm: RestConsumer) -> None:
    contacts = [{"email": f"{name}@example.com"} for name in ("ann", "bea", "ann")]
    assert {result.reason for result in ask_many(crm, "create_contacts", contacts)} == {TURNED_DOWN}
    assert crm.list_contacts().contacts == []
    assert all(result.success for result in ask_many(crm, "create_contacts", contacts[:2]))


def test_a_missing_collection_is_no_missing_record(pocketbase: dict[str, str]) -> None:
    elsewhere = DECLARATION.read_text().replace("collections/contacts", "collections/elsewhere")
    with closing(RestConsumer.from_yaml(elsewhere, environ=pocketbase)) as crm:
        assert ask(crm, "get_contact", "a0a0a0a0a0a0a0a").error == "read: the API answered HTTP 404"


def test_a_wrong_password_is_a_failure_that_says_so_and_does_not_show_it(pocketbase: dict[str, str]) -> None:
    environ = {**pocketbase, "POCKETBASE_PASSWORD": "not-the-right-one"}
    with closing(RestConsumer.from_file(DECLARATION, environ=environ)) as crm:
        assert ask(crm, "get_contact", "a0a0a0a0a0a0a0a").error == (
            "the server that gives tokens gave none (HTTP 400): the log-in is refused; check the credentials in body"
        )
