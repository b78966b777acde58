"""Whatever fails, and whenever: what is sent again afterwards ends with one record and one pair."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from contact_sync import ImportReport, Result
from contact_sync import integration as integration_module
from contact_sync import pairing as pairing_module
from contact_sync.claims import Claims
from contact_sync.testing import MemoryConsumer
from tests.sync.faulty_store import FaultyStore
from tests.sync.helpers import INSTALLATION, TOKEN, Searchless, World, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}
ANA_THERE = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses, and nobody waits for a claim: `FaultyStore.end_claims` ends those that nobody has given back."""
    monkeypatch.setattr(pairing_module, "RECORD_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(integration_module, "Claims", functools.partial(Claims, wait=0.0))


def event(name: str, data: Any = None) -> Callable[[World], bool]:
    """Send an event. Whether it need not be sent again."""

    def send(world: World) -> bool:
        answer = world.post({"event": name, "data": data})
        assert answer.status_code in (200, 503), answer.get_json()
        return answer.status_code == 200

    return send


def method(name: str, *args: Any) -> Callable[[World], bool]:
    """Call a method. Whether it need not be called again."""

    def call(world: World) -> bool:
        result = getattr(world.sync, name)(*args, token=TOKEN)
        if isinstance(result, ImportReport):
            return result.success
        return not any(one.retryable for one in (result if isinstance(result, list) else [result]))

    return call


def records(world: World) -> list[dict[str, Any]]:
    return list(world.crm.records.values())


def contacts(world: World) -> list[dict[str, Any]]:
    return list(world.platform.contacts.values())


def pairs(world: World) -> list[tuple[str, str]]:
    assert isinstance(world.store, FaultyStore)
    return sorted(world.store.iter_pairs(INSTALLATION))


@dataclass(frozen=True)
class Story:
    """Something that happens, and how everything is to look in the end.

    Attributes:
        act: Makes it happen. Whether it need not happen again.
        after: What has happened before, without faults.
        crm: The CRM's kind and its records.
        ends: What is to be true in the end.
    """

    act: Callable[[World], bool]
    ends: Callable[[World], Any]
    after: tuple[Callable[[World], bool], ...] = ()
    crm: tuple[type[MemoryConsumer], tuple[dict[str, Any], ...]] = (MemoryConsumer, ())

    def world(self) -> World:
        kind, there = self.crm
        crm = kind(there, id_field="ref", email_field="email_address", unique_email=True)
        world = make_world(store=FaultyStore(), crm=crm)
        world.platform.contacts["7"] = {"email": "ana@example.org", "firstname": "Ana"}
        for act in self.after:
            assert act(world)
        return world


ANA_IN_CRM = {"ref": "1", "email_address": "ana@example.org", "first_name": "Ana"}
ZOE = {"ref": "5", "first_name": "Zoe"}

STORIES: dict[str, Story] = {
    "a contact is created": Story(
        event("contact_created", ANA), lambda world: (records(world), pairs(world)) == ([ANA_IN_CRM], [("7", "1")])
    ),
    "one without an e-mail is created": Story(
        event("contact_created", {"id": 7, "firstname": "Ana"}),
        lambda world: (len(records(world)), pairs(world)) == (1, [("7", "1")]),
    ),
    "a record is adopted": Story(
        event("contact_created", ANA | {"phone": ""}),
        lambda world: (
            (records(world), pairs(world)) == ([ANA_THERE | {"first_name": "Ana"}], [("7", "e1")])
            and world.platform.contacts["7"]["phone"] == "0612"
        ),
        crm=(MemoryConsumer, (ANA_THERE,)),
    ),
    "a record that exists already is adopted": Story(
        event("contact_created", ANA | {"phone": ""}),
        lambda world: (
            (records(world), pairs(world)) == ([ANA_THERE | {"first_name": "Ana"}], [("7", "e1")])
            and world.platform.contacts["7"]["phone"] == "0612"
        ),
        crm=(Searchless, (ANA_THERE,)),
    ),
    "a contact is updated": Story(
        event("contact_updated", ANA | {"firstname": "Bea"}),
        lambda world: (records(world), pairs(world)) == ([ANA_IN_CRM | {"first_name": "Bea"}], [("7", "1")]),
        after=(event("contact_created", ANA),),
    ),
    "a contact is deleted": Story(
        event("contact_deleted", {"id": 7}),
        lambda world: (
            (records(world), pairs(world)) == ([], [])
            and world.event("contact_updated", ANA)["data"]["action"] == "skipped"
        ),
        after=(event("contact_created", ANA),),
    ),
    "an unknown contact is deleted": Story(
        event("contact_deleted", {"id": 7}),
        lambda world: world.event("contact_created", ANA)["data"]["action"] == "skipped" and not records(world),
    ),
    "it is installed": Story(
        event("install"), lambda world: [known.id for known in world.sync.installations.all()] == [INSTALLATION]
    ),
    "it is uninstalled": Story(
        event("uninstall"),
        lambda world: (world.sync.installations.all(), pairs(world)) == ([], []),
        after=(event("install"), event("contact_created", ANA)),
    ),
    "a record is created": Story(
        method("create_contact", ZOE),
        lambda world: (len(contacts(world)), pairs(world)) == (2, [("501", "5")]),
    ),
    "a record is updated": Story(
        method("update_contact", ZOE | {"first_name": "Zoë"}),
        lambda world: world.platform.contacts["501"] == {"firstname": "Zoë"} and pairs(world) == [("501", "5")],
        after=(method("create_contact", ZOE),),
    ),
    "a record is deleted": Story(
        method("delete_contact", "5"),
        lambda world: (len(contacts(world)), pairs(world)) == (1, []),
        after=(method("create_contact", ZOE),),
    ),
    "everything is imported": Story(
        method("import_all"),
        lambda world: (
            len(contacts(world)) == 4
            and {external: world.platform.contacts[id]["firstname"] for id, external in pairs(world)}
            == {"1": "P1", "2": "P2", "3": "P3"}
        ),
        crm=(MemoryConsumer, tuple({"first_name": f"P{number}"} for number in range(1, 4))),
    ),
    "many are updated": Story(
        method("update_contacts", [ZOE | {"first_name": "Zoë"}, {"ref": "6", "first_name": "Max"}]),
        lambda world: (
            [world.platform.contacts[id] for id in ("501", "502")] == [{"firstname": "Zoë"}, {"firstname": "Max"}]
        ),
        after=(method("create_contact", ZOE), method("create_contact", {"ref": "6"})),
    ),
}


def again_until_done(story: Story, world: World) -> None:
    for _ in range(5):
        if story.act(world):
            return
    raise AssertionError("it is answered with failures for good")


@pytest.mark.parametrize("after", [False, True], ids=["before it takes effect", "its answer is lost"])
@pytest.mark.parametrize("name", STORIES)
def test_whichever_call_to_the_store_fails_it_ends_well(name: str, after: bool) -> None:
    story = STORIES[name]
    for number in itertools.count(1):
        world = story.world()
        store = world.store
        assert isinstance(store, FaultyStore)
        store.fail(number, after=after)
        done = story.act(world)
        if not store.struck:
            assert done
            assert number > 2  # more than one call was tried
            return
        if not done:
            again_until_done(story, world)
        assert story.ends(world), f"call {number} failed: {records(world)}, {contacts(world)}, {pairs(world)}"


ONLY_THE_PAIR_TELLS = ("one without an e-mail is created", "a record is created", "everything is imported")
"""What has no match value, or is on the platform, which cannot be searched. If its pair is lost, it is made again."""


@pytest.mark.parametrize("name", [name for name in STORIES if name not in ONLY_THE_PAIR_TELLS])
def test_whenever_the_store_goes_away_for_a_while_it_ends_well(name: str) -> None:
    story = STORIES[name]
    for number in itertools.count(1):
        world = story.world()
        store = world.store
        assert isinstance(store, FaultyStore)
        store.fail(number, times=12)
        done = story.act(world)
        if not store.struck:
            assert done
            assert number > 2
            return
        store.fail(0, times=0)
        store.end_claims()
        if not done:
            again_until_done(story, world)
        assert story.ends(world), f"from call {number} on: {records(world)}, {contacts(world)}, {pairs(world)}"


RETRYABLE: dict[str, object] = {
    "time-out": TimeoutError(),
    "retryable failure": Result.failed("busy", retryable=True),
}
FAULTS: dict[str, object] = RETRYABLE | {
    "failure": Result.failed("no"),
    "bug": KeyError("x"),
    "nothing": None,
    "nonsense": {"ok": 1},
}
CONSUMER_STORIES = [
    name for name in STORIES if name.startswith(("a contact", "a record is adopted", "a record that exists"))
]


@pytest.mark.parametrize("after", [False, True], ids=["before it takes effect", "its answer is lost"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CONSUMER_STORIES)
def test_whichever_call_to_the_crm_fails_and_however_it_ends_well(name: str, fault: str, after: bool) -> None:
    story = STORIES[name]
    undisturbed = story.world()
    story.act(undisturbed)
    for number in itertools.count(0):
        world = story.world()
        world.crm.calls.clear()
        strike_call(world.crm, number, FAULTS[fault], after=after)
        done = story.act(world)
        if len(world.crm.calls) <= number:
            assert number >= 1
            return
        assert done is (fault not in RETRYABLE)
        again_until_done(story, world)  # a failure for good is not sent again; the contact's next event is
        ended = f"call {number} failed: {records(world)}, {contacts(world)}, {pairs(world)}"
        assert (len(records(world)), pairs(world)) == (len(records(undisturbed)), pairs(undisturbed)), ended
        assert fault not in RETRYABLE or story.ends(world), ended


def strike_call(crm: MemoryConsumer, number: int, outcome: object, *, after: bool) -> None:
    """Let one call fail, counted from 0."""
    methods = ("create_contact", "get_contact", "get_contact_by_email", "update_contact", "delete_contact")

    def look(*_: object) -> None:
        if len(crm.calls) == number + 1:
            crm.fail_next(outcome, after=after)

    for name in methods:
        crm.before(name, look)
