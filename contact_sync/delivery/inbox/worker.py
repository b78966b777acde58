"""The worker: claims what is due, has it applied by threads, settles it, and claims again."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contact_sync.delivery.base import Parts
from contact_sync.delivery.crew import Crew, Job
from contact_sync.delivery.retries import Retries
from contact_sync.errors import DeliveryUnavailable

from .applying import Applying
from .burying import Buried
from .claiming import Claimed, Claiming, claim, due, renew
from .database import Database
from .records import Records
from .schema import loaded
from .settling import Settled, settle

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.02
"""How often an idle worker looks whether another process has stored something."""

PACE_SECONDS: Final = 0.003
"""How long to wait, while threads are at work and have more to do, for others to finish: one commit for all of them."""

AWAY_SECONDS: Final = 0.5
"""How long to wait when the inbox cannot be reached."""

MOST_VOID: Final = 100
"""How many claims are remembered of which it is not known whether they were made."""

CLEAN_SECONDS: Final = 60.0
"""How often what is kept for long enough is erased."""


class Worker:
    """Applies what waits in an inbox, with threads of its own, until it is stopped.

    Threads apply; what came of it is kept, and what is due is claimed, by the thread that runs this, both in one
    transaction.

    Args:
        database: The inbox's.
        parts: What applies events.
        retries: When a failed event is tried again.
        lease: How long a claim lasts if this process dies.
        threads: How many runs are applied at once.
        keep: For how many seconds the record of an applied event is kept.
        keep_failed: For how many seconds a dead letter is kept.
        tell: Called with each lane that is settled, for logs and metrics.
        tell_buried: Called with each event whose worker has died.
    """

    def __init__(
        self,
        database: Database,
        parts: Parts,
        retries: Retries,
        *,
        lease: float,
        threads: int,
        keep: float,
        keep_failed: float,
        tell: Callable[[Settled], object],
        tell_buried: Callable[[Buried], object],
    ) -> None:
        self._database = database
        self._parts = parts
        self._retries = retries
        self._lease = lease
        self._keep = keep, keep_failed
        self._tell = tell
        self._tell_buried = tell_buried
        self._applying = Applying(parts, retries)
        self._wake = threading.Event()
        self._crew = Crew(threads, self._wake.set)
        self._done: list[Settled] = []
        self._owners: Counter[str] = Counter()
        self._suspects: set[bytes] = set()
        self._lock = threading.Lock()
        self._void: deque[str] = deque(maxlen=MOST_VOID)
        self._away = False
        self._back_since = time.monotonic()
        self._cleaned = 0.0

    def wake(self) -> None:
        """Look again now: something was stored."""
        self._wake.set()

    def run(self, stop: threading.Event, grace: float, ready: Callable[[], object] | None) -> bool:
        """Work until `stop` is set; then finish what is in flight and hand the rest back."""
        ended = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(ended,), name="contact-sync-leases", daemon=True)
        renewal.start()
        try:
            if ready is not None:
                ready()
            while not stop.is_set():
                self._wake.clear()
                self._crew.look()
                if not self._turn():
                    self._wake.wait(AWAY_SECONDS if self._away else POLL_SECONDS)
                if self._crew.busy:
                    time.sleep(PACE_SECONDS)
                self._clean()
            return self._finish(grace)
        finally:
            ended.set()
            self._crew.end()
            renewal.join(AWAY_SECONDS)

    def _turn(self, *, claims: bool = True) -> bool:
        """Keep what came of what was applied, claim what is due, and have it applied. Whether there was anything."""
        with self._lock:
            done, self._done = self._done, []
        if not (claims or done):
            return False
        try:
            shares = self._crew.shares(due(self._database)) if claims and self._crew.has_room else {}
            sizes = {one: self._parts.handling.batch_size(loaded(one)) for one in shares}
            wanted = {one: share * sizes[one] for one, share in shares.items()}
            held, claimed, buried = self._exchange(done, wanted) if done or wanted else ([], [], [])
        except DeliveryUnavailable as error:
            with self._lock:  # an inbox that is away is waited for: otherwise it would all have to be done again
                self._done = done + self._done
            self._gone(error)
            return False
        self._back()
        self._note(done, held)
        self._take(claimed, sizes)
        for one in buried:
            self._tell_buried(one)
        return bool(done or claimed)

    def _exchange(
        self, done: Sequence[Settled], wanted: Mapping[bytes, int]
    ) -> tuple[list[Settled], list[Claimed], list[Buried]]:
        owner = uuid.uuid4().hex
        with self._lock:
            alive, suspects = frozenset(+self._owners), len(self._suspects)
        # After an outage, which may just be over at the start too, others need the time to renew their leases.
        takes_over = not self._away and time.monotonic() - self._back_since > self._lease
        claiming = Claiming(owner, wanted, self._lease, alive, frozenset(self._void), takes_over, not suspects)

        def work(connection: Connection) -> tuple[list[Settled], list[Claimed], list[Buried]]:
            held = settle(self._database, connection, done) if done else []
            return held, *claim(self._database, connection, claiming, self._retries)

        try:
            return self._database.write(work)
        except DeliveryUnavailable:
            self._void.append(owner)  # the answer alone may have been lost
            raise

    def _note(self, done: Sequence[Settled], held: Sequence[Settled]) -> None:
        with self._lock:
            self._owners.subtract(one.lane.owner for one in done)
            self._owners = +self._owners
        for one in held:
            self._tell(one)
        if len(held) < len(done):
            log.warning("The lease of %d contacts ended while they were worked on", len(done) - len(held))

    def _take(self, claimed: Sequence[Claimed], sizes: Mapping[bytes, int]) -> None:
        with self._lock:
            self._owners.update(lane.owner for lane in claimed)
            self._suspects.update(lane.lane for lane in claimed if lane.events[0].crashes)
        self._crew.take(
            Job(load[0].installation, partial(self._apply, load), partial(self._hand_back, load))
            for load in _loads(claimed, sizes)
        )

    def _apply(self, lanes: Sequence[Claimed]) -> None:
        try:
            settled, results = self._applying.apply(lanes)
        except BaseException:
            with self._lock:  # nobody renews them any more
                self._owners.subtract(lane.owner for lane in lanes)
                self._suspects.difference_update(lane.lane for lane in lanes)
            raise
        for result in results:
            self._crew.heard(lanes[0].installation, result.retry_after if result.retryable else None)
        with self._lock:
            self._done += settled
            self._suspects.difference_update(lane.lane for lane in lanes)

    def _hand_back(self, lanes: Sequence[Claimed]) -> None:
        with self._lock:
            self._done += map(Settled, lanes)

    def _finish(self, grace: float) -> bool:
        """Hand back what nobody has begun with, and wait for the rest."""
        deadline = time.monotonic() + grace
        self._crew.withdraw()
        while True:
            self._wake.clear()
            busy = self._crew.busy
            self._turn(claims=False)
            left = deadline - time.monotonic()
            if not busy and not self._done:
                return True
            if left <= 0 or (not busy and self._database.closed):
                log.warning("Threads still at work after %.0f s: %d; what is not kept is tried again", grace, busy)
                return False
            self._wake.wait(min(left, AWAY_SECONDS if self._away else POLL_SECONDS))

    def _renew(self, ended: threading.Event) -> None:
        """Renew the leases of what is in flight."""
        while not ended.wait(self._lease / 4):
            with self._lock:
                owners = sorted(+self._owners)
            try:
                if owners:
                    renew(self._database, owners, self._lease)
            except DeliveryUnavailable as error:
                log.warning("Leases could not be renewed (%s)", error)

    def _clean(self) -> None:
        if time.monotonic() - self._cleaned < CLEAN_SECONDS:
            return
        try:
            if not Records(self._database).clean(*self._keep):
                self._cleaned = time.monotonic()
        except DeliveryUnavailable as error:
            self._cleaned = time.monotonic()
            self._gone(error)

    def _gone(self, error: DeliveryUnavailable) -> None:
        if not self._away:
            log.warning("The worker cannot reach what it works on, and waits: %s", error)
        self._away = True

    def _back(self) -> None:
        if self._away:
            log.warning("The worker works again")
            self._back_since = time.monotonic()
        self._away = False


def _loads(claimed: Sequence[Claimed], sizes: Mapping[bytes, int]) -> list[list[Claimed]]:
    """Put together what is applied together: lanes of one installation; one that a worker died over goes alone."""
    loads: list[list[Claimed]] = []
    open: dict[bytes, list[Claimed]] = {}
    for lane in claimed:
        if lane.events[0].crashes:
            loads.append([lane])
            continue
        load = open.get(lane.installation)
        if load is None or len(load) >= sizes[lane.installation]:
            load = open[lane.installation] = []
            loads.append(load)
        load.append(lane)
    return loads
