"""Many of the platform's contacts to a CRM that has batch calls: each as if it came alone, with few calls."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync import Change, Result
from contact_sync.consumer import ManyResults
from contact_sync.held import HeldContact
from contact_sync.testing import MemoryConsumer
from key_stores import KeyStore, MemoryKeyStore, open_key_store
from mappers import Mapping as Row
from tests.counting import CountingRelay
from tests.servers import Valkey
from tests.sync.batches import actions, batch_world, methods, names, people, save, save_each
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import ROWS, TOKEN, World


def held_in(world: World) -> list[HeldContact]:
    held = world.sync.held_contacts(TOKEN)
    assert isinstance(held, list)
    return held


def test_a_hundred_contacts_are_created_with_one_call_and_updated_with_one(store: KeyStore) -> None:
    world = batch_world(store=store)
    results = save(world, people(100))
    assert [(result.action, result.id) for result in results] == [("created", str(n)) for n in range(1, 101)]
    assert methods(world) == {"get_contact_by_email": 100, "create_contacts": 1}
    assert actions(save(world, people(100, name="Q"))) == ["updated"] * 100
    assert methods(world) == {"update_contacts": 1}
    assert names(world) == {str(n): f"Q{n}" for n in range(1, 101)}


def test_what_has_not_changed_is_not_written(able_store: KeyStore) -> None:
    world = batch_world(store=able_store)
    save(world, people(10))
    world.crm.calls.clear()
    given = [*people(5), *people(5, first=6, name="Q")]
    assert actions(save(world, given)) == ["unchanged"] * 5 + ["updated"] * 5
    assert methods(world) == {"update_contacts": 1}
    assert actions(save(world, given)) == ["unchanged"] * 10
    assert methods(world) == {}


def test_a_call_holds_as_many_as_the_crm_takes() -> None:
    world = batch_world(size=10)
    assert actions(save(world, people(21))) == ["created"] * 21
    assert methods(world) == {"get_contact_by_email": 21, "create_contacts": 2, "create_contact": 1}
    assert actions(save(world, people(25, name="Q"))) == ["updated"] * 21 + ["created"] * 4
    assert methods(world) == {
        "update_contacts": 2,
        "update_contact": 1,
        "get_contact_by_email": 4,
        "create_contacts": 1,
    }


def test_a_crm_without_batch_calls_is_written_to_one_by_one(store: KeyStore) -> None:
    world = batch_world(size=1, store=store)
    assert actions(save(world, people(3))) == ["created"] * 3
    assert methods(world) == {"get_contact_by_email": 3, "create_contact": 3}


def test_no_contacts_are_no_calls() -> None:
    world = batch_world()
    assert save(world, []) == []
    assert methods(world) == {}


# As if each came alone


def in_every_state(world: World) -> list[dict[str, Any]]:
    """Make a contact in each state that there is; gives what the platform tells of them next."""
    old = [{"id": str(n), "email": f"old{n}@example.org", "firstname": "Old"} for n in range(8)]
    save_each(world, old)
    world.event("contact_deleted", {"id": "4"})
    world.crm.delete_contact(str(world.external_id("5")))
    imported = world.sync.create_contact(
        {"ref": "77", "email_address": "echo@example.org", "first_name": "Echo"}, TOKEN
    )
    world.platform.contacts["adopts"] = {}
    world.crm.calls.clear()
    return [
        {"id": "new-1", "email": "new1@example.org", "firstname": "New"},
        old[0] | {"firstname": "Edited"},
        old[1],
        {"id": imported.id, "email": "echo@example.org", "firstname": "Echo"},
        {"id": "adopts", "email": "known@example.org", "phone": "0612"},
        {"id": "either", "email": "twice@example.org"},
        old[4] | {"firstname": "Late"},
        old[5] | {"firstname": "Missing"},
        {"id": "bad-new", "email": "bad@example.org", "age": "old"},
        old[6] | {"age": "older"},
        {"id": "stopped-new", "email": "stop@example.org", "firstname": "Stop"},
        old[7] | {"firstname": "Stop"},
        {"id": "no-address", "firstname": "Nobody"},
        {"id": "", "firstname": "No id"},
        old[2] | {"email": None, "firstname": ""},
        {"id": "new-2", "email": "new2@example.org", "firstname": "New"},
        {"id": "same-as-new-2", "email": "New2@example.org", "firstname": "Newer"},
    ]


def make_states(store: KeyStore) -> tuple[World, list[dict[str, Any]]]:
    def stop(change: Change, next: Any) -> Any:
        return Result.skipped("stopped") if change.contact.get("firstname") == "Stop" else next()

    world = batch_world(
        {"ref": "60", "email_address": "known@example.org", "first_name": "Known"},
        {"ref": "61", "email_address": "twice@example.org"},
        {"ref": "62", "email_address": "twice@example.org"},
        {"ref": "77", "email_address": "echo@example.org", "first_name": "Echo"},
        store=store,
        mapper=[*ROWS, Row("age", "age", type="number")],
    )
    world.sync.middleware("send", stop)
    return world, in_every_state(world)


def test_each_contact_of_a_mixed_batch_ends_as_if_it_had_come_alone(store: KeyStore) -> None:
    together, told = make_states(store)
    alone, told_alone = make_states(
        FiveMethods(MemoryKeyStore()) if isinstance(store, FiveMethods) else MemoryKeyStore()
    )
    assert told == told_alone
    results = save(together, told)
    assert results == save_each(alone, told)
    assert together.crm.records == alone.crm.records
    assert together.platform.contacts == alone.platform.contacts
    held = [("either", ("61", "62")), ("same-as-new-2", (str(results[-2].id),))]
    assert [(one.id, one.candidates) for one in held_in(together)] == held
    assert [(one.id, one.candidates) for one in held_in(alone)] == held
    for id in [str(contact["id"]) for contact in told if contact["id"]]:
        assert together.external_id(id) == alone.external_id(id)
    done = methods(together)
    assert (done["create_contacts"], done["update_contacts"], done["create_contact"]) == (1, 1, 0)
    expected = ["created", "updated", "unchanged", "unchanged", "adopted", "ambiguous match", "skipped", "skipped"]
    if not isinstance(store, FiveMethods):  # without baselines everything is news
        assert actions(results)[:8] == expected
    assert save(together, told)[0].success


@pytest.mark.parametrize("id", ["", None, True, "\ud800"], ids=ascii)
def test_an_id_that_cannot_be_kept_fails_alone(store: KeyStore, id: Any) -> None:
    results = save(batch_world(store=store), [*people(2), {"id": id, "firstname": "Nobody"}])
    assert actions(results[:2]) == ["created"] * 2
    assert (results[2].success, results[2].retryable) == (False, False)


def shown(world: World) -> dict[str, dict[str, Any]]:
    """What the CRM has of each of the platform's contacts that is in a pair; ids may differ."""
    records = world.crm.records
    pairs = {str(number): world.external_id(str(number)) for number in range(40)}
    return {
        id: {name: value for name, value in records.get(ref, {}).items() if name != "ref" and value}
        for id, ref in pairs.items()
        if ref is not None
    }


