"""What goes wrong: threads at once, a crash in the middle, a backend that is not there."""

from __future__ import annotations

import ast
import contextlib
import inspect
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from threading import Barrier
from types import FrameType
from typing import Any, Final

import pytest

from key_stores import base
from key_stores.base import (
    Baselines,
    Bury,
    ContactClaims,
    ContactRef,
    KeyStore,
    Leases,
    PairBatches,
    PairListing,
    Ping,
    Records,
    Tombstones,
)
from key_stores.errors import StoreUnavailable
from key_stores.testing.hostile import CALLS, call
from key_stores.testing.pairs import pairs_in

MOST_STEPS: Final = 200
"""How far into a call a crash is tried: enough for any call that does not loop over much."""


class Crash(BaseException):
    """Stands for the end of the process; nothing should catch it."""


def crashes(store: KeyStore, call: Callable[[], object], step: int) -> bool:
    """Make a call that ends before the given step of the store's own code. Whether it got there.

    The steps are the lines of the files that define the store's class, without those that clean up.
    """
    files = _own_files(type(store))
    left = step

    def trace(frame: FrameType, event: str, _: Any) -> Any:  # pragma: no cover - nothing traces what traces
        nonlocal left
        lines = files.get(frame.f_code.co_filename)
        if lines is None:
            return None
        if event == "line" and frame.f_lineno in lines:
            left -= 1
            if left == 0:
                raise Crash
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Crash:
        return True  # pragma: no cover - tracing is switched off here
    finally:
        sys.settrace(before)
    return False


def _own_files(kind: type) -> dict[str, frozenset[int]]:
    codes = [
        method.__code__
        for parent in kind.__mro__
        if parent.__module__ != base.__name__
        for method in vars(parent).values()
        if inspect.isfunction(method)
    ]
    return {file: _steps(file) for file in {code.co_filename for code in codes} if Path(file).is_file()}


@cache
def _steps(file: str) -> frozenset[int]:
    steps: set[int] = set()
    clean_up: set[int] = set()
    for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        if isinstance(node, ast.With):
            clean_up.add(node.lineno)  # runs again when the block is left
        elif isinstance(node, ast.stmt):
            steps.add(node.lineno)
        if isinstance(node, ast.Try):
            for part in [*node.finalbody, *(line for handler in node.handlers for line in handler.body)]:
                clean_up.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return frozenset(steps - clean_up)


@contextlib.contextmanager
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as possible, so that what is not atomic comes apart."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


