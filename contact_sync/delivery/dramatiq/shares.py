"""How the threads of a process are shared out, so that no installation holds up another.

What a message leads to is decided here. So many calls go on at once as the worker has threads; a few threads are kept
for installations that have none. A call that lasts long does not count, and a spare thread takes its place; but an
installation whose calls last long gets few more until they are over.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

SLOW_SECONDS: Final = 2.0
"""A call that lasts longer is slow."""

MOST_THREADS: Final = 256
"""How many threads there are at the most, those that are spare included."""

MOST_OF_ONE: Final = 2
"""How many times as many threads as there are meant to be one installation may have whose calls are slow."""

MOST_REFUSALS: Final = 3
"""After so many contacts in a row that were told to come back later, an installation is left alone until then."""


class Shares:
    """Who is at work for whom."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._inside: Counter[str] = Counter()
        self._calls: dict[object, tuple[str, float]] = {}
        self._looking = 0
        self._passed_over = False
        self._refusals: Counter[str] = Counter()
        self._left_alone: dict[str, float] = {}

    def add_threads(self, number: int) -> None:
        """Dramatiq has so many threads more, or fewer."""
        with self._lock:
            self._threads += number

    @property
    def has_free(self) -> bool:
        """Whether a thread of Dramatiq's has nothing to do."""
        with self._lock:
            return self._inside.total() < self._threads

    @property
    def is_stuck(self) -> bool:
        """Whether all threads are at work, but some at what lasts long, so that others are to take their place."""
        with self._lock:
            return self._inside.total() >= self._threads > 0 and self._free(self._slow()) > self._looking

    def look(self) -> list[str] | None:
        """Begin to look for something to do; whoever does ends it by `found`.

        Returns:
            The installations that may have no thread more now, by their digests. `None` if nobody may: do not look.
        """
        with self._lock:
            closed = self._closed()
            if closed is not None:
                self._looking += 1
            return closed

    def found(self, installation: str | None) -> bool:
        """End a look. Whether the thread may be for the installation that was found: others looked at the same time."""
        with self._lock:
            self._looking -= 1
            if installation is None:
                return False
            closed = self._closed(alone=True)
            if closed is None or installation in closed:
                return False
            self._inside[installation] += 1
            return True

    def leave(self, installation: str) -> None:
        """Give the thread back."""
        with self._lock:
            self._inside[installation] -= 1
            if not self._inside[installation]:
                del self._inside[installation]

    def pass_over(self) -> None:
        """A message led to nothing, for the want of a thread."""
        with self._lock:
            self._passed_over = True

    def was_passed_over(self) -> bool:
        """Whether a message was passed over since this was asked."""
        with self._lock:
            passed_over, self._passed_over = self._passed_over, False
            return passed_over

    @contextlib.contextmanager
    def call(self, installation: str) -> Iterator[None]:
        """Measure a call, for as long as it lasts."""
        mark = object()
        with self._lock:
            self._calls[mark] = installation, time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._calls[mark]

    def heard(self, installation: str, retry_after: float | None) -> bool:
        """Take note of whether a contact of an installation was told to come back later (in seconds).

        Returns:
            Whether the installation is left alone until then.
        """
        with self._lock:
            if retry_after is None:
                del self._refusals[installation]
                return False
            self._refusals[installation] += 1
            if self._refusals[installation] < MOST_REFUSALS:
                return False
            until = time.monotonic() + retry_after
            self._left_alone[installation] = max(until, self._left_alone.get(installation, 0.0))
            return True

    def _closed(self, *, alone: bool = False) -> list[str] | None:
        now = time.monotonic()
        self._left_alone = {one: until for one, until in self._left_alone.items() if until > now}
        slow = self._slow()
        looking = 0 if alone else self._looking  # each may find something of the same installation
        free = self._free(slow) - looking
        if free <= 0:
            return None
        scarce = free <= self._threads // 4 or self._inside.total() >= MOST_THREADS * 3 // 4
        full = [one for one in self._inside if scarce or self._is_full(one, slow[one], looking)]
        return list({*full, *self._left_alone})

    def _slow(self) -> Counter[str]:
        since = time.monotonic() - SLOW_SECONDS
        return Counter(installation for installation, began in self._calls.values() if began < since)

    def _free(self, slow: Counter[str]) -> int:
        total = self._inside.total()
        return min(self._threads - (total - slow.total()), MOST_THREADS - total)

    def _is_full(self, installation: str, slow: int, looking: int) -> bool:
        mine = self._inside[installation] + looking
        limit = max(1, self._threads // 4) if slow else self._threads
        return mine - slow >= limit or mine >= MOST_OF_ONE * self._threads
