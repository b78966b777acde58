"""Rare cases: what two sides, people and faults do at an unlucky moment."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from contact_sync import Result
from contact_sync.claims import Claims
from contact_sync.platforms import NOTHING_DONE
from contact_sync.testing import MemoryConsumer
from key_stores import MemoryKeyStore
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import INSTALLATION, ROWS, TOKEN, MemoryPlatform, World, crm_with, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana", "phone": "0612"}
EVENT = {"event": "contact_created", "data": ANA}


def paired_world(**options: Any) -> World:
    """A world with Ana on both sides."""
    crm = MemoryConsumer(id_field="ref", email_field="email_address", partial_updates=True)
    world = make_world(crm=crm, **options)
    world.platform.contacts["7"] = {name: value for name, value in ANA.items() if name != "id"}
    world.event("contact_created", ANA)
    world.crm.calls.clear()
    world.platform.calls.clear()
    return world


def test_a_create_that_a_person_decided_and_the_crm_refuses_is_tried_once() -> None:
    world = make_world(crm=crm_with(unique_email=True))
    world.event("contact_created", ANA)
    world.event("contact_created", ANA | {"id": 8})
    assert world.sync.resolve_held(8, TOKEN, create=True).success
    world.crm.calls.clear()
    answer = world.event("contact_updated", ANA | {"id": 8})["data"]
    assert (answer["success"], answer["id"]) == (False, "1")
    assert [call.method for call in world.crm.calls].count("create_contact") == 1


def test_the_delete_of_a_record_that_was_replaced_does_not_delete_the_contact_of_the_new_one() -> None:
    world = paired_world()
    world.crm.delete_contact("1")
    world.crm.create_contact({"email_address": "ana@example.org"})
    world.event("contact_updated", ANA | {"firstname": "Anna"})  # finds the record gone
    world.platform.fail("create_contact", Result.failed("it exists already", id="7"))
    assert world.sync.create_contact(world.crm.records["2"], TOKEN).action == "adopted"
    assert world.sync.delete_contact("1", TOKEN).not_found
    assert "7" in world.platform.contacts
    assert world.external_id("7") == "2"


def test_a_contact_and_the_record_that_it_adopts_told_of_at_once_do_not_wait_for_each_other() -> None:
    world = make_world(crm=crm_with({"ref": "1", "email_address": "ana@example.org"}))
    world.platform.contacts["7"] = {}
    looked_up = threading.Event()

    def look_up(_: str) -> None:
        looked_up.set()
        time.sleep(0.2)

    world.crm.before("get_contact_by_email", look_up)
    told: list[Result] = []

    def tell() -> None:
        looked_up.wait()
        told.append(world.sync.create_contact(world.crm.records["1"], TOKEN))

    teller = threading.Thread(target=tell)
    teller.start()
    begun = time.monotonic()
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"
    teller.join()
    assert told[0].success
    assert time.monotonic() - begun < 5
    assert set(world.platform.contacts) == {"7"}


def test_an_import_adopts_a_contact_whose_create_was_not_answered() -> None:
    world = make_world()
    world.platform.contacts["7"] = {}
    world.crm.fail_next(TimeoutError(), "create_contact", after=True)
    assert world.post(EVENT).status_code == 503
    assert world.sync.import_contacts(list(world.crm.records.values()), TOKEN).success
    assert set(world.platform.contacts) == {"7"}
    assert world.external_id("7") == "1"


def test_middleware_that_fails_after_a_create_makes_no_second_contact() -> None:
    world = make_world()

    @world.sync.middleware("send")
    def fails_afterwards(change: Any, next: Any) -> Result:
        next()
        raise RuntimeError

    record = {"ref": "1", "email_address": "ana@example.org"}
    assert world.sync.create_contact(record, TOKEN).action == "created"
    assert world.sync.create_contact(record, TOKEN).success
    assert len(world.platform.contacts) == 1


def test_a_claim_that_ended_while_its_answer_was_on_its_way_writes_nothing() -> None:
    class Slow(MemoryKeyStore):
        slow = False

        def claim(self, *args: Any, **kwargs: Any) -> Any:
            claimed = super().claim(*args, **kwargs)
            if self.slow:
                self.slow = False
                time.sleep(0.6)
            return claimed

    store = Slow()
    world = paired_world(store=store)
    abilities = world.sync.abilities
    world.sync.engine.claims = Claims(abilities.leases, abilities.claims, seconds=0.4)
    store.slow = True
    other = threading.Timer(0.5, lambda: world.event("contact_updated", ANA | {"firstname": "New"}))
    other.start()
    assert world.post({"event": "contact_updated", "data": ANA | {"firstname": "Old"}}).status_code == 503
    other.join()
    assert world.crm.records["1"]["first_name"] == "New"
    assert [call.method for call in world.crm.calls] == ["update_contact"]


def test_a_batch_whose_claim_ends_stops_before_its_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossy(MemoryPlatform):
        def update_contact(self, token: str, id: str, contact: Any) -> Result:
            world.store.delete_all_ids(INSTALLATION)  # ends every claim
            time.sleep(0.1)
            return super().update_contact(token, id, contact)

    world = paired_world(platform=Lossy())
    world.platform.contacts["8"] = {}
    world.event("contact_created", {"id": 8, "email": "bob@example.org"})
    for id in "12":
        world.crm.update_contact({"ref": id, "first_name": "Edited"})
    abilities = world.sync.abilities
    world.sync.engine.claims = Claims(abilities.leases, abilities.claims, seconds=0.15)
    world.platform.fail("update_contacts", Result.failed("refused", reason=NOTHING_DONE))
    results = world.sync.update_contacts(list(world.crm.records.values()), TOKEN)
    assert world.platform.calls.count("update_contact") == 1
    assert all(result.retryable for result in results)


def test_a_conflict_that_the_crm_wins_in_a_row_of_one_way_is_found_once() -> None:
    rows = [*ROWS[:2], Row("firstname", "first_name", direction="to_external", conflict="external")]
    world = paired_world(mapper=Mapper(rows))
    world.crm.update_contact({"ref": "1", "first_name": "Annie"})
    world.crm.calls.clear()
    assert world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]["conflicts"] == ["firstname"]
    assert world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]["action"] == "unchanged"
    assert world.crm.records["1"]["first_name"] == "Annie"
    assert world.sync.conflict_count == 1


def test_a_held_contact_that_is_deleted_is_held_no_more() -> None:
    world = make_world(unmatched="hold")
    world.post(EVENT)
    world.event("contact_deleted", {"contact_id": 7})
    assert world.sync.held_contacts(TOKEN) == []


def test_a_held_contact_that_is_merged_is_held_no_more() -> None:
    world = make_world(unmatched="hold")
    world.post(EVENT)
    world.sync.merge_contacts(7, 8, TOKEN, side="botmatic")
    assert world.sync.held_contacts(TOKEN) == []


def test_a_side_that_is_none_is_refused() -> None:
    world = paired_world()
    side: Any = "platform"
    for result in (world.sync.forget(7, TOKEN, side=side), world.sync.merge_contacts(7, 8, TOKEN, side=side)):
        assert result.error == "side: expected 'botmatic' for the platform or 'ext' for the CRM"


def test_a_contact_that_is_made_again_has_all_that_the_record_has() -> None:
    world = paired_world(missing="recreate", late_seconds=0)
    del world.platform.contacts["7"]
    world.crm.update_contact({"ref": "1", "phone_number": "0700"})
    assert world.sync.update_contact({"ref": "1", "phone_number": "0700"}, TOKEN).action == "created"
    assert world.platform.contacts["501"] == {"email": "ana@example.org", "firstname": "Ana", "phone": "0700"}
