"""The threads of a worker, and who gets the next one: no installation holds up another.

Each installation gets a thread in turn, and a few are kept for those that have none. A call that lasts long does not
count: its thread waits for a slow CRM, and another takes its place. But an installation whose calls last long gets few
threads until they are over.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Final

from contact_sync.failures import translate

SLOW_SECONDS: Final = 2.0
"""Work that lasts longer is slow."""

MOST_THREADS: Final = 256
"""How many threads there are at the most, those that are slow included."""

MOST_OF_ONE: Final = 2
"""How many times as many threads as there are meant to be one installation may have whose calls are slow."""

MOST_REFUSALS: Final = 3
"""After so many contacts in a row that were told to come back later, an installation is left alone until then."""


class Crew:
    """Threads that work, for so many at once as there are `threads`.

    Args:
        threads: How many.
        freed: Called when a thread has become free.
    """

    def __init__(self, threads: int, freed: Callable[[], object]) -> None:
        self._threads = threads
        self._reserve = threads // 4
        self._few = max(1, threads // 4)
        self._freed = freed
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[tuple[bytes, object, Callable[[], object]] | None] = SimpleQueue()
        self._at_work: dict[bytes, dict[object, float]] = {}
        self._alive = 0
        self._idle = 0
        self._refusals: dict[bytes, int] = {}
        self._left_alone: dict[bytes, float] = {}

    @property
    def busy(self) -> int:
        """How many threads work, those that are slow included."""
        with self._lock:
            return sum(map(len, self._at_work.values()))

    @property
    def has_room(self) -> bool:
        """Whether any installation could get a thread now."""
        now = time.monotonic()
        with self._lock:
            began = [each for at in self._at_work.values() for each in at.values()]
        return len(began) < MOST_THREADS and sum(now - each <= SLOW_SECONDS for each in began) < self._threads

    def shares(self, installations: Iterable[bytes]) -> dict[bytes, int]:
        """Decide how many threads each of some installations gets now; those that get none are left out."""
        now = time.monotonic()
        with self._lock:
            slow = {one: sum(now - began > SLOW_SECONDS for began in at.values()) for one, at in self._at_work.items()}
            has = {one: len(at) for one, at in self._at_work.items()}
            self._left_alone = {one: until for one, until in self._left_alone.items() if until > now}
            left_alone = set(self._left_alone)
        total = sum(has.values())
        free = min(self._threads - (total - sum(slow.values())), MOST_THREADS - total)
        rest = [one for one in installations if one not in left_alone]
        random.shuffle(rest)  # so that among equals nobody is always the last
        shares: dict[bytes, int] = {}
        while free > 0 and rest:
            one = min(rest, key=lambda each: has.get(each, 0) + shares.get(each, 0))
            mine = has.get(one, 0) + shares.get(one, 0)
            quick = mine - slow.get(one, 0)
            too_many = quick >= self._few if slow.get(one) else quick >= self._threads
            if mine and (too_many or mine >= MOST_OF_ONE * self._threads or free <= self._reserve):
                rest.remove(one)
                continue
            shares[one] = shares.get(one, 0) + 1
            free -= 1
        return shares

    def start(self, installation: bytes, job: Callable[[], object]) -> None:
        """Have a thread do a job for an installation. The job never raises."""
        mark = object()
        with self._lock:
            self._at_work.setdefault(installation, {})[mark] = time.monotonic()
            more = self._idle <= self._jobs.qsize()
            self._alive += more
        self._jobs.put((installation, mark, job))
        if more:
            threading.Thread(target=self._work, name="contact-sync-worker", daemon=True).start()

    def heard(self, installation: bytes, retry_after: float | None) -> None:
        """Take note of whether the last contact of an installation was told to come back later (in seconds)."""
        with self._lock:
            if retry_after is None:
                self._refusals.pop(installation, None)
                return
            refusals = self._refusals.get(installation, 0) + 1
            self._refusals[installation] = refusals
            if refusals >= MOST_REFUSALS:
                until = time.monotonic() + retry_after
                self._left_alone[installation] = max(until, self._left_alone.get(installation, 0.0))

    def end(self) -> None:
        """Let the threads end that have nothing to do."""
        with self._lock:
            alive = self._alive
        for _ in range(alive):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            given = self._jobs.get()
            with self._lock:
                self._idle -= 1
                if given is None:
                    self._alive -= 1
                    return
            installation, mark, job = given
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - a bug of ours; what was claimed comes again
                translate(error, "a worker thread")
            with self._lock:
                del self._at_work[installation][mark]
                if not self._at_work[installation]:
                    del self._at_work[installation]
            self._freed()
