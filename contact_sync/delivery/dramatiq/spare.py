"""Spare threads: they take the place of Dramatiq's threads while those wait for a slow CRM.

Dramatiq's threads are of a fixed number. When all of them are at work, and some of them wait for what lasts long, what
is due is looked for here, without messages: those say nothing but that something is due.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Final

from .drains import Drains
from .mailboxes import Claim, Nothing
from .shares import Shares

LOOK_SECONDS: Final = 0.05
"""How often it is looked whether all of Dramatiq's threads are stuck, and then whether something is due."""


class Spare:
    """Starts threads when they are needed; they end when they are not.

    Args:
        drains: What they do.
        shares: Whether they are needed.
    """

    def __init__(self, drains: Drains, shares: Shares) -> None:
        self._drains = drains
        self._shares = shares
        self._threads: list[threading.Thread] = []

    def watch_until(self, ended: threading.Event) -> None:
        """Start threads as they are needed, until `ended` is set."""
        while not ended.wait(LOOK_SECONDS):
            while self._shares.is_stuck and not self._drains.stopping.is_set():
                first = self._drains.claim()
                if isinstance(first, Nothing):
                    break
                thread = threading.Thread(target=self._work, args=(first,), name="contact-sync-spare", daemon=True)
                thread.start()
                self._threads = [*self.at_work, thread]

    def _work(self, first: Claim) -> None:
        self._drains.work(first, lambda: self._shares.is_stuck)

    def join(self, until: float) -> None:
        """Wait for the threads to end, until a time of the monotonic clock."""
        for thread in self._threads:
            left = until - time.monotonic()
            thread.join(None if math.isinf(left) else max(0.0, left))

    @property
    def at_work(self) -> list[threading.Thread]:
        """The threads that have not ended."""
        return [thread for thread in self._threads if thread.is_alive()]
