"""Contacts that are not paired yet: looked up by their match values, adopted, ambiguous, filled up."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import NOT_FOUND, ExternalAPIConsumer, Result
from contact_sync.testing import MemoryConsumer
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import Searchless, World, crm_with, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


@pytest.fixture
def plain() -> World:
    return make_world()


def test_an_unknown_contact_adopts_the_record_with_its_email_and_blanks_are_filled_on_both_sides() -> None:
    record = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612", "first_name": "A."}
    world = make_world(crm=crm_with(record))
    world.platform.contacts["7"] = {"email": "ana@example.org", "firstname": "Ana"}
    answer = world.event("contact_created", ANA | {"phone": ""})["data"]
    assert answer == {"success": True, "id": "e1", "action": "adopted"}
    assert world.crm.records == {"e1": record | {"first_name": "Ana"}}
    assert world.platform.contacts["7"] == {"email": "ana@example.org", "firstname": "Ana", "phone": "0612"}
    assert world.external_id("7") == "e1"


def test_adopting_writes_nothing_to_the_platform_when_it_has_everything() -> None:
    world = make_world(crm=crm_with({"ref": "e1", "email_address": "ana@example.org"}))
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"
    assert world.platform.calls == []


def test_several_records_with_one_email_are_an_ambiguous_match_that_names_them() -> None:
    email = {"email_address": "ana@example.org"}
    world = make_world(crm=crm_with({"ref": "e1"} | email, {"ref": "e2"} | email))
    answer = world.event("contact_created", ANA)["data"]
    assert answer == {
        "success": False,
        "error": "ambiguous match",
        "action": "held",
        "reason": "'email' fits the records e1, e2",
    }
    assert world.external_id("7") is None
    assert set(world.crm.records) == {"e1", "e2"}


def test_match_rows_are_tried_in_order() -> None:
    mapper = Mapper(
        [
            Row("id", "ref", id=True),
            Row("work_email", "work", match=True),
            Row("email", "email_address", match=True),
            Row("phone", "phone_number", match=True),
        ]
    )
    asked: list[tuple[str, str]] = []

    class Crm(MemoryConsumer):
        def find_contact(self, field: str, value: str) -> Any:
            asked.append((field, value))
            return super().find_contact(field, value)

    crm = Crm([{"ref": "e1", "email_address": "home@example.org"}], id_field="ref", email_field="email_address")
    world = make_world(crm=crm, mapper=mapper)
    contact = {"id": 7, "email": "home@example.org", "work_email": "work@example.org", "phone": "0612"}
    assert world.event("contact_created", contact)["data"]["action"] == "adopted"
    assert asked == [("work", "work@example.org"), ("email_address", "home@example.org")]


def test_a_match_value_that_is_no_address_is_not_looked_up_by_email() -> None:
    mapper = Mapper([Row("id", "ref", id=True), Row("phone", "phone_number", match=True)])
    world = make_world(mapper=mapper)
    assert world.event("contact_created", {"id": 7, "phone": "0612"})["data"]["action"] == "created"
    assert [call.method for call in world.crm.calls] == ["find_contact", "create_contact"]


def test_nodes_rows_match_by_the_row_named_email() -> None:
    rows: list[dict[str, Any]] = [
        {"id": True, "botmatic": {"name": "id"}, "ext": {"name": "ref"}},
        {"botmatic": {"name": "email"}, "ext": {"name": "email_address"}},
    ]
    world = make_world(mapper=rows, crm=crm_with({"ref": "e1", "email_address": "ana@example.org"}))
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"


def searchless() -> World:
    """A world whose CRM has Ana's record, with a phone number, and does not find it."""
    record = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}
    world = make_world(crm=Searchless([record], id_field="ref", email_field="email_address", unique_email=True))
    world.platform.contacts["7"] = {"email": "ana@example.org", "firstname": "Ana"}
    return world


