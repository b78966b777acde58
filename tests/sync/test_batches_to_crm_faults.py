"""Batches to a CRM when calls, claims and the store fail, or when others work on the same contacts: nothing twice."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from contact_sync import Result
from contact_sync import pairing as pairing_module
from contact_sync.claims import Claims
from contact_sync.consumer import ManyResults
from contact_sync.testing import MemoryConsumer
from key_stores import ContactRef, KeyStore, StoreUnavailable
from tests.sync.batches import actions, batch_world, methods, names, people, save, save_each
from tests.sync.helpers import INSTALLATION, TOKEN

BUSY = "another request is working on this contact; try again later"


# When calls fail


def refused(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


class Particular(MemoryConsumer):
    """A CRM that refuses a person called `bad`: that one alone or, if it is `whole`, the call."""

    whole = False

    def _each(self, contacts: list[dict[str, Any]], act: Callable[[Mapping[str, Any]], Result]) -> ManyResults:
        if self.whole and any(contact.get("first_name") == "bad" for contact in contacts):
            raise refused(422)
        return super()._each(contacts, act)

    def _create(self, contact: Mapping[str, Any]) -> Result:
        return Result.failed("refused") if contact.get("first_name") == "bad" else super()._create(contact)

    def _update(self, contact: Mapping[str, Any]) -> Result:
        return Result.failed("refused") if contact.get("first_name") == "bad" else super()._update(contact)


@pytest.mark.parametrize("whole", [False, True], ids=["for itself", "with the whole call"])
def test_a_contact_that_is_refused_does_not_stop_the_others(store: KeyStore, whole: bool) -> None:
    crm = Particular(id_field="ref", email_field="email_address", batch_size=10)
    crm.whole = whole
    world = batch_world(crm=crm, store=store)
    given = people(4)
    given[1]["firstname"] = "bad"
    assert actions(save(world, given)) == ["created", "refused", "created", "created"]
    assert methods(world)["create_contact"] == (4 if whole else 0)
    given = people(4, name="Q")
    given[2]["firstname"] = "bad"
    assert actions(save(world, given)) == ["updated", "created", "refused", "updated"]
    assert methods(world)["update_contact"] == (3 if whole else 0)
    assert names(world) == {"1": "Q1", "2": "Q2", "3": "P3", "4": "Q4"}


def test_a_whole_call_that_is_not_found_is_not_taken_for_records_that_are_gone() -> None:
    world = batch_world()
    save(world, people(3))
    for failure in (Result.failed("resource not found"), refused(404)):
        world.crm.fail_next(failure, "update_contacts")
        name = type(failure).__name__
        assert actions(save(world, people(3, name=name))) == ["updated"] * 3
        assert names(world) == {str(n): f"{name}{n}" for n in range(1, 4)}


def test_a_refused_key_is_not_tried_with_each_contact() -> None:
    world = batch_world()
    world.crm.fail_next(refused(401), "create_contacts")
    results = save(world, people(50))
    assert actions(results) == ["MemoryConsumer.create_contacts raised HTTPError (HTTP 401)"] * 50
    assert methods(world) == {"get_contact_by_email": 50, "create_contacts": 1}


@pytest.mark.parametrize("answer", [None, [], Result.ok("1"), KeyError("results"), ValueError()], ids=repr)
def test_records_that_may_be_made_already_are_not_made_again(answer: Any) -> None:
    world = batch_world()
    world.crm.fail_next(answer, "create_contacts", after=True)
    results = save(world, people(3))
    assert not any(result.success or result.retryable for result in results)
    assert len(world.crm.records) == 3
    assert methods(world)["create_contact"] == 0


def test_too_many_requests_is_the_failure_of_each_and_says_when_to_come_again(store: KeyStore) -> None:
    world = batch_world(store=store)
    slow = Result.failed("slow down", retryable=True, retry_after=30)
    for method, name in (("create_contacts", "P"), ("update_contacts", "Q")):
        world.crm.fail_next(slow, method)
        assert save(world, people(3, name=name)) == [slow] * 3
        done = methods(world)
        assert (done["create_contact"], done["update_contact"]) == (0, 0)
        assert all(result.success for result in save(world, people(3, name=name)))
    assert names(world) == {"1": "Q1", "2": "Q2", "3": "Q3"}


def test_creates_whose_answer_got_lost_are_found_by_the_next_try(store: KeyStore) -> None:
    world = batch_world(store=store)
    world.platform.contacts |= {contact["id"]: {} for contact in people(3)}
    world.crm.fail_next(TimeoutError(), "create_contacts", after=True)
    assert all(result.retryable and result.in_doubt for result in save(world, people(3)))
    assert len(world.crm.records) == 3
    assert actions(save(world, people(3))) == ["adopted"] * 3
    assert len(world.crm.records) == 3
    assert names(world) == {"1": "P1", "2": "P2", "3": "P3"}


def test_creates_in_doubt_that_nobody_can_look_up_wait_for_the_news_of_them(store: KeyStore) -> None:
    world = batch_world(store=store)
    given = [{"id": "1", "firstname": "Ana"}, {"id": "2", "firstname": "Bea"}]
    world.platform.contacts |= {"1": {"firstname": "Ana"}, "2": {"firstname": "Bea"}}
    world.crm.fail_next(TimeoutError(), "create_contacts", after=True)
    save(world, given)
    for result in save(world, given):
        assert (result.success, result.retryable) == (False, True)
        assert "it may be there already" in str(result.error)
    assert len(world.crm.records) == 2
    for record in world.crm.records.values():
        assert world.sync.create_contact(record, TOKEN).action == "adopted"
    assert all(result.success for result in save(world, given))
    assert (names(world), len(world.platform.contacts)) == ({"1": "Ana", "2": "Bea"}, 2)


def test_updates_whose_answer_got_lost_are_written_again(store: KeyStore) -> None:
    world = batch_world(store=store)
    save(world, people(3))
    world.crm.fail_next(TimeoutError(), "update_contacts", after=True)
    assert all(result.retryable and result.in_doubt for result in save(world, people(3, name="Q")))
    assert actions(save(world, people(3, name="Q"))) == ["updated"] * 3
    assert names(world) == {"1": "Q1", "2": "Q2", "3": "Q3"}


def test_records_that_exist_already_are_adopted() -> None:
    """The look-up did not find them; the refusal names them."""

    class Searchless(MemoryConsumer):
        def get_contact_by_email(self, email: str) -> Any:
            return Result.failed("resource not found")

    crm = Searchless(
        [{"ref": "9", "email_address": "p2@example.org", "phone_number": "0612"}],
        id_field="ref",
        email_field="email_address",
        unique_email=True,
        batch_size=10,
    )
    world = batch_world(crm=crm)
    world.platform.contacts["2"] = {}
    assert actions(save(world, people(3))) == ["created", "adopted", "created"]
    assert world.external_id("2") == "9"
    assert world.platform.contacts["2"]["phone"] == "0612"


def test_an_answer_without_an_id_or_with_an_odd_one_fails_for_its_contact_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = batch_world()
    odd = [Result.ok("71"), Result.ok(), Result.ok("\ud800"), Result.skipped("not wanted"), Result.ok("72")]
    world.crm.fail_next(odd, "create_contacts")
    results = save(world, people(5))
    assert actions(results) == [
        "created",
        "the record was created, but the answer has no id to pair it with",
        "the external id has a lone surrogate, which is no character",
        "skipped",
        "created",
    ]
    assert [world.external_id(str(n)) for n in range(1, 6)] == ["71", None, None, None, "72"]
    assert caplog.text.count("could not be saved") == 1


# When claims and the store fail


def test_one_contact_that_somebody_else_works_on_does_not_stop_the_others() -> None:
    world = batch_world()
    save(world, people(2))
    world.sync.engine.claims._wait = 0.0
    claims: Any = world.store
    assert claims.claim(INSTALLATION, [ContactRef(botmatic_id="2")], "somebody", 60)
    results = save(world, people(4, name="Q"))
    assert actions(results) == ["updated", BUSY, "created", "created"]
    assert results[1].retryable
    assert names(world) == {"1": "Q1", "2": "P2", "3": "Q3", "4": "Q4"}


def test_a_record_that_somebody_else_works_on_is_waited_for_when_the_others_are_done() -> None:
    """Whoever holds it may wait for a contact of the batch."""
    world = batch_world({"ref": "9", "email_address": "p1@example.org"})
    claims: Any = world.store
    held = claims.claim(INSTALLATION, [ContactRef(external_id="9")], "somebody", 60)

    def let_go(contacts: Any) -> None:
        assert claims.record(INSTALLATION, held.leases, "somebody")

    world.crm.before("create_contacts", let_go)
    assert actions(save(world, people(3))) == ["adopted", "created", "created"]


def test_a_claim_that_ends_meanwhile_stops_the_batch_before_its_next_call() -> None:
    world = batch_world()
    save(world, people(4))
    abilities = world.sync.abilities
    world.sync.engine.claims = Claims(abilities.leases, abilities.claims, seconds=0.15)
    waited = threading.Event()

    def lose(contacts: Any) -> None:
        world.store.delete_all_ids(INSTALLATION)  # ends every claim
        waited.wait(0.1)

    world.crm.before("update_contacts", lose)
    world.crm.calls.clear()
    results = save(world, people(6, name="Q"))
    assert all(result.retryable and not result.success for result in results)
    assert methods(world) == {"update_contacts": 1}


def test_a_store_that_is_away_fails_each_and_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    world = batch_world()

    def away(*_: object) -> None:
        raise StoreUnavailable("the key store cannot be reached")

    monkeypatch.setattr(world.store, "claim", away)
    assert actions(save(world, people(2))) == ["the key store cannot be reached"] * 2
    assert methods(world) == {}


def test_pairs_that_cannot_be_saved_are_failures_that_name_the_records(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pairing_module, "RECORD_PAUSES", (0.0,))
    world = batch_world()

    def away(*_: object, **__: object) -> bool:
        raise StoreUnavailable("the key store cannot be reached")

    monkeypatch.setattr(world.store, "record", away)
    results = save(world, people(2))
    assert [(result.id, result.retryable) for result in results] == [("1", True), ("2", True)]
    assert caplog.text.count("could not be saved") == 2


def test_whatever_a_store_raises_is_a_failure_as_of_a_single_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    world = batch_world()

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(world.store, "claim", broken)
    assert save(world, people(2)) == save_each(world, people(2))


# Several at once


@pytest.mark.parametrize("seed", range(2))
def test_batches_and_single_events_of_the_same_contacts_at_once_make_each_record_once(
    store: KeyStore, seed: int
) -> None:
    """Every thread tells of all contacts, in an order of its own; one of them alone has an edit for each."""
    world = batch_world(size=20, store=store)
    world.platform.contacts |= {contact["id"]: dict(contact) for contact in people(40)}
    start = threading.Barrier(5)

    def together(number: int) -> None:
        chance = random.Random(10 * seed + number)
        start.wait(20)
        for _ in range(3):
            told = chance.sample(people(40), 40)
            for first in range(0, 40, 20):
                assert all(result.success for result in save(world, told[first : first + 20]))

    def one_by_one(number: int) -> None:
        chance = random.Random(10 * seed + number)
        start.wait(20)
        for contact in chance.sample(people(40), 40):
            assert world.event("contact_updated", contact)["data"]["success"]

    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(together, 1), pool.submit(together, 2)]
        running += [pool.submit(one_by_one, 3), pool.submit(one_by_one, 4)]
        start.wait(20)
        for each in running:
            each.result(120)
    assert names(world) == {str(n): f"P{n}" for n in range(1, 41)}
    assert len(world.crm.records) == 40
    assert len(world.platform.contacts) == 40
    assert actions(save(world, people(40, name="Q"))) == ["updated"] * 40
    assert names(world) == {str(n): f"Q{n}" for n in range(1, 41)}


def test_batches_from_both_sides_at_once_end_and_leave_every_contact_with_one_record(able_store: KeyStore) -> None:
    world = batch_world(size=25, store=able_store, late_seconds=0)
    world.platform.contacts |= {contact["id"]: dict(contact) for contact in people(50)}
    save(world, people(50))

    def to_crm(turn: int) -> None:
        assert all(result.success for result in save(world, people(50, name=f"T{turn}-")))

    def to_platform(turn: int) -> None:
        records = [{"ref": ref, "phone_number": f"{turn}"} for ref in world.crm.records]
        for record in records:
            world.crm.update_contact(record)
        assert all(result.success for result in world.sync.update_contacts(records, TOKEN))

    with ThreadPoolExecutor(2) as pool:
        for turn in range(4):
            running = [pool.submit(to_crm, turn), pool.submit(to_platform, turn)]
            for each in running:
                each.result(120)
    assert len(world.crm.records) == len(world.platform.contacts) == 50
    assert names(world) == {str(n): f"T3-{n}" for n in range(1, 51)}
    assert {contact["phone"] for contact in world.platform.contacts.values()} == {"3"}
