"""Claims: while a contact is worked on, nobody else works on it.

A claim is a set of leases in the key store, taken all or none, so that two workers can never wait for each other. It
covers the contact's pair or, if it has none, its own id and its match values: fifty copies of one event, on any number
of processes, make one record.

A lease ends by itself soon after its holder died. While the holder lives, it is renewed, however long the work takes.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from key_stores import ContactClaims, ContactRef, KnownContact, Leases

from .contact_claim import ContactClaim, give_back
from .errors import Busy

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE_SECONDS: Final = 20.0
WAIT_SECONDS: Final = 15.0
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.1
_RENEWAL_PAUSE: Final = 1.5


class _Renewed(Protocol):
    def renew(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Claim:
    leases: Leases
    installation: str
    names: Sequence[str]
    owner: str
    seconds: float
    renewed: float
    over: bool = False

    def renew(self) -> None:
        """Renew the leases if a third of their time is over."""
        now = time.monotonic()
        if now - self.renewed < self.seconds / 3:
            return
        try:
            kept = self.leases.renew_leases(self.installation, self.names, self.owner, self.seconds)
            if not kept and not self.over:
                log.warning("A claim ended before the work that it covers; the work goes on")
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything; it is tried again soon
            log.warning("A claim could not be renewed (%s)", type(error).__name__)
        else:
            self.renewed = now

    def give_back(self) -> None:
        """Give the leases back, those too of which it is not known whether they were had."""
        self.over = True
        give_back(lambda: self.leases.release_leases(self.installation, self.names, self.owner), self.seconds)


class _Renewal:
    """Renews the claims of this process that last long, in one thread, which is there only while there are claims."""

    def __init__(self) -> None:
        self.forget_all()

    def forget_all(self) -> None:
        """Begin anew, as in a forked process: its parent's claims are the parent's."""
        self._lock = threading.Lock()
        self._held: set[_Renewed] = set()
        self._thread: threading.Thread | None = None

    def add(self, claim: _Renewed) -> None:
        with self._lock:
            self._held.add(claim)
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="contact-sync-claims", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads for now; the next claim tries again
                    log.warning("No thread could be started that renews claims; they last %.0f s", LEASE_SECONDS)
                else:
                    self._thread = thread

    def remove(self, claim: _Renewed) -> None:
        with self._lock:
            self._held.discard(claim)

    def _work(self) -> None:
        while True:
            time.sleep(_RENEWAL_PAUSE)
            with self._lock:
                held = list(self._held)
                if not held:
                    self._thread = None
                    return
            for claim in held:
                claim.renew()


_renewal: Final = _Renewal()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renewal.forget_all)


class Claims:
    """Takes and gives back claims.

    Args:
        leases: Where leases on anything are kept.
        contacts: Where claims on contacts are kept.
        seconds: How long a claim lasts if its holder dies.
        wait: How long to wait for somebody else's claim.
    """

    def __init__(
        self, leases: Leases, contacts: ContactClaims, *, seconds: float = LEASE_SECONDS, wait: float = WAIT_SECONDS
    ) -> None:
        self._leases = leases
        self._contacts = contacts
        self._seconds = seconds
        self._wait = wait

    @contextmanager
    def hold(self, installation: str, names: Sequence[str]) -> Iterator[None]:
        """Hold a claim on all the names while the block runs.

        Raises:
            Busy: It could not be had in time.
            KeyStoreError: The store cannot say.
        """
        claim = _Claim(self._leases, installation, names, uuid.uuid4().hex, self._seconds, time.monotonic())
        self._wait_for(lambda: self._acquire(claim) or None)
        claim.renewed = time.monotonic()
        try:
            _renewal.add(claim)
            yield
        finally:
            _renewal.remove(claim)
            claim.give_back()

    @contextmanager
    def contacts(self, installation: str, contacts: Sequence[ContactRef]) -> Iterator[ContactClaim]:
        """Hold a claim on contacts while the block runs; then record what it wants recorded.

        Raises:
            Busy: It could not be had in time.
            ClaimLost: It was lost before something could be recorded.
            KeyStoreError: The store cannot say.
        """
        claim = ContactClaim(self._contacts, installation, self._seconds)
        claim.contacts = self.add(claim, contacts)
        _renewal.add(claim)
        try:
            yield claim
        except BaseException:
            claim.give_back()
            raise
        else:
            claim.finish()
        finally:
            _renewal.remove(claim)

    def add(self, claim: ContactClaim, contacts: Sequence[ContactRef]) -> tuple[KnownContact, ...]:
        """Claim further contacts along with those that are claimed already.

        Raises:
            Busy: They could not be had in time.
            KeyStoreError: The store cannot say.
        """
        return self._wait_for(lambda: claim.try_to_add(contacts))

    def widen(self, claim: ContactClaim, contacts: Sequence[ContactRef]) -> tuple[KnownContact, ...]:
        """Claim more than at first, before anything was done under the claim.

        While it waits, it holds nothing: whom it waits for may be waiting for the very contact.

        Args:
            contacts: What was claimed already, and what is to be claimed with it.

        Raises:
            Busy: They could not be had in time.
            KeyStoreError: The store cannot say.
        """

        def attempt() -> tuple[KnownContact, ...] | None:
            known = claim.try_to_add(contacts)
            if known is None:
                claim.let_go()
            return known

        return self._wait_for(attempt)

    def _wait_for(self, attempt: Callable[[], T | None]) -> T:
        deadline = time.monotonic() + self._wait
        pause = _FIRST_PAUSE
        while (had := attempt()) is None:
            if time.monotonic() > deadline:
                raise Busy("another request is working on this contact; try again later")
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads waiters, hides nothing
            pause = min(pause * 2, _LONGEST_PAUSE)
        return had

    def _acquire(self, claim: _Claim) -> bool:
        try:
            return self._leases.acquire_leases(claim.installation, claim.names, claim.owner, claim.seconds)
        except Exception:
            claim.give_back()  # the answer alone may have been lost
            raise
