"""The platform's contacts, one at a time, to the CRM: claim, create, update, delete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import Result
from contact_sync.testing import MemoryConsumer
from key_stores import Baselines, KeyStore, MemoryKeyStore
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import TOKEN, World, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


@pytest.fixture
def world(store: KeyStore) -> World:
    return make_world(store=store)


@pytest.fixture
def plain() -> World:
    return make_world()


def test_a_contact_lives_its_life_on_every_store(world: World) -> None:
    assert world.event("contact_created", ANA)["data"] == {"success": True, "id": "1", "action": "created"}
    assert world.event("contact_updated", {"id": 7, "firstname": "Bea"})["data"]["action"] == "updated"
    assert world.crm.records["1"]["first_name"] == "Bea"
    assert world.crm.records["1"]["email_address"] == "ana@example.org"
    assert world.event("contact_deleted", {"id": 7})["data"] == {"success": True, "id": "1", "action": "deleted"}
    assert world.crm.records == {}
    assert world.external_id("7") is None


@pytest.mark.parametrize("name", ["contact_created", "contact_updated"])
def test_a_late_event_does_not_bring_a_deleted_contact_back(world: World, name: str) -> None:
    world.event("contact_created", ANA)
    world.event("contact_deleted", {"id": 7})
    answer = world.event(name, ANA)["data"]
    assert (answer["success"], answer["action"]) == (True, "skipped")
    assert world.crm.records == {}


def nothing_new(world: World) -> str:
    """What comes of an event that says nothing new; without a memory of what was agreed, it is written again."""
    return "unchanged" if isinstance(world.store, Baselines) else "updated"


def test_an_update_that_overtakes_its_create_makes_one_record(world: World) -> None:
    assert world.event("contact_updated", ANA)["data"]["action"] == "created"
    assert world.event("contact_created", ANA)["data"]["action"] == nothing_new(world)
    assert len(world.crm.records) == 1


def test_a_delete_that_overtakes_its_create_wins(world: World) -> None:
    deleted = world.event("contact_deleted", {"id": 7})["data"]
    assert deleted == {"success": True, "action": "skipped", "reason": "this contact is not paired"}
    assert world.event("contact_created", ANA)["data"]["action"] == "skipped"
    assert world.crm.calls == []


def test_fifty_copies_of_one_event_at_once_make_one_record(world: World) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.event("contact_created", ANA)["data"]["action"], range(50)))
    assert len(world.crm.records) == 1
    assert set(answers) == {"created", nothing_new(world)}
    assert answers.count("created") == 1


def test_two_contacts_with_one_email_at_once_make_one_record_and_one_clear_failure(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda id: world.event("contact_created", ANA | {"id": id})["data"], [7, 8]))
    assert len(world.crm.records) == 1
    assert sorted(answer["success"] for answer in answers) == [False, True]
    failure = next(answer for answer in answers if not answer["success"])
    assert failure["error"] == "ambiguous match"
    assert "is already paired with contact" in failure["reason"]


def test_clears_travel_and_absent_fields_stay(plain: World) -> None:
    plain.event("contact_created", ANA | {"phone": "0612"})
    plain.event("contact_updated", {"id": 7, "phone": None})
    assert plain.crm.records["1"]["phone_number"] is None
    assert plain.crm.records["1"]["first_name"] == "Ana"


def test_empty_fields_are_left_out_of_a_new_record(plain: World) -> None:
    plain.event("contact_created", ANA | {"phone": "", "firstname": None})
    assert plain.crm.records["1"] == {"ref": "1", "email_address": "ana@example.org"}


def test_the_id_row_is_taken_out_before_a_create_and_set_before_an_update() -> None:
    seen: list[dict[str, Any]] = []

    class Crm(MemoryConsumer):
        def create_contact(self, contact: dict[str, Any]) -> Any:
            seen.append(dict(contact))
            return super().create_contact(contact)

        def update_contact(self, contact: dict[str, Any]) -> Any:
            seen.append(dict(contact))
            return super().update_contact(contact)

    world = make_world(crm=Crm(id_field="ref", email_field="email_address"))
    world.event("contact_created", {"id": 7, "firstname": "Ana"})
    world.event("contact_updated", {"id": 7, "firstname": "Bea"})
    assert seen == [{"first_name": "Ana"}, {"ref": "1", "first_name": "Bea"}]


def test_an_id_field_inside_an_object_is_read_and_set() -> None:
    mapper = Mapper([Row("id", "meta.key", id=True), Row("firstname", "properties.first")])
    seen: list[dict[str, Any]] = []

    class Crm(MemoryConsumer):
        def update_contact(self, contact: dict[str, Any]) -> Any:
            seen.append(contact)
            return Result.ok()

    world = make_world(crm=Crm(), mapper=mapper)
    world.pair("7", "k1")
    world.event("contact_updated", {"id": 7, "firstname": "Bea"})
    assert seen == [{"meta": {"key": "k1"}, "properties": {"first": "Bea"}}]
    assert world.sync.create_contact({"meta": {"key": "k2"}, "properties": {"first": "Zoe"}}, TOKEN).success
    assert list(world.platform.contacts.values()) == [{"firstname": "Zoe"}]


def test_a_create_that_answers_no_id_is_a_clear_failure(plain: World) -> None:
    plain.crm.fail_next(Result.ok(), method="create_contact")
    assert plain.event("contact_created", ANA)["data"] == {
        "success": False,
        "error": "the record was created, but the answer has no id to pair it with",
    }


def test_an_update_of_a_record_that_is_gone_says_so(plain: World) -> None:
    plain.pair("7", "e9")
    assert plain.event("contact_updated", ANA)["data"] == {
        "success": True,
        "action": "skipped",
        "reason": "the paired record e9 is gone; it counts as deleted",
    }


def test_a_record_that_is_gone_already_is_as_good_as_deleted(plain: World) -> None:
    plain.pair("7", "e9")
    assert plain.event("contact_deleted", {"id": 7})["data"]["action"] == "deleted"
    assert plain.external_id("7") is None


def test_a_delete_that_fails_keeps_the_pair_so_that_it_can_be_sent_again(plain: World) -> None:
    plain.event("contact_created", ANA)
    plain.crm.fail_next(Result.failed("locked"), method="delete_contact")
    assert plain.event("contact_deleted", {"id": 7})["data"]["success"] is False
    assert plain.external_id("7") == "1"
    assert plain.event("contact_deleted", {"id": 7})["data"]["action"] == "deleted"


def test_a_new_records_pair_is_saved_before_anything_else_can_fail() -> None:
    """Also if the worker breaks down right after the create: the store has the pair, and the next event updates."""
    seen: list[str] = []

    class Noting(MemoryKeyStore):
        def record(self, *args: Any, **kwargs: Any) -> bool:
            seen.append("pair" if args[3:] and args[3] else "release")
            return super().record(*args, **kwargs)

    world = make_world(store=Noting())
    world.crm.before("create_contact", lambda contact: seen.append("create"))
    world.event("contact_created", ANA)
    assert seen == ["create", "pair", "release"]


def test_a_value_that_does_not_fit_its_row_fails_without_repeating_it() -> None:
    world = make_world(mapper=Mapper([Row("id", "ref", id=True), Row("age", "age", type="number")]))
    answer = world.event("contact_created", {"id": 7, "age": "not a number"})["data"]
    assert answer["success"] is False
    assert "age" in answer["error"]
    assert "not a number" not in str(answer)
    assert world.crm.records == {}


# Stores and claims that fail


def test_a_consumer_may_answer_in_nodes_shape_with_a_number_as_id(plain: World) -> None:
    plain.crm.fail_next({"success": True, "id": 42}, method="create_contact")
    assert plain.event("contact_created", ANA)["data"] == {"success": True, "id": "42", "action": "created"}
    assert plain.external_id("7") == "42"


@pytest.mark.parametrize("text", ["75001", "0612", "true", "null", "1e5", "12345678901234567890", '"quoted"'])
def test_text_that_looks_like_something_else_stays_text_on_both_ways(plain: World, text: str) -> None:
    plain.event("contact_created", ANA | {"phone": text})
    assert plain.crm.records["1"]["phone_number"] == text
    plain.sync.create_contact({"ref": "9", "phone_number": text}, TOKEN)
    assert plain.platform.contacts["501"]["phone"] == text
