"""Datasette as it is declared: the suite that proves a consumer, and what is particular to Datasette."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from app import HERE
from contact_sync.consumer import EXISTS, TURNED_DOWN, ask, ask_many
from contact_sync.consumers.rest import RestConsumer
from contact_sync.testing import ConsumerContract
from servers import datasette_environment

DECLARATION = HERE / "datasette.yaml"
QUICK = "\ntimeouts: {connect: 1, read: 1, total: 3}\n"


@pytest.fixture(scope="module")
def shared(datasette: dict[str, str]) -> Iterator[RestConsumer]:
    """One consumer for all tests."""
    shared = RestConsumer.from_file(DECLARATION, environ=datasette)
    yield shared
    shared.close()


class TestDatasette(ConsumerContract):
    """Everything that is expected of a consumer, against a real server."""

    text_field = "first_name"
    missing_id = "999999999"
    tells_deletes = False
    edits = 6  # it is slow

    @pytest.fixture
    def consumer(self, shared: RestConsumer) -> RestConsumer:
        return shared

    def consumer_at(self, url: str) -> RestConsumer:
        return RestConsumer.from_yaml(DECLARATION.read_text() + QUICK, environ=datasette_environment(url))


@pytest.fixture
def crm(empty_datasette: dict[str, str], shared: RestConsumer) -> RestConsumer:
    """The consumer, and no contacts."""
    return shared


def test_an_address_is_found_in_whatever_case_it_is_written(crm: RestConsumer) -> None:
    created = crm.create_contact({"email": "Ann@example.com"})
    assert crm.get_contact_by_email("ANN@example.com").id == created.id


def test_a_second_record_with_an_address_exists_already(crm: RestConsumer) -> None:
    assert crm.create_contact({"email": "ann@example.com"}).success
    again = crm.create_contact({"email": "Ann@example.com"})
    assert (again.success, again.retryable, again.reason) == (False, False, EXISTS)


def test_an_id_is_not_used_twice(crm: RestConsumer) -> None:
    """An old id of the sync's would be somebody else's then."""
    first = str(crm.create_contact({"email": "ann@example.com"}).id)
    assert crm.delete_contact(first).success
    assert crm.create_contact({"email": "bea@example.com"}).id != first


def test_a_batch_is_done_whole_or_not_at_all(crm: RestConsumer) -> None:
    contacts = [{"email": f"{name}@example.com"} for name in ("ann", "bea", "ann")]
    assert {result.reason for result in ask_many(crm, "create_contacts", contacts)} == {TURNED_DOWN}
    assert crm.list_contacts().contacts == []
    made = ask_many(crm, "create_contacts", contacts[:2])
    assert [dict(result.contact or {})["email"] for result in made] == ["ann@example.com", "bea@example.com"]


def test_a_missing_table_is_no_missing_record(datasette: dict[str, str]) -> None:
    elsewhere = DECLARATION.read_text().replace("/crm/contacts", "/crm/elsewhere")
    with closing(RestConsumer.from_yaml(elsewhere, environ=datasette)) as crm:
        assert ask(crm, "get_contact", "1").error == "read: the API answered HTTP 404"


def test_a_wrong_token_is_a_failure(datasette: dict[str, str]) -> None:
    with closing(RestConsumer.from_file(DECLARATION, environ={**datasette, "DATASETTE_TOKEN": "dstok_wrong"})) as crm:
        assert ask(crm, "get_contact", "1").error == "read: the API answered HTTP 401"
