"""Remembering for a while that a contact is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from key_stores.base import KeyStore, Tombstones
from key_stores.errors import InvalidId
from key_stores.testing.hostile import HOSTILE
from key_stores.testing.pairs import pairs_in

if TYPE_CHECKING:

    class TombstoneStore(KeyStore, Tombstones):
        """A store with tombstones."""


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Ask until it is true; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen within 10 seconds"
        time.sleep(0.01)


class TombstonesContract:
    """`bury_ids`, `is_buried`."""

    def test_burying_a_pair_removes_it_and_marks_both_ids(self, store: TombstoneStore, installation: str) -> None:
        """Other ids are not marked."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        assert store.is_buried(installation, botmatic_id="b1") is False
        assert store.bury_ids(installation, "b1", "e1", 60) is True
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == {("b2", "e2")}
        assert store.is_buried(installation, botmatic_id="b1") is True
        assert store.is_buried(installation, external_id="e1") is True
        assert store.is_buried(installation, botmatic_id="b2") is False
        assert store.is_buried(installation, external_id="b1") is False
        assert store.is_buried(installation, botmatic_id="e1") is False

    def test_burying_again_removes_no_pair(self, store: TombstoneStore, installation: str) -> None:
        """The marks stay."""
        store.save_ids(installation, "b1", "e1")
        store.bury_ids(installation, "b1", "e1", 60)
        assert store.bury_ids(installation, "b1", "e1", 60) is False
        assert store.is_buried(installation, external_id="e1") is True

    def test_ids_that_are_not_paired_with_each_other_keep_their_pairs(
        self, store: TombstoneStore, installation: str
    ) -> None:
        """Both are marked all the same."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        assert store.bury_ids(installation, "b1", "e2", 60) is False
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == {("b1", "e1"), ("b2", "e2")}
        assert store.is_buried(installation, botmatic_id="b1") is True
        assert store.is_buried(installation, external_id="e2") is True
        assert store.is_buried(installation, external_id="e1") is False

    def test_one_id_alone_can_be_buried(self, store: TombstoneStore, installation: str) -> None:
        """A contact that was never paired; no pair is removed."""
        store.save_ids(installation, "b1", "e1")
        assert store.bury_ids(installation, "b1", None, 60) is False
        assert store.bury_ids(installation, None, 0, 60) is False
        assert pairs_in(store, installation, ["b1"], ["e1"]) == {("b1", "e1")}
        assert store.is_buried(installation, botmatic_id="b1") is True
        assert store.is_buried(installation, external_id="0") is True
        assert store.is_buried(installation, external_id="e1") is False

    def test_burying_one_id_alone_touches_nothing_else(self, store: TombstoneStore, installation: str) -> None:
        """Not even where the id is what a store may note about itself."""
        store.save_ids(installation, "1", "e1")
        store.save_ids(installation, "b1", "1")
        for id in ("1", "2", "true", "None"):
            assert store.bury_ids(installation, id, None, 60) is False
            assert store.bury_ids(installation, None, id, 60) is False
        assert pairs_in(store, installation, ["1", "b1"], ["1", "e1"]) == {("1", "e1"), ("b1", "1")}
        assert store.save_ids(installation, "b2", "e2") is True
        assert store.delete_ids(installation, "1", "e1") is True
        assert pairs_in(store, installation, ["1", "b1", "b2"], ["1", "e1", "e2"]) == {("b1", "1"), ("b2", "e2")}

    def test_saving_a_pair_lifts_the_tombstones_of_its_ids(self, store: TombstoneStore, installation: str) -> None:
        """And of no others."""
        store.bury_ids(installation, "b1", "e1", 60)
        store.bury_ids(installation, "b2", "e2", 60)
        store.save_ids(installation, "b1", "e2")
        assert store.is_buried(installation, botmatic_id="b1") is False
        assert store.is_buried(installation, external_id="e2") is False
        assert store.is_buried(installation, botmatic_id="b2") is True
        assert store.is_buried(installation, external_id="e1") is True

    def test_a_tombstone_is_gone_after_its_time(self, store: TombstoneStore, installation: str) -> None:
        """A longer one beside it stays; burying again counts from then."""
        store.bury_ids(installation, "b1", "e1", 0.05)
        store.bury_ids(installation, "b2", "e2", 60)
        store.bury_ids(installation, "b3", None, 0.05)
        store.bury_ids(installation, "b3", None, 60)
        wait_until(lambda: not store.is_buried(installation, botmatic_id="b1"), "the end of a tombstone")
        wait_until(lambda: not store.is_buried(installation, external_id="e1"), "the end of a tombstone")
        assert store.is_buried(installation, botmatic_id="b2") is True
        assert store.is_buried(installation, botmatic_id="b3") is True

    def test_a_removed_installation_has_no_tombstones(self, store: TombstoneStore, installation: str) -> None:
        """Another's stay."""
        store.bury_ids(installation, "b1", "e1", 60)
        store.bury_ids(f"{installation}2", "b1", "e1", 60)
        store.delete_all_ids(installation)
        assert store.is_buried(installation, botmatic_id="b1") is False
        assert store.is_buried(f"{installation}2", botmatic_id="b1") is True

    def test_tombstones_of_hostile_ids_are_apart(self, store: TombstoneStore, installation: str) -> None:
        """Every second one is buried."""
        ids = list(HOSTILE.values())
        for id in ids[::2]:
            store.bury_ids(installation, id, None, 60)
        assert [store.is_buried(installation, botmatic_id=id) for id in ids] == [n % 2 == 0 for n in range(len(ids))]
        assert not any(store.is_buried(installation, external_id=id) for id in ids)

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "60", None], ids=repr)
    def test_a_time_that_is_none_is_refused(self, store: TombstoneStore, installation: str, seconds: Any) -> None:
        """`ValueError`, and nothing is done."""
        store.save_ids(installation, "b1", "e1")
        with pytest.raises(ValueError, match="seconds"):
            store.bury_ids(installation, "b1", "e1", seconds)
        assert store.get_external_id(installation, "b1") == "e1"

    def test_no_id_and_too_many_are_refused(self, store: TombstoneStore, installation: str) -> None:
        """Burying takes one or both; asking takes exactly one."""
        with pytest.raises(InvalidId):
            store.bury_ids(installation, None, None, 60)
        with pytest.raises(InvalidId):
            store.bury_ids(installation, "b1", "", 60)
        with pytest.raises(InvalidId):
            store.is_buried(installation)
        with pytest.raises(InvalidId):
            store.is_buried(installation, botmatic_id="b1", external_id="e1")
