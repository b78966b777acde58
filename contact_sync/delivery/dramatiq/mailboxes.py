"""The mailboxes as those see them who store events and those who apply them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from . import scripts
from .line import Line
from .records import Address, Record, kind_of

MOST_EVENTS: Final = 100
"""How many events are taken at once."""

MARGIN_MS: Final = 1_000
"""For how long the sweep leaves a mailbox alone that is due: its message is under way."""

RESEND_MS: Final = 5_000
"""After how long the sweep looks at a mailbox again."""

MOST_SWEPT: Final = 200
MOST_EXPIRED: Final = 200

Reason = Literal["delivered", "equal"] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that was taken.

    Attributes:
        member: What stands for it in the mailbox: a letter for its kind, and its id.
        record: What is known of it.
        body: What is to be applied; `None` if it is gone.
    """

    member: str
    record: Record
    body: bytes | None = field(repr=False)

    @property
    def id(self) -> str:
        """Its id."""
        return self.member[1:]


@dataclass(frozen=True, slots=True)
class Claim:
    """A mailbox that is claimed, and the events taken from its head, in order.

    Attributes:
        mailbox: Its name.
        share: The digest of its installation, by which threads are shared out.
        installation: The id of its installation.
        owner: The token of this claim; several mailboxes may be claimed at once.
        died: Whether the events were in flight when the last worker died; they are not to be applied now.
        events: The events.
        began: When it was claimed, in milliseconds of Redis's clock.
        at: When it was claimed, by the process's own clock.
    """

    mailbox: str
    share: str
    installation: str
    owner: str
    died: bool
    events: tuple[Taken, ...]
    began: int
    at: float

    @property
    def is_alone(self) -> bool:
        """Whether it is to be applied without other contacts, since a worker died over it."""
        return any(taken.record.crashes for taken in self.events)

    @property
    def now(self) -> int:
        """The time in milliseconds of Redis's clock."""
        return self.began + round((time.monotonic() - self.at) * 1000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event: what was taken, and its new record."""

    taken: Taken
    record: Record


@dataclass(frozen=True, slots=True)
class Back:
    """A mailbox that was given back.

    Attributes:
        waiting: How many events wait in it.
        due: When they are due, in milliseconds.
        now: The time in milliseconds.
    """

    waiting: int
    due: int
    now: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to claim.

    Attributes:
        at: When nothing was due, in milliseconds; `None` if something may be, but for the want of a thread.
    """

    at: int | None = None


class Mailboxes:
    """Stores events in mailboxes, and gives them out under leases.

    Args:
        line: The line to Redis.
        lease: How long a lease lasts, in seconds.
        keep: For how many seconds the record of an applied event is kept.
        keep_failed: For how many seconds a dead letter is kept.
        crashes: How many workers may die over an event.
    """

    def __init__(self, line: Line, lease: float, keep: float, keep_failed: float, crashes: int) -> None:
        self._line = line
        # Before the last worker may die over events that are tried as one, the first goes by itself: one is at fault.
        self._worn = max(1, crashes - 1)
        self._lease = round(lease * 1000)
        self._keep = round(keep * 1000), round(keep_failed * 1000)

    def submit(
        self, address: Address, installation: str, name: str, body: bytes, fingerprint: bytes
    ) -> tuple[str, Reason, int]:
        """Store an event.

        Returns:
            Its id, or that of the event that it repeats; why it was not stored; and since when its mailbox is due (in
            milliseconds), if that wants a message, else 0.
        """
        what, id, due = self._line.script(
            scripts.SUBMIT,
            address.mailbox,
            address.installation,
            installation.encode("utf-8", "surrogatepass"),
            address.contact,
            kind_of(name),
            address.rest,
            body,
            fingerprint,
            address.delivery or "",
            secrets.token_hex(8),
            MARGIN_MS,
        )
        reasons: dict[bytes, Reason] = {b"delivered": "delivered", b"equal": "equal"}
        return id.decode(), reasons.get(what), due

    def claim(self, passed_over: Sequence[str], alive: Sequence[str]) -> Claim | Nothing:
        """Claim a mailbox that is due, of the installation whose turn it is.

        Args:
            passed_over: Installations of which none is wanted, by their digests.
            alive: Owners that have not died, although their lease may have ended while Redis was away.
        """
        owner = secrets.token_hex(8)
        known: list[str | int] = [len(passed_over), *passed_over, *alive]
        answer = self._line.script(scripts.CLAIM, owner, self._lease, MOST_EVENTS, self._worn, "", 1, *known)
        if isinstance(answer[0], list):
            return _claim(answer[0], owner)
        return Nothing(answer[1] if answer[0] == b"nothing" else None)

    def claim_more(self, share: str, number: int) -> list[Claim]:
        """Claim some more mailboxes of an installation that are due, but none that a worker died over."""
        owner = secrets.token_hex(8)
        answer = self._line.script(scripts.CLAIM, owner, self._lease, MOST_EVENTS, self._worn, share, number)
        return [_claim(one, owner) for one in answer]

    def settle(
        self, claim: Claim, outcomes: Sequence[Outcome], wait: float, *, more: bool, begun: bool = True
    ) -> Claim | Back | None:
        """Keep what came of a claim. Events without an outcome wait on.

        What was tried, and waits to be tried again, may have been written. The pair's baseline does not know of it yet:
        a later event that takes it back would look like no change, and an earlier one by itself would bring back what
        is over. So it is tried again just as it was.

        Args:
            claim: The claim.
            outcomes: What came of its events.
            wait: In how many seconds the mailbox is due again.
            more: Whether to take what is next in it, if it is due.
            begun: Whether anything was tried.

        Returns:
            The next claim; the mailbox that was given back; or `None` if the lease was lost, and so nothing is kept.
        """
        arguments: list[str | bytes | int] = [claim.mailbox, claim.owner, round(wait * 1000), self._lease]
        arguments += [MOST_EVENTS if more else 0, self._worn, MARGIN_MS, _tried(claim, outcomes, begun=begun)]
        for outcome in outcomes:
            arguments += [outcome.record.state, outcome.taken.member, outcome.record.dump()]
        answer = self._line.script(scripts.SETTLE, *arguments, repeatable=False)
        if answer[0] == b"lost":
            return None
        return Back(*answer[1:]) if answer[0] == b"back" else _claim(answer, claim.owner)

    def renew(self, claims: Sequence[Claim]) -> None:
        """Renew the leases of those that are still held."""
        pairs = [value for claim in claims for value in (claim.mailbox, claim.owner)]
        self._line.script(scripts.RENEW, self._lease, *pairs)

    def sweep(self) -> int:
        """Find mailboxes that want a message, some at a time. Gives how many."""
        return int(self._line.script(scripts.SWEEP, MOST_SWEPT, RESEND_MS))

    def expire(self) -> bool:
        """Erase records that were kept for long enough, some at a time. Whether there may be more."""
        return bool(self._line.script(scripts.EXPIRE, *self._keep, MOST_EXPIRED, MARGIN_MS) >= MOST_EXPIRED)


def _tried(claim: Claim, outcomes: Sequence[Outcome], *, begun: bool) -> str:
    """The last event of a claim that was tried and waits to be tried again."""
    records = {taken.id: taken.record for taken in claim.events} | {one.taken.id: one.record for one in outcomes}
    all_of_them = begun and not outcomes
    tried = (id for id, one in records.items() if one.state == "waiting" and (one.tries or all_of_them))
    return max(tried, default="")


def _claim(answer: Sequence[Any], owner: str) -> Claim:
    what, now, mailbox, share, installation, members, records, bodies = answer
    events = tuple(
        Taken(member.decode(), Record.load(record), body)
        for member, record, body in zip(members, records, bodies, strict=True)
    )
    name = installation.decode("utf-8", "surrogatepass")
    return Claim(mailbox.decode(), share.decode(), name, owner, what == b"died", events, now, time.monotonic())