class FaultsContract:
    """Threads and crashes."""

    def test_a_crash_in_the_middle_of_saving_leaves_the_old_pairs_or_the_new(
        self, store: KeyStore, installation: str
    ) -> None:
        """At whatever step of the store's own code it comes."""
        for step in range(1, MOST_STEPS):
            store.delete_all_ids(installation)
            store.save_ids(installation, "b1", "e1")
            store.save_ids(installation, "b2", "e2")
            crashed = crashes(store, partial(store.save_ids, installation, "b1", "e2"), step)
            found = pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"])
            assert found in ({("b1", "e1"), ("b2", "e2")}, {("b1", "e2")}), f"half of a change was made at step {step}"
            if not crashed:
                assert found == {("b1", "e2")}
                break

    def test_a_crash_in_the_middle_of_removing_leaves_the_pair_or_nothing(
        self, store: KeyStore, installation: str
    ) -> None:
        """At whatever step of the store's own code it comes."""
        for step in range(1, MOST_STEPS):
            store.save_ids(installation, "b1", "e1")
            crashed = crashes(store, partial(store.delete_ids, installation, "b1", "e1"), step)
            found = pairs_in(store, installation, ["b1"], ["e1"])
            assert found in ({("b1", "e1")}, set())
            if not crashed:
                assert found == set()
                break

    def test_threads_at_once_leave_the_pairs_one_to_one(self, store: KeyStore, installation: str) -> None:
        """Four threads save and remove crossing pairs; no call fails, and the two directions are inverse."""
        botmatic_ids, external_ids = ["b1", "b2", "b3"], ["e1", "e2", "e3"]
        start = Barrier(4)

        def work(seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311 - no secret
            start.wait(60)
            for _ in range(50):
                botmatic_id, external_id = chance.choice(botmatic_ids), chance.choice(external_ids)
                if chance.random() < 0.8:
                    assert store.save_ids(installation, botmatic_id, external_id) is True
                else:
                    store.delete_ids(installation, botmatic_id, external_id)
                assert store.get_external_id(installation, botmatic_id) in (None, *external_ids)

        for round in range(3):
            with hasty_threads(), ThreadPoolExecutor(4) as pool:
                for done in [pool.submit(work, 10 * round + seed) for seed in range(4)]:
                    done.result()
            pairs_in(store, installation, botmatic_ids, external_ids)


_ABILITY_CALLS: Final[dict[type, dict[str, Callable[[Any], object]]]] = {
    PairBatches: {
        "save_many": lambda store: store.save_many("i", [("b1", "e1")]),
        "get_botmatic_ids": lambda store: store.get_botmatic_ids("i", ["e1"]),
        "get_external_ids": lambda store: store.get_external_ids("i", ["b1"]),
    },
    Baselines: {
        "save_baselines": lambda store: store.save_baselines("i", [("b1", "e1", b"baseline")]),
        "get_baselines": lambda store: store.get_baselines("i", ["b1"]),
    },
    PairListing: {
        "count_pairs": lambda store: store.count_pairs("i"),
        "iter_pairs": lambda store: list(store.iter_pairs("i")),
    },
    Tombstones: {
        "bury_ids": lambda store: store.bury_ids("i", "b1", "e1", 60),
        "is_buried": lambda store: store.is_buried("i", botmatic_id="b1"),
    },
    Leases: {
        "acquire_leases": lambda store: store.acquire_leases("i", ["l1"], "me", 60),
        "renew_leases": lambda store: store.renew_leases("i", ["l1"], "me", 60),
        "release_leases": lambda store: store.release_leases("i", ["l1"], "me"),
    },
    ContactClaims: {
        "claim": lambda store: store.claim("i", [ContactRef(botmatic_id="b1")], "me", 60),
        "renew_claim": lambda store: store.renew_claim("i", ["b1"], "me", 60),
        "record": lambda store: store.record("i", ["b1"], "me", [Bury("b1", "e1", 60)]),
    },
    Records: {
        "put_record": lambda store: store.put_record("i", "name", "value"),
        "get_record": lambda store: store.get_record("i", "name"),
        "get_records": lambda store: store.get_records("i"),
        "delete_record": lambda store: store.delete_record("i", "name"),
    },
    Ping: {"ping": lambda store: store.ping()},
}


class UnreachableContract:
    """A backend that is not there. Collected where the suite has an `unreachable_store`."""

    @pytest.mark.parametrize("method", CALLS)
    def test_an_unreachable_backend_is_said_and_never_answered_for(
        self, unreachable_store: KeyStore, method: str
    ) -> None:
        """`StoreUnavailable`; not `None`, `False` or `True`."""
        with pytest.raises(StoreUnavailable):
            call(unreachable_store, method, "i", "b1", "e1")

    def test_the_abilities_too_say_that_the_backend_is_unreachable(self, unreachable_store: KeyStore) -> None:
        """Every method of every ability that the store has."""
        for ability, calls in _ABILITY_CALLS.items():
            if isinstance(unreachable_store, ability):
                for name, ask in calls.items():
                    with pytest.raises(StoreUnavailable):
                        pytest.fail(f"{name} answered {ask(unreachable_store)!r}")

    def test_an_unreachable_store_can_be_closed(self, unreachable_store: KeyStore) -> None:
        """Closing raises nothing."""
        unreachable_store.close()
        unreachable_store.close()
