"""Contacts that may be several records, or none: held, listed and settled."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import NOT_FOUND, ConfigurationError, Result
from contact_sync.held import HeldContact
from key_stores import Baselines, KeyStore, MemoryKeyStore, StoreUnavailable
from tests.sync.helpers import INSTALLATION, TOKEN, World, crm_with, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}
TWINS = ({"ref": "e1", "email_address": "ana@example.org"}, {"ref": "e2", "email_address": "ana@example.org"})
NO_MATCH = "no record is like it, and such contacts are held"


def held(world: World) -> list[HeldContact]:
    found = world.sync.held_contacts(TOKEN)
    assert isinstance(found, list)
    return found


def twins(**options: Any) -> World:
    """A world in which Ana, contact 7, may be the records e1 or e2, and is held."""
    world = make_world(crm=crm_with(*TWINS), **options)
    assert world.event("contact_created", ANA)["data"]["action"] == "held"
    return world


# Those that are found nowhere


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        ("create", {"success": True, "id": "1", "action": "created"}),
        ("hold", {"success": False, "error": "held", "action": "held", "reason": NO_MATCH}),
        (
            "skip",
            {"success": True, "action": "skipped", "reason": "no record is like it, and such contacts are skipped"},
        ),
    ],
)
def test_a_contact_that_is_found_nowhere_is_created_held_or_skipped(policy: Any, answer: dict[str, Any]) -> None:
    world = make_world(unmatched={"to_external": policy})
    assert world.event("contact_created", ANA)["data"] == answer
    assert [one.id for one in held(world)] == (["7"] if policy == "hold" else [])
    assert world.sync.create_contact({"ref": "9", "first_name": "Zoe"}, TOKEN).action == "created"


@pytest.mark.parametrize("policy", ["hold", "skip"])
def test_the_policy_of_the_other_direction_counts_for_methods_and_imports(policy: Any) -> None:
    world = make_world(unmatched={"to_botmatic": policy})
    action = "held" if policy == "hold" else "skipped"
    assert world.sync.create_contact({"ref": "9", "first_name": "Zoe"}, TOKEN).action == action
    report = world.sync.import_contacts([{"ref": "8", "first_name": "Bea"}], TOKEN)
    assert (report.skipped, report.failed) == ((1, ()) if policy == "skip" else (0, (("8", "held"),)))
    assert [(one.side, one.id) for one in held(world)] == ([("ext", "8"), ("ext", "9")] if policy == "hold" else [])
    assert world.platform.contacts == {}
    assert world.event("contact_created", ANA)["data"]["action"] == "created"


def test_one_that_is_found_is_adopted_whatever_becomes_of_the_others() -> None:
    world = make_world(crm=crm_with(TWINS[0]), unmatched="hold")
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"unmatched": "wait"}, "unmatched: expected one of create, hold, skip, got 'wait'"),
        ({"unmatched": {"to_external": None}}, "unmatched: expected one of create, hold, skip, got NoneType"),
        ({"unmatched": {"ext": "hold"}}, "unmatched: expected one of to_botmatic, to_external, got 'ext'"),
        ({"conflicts": "mine"}, "conflicts: expected one of last_write, botmatic, external, or a function of a"),
        ({"blocked_matches": "info@*"}, "blocked_matches: expected a list of patterns such as '*@example.org'"),
        ({"blocked_matches": [""]}, "blocked_matches: each pattern is text that is not empty"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        make_world(**option)
    assert str(error.value).startswith(message)


# The list


def test_a_held_contact_is_listed_once_with_the_records_that_it_may_be_until_it_has_a_partner(store: KeyStore) -> None:
    world = twins(store=store)
    (first,) = held(world)
    assert (first.side, first.id, first.candidates) == ("botmatic", "7", ("e1", "e2"))
    assert first.reason == "'email' fits the records e1, e2"
    world.event("contact_updated", ANA | {"firstname": "Anna"})
    assert held(world) == [first]
    world.pair("7", "e2")
    assert held(world) == []


def test_held_contacts_are_listed_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryKeyStore()
    world = make_world(store=store)
    for id, since in (("8", "2026-02-01"), ("7", "2026-03-01"), ("9", "2026-01-01")):
        world.sync.engine.held.keep(INSTALLATION, HeldContact("botmatic", id, "several", since=since))
    assert [one.id for one in held(world)] == ["9", "8", "7"]


def test_a_record_of_a_held_contact_that_cannot_be_read_is_listed_all_the_same() -> None:
    store = MemoryKeyStore()
    for name, text in (("held:botmatic:7", "junk"), ("held:ext:a:b", "[]")):
        store.put_record(INSTALLATION, name, text)
    found = held(make_world(store=store))
    assert [(one.side, one.id, one.reason) for one in found] == [
        ("botmatic", "7", "what is kept of it cannot be read"),
        ("ext", "a:b", "what is kept of it cannot be read"),
    ]


def test_a_store_that_is_away_cannot_say_who_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    world = twins()

    def away(*_: object) -> None:
        raise StoreUnavailable("the key store cannot be reached")

    for name in ("get_records", "get_record"):
        monkeypatch.setattr(world.store, name, away)
    assert world.sync.held_contacts(TOKEN) == Result.failed("the key store cannot be reached", retryable=True)
    assert world.sync.resolve_held("7", TOKEN, create=True).retryable
    refused = world.sync.held_contacts("")
    assert isinstance(refused, Result)
    assert not refused.success


# Settling


def test_a_held_contact_is_paired_with_the_record_that_it_is(store: KeyStore) -> None:
    world = twins(store=store)
    assert world.sync.resolve_held(7, TOKEN, pair_with="e2") == Result.ok("e2", action="adopted")
    assert (world.external_id("7"), held(world)) == ("e2", [])
    world.platform.contacts["7"] = {}
    world.crm.update_contact({"ref": "e2", "phone_number": "0612"})
    assert world.event("contact_updated", ANA)["data"]["action"] == merged(world)
    assert world.crm.records["e2"] == TWINS[1] | {"first_name": "Ana", "phone_number": "0612"}
    assert world.platform.contacts["7"] == ({"phone": "0612"} if isinstance(store, Baselines) else {})


def merged(world: World) -> str:
    """What comes of the first event of such a pair; a store without baselines does not know that it is the first."""
    return "adopted" if isinstance(world.store, Baselines) else "updated"


def test_a_held_contact_gets_a_record_of_its_own_when_it_is_told_of_next(store: KeyStore) -> None:
    world = twins(store=store)
    assert world.sync.resolve_held(7, TOKEN, create=True) == Result.ok(
        "7", action="held", reason="it is created when it is told of next"
    )
    assert [one.decision for one in held(world)] == ["create"]
    assert world.event("contact_updated", ANA)["data"]["action"] == "created"
    assert held(world) == []
    assert len(world.crm.records) == 3


def of_the_crm(**options: Any) -> World:
    """A world in which record 9 of the CRM is held."""
    world = make_world(crm=crm_with({"ref": "9", "first_name": "Zoe"}), unmatched={"to_botmatic": "hold"}, **options)
    world.sync.create_contact(world.crm.records["9"], TOKEN)
    return world


def test_a_record_of_the_crm_is_paired_and_merged_at_once() -> None:
    world = of_the_crm()
    world.platform.contacts["501"] = {"phone": "0612"}
    result = world.sync.resolve_held("9", TOKEN, pair_with="501", side="ext")
    assert (result.id, result.action) == ("501", "updated")
    assert world.platform.contacts["501"] == {"firstname": "Zoe", "phone": "0612"}


def test_a_record_of_the_crm_is_created_on_the_platform_at_once() -> None:
    world = of_the_crm()
    result = world.sync.resolve_held("9", TOKEN, create=True, side="ext")
    assert result.action == "created"
    assert world.platform.contacts[str(result.id)] == {"firstname": "Zoe"}
    assert held(world) == []


@pytest.mark.parametrize("failure", [Result.failed("locked"), TimeoutError()], ids=["for good", "for now"])
def test_a_record_that_cannot_be_read_at_once_is_synced_when_it_is_told_of_next(failure: object) -> None:
    world = of_the_crm()
    world.crm.fail_next(failure, method="get_contact")
    assert world.sync.resolve_held("9", TOKEN, create=True, side="ext").action == "held"
    assert world.sync.create_contact(world.crm.records["9"], TOKEN).action == "created"


@pytest.mark.parametrize(
    "how", [{}, {"pair_with": "e1", "create": True}, {"pair_with": ""}, {"pair_with": []}, {"create": False}], ids=str
)
def test_it_has_to_be_said_what_becomes_of_a_held_contact(how: dict[str, Any]) -> None:
    world = twins()
    assert not world.sync.resolve_held(7, TOKEN, **how).success
    assert [one.id for one in held(world)] == ["7"]


@pytest.mark.parametrize("how", [{"pair_with": "e1"}, {"create": True}], ids=str)
def test_a_contact_that_is_not_held_is_not_settled(how: dict[str, Any]) -> None:
    world = twins()
    result = world.sync.resolve_held("8", TOKEN, **how)
    assert (result.error, result.reason) == (NOT_FOUND, "the contact 8 is not held; see 'contact-sync held'")
    assert world.external_id("8") is None


@pytest.mark.parametrize(
    ("pair", "error"),
    [
        (("7", "e9"), "the contact 7 is paired already; see 'contact-sync pairs'"),
        (("8", "e1"), "the record e1 is paired already; see 'contact-sync pairs'"),
    ],
)
def test_what_was_paired_meanwhile_is_not_paired_again(pair: tuple[str, str], error: str) -> None:
    world = twins()
    world.pair(*pair)
    assert world.sync.resolve_held(7, TOKEN, pair_with="e1").error == error
    if pair[0] == "7":
        assert world.sync.resolve_held(7, TOKEN, create=True).error == error
    assert world.external_id(pair[0]) == pair[1]


def test_a_record_that_is_not_there_is_not_paired_with() -> None:
    world = twins()
    result = world.sync.resolve_held(7, TOKEN, pair_with="e3")
    assert (result.error, result.reason) == (NOT_FOUND, "there is no record e3")
    world.crm.fail_next(TimeoutError(), method="get_contact")
    assert world.sync.resolve_held(7, TOKEN, pair_with="e1").retryable
    assert (world.external_id("7"), [one.id for one in held(world)]) == (None, ["7"])


def test_a_record_that_is_forgotten_is_no_candidate_any_more() -> None:
    world = twins()
    assert world.sync.forget("e1", TOKEN).action == "deleted"
    (one,) = held(world)
    assert (one.id, one.candidates, one.reason) == ("7", ("e2",), "it may be one of these records")
