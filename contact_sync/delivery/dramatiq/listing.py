"""What people and programs ask about events in mailboxes, and do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from contact_sync.delivery.base import (
    IN_FLIGHT_STAYS,
    NO_SUCH_EVENT,
    NOT_FAILED,
    OLDER,
    SETTLED_STAYS,
    Backlog,
    EventRecord,
    State,
)
from contact_sync.results import Result
from mappers import Side

from . import scripts
from .digests import contact_digest, installation_digest, mailbox_digest
from .line import Line
from .mailboxes import MARGIN_MS
from .records import Record, kind_of

PAGE: Final = 500
"""How many events are read or erased at once."""

_LISTS: Final = {State.APPLIED: "applied", State.FAILED: "failed", State.WAITING: "waiting"}
_OPEN: Final = frozenset({State.WAITING, State.IN_FLIGHT})
_PATIENCE: Final = 10

_Read = tuple[Record, EventRecord, bytes]


class Listing:
    """The events in mailboxes, as they are looked at from outside.

    Args:
        line: The line to Redis.
        send: Sends a message. Never raises.
    """

    def __init__(self, line: Line, send: Callable[[], object]) -> None:
        self._line = line
        self._send = send

    def events(
        self, states: Sequence[State], installation: str | None, contact: str | None, limit: int
    ) -> list[EventRecord]:
        """List events: the first in line first if all of them wait or are in flight, else the latest first."""
        wanted = frozenset(states) or frozenset(State)
        forwards = wanted <= _OPEN
        found: list[EventRecord] = []
        if limit < 1:
            return found
        pages = self._pages_of_contact(contact, forwards) if contact is not None else None
        for ids in pages or [self._ids(wanted, installation, forwards, limit)]:
            for _, event, _ in self._read(ids):
                ours = installation in (None, event.installation) and contact in (None, event.contact)
                if ours and event.state in wanted:
                    found.append(event)
                if len(found) == limit:
                    return found
        return found

    def event(self, id: str) -> EventRecord | None:
        """Look an event up."""
        return next((event for _, event, _ in self._read([id])), None)

    def backlog(self) -> Backlog:
        """Count what is not settled."""
        open, in_flight, failed, oldest = self._line.script(scripts.COUNT)
        return Backlog(open - in_flight, in_flight, failed, Record.load(oldest).arrived / 1000 if oldest else None)

    def replay(self, id: str, *, although_older: bool) -> Result:
        """Let a dead letter be tried again, at its old place in its contact's order."""
        for _ in range(_PATIENCE):
            found = next(self._read([id]), None)
            if found is None:
                return Result.failed(NO_SUCH_EVENT)
            before, event, text = found
            if event.state is not State.FAILED:
                return Result.failed(NOT_FAILED)
            after = before.again(self._line.clock())
            done = self._line.script(
                scripts.REPLAY, event.id, text, after.dump(), kind_of(after.name), int(although_older), MARGIN_MS
            )
            if done == b"changed":
                continue
            if done == b"waiting":
                self._send()
                return Result.ok(id, action="waiting")
            return Result.failed({b"older": OLDER, b"none": NO_SUCH_EVENT}.get(done, NOT_FAILED))
        return Result.failed("the event changes all the time; try again", retryable=True)

    def drop(self, id: str) -> Result:
        """Take an event out that waits or has failed."""
        what = self._line.script(scripts.DROP, _bytes(id), MARGIN_MS)
        if what == b"dropped":
            self._send()  # it may have stood in the way of others
            return Result.ok(id, action="dropped")
        return Result.failed({b"flight": IN_FLIGHT_STAYS, b"applied": SETTLED_STAYS}.get(what, NO_SUCH_EVENT))

    def forget(self, installation: str, contact: str | None, side: Side) -> int:
        """Erase all that is kept of an installation or a contact. What is in flight of it settles nothing any more.

        What is accepted meanwhile is left alone.
        """
        last = int(self._line.run("GET", "seq") or 0)
        share = installation_digest(installation)
        pages: Callable[[], Iterator[list[bytes]]] = lambda: self._pages_of_installation(share, last)  # noqa: E731
        if contact is not None:
            mailbox = mailbox_digest(installation, contact, side)
            pages = lambda: self._pages_of_mailbox(mailbox, contact, last)  # noqa: E731
        erased = 0
        while done := sum(self._line.script(scripts.ERASE, MARGIN_MS, share, *ids) for ids in pages()):
            erased += done  # and once more: an event that was tried again may have passed by
        return erased

    def _ids(self, wanted: frozenset[State], installation: str | None, forwards: bool, limit: int) -> list[bytes]:
        """Ids among which the first `limit` of some states are."""
        of = "" if installation is None else f":{installation_digest(installation)}"
        flight = set(self._line.run("SMEMBERS", "flight")) if wanted & _OPEN else set()
        ids: set[bytes] = set(flight) if State.IN_FLIGHT in wanted else set()
        for state, name in _LISTS.items():
            if state in wanted:
                reach = limit + (len(flight) if state is State.WAITING else 0)
                ids |= set(self._line.run("ZRANGE" if forwards else "ZREVRANGE", name + of, 0, reach - 1))
        return sorted(ids, reverse=not forwards)

    def _pages_of_contact(self, contact: str, forwards: bool) -> Iterator[list[bytes]]:
        name = contact_digest(contact)
        low, high = f"[{name}", f"({name}~"
        while True:
            command, bounds = ("ZRANGEBYLEX", (low, high)) if forwards else ("ZREVRANGEBYLEX", (high, low))
            page = self._line.run(command, "contacts", *bounds, "LIMIT", 0, PAGE)
            yield [member[len(name) :] for member in page]
            if len(page) < PAGE:
                return
            last = f"({page[-1].decode()}"
            low, high = (last, high) if forwards else (low, last)

    def _pages_of_mailbox(self, mailbox: str, contact: str, last: int) -> Iterator[list[bytes]]:
        for ids in self._pages_of_contact(contact, forwards=True):
            old = [id for id in ids if int(id[:12], 16) <= last]
            ours = [event.id.encode() for record, event, _ in self._read(old) if record.mailbox == mailbox]
            if ours:
                yield ours

    def _pages_of_installation(self, share: str, last: int) -> Iterator[list[bytes]]:
        for name in _LISTS.values():
            while page := self._line.run("ZRANGEBYSCORE", f"{name}:{share}", "-inf", last, "LIMIT", 0, PAGE):
                yield page

    def _read(self, ids: Sequence[str | bytes]) -> Iterator[_Read]:
        for start in range(0, len(ids), PAGE):
            for found in self._line.script(scripts.READ, *map(_bytes, ids[start : start + PAGE])):
                yield _read(*found)


def _read(id: bytes, text: bytes, installation: bytes, in_flight: int, ready: Any) -> _Read:
    record = Record.load(text)
    name = installation.decode("utf-8", "surrogatepass")
    due = float(ready) / 1000 if ready else None
    return record, record.told(id.decode(), name, in_flight=bool(in_flight), ready=due), text


def _bytes(id: str | bytes) -> bytes:
    return id if isinstance(id, bytes) else id.encode("utf-8", "surrogatepass")
