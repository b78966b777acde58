"""The threads of a worker, and who gets the next one: no installation holds up another.

Each installation gets a thread in turn, and there are a few more for those that have none. A call that lasts long does
not count: its thread waits for a slow CRM, and another takes its place. But an installation whose calls last long gets
few threads until they are over. Some jobs are taken ahead, so that a thread that becomes free has something to do.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
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


@dataclass(eq=False, slots=True)
class Job:
    """Something to do for an installation.

    Attributes:
        installation: For whom.
        work: What to do. It never raises.
        give_up: Called instead, if nobody comes to it.
        began: When a thread began with it; `None` before.
    """

    installation: bytes
    work: Callable[[], object] = field(repr=False)
    give_up: Callable[[], object] = field(repr=False)
    began: float | None = None


class Crew:
    """Threads that work.

    Args:
        threads: How many work at once; a quarter more where installations would have none.
        freed: Called when a thread has become free.
    """

    def __init__(self, threads: int, freed: Callable[[], object]) -> None:
        self._threads = threads
        self._ahead = threads
        self._reserve = max(1, threads // 4)
        self._few = max(1, threads // 4)
        self._freed = freed
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._next: list[Job] = []
        self._at_work: set[Job] = set()
        self._alive = 0
        self._refusals: dict[bytes, int] = {}
        self._left_alone: dict[bytes, float] = {}

    @property
    def busy(self) -> int:
        """How many threads work, those that are slow included."""
        with self._lock:
            return len(self._at_work)

    @property
    def has_room(self) -> bool:
        """Whether jobs of any installation could be taken now."""
        with self._lock:
            return self._room(self._slow()) > 0

    def shares(self, installations: Iterable[bytes]) -> dict[bytes, int]:
        """Decide how many jobs of each of some installations are taken now; those of which none is, are left out."""
        now = time.monotonic()
        with self._lock:
            self._left_alone = {one: until for one, until in self._left_alone.items() if until > now}
            left_alone = set(self._left_alone)
            slow = self._slow()
            has = Counter(job.installation for job in (*self._at_work, *self._next))
            room = self._room(slow)
        rest = [one for one in installations if one not in left_alone]
        random.shuffle(rest)  # so that among equals nobody is always the last
        shares: dict[bytes, int] = {}
        while room > 0 and rest:
            one = min(rest, key=lambda each: has[each] + shares.get(each, 0))
            mine = has[one] + shares.get(one, 0)
            if mine and (room <= self._reserve or self._has_enough(mine, slow[one], self._threads + self._ahead)):
                rest.remove(one)
                continue
            shares[one] = shares.get(one, 0) + 1
            room -= 1
        return shares

    def take(self, jobs: Iterable[Job]) -> None:
        """Have jobs done, in turn."""
        with self._lock:
            self._next += jobs
        self.look()

    def look(self) -> None:
        """Give threads what they can do now. To be called from time to time, as what is slow makes room."""
        with self._lock:
            slow = self._slow()
            while self._next and (job := self._choose(slow)) is not None:
                self._next.remove(job)
                job.began = time.monotonic()
                self._at_work.add(job)
                if len(self._at_work) > self._alive:
                    self._alive += 1
                    threading.Thread(target=self._work, name="contact-sync-worker", daemon=True).start()
                self._jobs.put(job)

    def withdraw(self) -> None:
        """Give up the jobs that nobody has begun with."""
        with self._lock:
            jobs, self._next = self._next, []
        for job in jobs:
            job.give_up()

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
        """Let the threads end when they have done what they have begun with."""
        with self._lock:
            alive = self._alive
        for _ in range(alive):
            self._jobs.put(None)

    def _choose(self, slow: Counter[bytes]) -> Job | None:
        """The next job: of whoever has the fewest threads, if there is a thread for them."""
        has = Counter(job.installation for job in self._at_work)
        quick = len(self._at_work) - slow.total()
        free = min(self._threads + self._reserve - quick, MOST_THREADS - len(self._at_work))
        if free <= 0:
            return None
        job = min(self._next, key=lambda each: has[each.installation])
        mine = has[job.installation]
        if mine and (free <= self._reserve or self._has_enough(mine, slow[job.installation], self._threads)):
            return None
        return job

    def _has_enough(self, mine: int, slow: int, most: int) -> bool:
        """Whether an installation has as many as it may have, of which some are slow."""
        return mine - slow >= (self._few if slow else most) or mine >= MOST_OF_ONE * self._threads

    def _room(self, slow: Counter[bytes]) -> int:
        quick = len(self._at_work) - slow.total()
        room = self._threads + self._reserve + self._ahead - quick - len(self._next)
        return min(room, MOST_THREADS - len(self._at_work) - len(self._next))

    def _slow(self) -> Counter[bytes]:
        """How many slow jobs each installation has."""
        late = time.monotonic() - SLOW_SECONDS
        return Counter(job.installation for job in self._at_work if job.began is not None and job.began < late)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.work()
            except BaseException as error:  # noqa: BLE001 - a bug of ours; what was claimed comes again
                translate(error, "a worker thread")
            with self._lock:
                self._at_work.discard(job)
            self.look()
            self._freed()
