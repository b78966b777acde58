"""A few bytes beside a pair."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from key_stores.base import Baselines, KeyStore, PairBatches, PairListing, Tombstones
from key_stores.errors import InvalidId
from key_stores.testing.faults import MOST_STEPS, crashes
from key_stores.testing.hostile import HOSTILE, NO_IDS
from key_stores.testing.pairs import pairs_in

if TYPE_CHECKING:

    class BaselineStore(KeyStore, Baselines):
        """A store with baselines."""


_CONTENTS: Final = {
    "nothing": b"",
    "nul": b"\0",
    "every byte": bytes(range(256)),
    "marks": b"\xff\xff\xff\0",
    "text": b"e1",
    "line breaks": b"a\r\nb\n",
    "4 kB": bytes(range(256)) * 16,
    "100 kB": b"\xff" * 100_000,
}


class BaselinesContract:
    """`save_baselines`, `get_baselines`."""

    def test_a_baseline_is_saved_with_its_pair(self, store: BaselineStore, installation: str) -> None:
        """The pair is there like any other; pairs without a baseline and unknown ids are absent from the answer."""
        store.save_ids(installation, "b3", "e3")
        assert store.save_baselines(installation, [("b1", "e1", b"one"), (2, 0, b"two")]) is True
        assert store.get_baselines(installation, ["b1", 2, "b3", "b4", "b1"]) == {"b1": b"one", "2": b"two"}
        assert pairs_in(store, installation, ["b1", "2", "b3"], ["e1", "0", "e3"]) == {
            ("b1", "e1"),
            ("2", "0"),
            ("b3", "e3"),
        }

    def test_a_baseline_replaces_the_one_before(self, store: BaselineStore, installation: str) -> None:
        """Shorter, longer or empty."""
        for baseline in (b"first", b"a longer one than the first", b"", b"2"):
            store.save_baselines(installation, [("b1", "e1", baseline)])
            assert store.get_baselines(installation, ["b1"]) == {"b1": baseline}

    def test_saving_the_pair_again_leaves_its_baseline(self, store: BaselineStore, installation: str) -> None:
        """Alone, or in a batch with others."""
        store.save_baselines(installation, [("b1", "e1", b"one"), ("b2", "e2", b"")])
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        assert store.get_baselines(installation, ["b1", "b2"]) == {"b1": b"one", "b2": b""}
        if isinstance(store, PairBatches):
            store.save_many(installation, [("b1", "e1"), ("b3", "e3"), ("b1", "e1")])
            assert store.get_baselines(installation, ["b1", "b2", "b3"]) == {"b1": b"one", "b2": b""}

    @pytest.mark.parametrize("other", [("b1", "e2"), ("b2", "e1")], ids=["Botmatic id moves", "external id moves"])
    def test_a_baseline_is_gone_when_an_id_is_paired_with_another(
        self, store: BaselineStore, installation: str, other: tuple[str, str]
    ) -> None:
        """It does not come back with the pair."""
        store.save_baselines(installation, [("b1", "e1", b"one")])
        store.save_ids(installation, *other)
        assert store.get_baselines(installation, ["b1", "b2"]) == {}
        store.save_ids(installation, "b1", "e1")
        assert store.get_baselines(installation, ["b1", "b2"]) == {}

    def test_a_baseline_is_gone_when_a_batch_pairs_an_id_with_another_meanwhile(
        self, store: BaselineStore, installation: str
    ) -> None:
        """The pair is there again at the end of the batch, as a new one."""
        if isinstance(store, PairBatches):
            for between in (("b1", "e2"), ("b2", "e1")):
                store.save_baselines(installation, [("b1", "e1", b"one")])
                store.save_many(installation, [between, ("b1", "e1")])
                assert store.get_baselines(installation, ["b1"]) == {}
        store.save_baselines(installation, [("b1", "e1", b"one"), ("b1", "e2", b"two"), ("b1", "e1", b"three")])
        assert store.get_baselines(installation, ["b1"]) == {"b1": b"three"}
        assert pairs_in(store, installation, ["b1"], ["e1", "e2"]) == {("b1", "e1")}

    def test_a_baseline_is_gone_with_its_pair(self, store: BaselineStore, installation: str) -> None:
        """However it is removed."""
        store.save_baselines(installation, [("b1", "e1", b"one"), ("b2", "e2", b"two")])
        assert store.delete_ids(installation, "b1", "e1") is True
        store.save_ids(installation, "b1", "e1")
        assert store.get_baselines(installation, ["b1", "b2"]) == {"b2": b"two"}
        if isinstance(store, Tombstones):
            assert store.bury_ids(installation, "b2", "e2", 60) is True
            store.save_ids(installation, "b2", "e2")
            assert store.get_baselines(installation, ["b1", "b2"]) == {}
        store.save_baselines(installation, [("b1", "e1", b"one")])
        store.delete_all_ids(installation)
        store.save_ids(installation, "b1", "e1")
        assert store.get_baselines(installation, ["b1", "b2"]) == {}

    def test_what_removes_no_pair_leaves_its_baseline(self, store: BaselineStore, installation: str) -> None:
        """Ids that are not paired with each other."""
        store.save_baselines(installation, [("b1", "e1", b"one"), ("b2", "e2", b"two")])
        assert store.delete_ids(installation, "b1", "e2") is False
        assert store.get_baselines(installation, ["b1", "b2"]) == {"b1": b"one", "b2": b"two"}

    @pytest.mark.parametrize("baseline", _CONTENTS.values(), ids=_CONTENTS.keys())
    def test_a_baseline_may_hold_anything(self, store: BaselineStore, installation: str, baseline: bytes) -> None:
        """It is given back as it was, and the pair beside it is what it was."""
        store.save_baselines(installation, [("b1", "e1", baseline), ("b2", "e" * 300, baseline)])
        assert store.get_baselines(installation, ["b1", "b2"]) == {"b1": baseline, "b2": baseline}
        assert store.get_external_id(installation, "b1") == "e1"
        assert store.get_external_id(installation, "b2") == "e" * 300
        assert store.delete_ids(installation, "b1", "e1") is True

    def test_hostile_ids_and_baselines_are_kept_apart(self, store: BaselineStore, installation: str) -> None:
        """Where an id ends and a baseline begins is never mistaken, whatever length they are of."""
        ids = [*HOSTILE.values(), *("x" * length for length in (1, 62, 63, 64, 255, 256, 65_536))]
        ids += ["0", "7", "07", "7.", "255", "256", "1e5", "-7", "99999999999999", "999999999999999", "9" * 30]
        ids = list(dict.fromkeys(ids))
        partners = ids[1:] + ids[:1]
        expected = {id: id.encode() for id in ids}
        store.save_baselines(installation, zip(ids, partners, expected.values(), strict=True))
        assert store.get_baselines(installation, ids) == expected
        assert pairs_in(store, installation, ids, ids) == set(zip(ids, partners, strict=True))
        if isinstance(store, PairListing):
            assert set(store.iter_pairs(installation)) == set(zip(ids, partners, strict=True))
            assert store.count_pairs(installation) == len(ids)

    def test_baselines_of_installations_are_apart(self, store: BaselineStore, installation: str) -> None:
        """Removing an installation takes its own alone."""
        store.save_baselines(installation, [("b1", "e1", b"one")])
        store.save_baselines(f"{installation}2", [("b1", "e1", b"two")])
        store.delete_all_ids(installation)
        assert store.get_baselines(installation, ["b1"]) == {}
        assert store.get_baselines(f"{installation}2", ["b1"]) == {"b1": b"two"}

    def test_saving_a_baseline_moves_ids_as_saving_a_pair_does(self, store: BaselineStore, installation: str) -> None:
        """One to one, and tombstones are lifted."""
        store.save_baselines(installation, [("b1", "e1", b"one"), ("b2", "e2", b"two")])
        if isinstance(store, Tombstones):
            store.bury_ids(installation, "b1", "e9", 60)
        store.save_baselines(installation, [("b1", "e2", b"three")])
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == {("b1", "e2")}
        assert store.get_baselines(installation, ["b1", "b2"]) == {"b1": b"three"}
        if isinstance(store, Tombstones):
            assert store.is_buried(installation, botmatic_id="b1") is False
            assert store.is_buried(installation, external_id="e9") is True

    def test_any_sequence_of_saves_keeps_each_baseline_with_its_pair(
        self, store: BaselineStore, installation: str
    ) -> None:
        """Batches with and without baselines, beside a plain model."""
        chance = random.Random(13)  # noqa: S311 - no secret
        botmatic_ids, external_ids = [f"b{n}" for n in range(4)], [f"e{n}" for n in range(4)]
        model: dict[tuple[str, str], bytes | None] = {}
        for round in range(60):
            pair = (chance.choice(botmatic_ids), chance.choice(external_ids))
            baseline = None
            if chance.random() < 0.3:
                store.save_ids(installation, *pair)
            elif chance.random() < 0.2:
                store.delete_ids(installation, *pair)
                model.pop(pair, None)
                continue
            else:
                baseline = b"%d" % round
                store.save_baselines(installation, [(*pair, baseline)])
            kept = model.get(pair)
            model = {old: of for old, of in model.items() if old[0] != pair[0] and old[1] != pair[1]}
            model[pair] = kept if baseline is None else baseline
            assert pairs_in(store, installation, botmatic_ids, external_ids) == set(model)
            expected = {b: of for (b, _), of in model.items() if of is not None}
            assert store.get_baselines(installation, botmatic_ids) == expected

    def test_no_baselines_at_all_are_no_mistake(self, store: BaselineStore, installation: str) -> None:
        """Saved or asked for."""
        assert store.save_baselines(installation, []) is True
        assert store.get_baselines(installation, []) == {}

    def test_many_baselines_are_one_batch(self, store: BaselineStore, installation: str) -> None:
        """More than any page holds; from an iterator."""
        expected = {f"b{n}": b"%d" % n for n in range(2500)}
        assert store.save_baselines(installation, ((b, f"e{b}", of) for b, of in expected.items())) is True
        assert store.get_baselines(installation, list(expected)) == expected

    def test_a_crash_in_the_middle_saves_all_or_none(self, store: BaselineStore, installation: str) -> None:
        """At whatever step of the store's own code it comes."""
        for step in range(1, MOST_STEPS):
            store.delete_all_ids(installation)
            store.save_baselines(installation, [("b1", "e1", b"old"), ("b2", "e2", b"old")])
            batch = [("b1", "e1", b"new"), ("b2", "e3", b"new")]
            crashed = crashes(store, partial(store.save_baselines, installation, batch), step)
            found = (
                pairs_in(store, installation, ["b1", "b2"], ["e1", "e2", "e3"]),
                store.get_baselines(installation, ["b1", "b2"]),
            )
            old = ({("b1", "e1"), ("b2", "e2")}, {"b1": b"old", "b2": b"old"})
            new = ({("b1", "e1"), ("b2", "e3")}, {"b1": b"new", "b2": b"new"})
            assert found in (old, new), f"a part was saved at step {step}"
            if not crashed:
                assert found == new
                break

    @pytest.mark.parametrize("baseline", [None, "text", 5, bytearray(b"1"), True], ids=repr)
    def test_what_is_no_baseline_is_refused(self, store: BaselineStore, installation: str, baseline: Any) -> None:
        """`ValueError`, and nothing of the batch is saved."""
        with pytest.raises(ValueError, match="baseline"):
            store.save_baselines(installation, [("b1", "e1", b"one"), ("b2", "e2", baseline)])
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == set()

    def test_what_is_no_id_is_refused_with_a_baseline_too(self, store: BaselineStore, installation: str) -> None:
        """In each place; nothing of the batch is saved."""
        for what, id in NO_IDS.items():
            for pair in ((id, "e2", b""), ("b2", id, b"")):
                with pytest.raises(InvalidId):
                    pytest.fail(f"{what} was taken: {store.save_baselines(installation, [('b1', 'e1', b''), pair])}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.get_baselines(installation, ['b1', id])}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.save_baselines(id, [])}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.get_baselines(id, [])}")
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == set()
