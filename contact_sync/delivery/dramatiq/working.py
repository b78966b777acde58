"""A process that works: Dramatiq's worker, and beside it the threads that renew leases and sweep."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Final

import dramatiq

from contact_sync.delivery.base import Parts
from contact_sync.delivery.retries import Retries
from contact_sync.errors import ConfigurationError
from contact_sync.failures import FAULTS

from .broker import NAME, Post
from .drains import Drains
from .leases import Leases
from .line import Line
from .mailboxes import Mailboxes
from .postman import leave_thread
from .shares import Shares
from .spare import Spare
from .sweeping import Sweep

log = logging.getLogger(__name__)

UNCONNECTED: Final = "delivery: pass it to ContactSync(delivery=…), which connects it, before it is used"

POLL_MS: Final = 50
"""The longest pause between two looks of an idle worker into its queue. Dramatiq's own is a second."""

CLOSE_SECONDS: Final = 5.0
"""For how long it is waited after the time of grace that a worker's connections to its broker are closed."""


class Working:
    """Everything that is needed where mailboxes are drained. Several workers of a process share it.

    Args:
        line: The line to Redis.
        mailboxes: The mailboxes.
        lease: How long a lease lasts, in seconds.
    """

    def __init__(self, line: Line, mailboxes: Mailboxes, lease: float) -> None:
        self._line = line
        self._mailboxes = mailboxes
        self._shares = Shares()
        self._leases = Leases(mailboxes, lease)
        self._drains: Drains | None = None
        self._post: Post | None = None
        self._lock = threading.Lock()
        self._workers: list[dramatiq.Worker] = []
        self._until = math.inf
        self._ended = threading.Event()
        self._spare: Spare | None = None
        self._helpers: list[threading.Thread] = []
        self.middleware = _Beside(self)

    def connect(self, parts: Parts, retries: Retries, post: Post) -> None:
        """Take what applies events, and what sends messages."""
        self._post = post
        self._drains = Drains(self._mailboxes, parts, retries, self._shares, self._leases, post.send)

    def drain(self, due: int) -> None:
        """What the actor does."""
        if self._drains is not None:
            self._drains.drain(due)

    def run(self, stop: threading.Event, threads: int, grace: float, ready: Callable[[], object] | None) -> bool:
        """Work until `stop` is set; then finish what is in flight and hand the rest back."""
        if self._post is None or self._drains is None:
            raise ConfigurationError(UNCONNECTED)
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ConfigurationError("threads: expected a whole number, at least 1")
        self._look_at_memory()
        broker = self._post.broker
        worker = dramatiq.Worker(broker, queues={NAME}, worker_timeout=POLL_MS, worker_threads=threads)
        try:
            worker.start()
            if ready is not None:
                ready()
            stop.wait()
        finally:
            finished = self._stop(worker, grace, self._drains)
            # Dramatiq leaves it there, and the next worker would have it too.
            broker.middleware = [one for one in broker.middleware if getattr(one, "worker", None) is not worker]
        return finished

    def started(self, worker: dramatiq.Worker) -> None:
        """A worker starts."""
        with self._lock:
            self._workers.append(worker)
            self._shares.add_threads(worker.worker_threads)
            if len(self._workers) == 1 and self._post is not None and self._drains is not None:
                self._drains.stopping.clear()
                self._ended = threading.Event()
                sweep = Sweep(self._mailboxes, self._shares, self._post)
                self._spare = Spare(self._drains, self._shares)
                self._helpers = [
                    _start("contact-sync-spares", self._spare.watch_until, self._ended),
                    _start("contact-sync-leases", self._leases.renew_until, self._ended),
                    _start("contact-sync-sweep", sweep.sweep_until, self._ended),
                ]

    def stopping(self) -> None:
        """A worker takes nothing more."""
        with self._lock:
            if len(self._workers) == 1 and self._drains is not None:
                self._drains.stopping.set()

    def stopped(self, worker: dramatiq.Worker) -> None:
        """A worker has ended. May be said twice."""
        with self._lock:
            if worker not in self._workers:
                return
            self._workers.remove(worker)
            self._shares.add_threads(-worker.worker_threads)
            if self._workers or self._spare is None:
                return
            spare, helpers = self._spare, self._helpers
        spare.join(self._until)  # before leases are no longer renewed
        self._ended.set()
        for helper in helpers:
            helper.join()

    def _stop(self, worker: dramatiq.Worker, grace: float, drains: Drains) -> bool:
        self._until = time.monotonic() + grace
        stopping = threading.Thread(target=_end, args=(worker, grace), name="contact-sync-end", daemon=True)
        stopping.start()
        stopping.join(grace + CLOSE_SECONDS)
        if stopping.is_alive():
            log.warning("The broker does not let Dramatiq's worker go; it is left behind")
        self.stopped(worker)
        late = [thread.ident for thread in worker.workers if thread.is_alive()]
        if self._spare is not None and not self._workers:
            late += [thread.ident for thread in self._spare.at_work]
        for claim in self._leases.of_threads(late):
            drains.hand_back(claim)
        if late:
            log.warning("%d threads were still at work after %.0f s; their events come again", len(late), grace)
        return not late

    def _look_at_memory(self) -> None:
        policy = self._line.memory_policy()
        if policy is not None and policy.startswith("allkeys"):
            log.warning(
                "Redis throws accepted events away when its memory is full (maxmemory-policy %s); set it to noeviction",
                policy,
            )


class _Beside(dramatiq.Middleware):
    """Starts and ends what is needed beside a worker, whoever runs it: we, or Dramatiq's own command."""

    def __init__(self, working: Working) -> None:
        self._working = working

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Start it."""
        del broker
        self._working.started(worker)

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Have drains end."""
        del broker, worker
        self._working.stopping()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """End it."""
        del broker
        self._working.stopped(worker)

    def before_worker_thread_shutdown(self, broker: dramatiq.Broker, thread: object) -> None:
        """Close what the broker keeps for a thread that ends."""
        del thread
        leave_thread(broker)

    def before_consumer_thread_shutdown(self, broker: dramatiq.Broker, thread: object) -> None:
        """Close what the broker keeps for a thread that ends."""
        del thread
        leave_thread(broker)


def _end(worker: dramatiq.Worker, grace: float) -> None:
    try:
        worker.stop(timeout=max(1, round(grace * 1000)))
    except FAULTS as error:
        log.warning("Dramatiq's worker did not stop well (%s)", type(error).__name__)


def _start(name: str, work: Callable[[threading.Event], None], ended: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=work, args=(ended,), name=name, daemon=True)
    thread.start()
    return thread