@pytest.mark.parametrize("seed", range(12))
def test_batches_of_anything_end_as_if_the_contacts_had_come_one_by_one(seed: int) -> None:
    """Few people with few addresses, so that they meet; those that are in a pair come first, as in a batch."""
    chance = random.Random(seed)
    together, alone = (
        batch_world(size=chance.choice([2, 5, 100]), conflicts="external", missing=missing)
        for missing in [chance.choice(["tombstone", "unlink"])] * 2
    )
    for _ in range(12):
        batch = [
            {"id": str(number), "firstname": chance.choice(["Ana", "Bea", "Çem", ""])}
            | ({"email": f"p{chance.randrange(25)}@example.org"} if chance.random() < 0.7 else {})
            | ({"phone": str(chance.randrange(3))} if chance.random() < 0.5 else {})
            for number in chance.sample(range(40), chance.randint(1, 20))
        ]
        batch.sort(key=lambda contact: together.external_id(str(contact["id"])) is None)
        given = save(together, batch)
        expected = save_each(alone, batch)
        assert [(one.action, one.error, one.conflicts) for one in given] == [
            (one.action, one.error, one.conflicts) for one in expected
        ]
        assert shown(together) == shown(alone)
        assert len(together.crm.records) == len(alone.crm.records)
        for number in chance.sample(range(40), 4):
            for world in (together, alone):
                ref = world.external_id(str(number))
                if ref is not None and number % 3 == 0:
                    world.crm.delete_contact(ref)
                elif ref is not None and number % 3 == 1:
                    world.event("contact_deleted", {"id": str(number)})
                elif ref is not None:
                    world.crm.update_contact({"ref": ref, "phone_number": f"crm-{number}"})


