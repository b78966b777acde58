"""Recording what was done under a claim, as long as the claim is held."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from key_stores.base import (
    Baselines,
    Bury,
    ContactRef,
    DeletePair,
    KeyStore,
    SavePair,
    Tombstones,
    Write,
)
from key_stores.errors import InvalidId
from key_stores.testing.claims import b, e, had, is_free
from key_stores.testing.faults import MOST_STEPS, crashes
from key_stores.testing.hostile import HOSTILE
from key_stores.testing.pairs import Pairs, pairs_in
from key_stores.testing.tombstones import wait_until

if TYPE_CHECKING:
    from key_stores.testing.claims import ClaimStore


_IDS: Final = (["b1", "b2", "b3"], ["e1", "e2", "e3"])

_WRITES: Final[dict[str, list[Write]]] = {
    "save": [SavePair("b3", "e3", b"three")],
    "move": [SavePair("b1", "e2")],
    "delete": [DeletePair("b1", "e1")],
    "bury": [Bury("b2", "e2", 60)],
    "all": [DeletePair("b1", "e1"), SavePair("b1", "e3"), Bury("b2", "e2", 60), SavePair("b3", "e1", b"")],
}

_ODD: Final[dict[str, Any]] = {
    "empty id": SavePair("b9", ""),
    "no id": DeletePair(None, "e9"),  # type: ignore[arg-type]  # what is tested
    "nothing to bury": Bury(None, None, 60),
    "no time": Bury("b9", None, 0),
    "baseline of text": SavePair("b9", "e9", "text"),  # type: ignore[arg-type]  # what is tested
    "no write": ("b9", "e9"),
}


def _state(store: KeyStore, installation: str) -> tuple[Pairs, dict[str, bytes], set[str]]:
    pairs = pairs_in(store, installation, *_IDS)
    baselines = store.get_baselines(installation, _IDS[0]) if isinstance(store, Baselines) else {}
    buried: set[str] = set()
    if isinstance(store, Tombstones):
        buried |= {id for id in _IDS[0] if store.is_buried(installation, botmatic_id=id)}
        buried |= {id for id in _IDS[1] if store.is_buried(installation, external_id=id)}
    return pairs, baselines, buried


class RecordContract:
    """`record`."""

    def test_what_is_recorded_is_done_as_the_methods_do_it(self, store: ClaimStore, installation: str) -> None:
        """In order; and the claim is given back."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        claimed = had(store, installation, "me", b("b1"), b("b2"))
        writes: list[Write] = [
            DeletePair("b1", "e1"),
            SavePair("b1", "e2", b"two"),
            Bury("b2", "e3", 60),
            DeletePair("b3", "e3"),
        ]
        assert store.record(installation, claimed.leases, "me", writes) is True
        pairs, baselines, buried = _state(store, installation)
        assert pairs == {("b1", "e2")}
        assert baselines == ({"b1": b"two"} if isinstance(store, Baselines) else {})
        assert buried == ({"b2", "e3"} if isinstance(store, Tombstones) else set())
        assert is_free(store, installation, b("b1"), b("b2"), e("e1"))

    def test_a_recorded_pair_keeps_its_baseline_or_gets_another(self, store: ClaimStore, installation: str) -> None:
        """`None` leaves it; it goes with a pair that is another one."""
        if isinstance(store, Baselines):
            cases: list[tuple[list[Write], dict[str, bytes]]] = [
                ([SavePair("b1", "e1", b"one")], {"b1": b"one"}),
                ([SavePair("b1", "e1")], {"b1": b"one"}),
                ([SavePair("b1", "e1", b"")], {"b1": b""}),
                ([SavePair("b1", "e2")], {}),
                ([SavePair("b1", "e2", b"two"), SavePair("b1", "e2")], {"b1": b"two"}),
                ([DeletePair("b1", "e2"), SavePair("b1", "e2")], {}),
                ([SavePair("b1", "e2", b"two"), Bury("b1", "e2", 60), SavePair("b1", "e2")], {}),
            ]
            for writes, expected in cases:
                claimed = had(store, installation, "me", b("b1"))
                assert store.record(installation, claimed.leases, "me", writes) is True
                assert store.get_baselines(installation, ["b1"]) == expected
        assert store.record(installation, had(store, installation, "me", b("b1")).leases, "me") is True

    def test_saving_lifts_and_burying_lays_a_tombstone(self, store: ClaimStore, installation: str) -> None:
        """Whichever is last counts; one of two ids may be buried alone."""
        if isinstance(store, Tombstones):
            cases: list[tuple[list[Write], set[str]]] = [
                ([Bury("b1", "e1", 60)], {"b1", "e1"}),
                ([SavePair("b1", "e2")], {"e1"}),
                ([Bury(None, "e3", 60), SavePair("b3", "e3"), Bury("b1", "e2", 60)], {"e1", "b1", "e2"}),
                ([SavePair("b1", "e1"), SavePair("b2", "e2"), Bury("b2", None, 60)], {"b2"}),
            ]
            for writes, expected in cases:
                claimed = had(store, installation, "me", b("b1"))
                assert store.record(installation, claimed.leases, "me", writes) is True
                assert _state(store, installation)[2] == expected
        assert store.record(installation, had(store, installation, "me", b("b1")).leases, "me") is True

    def test_without_release_the_claim_stays(self, store: ClaimStore, installation: str) -> None:
        """It can be recorded under again."""
        claimed = had(store, installation, "me", b("b1"))
        assert store.record(installation, claimed.leases, "me", [SavePair("b1", "e1")], release=False) is True
        assert store.claim(installation, [b("b1")], "you", 60) is None
        assert store.record(installation, claimed.leases, "me", [SavePair("b1", "e2")], release=False) is True
        assert pairs_in(store, installation, *_IDS) == {("b1", "e2")}
        assert store.record(installation, claimed.leases, "me") is True
        assert is_free(store, installation, b("b1"))

    @pytest.mark.parametrize("writes", _WRITES.values(), ids=_WRITES.keys())
    def test_nothing_is_recorded_under_a_claim_that_was_taken_over(
        self, store: ClaimStore, installation: str, writes: list[Write]
    ) -> None:
        """`False`; what is there is the next holder's to change."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        mine = had(store, installation, "me", b("b1"), b("b2"), seconds=0.05)
        wait_until(lambda: store.claim(installation, [b("b1")], "you", 60) is not None, "the end of a claim")
        before = _state(store, installation)
        assert store.record(installation, mine.leases, "me", writes) is False
        assert _state(store, installation) == before
        yours = had(store, installation, "you", b("b1"))
        assert store.record(installation, yours.leases, "you", [SavePair("b1", "e3")]) is True

    @pytest.mark.parametrize("writes", _WRITES.values(), ids=_WRITES.keys())
    def test_nothing_is_recorded_under_a_claim_that_ended(
        self, store: ClaimStore, installation: str, writes: list[Write]
    ) -> None:
        """Even if nobody took it since: somebody may have looked."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        mine = had(store, installation, "me", b("b1"), seconds=0.05)
        wait_until(lambda: not store.renew_claim(installation, mine.leases, "me", 0.001), "the end of a claim")
        before = _state(store, installation)
        assert store.record(installation, mine.leases, "me", writes) is False
        assert _state(store, installation) == before

    def test_all_of_the_leases_have_to_be_held(self, store: ClaimStore, installation: str) -> None:
        """One that is lost is enough; those that are still held are given back all the same, if that is asked for."""
        store.save_ids(installation, "b1", "e1")
        longer = had(store, installation, "me", b("b2"))
        shorter = had(store, installation, "me", e("e1"), seconds=0.05)
        leases = [*longer.leases, *shorter.leases]
        wait_until(lambda: store.claim(installation, [b("b1")], "you", 60) is not None, "the end of a claim")
        assert store.record(installation, leases, "me", [SavePair("b2", "e2")], release=False) is False
        assert store.claim(installation, [b("b2")], "someone else", 60) is None
        assert store.record(installation, leases, "me", [SavePair("b2", "e2")]) is False
        assert pairs_in(store, installation, *_IDS) == {("b1", "e1")}
        assert is_free(store, installation, b("b2"))
        assert store.claim(installation, [e("e1")], "someone else", 60) is None

    def test_nothing_is_recorded_under_anothers_claim(self, store: ClaimStore, installation: str) -> None:
        """Nor under one that was given back, nor twice."""
        yours = had(store, installation, "you", b("b1"))
        assert store.record(installation, yours.leases, "me", [SavePair("b1", "e1")]) is False
        assert store.record(installation, yours.leases, "you", [SavePair("b1", "e2")]) is True
        assert store.record(installation, yours.leases, "you", [SavePair("b1", "e3")]) is False
        assert pairs_in(store, installation, *_IDS) == {("b1", "e2")}

    def test_nothing_is_recorded_for_an_installation_that_was_removed(
        self, store: ClaimStore, installation: str
    ) -> None:
        """What is still under way when it uninstalls leaves nothing behind."""
        mine = had(store, installation, "me", b("b1", "g"))
        store.delete_all_ids(installation)
        assert (
            store.record(installation, mine.leases, "me", [SavePair("b1", "e1", b"one"), Bury("b2", "e2", 60)]) is False
        )
        assert _state(store, installation) == (set(), {}, set())

    def test_recorded_ids_are_only_ids(self, store: ClaimStore, installation: str) -> None:
        """Hostile ones, all at once."""
        ids = list(HOSTILE.values())
        partners = ids[1:] + ids[:1]
        claimed = had(store, installation, "me", *(ContactRef(botmatic_id=id, guards=(id,)) for id in ids))
        saved = [SavePair(id, other, other.encode()) for id, other in zip(ids, partners, strict=True)]
        assert store.record(installation, claimed.leases, "me", saved, release=False) is True
        assert pairs_in(store, installation, ids, ids) == set(zip(ids, partners, strict=True))
        if isinstance(store, Baselines):
            expected = {id: other.encode() for id, other in zip(ids, partners, strict=True)}
            assert store.get_baselines(installation, ids) == expected
        gone = [DeletePair(id, other) for id, other in zip(ids[::2], partners[::2], strict=True)]
        assert store.record(installation, claimed.leases, "me", gone) is True
        assert pairs_in(store, installation, ids, ids) == set(zip(ids[1::2], partners[1::2], strict=True))

    def test_any_sequence_of_writes_is_the_same_as_one_by_one(self, store: ClaimStore, installation: str) -> None:
        """Beside another installation, whose writes are recorded one at a time."""
        chance = random.Random(17)  # noqa: S311 - no secret
        single = f"{installation} single"
        for round in range(20):
            writes: list[Write] = []
            for _ in range(chance.randint(1, 6)):
                botmatic_id, external_id = chance.choice(_IDS[0]), chance.choice(_IDS[1])
                kinds: list[Write] = [
                    SavePair(botmatic_id, external_id),
                    SavePair(botmatic_id, external_id, b"%d" % round),
                    DeletePair(botmatic_id, external_id),
                    Bury(botmatic_id, external_id, 60),
                ]
                writes.append(chance.choice(kinds))
            claimed = had(store, installation, "me", b("b"))
            assert store.record(installation, claimed.leases, "me", writes) is True
            for write in writes:
                claimed = had(store, single, "me", b("b"))
                assert store.record(single, claimed.leases, "me", [write]) is True
            assert _state(store, installation) == _state(store, single)

    def test_a_crash_in_the_middle_records_all_or_nothing(self, store: ClaimStore, installation: str) -> None:
        """At whatever step of the store's own code it comes."""
        for step in range(1, MOST_STEPS):
            store.delete_all_ids(installation)
            store.save_ids(installation, "b1", "e1")
            claimed = had(store, installation, "me", b("b1"))
            writes: list[Write] = [SavePair("b1", "e2", b"new"), SavePair("b3", "e3"), DeletePair("b3", "e3")]
            crashed = crashes(store, partial(store.record, installation, claimed.leases, "me", writes), step)
            found = _state(store, installation)[:2]
            new = ({("b1", "e2")}, {"b1": b"new"} if isinstance(store, Baselines) else {})
            assert found in (({("b1", "e1")}, {}), new), f"a part was recorded at step {step}"
            if not crashed:
                assert found == new
                break

    @pytest.mark.parametrize("write", _ODD.values(), ids=_ODD.keys())
    def test_odd_writes_are_refused_whole(self, store: ClaimStore, installation: str, write: Any) -> None:
        """`ValueError`, of which `InvalidId` is one; nothing is recorded, and the claim stays."""
        claimed = had(store, installation, "me", b("b1"))
        with pytest.raises(ValueError, match=r"id|seconds|baseline|recorded"):
            store.record(installation, claimed.leases, "me", [SavePair("b1", "e1"), write])
        assert pairs_in(store, installation, *_IDS) == set()
        assert store.claim(installation, [b("b1")], "you", 60) is None
        with pytest.raises(InvalidId):
            store.record("", claimed.leases, "me", [])
