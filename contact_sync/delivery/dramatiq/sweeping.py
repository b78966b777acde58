"""The sweep: sees to it that what is due gets done, although a message is lost, a worker dies, or a broker forgets.

Messages only say "look"; the mailboxes know what is due. Every process looks, only while it has a thread free: then it
has no message left, so a mailbox that has been due for a while has none under way, or one that is stuck elsewhere.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Final

from contact_sync.errors import DeliveryUnavailable

from .broker import Post
from .mailboxes import Mailboxes
from .shares import Shares

log = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 1.0
ROUNDS: Final = 10
"""How often one sweep goes on at the most."""

MOST_SENT: Final = 64

TIDY_SECONDS: Final = 60.0


class Sweep:
    """Sweeps again and again.

    Args:
        mailboxes: The mailboxes.
        shares: Whether a thread is free.
        post: Sends messages.
    """

    def __init__(self, mailboxes: Mailboxes, shares: Shares, post: Post) -> None:
        self._mailboxes = mailboxes
        self._shares = shares
        self._post = post
        self._tidied = 0.0
        self._away = False

    def sweep_until(self, ended: threading.Event) -> None:
        """Sweep until `ended` is set."""
        while True:
            try:
                self._sweep()
                self._back()
            except DeliveryUnavailable as error:
                self._gone(error)
            if ended.wait(SWEEP_SECONDS * random.uniform(0.8, 1.0)):  # noqa: S311 - so that processes take turns
                return

    def _sweep(self) -> None:
        if self._shares.has_free and not self._post.is_muted:
            # Whoever gets one takes what is due until nothing is. So it takes only so many as there may be threads.
            for _ in range(min(self._mailboxes.sweep(), MOST_SENT)):
                self._post.send()
        for _ in range(ROUNDS):
            if not self._mailboxes.expire():
                break
        if time.monotonic() - self._tidied > TIDY_SECONDS:
            self._tidied = time.monotonic()
            self._post.tidy()

    def _gone(self, error: DeliveryUnavailable) -> None:
        if not self._away:
            log.warning("The worker cannot reach what it works on, and waits: %s", error)
        self._away = True

    def _back(self) -> None:
        if self._away:
            log.warning("The worker works again")
        self._away = False
