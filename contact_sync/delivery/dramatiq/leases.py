"""The leases that a process holds: one thread renews them all, so that others know that it lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from contact_sync.errors import DeliveryUnavailable

from .mailboxes import Claim, Mailboxes

log = logging.getLogger(__name__)


class Leases:
    """Renews what is held.

    Args:
        mailboxes: Where the leases are.
        lease: How long one lasts, in seconds.
    """

    def __init__(self, mailboxes: Mailboxes, lease: float) -> None:
        self._mailboxes = mailboxes
        self._seconds = lease / 3
        self._lock = threading.Lock()
        self._held: dict[int, list[Claim]] = {}

    @contextmanager
    def held(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Renew the leases of claims, for as long as this thread works on them."""
        self.add(claims)
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(threading.get_ident(), None)

    def add(self, claims: Sequence[Claim]) -> None:
        """Renew the leases of more claims that this thread works on."""
        with self._lock:
            self._held.setdefault(threading.get_ident(), []).extend(claims)

    @property
    def owners(self) -> list[str]:
        """The owners in whose name something is held."""
        with self._lock:
            return list({claim.owner for claims in self._held.values() for claim in claims})

    def of_threads(self, threads: Collection[int | None]) -> list[Claim]:
        """The claims that some threads work on."""
        with self._lock:
            return [claim for thread, claims in self._held.items() if thread in threads for claim in claims]

    def renew_until(self, ended: threading.Event) -> None:
        """Renew leases until `ended` is set. One that is lost is noticed when it is settled."""
        while not ended.wait(self._seconds):
            with self._lock:
                claims = [claim for claims in self._held.values() for claim in claims]
            try:
                if claims:
                    self._mailboxes.renew(claims)
            except DeliveryUnavailable as error:
                log.warning("Leases could not be renewed (%s)", error)