def test_already_exists_with_an_id_is_adopted_and_blanks_are_filled_on_both_sides() -> None:
    world = searchless()
    answer = world.event("contact_created", ANA | {"phone": None})["data"]
    assert answer == {"success": True, "id": "e1", "action": "adopted"}
    assert world.crm.records["e1"] == {
        "ref": "e1",
        "email_address": "ana@example.org",
        "phone_number": "0612",
        "first_name": "Ana",
    }
    assert world.platform.contacts["7"]["phone"] == "0612"
    assert world.external_id("7") == "e1"


def test_a_record_that_exists_already_and_cannot_be_read_for_now_is_adopted_later() -> None:
    world = searchless()
    world.crm.fail_next(TimeoutError(), method="get_contact")
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    assert world.external_id("7") is None
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"
    assert world.platform.contacts["7"]["phone"] == "0612"


def test_a_record_that_exists_already_and_can_never_be_read_is_adopted_as_it_is() -> None:
    world = searchless()
    world.crm.fail_next(Result.failed("forbidden"), method="get_contact")
    assert world.event("contact_created", ANA | {"phone": ""})["data"]["action"] == "adopted"
    assert world.crm.records["e1"]["phone_number"] == "0612"
    assert world.platform.calls == []


def test_a_refusal_for_now_is_not_taken_for_already_exists() -> None:
    world = searchless()
    world.crm.fail_next(Result.failed("busy", id="e1", retryable=True), method="create_contact")
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    assert world.external_id("7") is None


def test_already_exists_for_a_record_that_is_paired_with_another_contact_takes_nothing_away() -> None:
    world = make_world(crm=crm_with(unique_email=True))
    world.event("contact_created", ANA)
    answer = world.event("contact_created", ANA | {"id": 8})["data"]
    assert (answer["success"], answer["error"]) == (False, "ambiguous match")
    assert (world.external_id("7"), world.external_id("8")) == ("1", None)


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (Result.ok(), "the look-up by 'email' succeeded without a record that has an id"),
        (Result.ok(contact={"first_name": "x"}), "the look-up by 'email' succeeded without a record that has an id"),
        (Result.ok(contacts=[{}]), "the look-up by 'email' succeeded without a record that has an id"),
        (Result.failed("forbidden"), "forbidden"),
        ({"succes": True}, "MemoryConsumer.find_contact returned"),
        (None, "MemoryConsumer.find_contact returned nothing"),
        (ValueError("ana@example.org"), "MemoryConsumer.find_contact raised ValueError"),
    ],
)
def test_a_look_up_that_fails_creates_nothing(plain: World, found: Any, error: str) -> None:
    plain.crm.fail_next(found, method="get_contact_by_email")
    answer = plain.event("contact_created", ANA)["data"]
    assert answer["error"].startswith(error)
    assert plain.crm.records == {}
    assert plain.external_id("7") is None


def test_a_look_up_that_gives_an_empty_list_has_found_nothing(plain: World) -> None:
    plain.crm.fail_next(Result.ok(contacts=[]), method="get_contact_by_email")
    assert plain.event("contact_created", ANA)["data"]["action"] == "created"