def test_two_with_one_address_are_not_both_created(store: KeyStore) -> None:
    world = batch_world(store=store)
    given = [{"id": "1", "email": "ana@example.org"}, *people(2, first=5), {"id": "2", "email": "Ana@example.org"}]
    assert actions(save(world, given)) == ["created", "created", "created", "ambiguous match"]
    assert sorted(record["email_address"] for record in world.crm.records.values()) == [
        "ana@example.org",
        "p5@example.org",
        "p6@example.org",
    ]


def test_one_that_comes_twice_is_written_twice_in_order(store: KeyStore) -> None:
    world = batch_world(store=store)
    for name in "PQ":
        save(world, [*people(2, name=name), *people(1, name=f"{name}{name}")])
        assert names(world) == {"1": f"{name}{name}1", "2": f"{name}2"}


def test_two_that_look_alike_and_have_no_address_are_both_created() -> None:
    world = batch_world()
    assert actions(save(world, [{"id": "1", "firstname": "Ana"}, {"id": "2", "firstname": "Ana"}])) == ["created"] * 2
    assert len(world.crm.records) == 2


def test_an_address_that_moves_from_one_contact_to_another_in_one_batch_finds_no_former_owner() -> None:
    """What has changed is written before what is new is looked up."""
    world = batch_world()
    save(world, [{"id": "1", "email": "shared@example.org"}])
    given = [{"id": "2", "email": "shared@example.org"}, {"id": "1", "email": "own@example.org"}]
    assert actions(save(world, given)) == ["created", "updated"]
    assert sorted(record["email_address"] for record in world.crm.records.values()) == [
        "own@example.org",
        "shared@example.org",
    ]


def test_two_that_find_the_same_record_do_not_take_it_from_each_other() -> None:
    class Crm(MemoryConsumer):
        """Finds the record by any of a person's addresses."""

        def get_contact_by_email(self, email: str) -> Any:
            return self.get_contact("1")

    record = {"ref": "1", "email_address": "p1@example.org", "further": ["p2@example.org"]}
    world = batch_world(crm=Crm([record], id_field="ref", email_field="email_address", batch_size=10))
    assert actions(save(world, people(2))) == ["adopted", "ambiguous match"]
    assert world.external_id("1") == "1"


def test_the_record_as_the_crm_keeps_it_is_what_is_compared_later() -> None:
    class Crm(MemoryConsumer):
        """Writes first names in capitals, and gives back what it has."""

        def _whole(self, contacts: list[dict[str, Any]], write: Callable[[Any], ManyResults]) -> ManyResults:
            results: Any = write([{**contact, "first_name": contact["first_name"].upper()} for contact in contacts])
            return [result.with_(contact=self.records[result.id]) for result in results]

        def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
            return self._whole(contacts, super().create_contacts)

        def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
            return self._whole(contacts, super().update_contacts)

    world = batch_world(crm=Crm(id_field="ref", email_field="email_address", batch_size=10), late_seconds=0)
    for number in range(2):
        world.platform.contacts |= {contact["id"]: dict(contact) for contact in people(2)}
        save(world, people(2, name=f"p{number}-"))
        records = list(world.crm.records.values())
        assert [record["first_name"] for record in records] == [f"P{number}-1", f"P{number}-2"]
        assert [result.action for result in world.sync.update_contacts(records, TOKEN)] == ["unchanged"] * 2


