"""Leases that all processes see."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any, Final

import pytest

from key_stores.base import KeyStore, Leases
from key_stores.errors import InvalidId
from key_stores.testing.faults import hasty_threads
from key_stores.testing.hostile import HOSTILE
from key_stores.testing.tombstones import wait_until

if TYPE_CHECKING:

    class LeaseStore(KeyStore, Leases):
        """A store with leases."""


_ODD: Final[dict[str, tuple[Any, Any, Any]]] = {
    "empty name": (["a", ""], "me", 60),
    "no name": ([None], "me", 60),
    "names in one text": ("names", "me", 60),
    "empty owner": (["a"], "", 60),
    "no owner": (["a"], None, 60),
    "no time": (["a"], "me", 0),
    "negative time": (["a"], "me", -1),
    "not a number": (["a"], "me", float("nan")),
}


class LeasesContract:
    """`acquire_leases`, `renew_leases`, `release_leases`."""

    def test_a_lease_has_one_holder(self, store: LeaseStore, installation: str) -> None:
        """Another gets it once it is given back."""
        assert store.acquire_leases(installation, ["a"], "me", 60) is True
        assert store.acquire_leases(installation, ["a"], "you", 60) is False
        store.release_leases(installation, ["a"], "me")
        assert store.acquire_leases(installation, ["a"], "you", 60) is True
        assert store.acquire_leases(installation, ["a"], "me", 60) is False

    def test_all_leases_are_taken_or_none(self, store: LeaseStore, installation: str) -> None:
        """One that is held stands in the way of all, wherever it is named."""
        store.acquire_leases(installation, ["held"], "you", 60)
        for names in (["held", "a", "b"], ["a", "held", "b"], ["a", "b", "held"]):
            assert store.acquire_leases(installation, names, "me", 60) is False
        assert store.acquire_leases(installation, ["a", "b"], "someone else", 60) is True

    def test_the_holder_may_take_a_lease_again(self, store: LeaseStore, installation: str) -> None:
        """Together with others; its time is counted anew."""
        assert store.acquire_leases(installation, ["a"], "me", 0.3) is True
        assert store.acquire_leases(installation, ["a", "b", "b"], "me", 60) is True
        store.acquire_leases(installation, ["c"], "me", 0.3)
        wait_until(lambda: store.acquire_leases(installation, ["c"], "you", 60), "the end of a lease")
        assert store.acquire_leases(installation, ["a"], "you", 60) is False
        assert store.acquire_leases(installation, ["b"], "you", 60) is False

    def test_a_lease_ends_by_itself(self, store: LeaseStore, installation: str) -> None:
        """Its former holder can neither renew nor give it back."""
        store.acquire_leases(installation, ["a", "b"], "me", 0.05)
        wait_until(lambda: store.acquire_leases(installation, ["a"], "you", 60), "the end of a lease")
        assert store.renew_leases(installation, ["a"], "me", 60) is False
        wait_until(lambda: not store.renew_leases(installation, ["b"], "me", 0.05), "the end of a lease")
        store.release_leases(installation, ["a"], "me")
        assert store.acquire_leases(installation, ["a"], "someone else", 60) is False

    def test_a_lease_is_renewed_by_its_holder_alone(self, store: LeaseStore, installation: str) -> None:
        """Nobody renews one that is not held."""
        store.acquire_leases(installation, ["a"], "me", 0.3)
        assert store.renew_leases(installation, ["a"], "you", 60) is False
        assert store.renew_leases(installation, ["b"], "me", 60) is False
        assert store.renew_leases(installation, ["a"], "me", 60) is True
        store.acquire_leases(installation, ["c"], "me", 0.3)
        wait_until(lambda: store.acquire_leases(installation, ["c"], "you", 60), "the end of a lease")
        assert store.acquire_leases(installation, ["a"], "you", 60) is False

    def test_leases_are_renewed_all_or_none(self, store: LeaseStore, installation: str) -> None:
        """With one of them lost, the others end in their time."""
        store.acquire_leases(installation, ["a"], "me", 0.3)
        store.acquire_leases(installation, ["lost"], "you", 60)
        assert store.renew_leases(installation, ["a", "lost"], "me", 3600) is False
        wait_until(lambda: store.acquire_leases(installation, ["a"], "you", 60), "the end of a lease")

    def test_only_the_holder_gives_a_lease_back(self, store: LeaseStore, installation: str) -> None:
        """Of those named, others' and unknown ones are left as they are."""
        store.acquire_leases(installation, ["mine"], "me", 60)
        store.acquire_leases(installation, ["yours"], "you", 60)
        assert store.release_leases(installation, ["yours", "unknown", "mine"], "me") is None
        assert store.acquire_leases(installation, ["mine"], "someone else", 60) is True
        assert store.acquire_leases(installation, ["yours"], "someone else", 60) is False

    def test_no_leases_at_all_are_taken_at_once(self, store: LeaseStore, installation: str) -> None:
        """An empty list is no mistake."""
        assert store.acquire_leases(installation, [], "me", 60) is True
        assert store.renew_leases(installation, [], "me", 60) is True
        store.release_leases(installation, [], "me")

    def test_leases_of_installations_are_apart(self, store: LeaseStore, installation: str) -> None:
        """Hostile names are only names."""
        names = list(HOSTILE.values())
        assert store.acquire_leases(installation, names[::2], "me", 60) is True
        assert store.acquire_leases(f"{installation}2", names[::2], "you", 60) is True
        assert store.acquire_leases(installation, names[1::2], "you", 60) is True
        assert store.renew_leases(installation, names[::2], "me", 60) is True
        assert store.acquire_leases(f"{installation}:a", ["b"], "me", 60) is True
        assert store.acquire_leases(installation, ["a:b"], "you", 60) is False  # it is one of the hostile names
        assert store.acquire_leases(installation, [":a:b"], "you", 60) is True

    def test_removing_an_installation_leaves_its_leases(self, store: LeaseStore, installation: str) -> None:
        """Whoever is at work holds on to what it works on."""
        store.acquire_leases(installation, ["a"], "me", 60)
        store.delete_all_ids(installation)
        assert store.acquire_leases(installation, ["a"], "you", 60) is False
        assert store.renew_leases(installation, ["a"], "me", 60) is True

    def test_of_many_at_once_one_gets_the_lease(self, store: LeaseStore, installation: str) -> None:
        """Eight threads, five times over."""
        start = Barrier(8)

        def work(owner: int) -> list[bool]:
            taken = []
            for round in range(5):
                start.wait(60)
                taken.append(store.acquire_leases(installation, [f"other {round}", f"lease {round}"], f"{owner}", 60))
            return taken

        with hasty_threads(), ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(work, range(8)))
        assert [sum(round) for round in zip(*answers, strict=True)] == [1, 1, 1, 1, 1]

    @pytest.mark.parametrize(("names", "owner", "seconds"), _ODD.values(), ids=_ODD.keys())
    def test_odd_arguments_are_refused(
        self, store: LeaseStore, installation: str, names: Any, owner: Any, seconds: Any
    ) -> None:
        """`ValueError`, and nothing is taken; an installation that is no id is `InvalidId`."""
        calls: list[Callable[..., object]] = [store.acquire_leases, store.renew_leases]
        for call in calls:
            with pytest.raises(ValueError, match=r"name|owner|seconds"):
                call(installation, names, owner, seconds)
        assert store.acquire_leases(installation, ["a"], "someone else", 60) is True
        with pytest.raises(InvalidId):
            store.acquire_leases("", ["a"], "me", 60)