def test_an_adoption_that_fails_for_now_is_repeated_and_clears_nothing() -> None:
    """Were the next try an update of the pair, the event's empty phone would clear the CRM's."""
    world = make_world(crm=crm_with({"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}))
    world.platform.contacts["7"] = {}
    event = {"event": "contact_created", "data": ANA | {"phone": ""}}
    world.crm.fail_next(Result.failed("locked", retryable=True), method="update_contact")
    assert world.post(event).status_code == 503
    world.platform.fail("update_contact", Result.failed("unreachable", retryable=True))
    assert world.post(event).status_code == 503
    assert world.external_id("7") == "e1"  # so that nothing else is made of the record meanwhile
    assert world.post(event).get_json()["data"] == {"success": True, "id": "e1", "action": "adopted"}
    assert world.crm.records["e1"]["phone_number"] == "0612"
    assert world.platform.contacts["7"] == {"phone": "0612"}
    assert world.external_id("7") == "e1"


def test_an_adoption_whose_blanks_cannot_be_filled_for_good_says_so_and_keeps_the_pair() -> None:
    world = make_world(crm=crm_with({"ref": "e1", "email_address": "ana@example.org", "phone_number": "x"}))
    world.platform.fail("update_contact", Result.failed("update contact: HTTP 422"))
    assert world.event("contact_created", ANA)["data"] == {
        "success": False,
        "error": "update contact: HTTP 422",
        "reason": "the blanks of the contact 7 could not be filled from e1",
    }
    assert world.external_id("7") == "e1"


def test_an_adoption_that_middleware_stops_leaves_both_sides_alone() -> None:
    world = make_world(crm=crm_with({"ref": "e1", "email_address": "ana@example.org"}))
    world.sync.middleware("send", lambda change, next: Result.skipped("not on Sundays"))
    assert world.event("contact_created", ANA)["data"]["reason"] == "not on Sundays"
    assert world.external_id("7") is None
    assert world.crm.records == {"e1": {"ref": "e1", "email_address": "ana@example.org"}}


def test_an_adopted_record_that_is_gone_meanwhile_is_a_failure_that_says_so(plain: World) -> None:
    plain.crm.fail_next(Result.ok(contact={"ref": "e1"}), method="get_contact_by_email")
    assert plain.event("contact_created", ANA)["data"] == {
        "success": False,
        "error": NOT_FOUND,
        "reason": "the record e1 was not adopted",
    }
    assert plain.external_id("7") is None


@pytest.mark.parametrize("email", ["Ana@Example.ORG", " ana@example.org ", "ana@example.org"])
def test_a_match_row_with_a_transform_is_looked_up_as_the_crm_writes_it(email: str) -> None:
    class Exact(MemoryConsumer):
        """A CRM whose look-up minds the case."""

        def get_contact_by_email(self, email: str) -> Any:
            found = [record for record in self.records.values() if record["email_address"] == email]
            return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    mapper = Mapper([Row("id", "ref", id=True), Row("email", "email_address", match=True, transform="lowercase")])
    crm = Exact([{"ref": "e1", "email_address": "ana@example.org"}], id_field="ref", email_field="email_address")
    world = make_world(crm=crm, mapper=mapper)
    assert world.event("contact_created", {"id": 7, "email": email.strip()})["data"]["action"] == "adopted"
    assert len(crm.records) == 1


def test_a_look_up_that_gives_somebody_else_overwrites_nobody() -> None:
    class Fuzzy(MemoryConsumer):
        """A CRM that finds what looks alike."""

        def get_contact_by_email(self, email: str) -> Any:
            return Result.ok(contact={"ref": "e1", "email_address": "bob@example.org"})

    crm = Fuzzy([{"ref": "e1", "email_address": "bob@example.org"}], id_field="ref", email_field="email_address")
    world = make_world(crm=crm)
    assert world.event("contact_created", {"id": 7, "email": "alice@example.org"})["data"] == {
        "success": False,
        "error": "ambiguous match",
        "action": "held",
        "reason": "the look-up by 'email' gave the record e1, which has another value",
    }
    assert crm.records["e1"]["email_address"] == "bob@example.org"


@pytest.mark.parametrize("value", ["@ana", "ana@", "a b@c", "ana"])
def test_what_only_looks_like_an_address_is_not_looked_up(value: str) -> None:
    class ByEmailAlone(MemoryConsumer):
        find_contact = ExternalAPIConsumer.find_contact

    world = make_world(crm=ByEmailAlone(id_field="ref", email_field="email_address"))
    assert world.event("contact_created", {"id": 7, "email": value})["data"]["action"] == "created"
    assert "get_contact_by_email" not in {call.method for call in world.crm.calls}
