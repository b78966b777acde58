"""A process that dies, and one whose clock is wrong, within a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from key_stores import Claimed, ContactRef, Id, MemoryKeyStore

from .script import Crash

_OF_A_DEAD_ONE: Final = frozenset(("die", "next_process"))


class MortalStore(MemoryKeyStore):
    """What a process has of a key store in memory. When the process dies, its calls end in a `Crash`, also those of
    code that cleans up; another process goes on with what was stored until then.
    """

    def __init__(self) -> None:
        super().__init__()
        self._dead = False
        self._claims: list[tuple[Id, Sequence[str], str]] = []

    def next_process(self) -> MortalStore:
        """What a new process has of the same store, after the claims of the dead one have run out."""
        other = MortalStore()
        vars(other).update(vars(self) | {"_dead": False, "_claims": []})
        for installation, leases, owner in self._claims:
            other.record(installation, leases, owner)
        return other

    def die(self) -> None:
        """End all further calls."""
        self._dead = True

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        claimed = super().claim(integration_id, contacts, owner, seconds)
        if claimed is not None:
            self._claims.append((integration_id, claimed.leases, owner))
        return claimed

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if name.startswith("_") or name in _OF_A_DEAD_ONE or not callable(value):
            return value
        if object.__getattribute__(self, "_dead"):
            raise Crash
        return value


@contextmanager
def skewed_clock(seconds: float) -> Iterator[None]:
    """Let the clock of this process be wrong: what `time.time()` says is so many seconds ahead, or behind.

    Durations (`time.monotonic()`) stay right, and so do the clocks of other processes and of the CRM.
    """
    right: Callable[[], float] = time.time
    with _clock(lambda: right() + seconds):
        yield


@contextmanager
def stopped_clock(at: float) -> Iterator[None]:
    """Let the clock of this process stand still, so that nothing depends on how long things take."""
    with _clock(lambda: at):
        yield


@contextmanager
def _clock(reads: Callable[[], float]) -> Iterator[None]:
    right: Callable[[], float] = time.time
    setattr(time, "time", reads)  # noqa: B010 - mypy takes no assignment to a module's function
    try:
        yield
    finally:
        setattr(time, "time", right)  # noqa: B010 - as above
