"""What a worker's thread does with a message: it takes what is due out of a mailbox, applies it, and settles it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from contact_sync.delivery.base import Parts
from contact_sync.delivery.retries import Retries
from contact_sync.delivery.telling import tell_settled
from contact_sync.errors import DeliveryUnavailable

from .judging import Judge, Verdict
from .leases import Leases
from .mailboxes import Back, Claim, Mailboxes, Nothing
from .shares import Shares

log = logging.getLogger(__name__)

TURN_SECONDS: Final = 0.5
"""After so long a thread gives a mailbox back in which more is due, so that others get their turn."""

AWAY_SECONDS: Final = 0.5
"""How long to wait before settling again when Redis cannot be reached."""

SETTLE_SECONDS: Final = 30.0
"""For how long to try to settle. Otherwise it would all have to be done again."""

LONGEST_DELAY_SECONDS: Final = 900.0
"""Dramatiq holds delayed messages in its workers' memory; what is due later is left to the sweep.

RabbitMQ closes the channel of a worker that holds one for half an hour.
"""

Send = Callable[[int, float], None]
"""Sends a message (since when a mailbox is due, or 0; in how many seconds it is to arrive). Never raises."""


class Drains:
    """Drains mailboxes.

    Args:
        mailboxes: The mailboxes.
        parts: What applies events.
        retries: When a failed event is tried again.
        shares: How threads are shared out.
        leases: What this process holds.
        send: Sends messages.
    """

    def __init__(
        self, mailboxes: Mailboxes, parts: Parts, retries: Retries, shares: Shares, leases: Leases, send: Send
    ) -> None:
        self._mailboxes = mailboxes
        self._handling = parts.handling
        self._judge = Judge(parts, retries)
        self._shares = shares
        self._leases = leases
        self._send = send
        self._nothing_at = 0
        self._away = False
        self.stopping = threading.Event()

    def drain(self, due: int) -> None:
        """Do what a message stands for: apply what is due, until nothing is.

        Args:
            due: Since when a mailbox is due; 0 if that is not known. If nothing was due later, that mailbox is seen to.
        """
        if self.stopping.is_set():
            self._send(due, 0.0)
            return
        if 0 < due < self._nothing_at:
            return
        first = self.claim()
        if isinstance(first, Claim):
            self.work(first, lambda: True)
        elif first.at is None:
            self._shares.pass_over()

    def claim(self) -> Claim | Nothing:
        """Claim a mailbox that is due and for which there is a thread. Who gets one works on it.

        What a worker died over is not applied at once: the death is counted, and it is put off.
        """
        while isinstance(found := self._look(), Claim) and found.died:
            self._settle(found, self._judge.died(found), 0.0)
        return found

    def _look(self) -> Claim | Nothing:
        closed = self._shares.look()
        if closed is None:
            return Nothing()
        found: Claim | Nothing = Nothing()
        try:
            found = self._mailboxes.claim(closed, self._leases.owners)
            self._away = False
        except DeliveryUnavailable as error:
            if not self._away:
                log.warning("No mailbox could be claimed (%s)", error)
            self._away = True
        finally:
            share = found.share if isinstance(found, Claim) and not found.died else None
            may_have_it = self._shares.found(share)
        if isinstance(found, Nothing):
            self._nothing_at = max(self._nothing_at, found.at or 0)
        elif not found.died and not may_have_it:
            self._give_back(found, begun=False)
            return Nothing()
        return found

    def work(self, first: Claim | Nothing, goes_on: Callable[[], bool]) -> None:
        """Drain a mailbox that was claimed, and then others.

        Args:
            first: The claim.
            goes_on: Whether to claim another one.
        """
        while isinstance(first, Claim):
            try:
                self._drain(first)
            finally:
                self._shares.leave(first.share)
            if self.stopping.is_set() or not goes_on():
                return
            first = self.claim()
            if isinstance(first, Nothing) and self._shares.was_passed_over():
                first = self.claim()

    def hand_back(self, claim: Claim) -> None:
        """Give a mailbox back while its events are still being applied; what comes of it settles nothing."""
        self._give_back(claim, begun=True)
        self._send(0, 0.0)

    def _give_back(self, claim: Claim, *, begun: bool) -> None:
        try:
            self._mailboxes.settle(claim, (), 0.0, more=False, begun=begun)
        except DeliveryUnavailable as error:
            log.warning("A mailbox could not be handed back (%s); its lease ends by itself", error)

    def _drain(self, first: Claim) -> None:
        claims = [first]
        ends = time.monotonic() + TURN_SECONDS
        while claims:
            size = 1 if claims[0].is_alone else self._handling.batch_size(claims[0].installation)
            with self._leases.held(claims):
                if size > 1:
                    claims += self._claim_more(first.share, size - 1)
                with self._shares.call(first.share):
                    verdicts = self._judge.apply(claims)
                if len(claims) > 1:  # what is next in each of them has a message, and may be better applied alone
                    ends = 0.0
                next = [self._settle(claim, verdict, ends) for claim, verdict in zip(claims, verdicts, strict=True)]
            claims = [claim for claim in next if claim is not None]

    def _claim_more(self, share: str, number: int) -> list[Claim]:
        try:
            more = self._mailboxes.claim_more(share, number)
        except DeliveryUnavailable as error:
            log.warning("No more mailboxes could be claimed (%s)", error)
            return []
        self._leases.add(more)
        return more

    def _settle(self, claim: Claim, verdict: Verdict, ends: float) -> Claim | None:
        """Settle a claim. Gives what is next in its mailbox, if that is due and there is time for it."""
        if verdict.result is not None:
            asked = verdict.result.retry_after if verdict.result.retryable else None
            if self._shares.heard(claim.share, asked) and asked is not None:
                self._send(0, min(asked, LONGEST_DELAY_SECONDS))
        settled = self._settled(claim, verdict, ends)
        if settled is None:
            return None
        _tell(claim, verdict)
        if isinstance(settled, Claim):
            return settled
        if settled.waiting:
            delay = (settled.due - settled.now) / 1000
            if delay <= 0:
                self._send(0, 0.0)
            elif delay <= LONGEST_DELAY_SECONDS:
                self._send(settled.due, delay)
        return None

    def _settled(self, claim: Claim, verdict: Verdict, ends: float) -> Claim | Back | None:
        """If Redis is away it is waited for: nobody else can take the mailbox over meanwhile."""
        gives_up = time.monotonic() + SETTLE_SECONDS
        again = False
        while True:
            more = not self.stopping.is_set() and time.monotonic() < ends
            try:
                settled = self._mailboxes.settle(claim, verdict.outcomes, verdict.wait, more=more)
            except DeliveryUnavailable as error:
                if time.monotonic() > gives_up:
                    log.warning("What came of a mailbox could not be kept (%s); it is tried again", error)
                    return None
                again = True
                time.sleep(AWAY_SECONDS)
                continue
            if settled is None and not again:
                log.warning("The lease of a mailbox ended while its events were applied; they are tried again")
            return settled


def _tell(claim: Claim, verdict: Verdict) -> None:
    for outcome in verdict.outcomes:
        record = outcome.record
        tell_settled(
            outcome.taken.id,
            claim.installation,
            record.name,
            "again" if record.state == "waiting" else record.state,
            action=record.action,
            tries=record.tries,
            arrived=record.arrived / 1000,
            wait=verdict.wait,
        )
