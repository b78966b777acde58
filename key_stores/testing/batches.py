"""Many pairs at once."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from key_stores.base import KeyStore, PairBatches, Tombstones
from key_stores.errors import InvalidId
from key_stores.testing.faults import MOST_STEPS, crashes
from key_stores.testing.hostile import HOSTILE, NO_IDS
from key_stores.testing.pairs import Pairs, pairs_in

if TYPE_CHECKING:

    class BatchStore(KeyStore, PairBatches):
        """A store with batches."""


_MANY: Final = 1200


class BatchesContract:
    """`save_many`, `get_botmatic_ids`, `get_external_ids`."""

    def test_a_batch_is_saved_and_found_in_both_directions(self, store: BatchStore, installation: str) -> None:
        """Unknown ids are not in the answer; ids are asked for and answered as text."""
        assert store.save_many(installation, [("b1", "e1"), (2, 0), ("b3", "e3")]) is True
        assert store.get_external_ids(installation, ["b1", 2, "b4", "b1"]) == {"b1": "e1", "2": "0"}
        assert store.get_botmatic_ids(installation, ["e3", 0, "e4", "e3"]) == {"e3": "b3", "0": "2"}
        assert store.get_external_id(installation, "2") == "0"

    def test_an_empty_batch_is_no_mistake(self, store: BatchStore, installation: str) -> None:
        """Saved or asked for."""
        assert store.save_many(installation, []) is True
        assert store.get_external_ids(installation, []) == {}
        assert store.get_botmatic_ids(installation, []) == {}

    def test_a_batch_may_be_an_iterator(self, store: BatchStore, installation: str) -> None:
        """It is read once."""
        assert store.save_many(installation, ((f"b{n}", f"e{n}") for n in range(3))) is True
        assert store.get_external_ids(installation, ["b0", "b2"]) == {"b0": "e0", "b2": "e2"}

    def test_a_large_batch_is_one_batch(self, store: BatchStore, installation: str) -> None:
        """Saved, saved again, and looked up."""
        expected = {f"b{n}": f"e{n}" for n in range(_MANY)}
        assert store.save_many(installation, expected.items()) is True
        assert store.save_many(installation, expected.items()) is True
        assert store.get_external_ids(installation, list(expected)) == expected
        back = {external_id: botmatic_id for botmatic_id, external_id in expected.items()}
        assert store.get_botmatic_ids(installation, list(back)) == back

    def test_a_batch_is_saved_in_its_order(self, store: BatchStore, installation: str) -> None:
        """A pair within a batch removes what its ids were in before, also earlier in the batch."""
        chance = random.Random(11)  # noqa: S311 - no secret
        botmatic_ids, external_ids = [f"b{n}" for n in range(6)], [f"e{n}" for n in range(6)]
        model: Pairs = set()
        for _ in range(25):
            batch = [(chance.choice(botmatic_ids), chance.choice(external_ids)) for _ in range(chance.randint(1, 8))]
            assert store.save_many(installation, batch) is True
            for pair in batch:
                model = {kept for kept in model if kept[0] != pair[0] and kept[1] != pair[1]} | {pair}
            assert pairs_in(store, installation, botmatic_ids, external_ids) == model
            assert set(store.get_external_ids(installation, botmatic_ids).items()) == model

    def test_a_pair_that_a_batch_overwrites_still_moved_its_ids(self, store: BatchStore, installation: str) -> None:
        """(b1, e1) is saved and overwritten in one batch: whatever e1 was in before is gone."""
        store.save_ids(installation, "b9", "e1")
        store.save_many(installation, [("b1", "e1"), ("b1", "e2")])
        assert pairs_in(store, installation, ["b1", "b9"], ["e1", "e2"]) == {("b1", "e2")}

    def test_a_batch_with_something_that_is_no_id_is_refused_whole(self, store: BatchStore, installation: str) -> None:
        """Nothing of it is saved."""
        for what, id in NO_IDS.items():
            for batch in ([("b1", "e1"), (id, "e2")], [("b1", "e1"), ("b2", id)]):
                with pytest.raises(InvalidId):
                    pytest.fail(f"{what} was taken: {store.save_many(installation, batch)}")
            assert store.get_external_id(installation, "b1") is None
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.get_external_ids(installation, ['b1', id])}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.get_botmatic_ids(installation, ['e1', id])}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.get_botmatic_ids(id, ['e1'])}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.save_many(id, [])}")

    def test_hostile_ids_are_only_ids_in_a_batch_too(self, store: BatchStore, installation: str) -> None:
        """All of them at once."""
        ids = list(HOSTILE.values())
        expected = dict(zip(ids, reversed(ids), strict=True))
        store.save_many(installation, expected.items())
        assert store.get_external_ids(installation, ids) == expected
        assert pairs_in(store, installation, ids, ids) == set(expected.items())

    def test_a_crash_in_the_middle_of_a_batch_saves_all_or_none(self, store: BatchStore, installation: str) -> None:
        """At whatever step of the store's own code it comes."""
        batch = [(f"b{n}", f"e{n}") for n in range(3)]
        for step in range(1, MOST_STEPS):
            store.delete_all_ids(installation)
            crashed = crashes(store, partial(store.save_many, installation, batch), step)
            found = pairs_in(store, installation, [b for b, _ in batch], [e for _, e in batch])
            assert found in (set(), set(batch)), f"a part of the batch was saved at step {step}"
            if not crashed:
                assert found == set(batch)
                break

    def test_a_batch_lifts_tombstones(self, store: BatchStore, installation: str) -> None:
        """Where the store has tombstones, as saving one pair does."""
        if isinstance(store, Tombstones):
            store.bury_ids(installation, "b1", "e2", 60)
            store.save_many(installation, [("b1", "e1"), ("b2", "e2")])
            assert store.is_buried(installation, botmatic_id="b1") is False
            assert store.is_buried(installation, external_id="e2") is False
        assert store.save_many(installation, [("b1", "e1")]) is True
