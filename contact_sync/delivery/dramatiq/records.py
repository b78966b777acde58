"""The record of an event: what is known of it without its body, as JSON, and how it changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

from contact_sync.delivery.base import Attempt, EventRecord, State
from contact_sync.delivery.runs import is_update
from contact_sync.events import Event, split_name

from .digests import contact_digest, delivery_digest, installation_digest, mailbox_digest

MOST_ATTEMPTS: Final = 20
"""How many failed tries are kept; the last ones."""

Kept = Literal["waiting", "applied", "failed"]
"""The state that a record knows of. Whether what waits is in flight is known elsewhere."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of an event.

    Attributes:
        installation: The digest of its installation.
        mailbox: The name of its mailbox.
        contact: The id of its contact.
        name: Its full name.
        delivery: The digest of its delivery.
        state: Where it is.
        arrived: When it was accepted, in milliseconds.
        since: When it was accepted, or let try again.
        settled: When it was applied or failed for good.
        action: What applying it did.
        tries: How often it was tried.
        crashes: How many workers have died over it.
        attempts: The tries that failed, the last few.
    """

    installation: str
    mailbox: str
    contact: str
    name: str
    delivery: str | None
    state: Kept
    arrived: int
    since: int
    settled: int | None = None
    action: str | None = None
    tries: int = 0
    crashes: int = 0
    attempts: tuple[tuple[int, str], ...] = ()

    @classmethod
    def load(cls, text: bytes) -> Self:
        """Read a record."""
        whole = json.loads(text.decode("utf-8", "surrogatepass"))
        return cls(
            whole["i"],
            whole["m"],
            whole["k"],
            whole["n"],
            whole.get("d"),
            whole.get("s", "waiting"),
            whole["at"],
            whole["since"],
            whole.get("end"),
            whole.get("act"),
            whole.get("t", 0),
            whole.get("x", 0),
            tuple((at, error) for at, error in whole.get("log", ())),
        )

    def dump(self) -> bytes:
        """Write a record."""
        whole: dict[str, Any] = {
            "at": self.arrived,
            "since": self.since,
            **_identity(self.installation, self.mailbox, self.contact, self.name, self.delivery),
            "s": self.state,
            "end": self.settled,
            "act": self.action,
            "t": self.tries,
            "x": self.crashes,
            "log": list(self.attempts),
        }
        return _json({name: value for name, value in whole.items() if value not in (None, [], 0)})

    def applied(self, now: int, action: str | None) -> Self:
        """It was applied."""
        return replace(self, state="applied", settled=now, action=action, tries=self.tries + 1)

    def tried(
        self, now: int, error: str, *, dead: bool = False, crashed: bool = False, action: str | None = None
    ) -> Self:
        """It was tried, and failed."""
        return replace(
            self,
            state="failed" if dead else "waiting",
            settled=now if dead else None,
            action=action,
            tries=self.tries + 1,
            crashes=self.crashes + crashed,
            attempts=(*self.attempts, (now, error))[-MOST_ATTEMPTS:],
        )

    def again(self, now: int) -> Self:
        """It is let try again, as if it had just come."""
        return replace(self, state="waiting", since=now, settled=None, action=None, tries=0, crashes=0)

    def told(self, id: str, installation: str, *, in_flight: bool, ready: float | None) -> EventRecord:
        """Give it as others see it."""
        state = State.IN_FLIGHT if in_flight and self.state == "waiting" else State(self.state)
        failed = state is State.FAILED
        side, name = split_name(self.name)
        return EventRecord(
            id,
            installation,
            self.contact,
            name,
            state,
            self.arrived / 1000,
            None if self.settled is None else self.settled / 1000,
            ready if state is State.WAITING else None,
            self.action,
            self.attempts[-1][1] if failed and self.attempts else None,
            self.tries,
            tuple(Attempt(at / 1000, error) for at, error in self.attempts),
            side,
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where an event is put.

    Attributes:
        installation: The digest of its installation.
        mailbox: The name of its mailbox.
        contact: What stands for its contact in the list of all contacts.
        delivery: The digest of its delivery.
        rest: Its record, but for the times.
    """

    installation: str
    mailbox: str
    contact: str
    delivery: str | None
    rest: bytes

    @classmethod
    def of(cls, event: Event, contact: str) -> Self:
        """Address an event."""
        installation = installation_digest(event.installation)
        mailbox = mailbox_digest(event.installation, contact, event.side)
        delivery = None if event.delivery_id is None else delivery_digest(event.installation, event.delivery_id)
        rest = _json(_identity(installation, mailbox, contact, event.full_name, delivery))
        return cls(installation, mailbox, contact_digest(contact), delivery, rest.removeprefix(b"{"))


def kind_of(name: str) -> str:
    """How an event of this full name is taken out of its mailbox."""
    return "u" if is_update(name) else "d"


def _identity(installation: str, mailbox: str, contact: str, name: str, delivery: str | None) -> dict[str, str]:
    whole = {"i": installation, "m": mailbox, "c": contact_digest(contact), "k": contact, "n": name}
    return whole if delivery is None else whole | {"d": delivery}


def _json(whole: dict[str, Any]) -> bytes:
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")
