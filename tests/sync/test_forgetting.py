"""Forgetting a contact: nothing of it or its partner is kept, whatever became of the two."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from key_stores import MemoryKeyStore
from tests.sync.helpers import INSTALLATION, TOKEN, World, make_world

ANA = {"id": 7, "email": "ana@example.org"}


def deleted(world: World) -> None:
    world.event("contact_deleted", {"id": 7})


def found_gone(world: World) -> None:
    world.crm.delete_contact("1")
    world.event("contact_updated", ANA | {"firstname": "Anna"})


def merged_away(world: World) -> None:
    world.event("contact_created", {"id": 8, "email": "anna@example.org"})
    assert world.sync.merge_contacts("1", "2", TOKEN).success


@pytest.mark.parametrize("side", ["ext", "botmatic"])
@pytest.mark.parametrize("ended", [deleted, found_gone, merged_away])
def test_a_contact_whose_pair_has_ended_is_forgotten_with_its_partner(
    ended: Callable[[World], None], side: Literal["ext", "botmatic"]
) -> None:
    store = MemoryKeyStore()
    world = make_world(store=store)
    world.event("contact_created", ANA)
    ended(world)
    assert store.is_buried(INSTALLATION, botmatic_id="7")
    assert store.is_buried(INSTALLATION, external_id="1")
    assert world.sync.forget("1" if side == "ext" else "7", TOKEN, side=side).action == "deleted"
    assert not store.is_buried(INSTALLATION, botmatic_id="7")
    assert not store.is_buried(INSTALLATION, external_id="1")
    records: dict[str, Any] = store.get_records(INSTALLATION)
    kept = {name: value for name, value in records.items() if name != "baseline-key"}
    assert not [name for name, value in kept.items() if name.endswith(":1") or value.endswith(":7") or value == "7"]


def test_a_partner_that_has_a_new_pair_by_now_keeps_it() -> None:
    world = make_world()
    world.event("contact_created", ANA)
    world.event("contact_deleted", {"id": 7})
    world.pair("9", "1")
    world.sync.forget("7", TOKEN, side="botmatic")
    assert world.external_id("9") == "1"


def test_who_was_buried_together_is_remembered_for_as_long_as_the_tombstones_stay() -> None:
    store = MemoryKeyStore()
    world = make_world(store=store, tombstone_seconds=0.001)
    world.event("contact_created", ANA)
    world.event("contact_deleted", {"id": 7})
    assert [name for name in store.get_records(INSTALLATION) if name.startswith("grave:")] == ["grave:1"]
    time.sleep(0.01)  # ten times as long as they stay
    world.sync.import_contacts([{"ref": "5", "first_name": "Bea"}], TOKEN)
    assert not [name for name in store.get_records(INSTALLATION) if name.startswith("grave:")]
