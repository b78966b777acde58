"""A durable delivery's worker, run from outside: beside the server, or as all that a process does."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Final

from contact_sync.delivery import Delivery
from contact_sync.errors import ConfigurationError

from .signals import Bell

GRACE_SECONDS: Final = 30.0

WORKER_THREADS: Final = 8
"""How many events are applied at once in a process."""

LATE: Final = 2.0
"""For how many seconds a worker may outlast the time of grace, in which it ends by itself."""


class Delivering:
    """Applies what waits in a delivery, in a thread of its own. Runs once.

    Args:
        delivery: A durable one that is connected.
        threads: How many events are applied at once.
        grace: For how many seconds those in flight may go on when it is stopped.
    """

    def __init__(self, delivery: Delivery, *, threads: int = WORKER_THREADS, grace: float = GRACE_SECONDS) -> None:
        self._delivery = delivery
        self._threads = threads
        self._stop = threading.Event()
        self._ring: Callable[[], object] = lambda: None
        self._finished = False
        self._problem: Exception | None = None
        self._signals = 0
        self.patience: Final = grace + LATE
        self.is_over = False

    def start(self, ring: Callable[[], object], ready: Callable[[], object] | None = None) -> None:
        """Start to work.

        Args:
            ring: Called when there is something to look at: it is over, or was asked to stop.
            ready: Called when it works.
        """
        self._ring = ring
        threading.Thread(target=self._work, args=(ready,), name="contact-sync-delivering", daemon=True).start()

    def ask_to_stop(self) -> None:
        """Let it finish what is in flight and hand the rest back, without waiting for it. May be called twice."""
        self._stop.set()
        self._ring()

    def ended_well(self) -> bool:
        """Say whether it is over, and all that was in flight was finished.

        Raises:
            Exception: What it ended by, rather than by being asked to stop.
        """
        if self._problem is not None:
            raise self._problem
        return self._finished

    def run(self, ready: Callable[[], object]) -> bool:
        """Work until it is asked to stop: by `ask_to_stop`, SIGTERM or Ctrl-C. A second signal ends the process.

        Args:
            ready: Called when it works.

        Returns:
            Whether all that was in flight was finished in the time of grace.
        """
        with contextlib.closing(Bell()) as bell, bell.hearing_signals(self._hear):
            self.start(bell.ring, ready)
            bell.wait_until(lambda: self.is_over or self._stop.is_set())
            bell.wait_until(lambda: self.is_over, self.patience)
            return self.ended_well()

    def _work(self, ready: Callable[[], object] | None) -> None:
        try:
            self._finished = self._delivery.run_worker(
                self._stop, threads=self._threads, grace=self.patience - LATE, ready=ready
            )
            if not self._stop.is_set():
                self._problem = RuntimeError("the delivery's worker has ended by itself")
        except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
            self._problem = error
        finally:
            self.is_over = True
            self._ring()

    def _hear(self, number: int) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + number)
        self.ask_to_stop()


def beside(delivery: Delivery, threads: int, grace: float = GRACE_SECONDS) -> Delivering | None:
    """Make what applies events beside a server; `None` if nothing is to be applied there.

    Args:
        delivery: The delivery. One that is not durable has nothing to apply.
        threads: How many events are applied at once; 0 if others do it.
        grace: For how many seconds those in flight may go on when the server is stopped.

    Raises:
        ConfigurationError: That is no number of threads.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
        raise ConfigurationError("worker_threads: expected a whole number; 0 for none")
    return Delivering(delivery, threads=threads, grace=grace) if delivery.durable and threads else None
