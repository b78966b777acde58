"""Claims that are lost while a contact is worked on: nothing more is written then, nor recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync import Result
from contact_sync import integration as integration_module
from contact_sync import pairing as pairing_module
from contact_sync.claims import Claims
from key_stores import MemoryKeyStore
from tests.sync.fenced import Fenced, FencedLeases
from tests.sync.helpers import INSTALLATION, TOKEN, World, crm_with, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


@pytest.fixture(params=[Fenced, FencedLeases], ids=["claims", "five methods and leases"])
def fenced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store whose claims may be lost, in a sync that makes sure of them before each call."""
    monkeypatch.setattr(integration_module, "Claims", functools.partial(Claims, seconds=1e-6, wait=0.0))
    monkeypatch.setattr(pairing_module, "RECORD_PAUSES", (0.0,))
    return request.param()


def lose(store: Any) -> Callable[[object], None]:
    """Make a function that lets the claims of a store be lost."""

    def now(_: object) -> None:
        store.lost = True

    return now


def lost_once(world: World, contact: dict[str, Any]) -> None:
    """Send an event whose claim gets lost; then the store is as before."""
    answer = world.post({"event": "contact_updated", "data": contact})
    assert answer.status_code == 503
    assert (
        answer.get_json()["data"]["error"] == "the claim on this contact ended while it was worked on; try again later"
    )
    store: Any = world.store
    store.lost = False


def test_a_claim_that_is_lost_before_the_first_call_writes_nothing_and_records_nothing(fenced: Any) -> None:
    world = make_world(store=fenced)
    world.crm.before("get_contact_by_email", lose(fenced))
    lost_once(world, ANA)
    assert (world.crm.records, world.platform.calls, world.external_id("7")) == ({}, [], None)
    world.crm.before("get_contact_by_email", lambda _: None)
    assert world.event("contact_updated", ANA)["data"]["action"] == "created"


def test_a_create_that_was_on_its_way_may_land_and_is_found_by_the_next_try(
    fenced: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world(store=fenced)
    world.platform.contacts["7"] = {}
    world.crm.before("create_contact", lose(fenced))
    answer = world.post({"event": "contact_created", "data": ANA})
    assert (answer.status_code, answer.get_json()["data"]["reason"]) == (
        503,
        "the record 1 exists, but the pair could not be saved",
    )
    assert world.external_id("7") is None
    assert caplog.text.count("The pair of Botmatic '7' and external '1' could not be saved") == 1
    fenced.lost = False
    assert world.event("contact_created", ANA)["data"] == {"success": True, "id": "1", "action": "adopted"}
    assert len(world.crm.records) == 1


def test_a_claim_that_is_lost_between_two_calls_makes_only_the_first_one(fenced: Any) -> None:
    record = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}
    world = make_world(store=fenced, crm=crm_with(record))
    world.platform.contacts["7"] = {}
    world.crm.before("update_contact", lose(fenced))
    lost_once(world, ANA | {"phone": ""})
    assert world.crm.records["e1"]["first_name"] == "Ana"
    assert (world.platform.calls, world.platform.contacts) == ([], {"7": {}})


def test_a_delete_whose_claim_is_lost_deletes_nothing() -> None:
    store = Fenced()
    world = make_world(store=store)
    world.event("contact_created", ANA)
    world.sync.engine.claims = Claims(store, store, seconds=1e-6)

    @world.sync.middleware("send")
    def slow(change: Any, next: Any) -> Any:
        store.lost = True
        return next()

    answer = world.post({"event": "contact_deleted", "data": {"id": 7}})
    assert (answer.status_code, list(world.crm.records), world.external_id("7")) == (503, ["1"], "1")


def test_a_baseline_that_could_not_be_recorded_leaves_the_edit_to_be_written_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(integration_module, "Claims", functools.partial(Claims, seconds=1e-6))
    store = Fenced()
    world = make_world(store=store)
    world.event("contact_created", ANA)
    world.crm.before("update_contact", lose(store))
    lost_once(world, ANA | {"firstname": "Anna"})
    world.crm.before("update_contact", lambda _: None)
    assert world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]["action"] == "updated"
    assert world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]["action"] == "unchanged"


def test_a_batch_whose_claim_is_lost_fails_whole_and_writes_nothing(fenced: Any) -> None:
    world = make_world(store=fenced)

    @world.sync.middleware("send")
    def slow(change: Any, next: Any) -> Any:
        fenced.lost = True
        return next()

    report = world.sync.import_contacts([{"ref": "1", "first_name": "Ana"}, {"ref": "2"}], TOKEN)
    assert [id for id, _ in report.failed] == ["1", "2"]
    assert world.platform.calls == []


def test_a_batch_whose_claim_is_lost_while_one_is_adopted_fails_whole(
    fenced: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(store=fenced)
    world.platform.contacts["b1"] = {}

    def create(*_: object) -> list[Result]:
        fenced.lost = True
        return [Result.failed("it exists already", id="b1"), Result.failed("no")]

    monkeypatch.setattr(world.platform, "create_contacts", create)
    report = world.sync.import_contacts([{"ref": "1", "first_name": "Ana"}, {"ref": "2", "first_name": "Bea"}], TOKEN)
    assert [id for id, _ in report.failed] == ["1", "2"]
    assert (world.platform.contacts, world.external_id("b1")) == ({"b1": {}}, None)


def test_an_uninstall_ends_the_claims_of_what_is_still_under_way() -> None:
    store = MemoryKeyStore()
    world = make_world(store=store)
    world.crm.before("create_contact", lambda _: store.delete_all_ids(INSTALLATION) and None)
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    assert world.external_id("7") is None
