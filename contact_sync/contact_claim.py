"""A claim on contacts while it is held: what is known of them, and how what was done with them is recorded.

A holder that was paused for so long that its claim ended finds out before its next call to a side, and can record
nothing: only a call that was already on its way may still land.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from key_stores import ContactClaims, ContactRef, KnownContact, Write

from .errors import ClaimLost

log = logging.getLogger(__name__)

LOST: Final = "the claim on this contact ended while it was worked on; try again later"
TRIES: Final = 2
"""How often giving back is tried."""


def give_back(release: Callable[[], object], seconds: float) -> None:
    """Give leases back, which end by themselves in so many seconds. Never raises: what was done under them is done."""
    for tries_left in reversed(range(TRIES)):
        try:
            release()
            return
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything
            if not tries_left:
                kind = type(error).__name__
                log.warning("A claim could not be given back (%s); it ends in %.0f s", kind, seconds)


class ContactClaim:
    """A claim on contacts that is held.

    Attributes:
        contacts: What the store knew of each contact when it was claimed.
    """

    def __init__(self, store: ContactClaims, installation: str, seconds: float) -> None:
        self.contacts: tuple[KnownContact, ...] = ()
        self._store = store
        self._installation = installation
        self._seconds = seconds
        self._owner = uuid.uuid4().hex
        self._leases: tuple[str, ...] = ()
        self._pending: list[Write] = []
        self._renewed = time.monotonic()
        self._over = False
        self._lost = False

    def later(self, *writes: Write) -> None:
        """Have something recorded when the claim is given back, in the same round trip."""
        self._pending += writes

    def record(self, *writes: Write) -> None:
        """Record something now, with what was to be recorded later.

        Raises:
            ClaimLost: The claim is somebody else's by now; nothing is recorded.
            KeyStoreError: The store cannot be asked.
        """
        writes = (*self._pending, *writes)
        if self._lost or not self._store.record(self._installation, self._leases, self._owner, writes, release=False):
            self._lost = True
            raise ClaimLost(LOST)
        self._pending.clear()

    def check(self) -> None:
        """Make sure, before a call to a side, that the claim still holds; a process may have been paused for long.

        Raises:
            ClaimLost: It does not.
            KeyStoreError: The store cannot be asked.
        """
        if not self._lost and time.monotonic() - self._renewed > self._seconds / 2:
            self._renew()
        if self._lost:
            raise ClaimLost(LOST)

    def try_to_add(self, contacts: Sequence[ContactRef]) -> tuple[KnownContact, ...] | None:
        """Claim further contacts along with the others, without waiting; `None` if one of them is claimed elsewhere."""
        asked = time.monotonic()  # the lease runs from then at the latest, however late the answer is read
        try:
            claimed = self._store.claim(self._installation, contacts, self._owner, self._seconds)
        except Exception:
            self._give_back_unknown(contacts)  # the answer alone may have been lost
            raise
        if claimed is None:
            return None
        if not self._leases:
            self._renewed = asked
        self._leases = tuple(dict.fromkeys((*self._leases, *claimed.leases)))
        return claimed.contacts

    def let_go(self) -> None:
        """Give back what is claimed, before anything was done under it, so that nobody waits for it meanwhile."""
        leases, self._leases = self._leases, ()
        if leases:
            self._store.record(self._installation, leases, self._owner)

    def renew(self) -> None:
        """Renew the claim if a third of its time is over. Never raises."""
        if self._over or self._lost or not self._leases or time.monotonic() - self._renewed < self._seconds / 3:
            return
        try:
            self._renew()
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything; it is tried again soon
            log.warning("A claim could not be renewed (%s)", type(error).__name__)

    def _renew(self) -> None:
        asked = time.monotonic()
        if self._store.renew_claim(self._installation, self._leases, self._owner, self._seconds):
            self._renewed = asked
        elif not self._over:
            self._lost = True
            log.warning("A claim ended before the work that it covers, which stops here")

    def finish(self) -> None:
        """Record what was to be recorded, and give the claim back.

        Raises:
            ClaimLost: The claim is somebody else's by now; nothing is recorded.
            KeyStoreError: The store cannot be asked; nothing more is recorded under this claim.
        """
        if not self._pending:
            self.give_back()
            return
        self._over = True
        if self._lost:
            self.give_back()  # the leases that it still holds
            raise ClaimLost(LOST)
        try:
            kept = self._store.record(self._installation, self._leases, self._owner, tuple(self._pending))
        except Exception:
            self.give_back()  # it is not known what came of it; the next try need not wait
            raise
        if not kept:
            raise ClaimLost(LOST)

    def give_back(self) -> None:
        """Give the claim back and record nothing. Never raises."""
        self._over = True
        give_back(lambda: self._store.record(self._installation, self._leases, self._owner), self._seconds)

    def _give_back_unknown(self, contacts: Sequence[ContactRef]) -> None:
        """Claim once more what may be claimed already: what it has leased is known then, and given back."""
        try:
            claimed = self._store.claim(self._installation, contacts, self._owner, self._seconds)
            if claimed is not None:
                self._store.record(self._installation, claimed.leases, self._owner)
        except Exception as error:  # noqa: BLE001 - it is the first failure that counts
            log.warning("A claim may not be given back (%s); it ends in %.0f s", type(error).__name__, self._seconds)