def test_a_conflict_that_the_crm_wins_is_read_and_taken_for_that_contact_alone() -> None:
    world = batch_world(conflicts="external")
    world.platform.contacts |= {contact["id"]: dict(contact) for contact in people(3)}
    save(world, people(3))
    world.crm.update_contact({"ref": world.external_id("2"), "first_name": "Crm"})
    world.crm.calls.clear()
    results = save(world, people(3, name="Q"))
    assert [(result.action, result.conflicts) for result in results] == [
        ("updated", None),
        ("updated", ("firstname",)),
        ("updated", None),
    ]
    assert methods(world) == {"get_contact": 3, "update_contacts": 1}
    assert names(world) == {"1": "Q1", "2": "Crm", "3": "Q3"}
    assert world.platform.contacts["2"]["firstname"] == "Crm"
    assert world.sync.conflict_count == 1


def test_one_that_a_person_has_decided_to_create_is_held_no_more() -> None:
    world = batch_world(unmatched="hold")
    assert actions(save(world, people(3))) == ["held"] * 3
    for id in "12":
        assert world.sync.resolve_held(id, TOKEN, create=True, side="botmatic").success
    assert actions(save(world, people(3))) == ["created", "created", "held"]
    assert [one.id for one in held_in(world)] == ["3"]
    assert methods(world)["create_contacts"] == 1


def test_contacts_whose_record_is_gone_are_made_again_where_that_is_wanted() -> None:
    world = batch_world(missing="recreate")
    save(world, people(3))
    world.crm.delete_contact(str(world.external_id("2")))
    assert actions(save(world, people(3, name="Q"))) == ["updated", "created", "updated"]
    assert names(world) == {"1": "Q1", "2": "Q2", "3": "Q3"}


def test_an_adoption_that_has_begun_is_finished() -> None:
    world = batch_world({"ref": "9", "email_address": "p1@example.org", "phone_number": "0612"})
    world.platform.contacts["1"] = {}
    world.crm.fail_next(ConnectionError(), "update_contact")
    first, second = save(world, people(2))
    assert (first.retryable, second.action) == (True, "created")
    assert world.external_id("1") == "9"
    assert actions(save(world, people(2))) == ["adopted", "unchanged"]
    assert world.crm.records["9"]["first_name"] == "P1"
    assert world.platform.contacts["1"]["phone"] == "0612"


def test_middleware_runs_for_each_contact_and_what_it_changes_is_written() -> None:
    world = batch_world()
    seen: list[tuple[str, str, str | None]] = []

    def send(change: Change, next: Any) -> Any:
        result = next()
        seen.append((change.kind, str(change.contact["id"]), result.action))
        return result

    def give_format(change: Change, payload: dict[str, Any], next: Any) -> Any:
        return next(payload | {"first_name": payload["first_name"].upper()})

    world.sync.middleware("send", send)
    world.sync.middleware("format", give_format)
    save(world, people(2, name="p"))
    save(world, people(3, name="q"))
    assert seen == [
        *[("create", id, "batched") for id in "12"],
        *[("update", id, "batched") for id in "12"],
        ("create", "3", "batched"),
    ]
    assert names(world) == {"1": "Q1", "2": "Q2", "3": "Q3"}


def test_middleware_that_raises_fails_its_contact_alone() -> None:
    world = batch_world()

    def send(change: Change, next: Any) -> Any:
        if change.contact["id"] == "2":
            raise RuntimeError
        return next()

    world.sync.middleware("send", send)
    assert actions(save(world, people(3))) == ["created", "send middleware send raised RuntimeError", "created"]
    assert actions(save(world, people(3, name="Q"))) == [
        "updated",
        "send middleware send raised RuntimeError",
        "updated",
    ]


def test_a_batch_of_any_size_is_a_few_round_trips_to_the_store(valkey: Valkey) -> None:
    """Claimed, asked whether any create is in doubt, its pairs recorded, given back."""
    with CountingRelay(valkey.port) as relay:
        store = open_key_store(valkey.url.replace(f":{valkey.port}/", f":{relay.port}/"))
        world = batch_world(store=store, secret_keys=["k" * 40])
        save(world, people(2))
        assert relay.count(lambda: save(world, people(90, first=10))) == 4
        assert relay.count(lambda: save(world, people(90, first=10, name="Q"))) == 2
        assert relay.count(lambda: save(world, people(90, first=10, name="Q"))) == 2
        store.close()
