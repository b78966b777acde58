"""Stores that have some abilities and lack others: what they have is used, the rest is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contact_sync.abilities import Abilities
from contact_sync.claims import Claims
from key_stores import Baselines, Bury, ContactRef, DeletePair, KeyStore, Leases, MemoryKeyStore, SavePair, Write
from tests.sync.fenced import FencedLeases
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import TOKEN, crm_with, make_world

SEVEN = ContactRef(botmatic_id="7")


class WithBaselines(FiveMethods, Baselines):
    """A user's store with the five methods, and baselines."""

    def __init__(self) -> None:
        super().__init__(MemoryKeyStore())

    def save_baselines(self, *args: Any) -> bool:
        saved: bool = self.inner.save_baselines(*args)  # type: ignore[attr-defined]  # it is one in memory
        return saved

    def get_baselines(self, *args: Any) -> dict[str, bytes]:
        found: dict[str, bytes] = self.inner.get_baselines(*args)  # type: ignore[attr-defined]  # it is one in memory
        return found


class Meanwhile(FencedLeases):
    """Does something just before leases are taken for the first time."""

    def __init__(self, do: Callable[[Meanwhile], object]) -> None:
        super().__init__()
        self.do: Callable[[Meanwhile], object] | None = do

    def acquire_leases(self, *args: Any) -> bool:
        do, self.do = self.do, None
        if do is not None:
            do(self)
        return super().acquire_leases(*args)


def test_baselines_of_a_store_without_claims_are_used() -> None:
    world = make_world(store=WithBaselines())
    contact = {"id": 7, "firstname": "Ana", "phone": "0612"}
    world.event("contact_created", contact)
    assert world.event("contact_updated", contact)["data"]["action"] == "unchanged"
    assert world.event("contact_updated", contact | {"phone": ""})["data"]["action"] == "updated"
    assert world.crm.records["1"]["phone_number"] is None


def test_a_contact_that_is_paired_between_the_look_and_the_lease_is_seen_as_paired() -> None:
    store = Meanwhile(lambda store: store.save_ids("i", "7", "1"))
    abilities = Abilities.of(store)
    with Claims(abilities.leases, abilities.claims).contacts("i", [SEVEN]) as claim:
        (known,) = claim.contacts
        assert (known.botmatic_id, known.external_id) == ("7", "1")
        assert not store.leases.acquire_leases("i", ["e:1"], "somebody", 60)


def test_if_its_new_partner_is_worked_on_it_is_given_back_at_once() -> None:
    def pair_and_claim(store: Meanwhile) -> None:
        store.save_ids("i", "7", "1")
        assert store.leases.acquire_leases("i", ["e:1"], "somebody", 60)

    store = Meanwhile(pair_and_claim)
    assert Abilities.of(store).claims.claim("i", [SEVEN], "me", 60) is None
    assert store.leases.acquire_leases("i", ["b:7"], "somebody", 60)


def test_what_is_recorded_is_in_the_store_and_beside_it() -> None:
    store = FiveMethods(MemoryKeyStore())
    claims = Abilities.of(store).claims
    steps: list[tuple[list[Write], bool, bool]] = [
        ([SavePair("7", "1")], True, False),
        ([Bury("7", "1", 60)], False, True),
        ([SavePair("7", "1"), DeletePair("7", "1")], False, False),
    ]
    for writes, paired, buried in steps:
        claimed = claims.claim("i", [SEVEN], "me", 60)
        assert claimed is not None
        assert claims.record("i", claimed.leases, "me", writes)
        claimed = claims.claim("i", [SEVEN], "you", 60)
        assert claimed is not None
        (known,) = claimed.contacts
        assert (known.paired, known.buried) == (paired, buried)
        claims.record("i", claimed.leases, "you")


def test_who_lost_the_leases_records_nothing() -> None:
    store = FiveMethods(MemoryKeyStore())
    claims = Abilities.of(store).claims
    claimed = claims.claim("i", [SEVEN], "me", 60)
    assert claimed is not None
    assert not claims.renew_claim("i", claimed.leases, "somebody", 60)
    assert not claims.record("i", claimed.leases, "somebody", [SavePair("7", "1")])
    assert store.get_external_id("i", "7") is None


@pytest.mark.parametrize(
    ("store", "lacks"),
    [
        (FiveMethods(MemoryKeyStore()), ["Leases", "Tombstones", "Records", "Baselines"]),
        (FencedLeases(), ["Tombstones", "Records", "Baselines"]),
        (WithBaselines(), ["Leases", "Tombstones", "Records"]),
        (MemoryKeyStore(), []),
    ],
    ids=["five methods", "leases", "baselines", "all"],
)
def test_one_warning_says_what_a_store_lacks(
    store: KeyStore, lacks: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    abilities = Abilities.of(store)
    assert len(caplog.records) == bool(lacks)
    assert all(name in caplog.text for name in lacks)
    assert abilities.keeps_baselines is ("Baselines" not in lacks)
    assert isinstance(abilities.leases, Leases)


def test_an_import_with_a_store_of_five_methods_writes_everything_again() -> None:
    world = make_world(store=FiveMethods(MemoryKeyStore()), crm=crm_with({"ref": "1", "first_name": "Ana"}))
    assert world.sync.import_all(TOKEN).created == 1
    assert world.sync.import_all(TOKEN).updated == 1
    assert len(world.platform.contacts) == 1
