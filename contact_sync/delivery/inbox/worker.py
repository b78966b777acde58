"""The worker: claims what is due, has it applied by threads, settles it, and claims again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from contact_sync.delivery.base import Parts
from contact_sync.delivery.crew import Crew
from contact_sync.delivery.retries import Retries
from contact_sync.errors import DeliveryUnavailable

from .applying import Applying
from .claiming import Claimed, claim, due, renew
from .database import Database
from .records import Records
from .schema import loaded
from .settling import Settled, settle

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.02
"""How often an idle worker looks whether another process has stored something."""

AWAY_SECONDS: Final = 0.5
"""How long to wait when the inbox cannot be reached."""

CLEAN_SECONDS: Final = 60.0
"""How often what is kept for long enough is erased."""

SETTLE_TRIES: Final = 30


class Worker:
    """Applies what waits in an inbox, with threads of its own, until it is stopped.

    Args:
        database: The inbox's.
        parts: What applies events.
        retries: When a failed event is tried again.
        lease: How long a claim lasts if this process dies.
        threads: How many runs are applied at once.
        keep: For how many seconds the record of an applied event is kept.
        keep_failed: For how many seconds a dead letter is kept.
        tell: Called with each lane that is settled, for logs and metrics.
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
    ) -> None:
        self._database = database
        self._parts = parts
        self._retries = retries
        self._lease = lease
        self._keep = keep, keep_failed
        self._tell = tell
        self._applying = Applying(parts, retries)
        self._wake = threading.Event()
        self._crew = Crew(threads, self._wake.set)
        self._owners: dict[str, int] = {}
        self._lock = threading.Lock()
        self._away = False
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
                if not self._claim():
                    self._wake.wait(AWAY_SECONDS if self._away else POLL_SECONDS)
                self._clean()
            return self._finish(grace)
        finally:
            ended.set()
            self._crew.end()
            renewal.join(AWAY_SECONDS)

    def _claim(self) -> bool:
        """Claim what is due, and have it applied. Whether there was anything."""
        try:
            shares = self._crew.shares(due(self._database)) if self._crew.has_room else {}
            if not shares:
                self._back()
                return False
            sizes = {one: max(1, self._parts.handling.batch_size(loaded(one))) for one in shares}
            wanted = {one: share * sizes[one] for one, share in shares.items()}
            claimed = claim(self._database, wanted, self._lease, self._retries)
        except DeliveryUnavailable as error:
            self._gone(error)
            return False
        self._back()
        for load in _loads(claimed, sizes):
            with self._lock:
                owner = load[0].owner
                self._owners[owner] = self._owners.get(owner, 0) + 1
            self._crew.start(load[0].installation, lambda load=load: self._work(load))  # type: ignore[misc]
        return bool(claimed)

    def _work(self, lanes: Sequence[Claimed]) -> None:
        try:
            settled, results = self._applying.apply(lanes)
            for result in results:
                self._crew.heard(lanes[0].installation, result.retry_after if result.retryable else None)
            self._settle(settled)
        finally:
            with self._lock:
                owner = lanes[0].owner
                self._owners[owner] -= 1
                if not self._owners[owner]:
                    del self._owners[owner]

    def _settle(self, settled: Sequence[Settled]) -> None:
        """Keep what came of it. An inbox that is away is waited for: otherwise it would all have to be done again."""
        for tries_left in reversed(range(SETTLE_TRIES)):
            try:
                held = settle(self._database, settled)
                break
            except DeliveryUnavailable as error:
                if not tries_left or self._database.closed:
                    log.warning(
                        "What came of %d contacts could not be kept (%s); they are tried again", len(settled), error
                    )
                    return
                time.sleep(AWAY_SECONDS)
        for one in held:
            self._tell(one)
        if len(held) < len(settled):
            log.warning("The lease of %d contacts ended while they were worked on", len(settled) - len(held))

    def _finish(self, grace: float) -> bool:
        deadline = time.monotonic() + grace
        while self._crew.busy:
            left = deadline - time.monotonic()
            if left <= 0:
                log.warning(
                    "%d threads were still at work after %.0f s; their events come again", self._crew.busy, grace
                )
                return False
            self._wake.clear()
            if self._crew.busy:
                self._wake.wait(min(left, 0.5))
        return True

    def _renew(self, ended: threading.Event) -> None:
        """Renew the leases of what is in flight."""
        while not ended.wait(self._lease / 4):
            with self._lock:
                owners = list(self._owners)
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
        self._away = False


def _loads(claimed: Sequence[Claimed], sizes: dict[bytes, int]) -> list[list[Claimed]]:
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
