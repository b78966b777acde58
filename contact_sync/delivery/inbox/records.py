"""What people and programs ask about the events of an inbox, and do with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from contact_sync.delivery.base import (
    CONTACT_IN_FLIGHT,
    IN_FLIGHT_STAYS,
    NO_SUCH_EVENT,
    NOT_FAILED,
    OLDER,
    SETTLED_STAYS,
    Backlog,
    EventRecord,
    State,
)
from contact_sync.events import split_name
from contact_sync.results import Result
from mappers import Side

from .database import Database, counted, run, run_for
from .schema import APPLIED, FAILED, WAITING, lane_of, loaded, stored
from .tries import attempts

CLEANED: Final = 1_000
"""How many records are erased at once."""

_COLUMNS: Final = """
    events.id, events.installation, events.contact, events.name, events.state, events.arrived, events.settled,
    events.tries, events.action, events.log, lanes.ready,
    lanes.owner IS NOT NULL AND events.seq <= lanes.upto AND lanes.ready > :now AS in_flight
"""
# Of a lane whose lease has ended, the worker is dead, and its events wait for another one.
_FROM: Final = "FROM contact_sync_events AS events LEFT JOIN contact_sync_lanes AS lanes ON lanes.lane = events.lane"

_STATES: Final = {
    State.WAITING: "events.state = 0 AND (lanes.owner IS NULL OR events.seq > lanes.upto OR lanes.ready <= :now)",
    State.IN_FLIGHT: "events.state = 0 AND lanes.owner IS NOT NULL AND events.seq <= lanes.upto AND lanes.ready > :now",
    State.APPLIED: "events.state <> 0 AND events.state = 1",  # the first says which index
    State.FAILED: "events.state <> 0 AND events.state = 2",
}

_COUNT: Final = "SELECT count(*) FROM contact_sync_events WHERE state = 0"
_COUNT_FAILED: Final = "SELECT count(*) FROM contact_sync_events WHERE state <> 0 AND state = 2"
_OLDEST: Final = "SELECT arrived FROM contact_sync_events WHERE state = 0 ORDER BY seq LIMIT 1"
_COUNT_IN_FLIGHT: Final = """
    SELECT count(*) FROM contact_sync_lanes AS lanes JOIN contact_sync_events AS events
    ON events.lane = lanes.lane AND events.state = 0 AND events.seq <= lanes.upto
    WHERE lanes.owner IS NOT NULL AND lanes.ready > :now
"""

_FIND: Final = """
    SELECT events.seq, events.lane, events.state, lanes.applied,
        CASE WHEN lanes.ready > :now THEN lanes.owner END, lanes.upto
    FROM contact_sync_events AS events LEFT JOIN contact_sync_lanes AS lanes ON lanes.lane = events.lane
    WHERE events.id = :id
"""
_KEEP_LANE: Final = "SELECT lane FROM contact_sync_lanes WHERE lane = :lane FOR UPDATE"
_REPLAY: Final = """
    UPDATE contact_sync_events SET state = 0, settled = NULL, since = :now, tries = 0, crashes = 0, action = NULL
    WHERE seq = :seq
"""
_WAKE: Final = """
    INSERT INTO contact_sync_lanes (lane, installation, ready, touched)
    SELECT lane, installation, :now, :now FROM contact_sync_events WHERE seq = :seq
    ON CONFLICT (lane) DO UPDATE SET touched = :now,
        ready = CASE WHEN contact_sync_lanes.owner IS NULL THEN :now ELSE contact_sync_lanes.ready END
"""
_DROP: Final = "DELETE FROM contact_sync_events WHERE seq = :seq"
_NEXT: Final = """
    UPDATE contact_sync_lanes SET ready = :now WHERE lane = :lane AND owner IS NULL AND ready IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM contact_sync_events WHERE lane = :lane AND state = 0 AND seq < :seq)
"""

_EXPIRED: Final = """
    DELETE FROM contact_sync_events WHERE seq IN (
        SELECT seq FROM (
            SELECT seq, settled FROM contact_sync_events WHERE state <> 0 AND state = :state
            ORDER BY seq LIMIT :most
        ) AS oldest WHERE settled < :before
    )
"""
_EMPTY_LANES: Final = """
    DELETE FROM contact_sync_lanes WHERE lane IN (
        SELECT lane FROM contact_sync_lanes WHERE ready IS NULL AND touched < :before ORDER BY touched LIMIT :most
    ) AND ready IS NULL AND owner IS NULL
"""


_TOUCH: Final = """
    INSERT INTO contact_sync_inbox (name, value) VALUES ('written', :now)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""

_LAST: Final = "SELECT max(seq) FROM contact_sync_events"
_ERASE_LANES: Final = """
    DELETE FROM contact_sync_lanes WHERE lane IN :among AND NOT EXISTS (
        SELECT 1 FROM contact_sync_events AS events WHERE events.lane = contact_sync_lanes.lane AND events.state = 0
    )
"""
_FREE_LANES: Final = """
    UPDATE contact_sync_lanes SET owner = NULL, upto = NULL, applied = NULL, ready = :now WHERE lane IN :among
"""


class Records:
    """The events of an inbox, as they are looked at from outside.

    Args:
        database: The inbox's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(
        self, states: Sequence[State], installation: str | None, contact: str | None, limit: int
    ) -> list[EventRecord]:
        """List events: the first in line first if all of them wait or are in flight, else the latest first."""
        conditions = [f"({' OR '.join(_STATES[state] for state in states)})"] if states else []
        values: dict[str, Any] = {"limit": limit}
        if installation is not None:
            conditions.append("events.installation = :installation")
            values["installation"] = stored(installation)
        if contact is not None:
            conditions.append("events.contact = :contact")
            values["contact"] = stored(contact)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        open = bool(states) and set(states) <= {State.WAITING, State.IN_FLIGHT}
        order = f"ORDER BY events.seq {'ASC' if open else 'DESC'} LIMIT :limit"
        return self._records(f"SELECT {_COLUMNS} {_FROM} {where} {order}", **values)

    def find(self, id: str) -> EventRecord | None:
        """Look an event up."""
        return next(iter(self._records(f"SELECT {_COLUMNS} {_FROM} WHERE events.id = :id", id=id)), None)

    def backlog(self) -> Backlog:
        """Count what is not settled."""

        def ask(connection: Connection) -> Backlog:
            open = run(connection, _COUNT)[0][0]
            in_flight = min(open, run(connection, _COUNT_IN_FLIGHT, now=self._database.now(connection))[0][0])
            failed = run(connection, _COUNT_FAILED)[0][0]
            oldest = run(connection, _OLDEST)
            return Backlog(open - in_flight, in_flight, failed, oldest[0][0] if oldest else None)

        return self._database.read(ask)

    def try_to_write(self) -> None:
        """Find out whether anything can be stored."""
        self._database.write(lambda connection: run(connection, _TOUCH, now=str(self._database.now(connection))))

    def replay(self, id: str, *, although_older: bool) -> Result:
        """Let a dead letter be tried again, at its old place in its contact's order."""

        def work(connection: Connection) -> Result:
            found = self._locked(connection, id)
            if found is None:
                return Result.failed(NO_SUCH_EVENT)
            seq, _, state, applied, owner, upto = found
            if state != FAILED:
                return Result.failed(NOT_FAILED)
            in_flight = owner is not None and (upto or 0) > seq
            if ((applied or 0) > seq or in_flight) and not although_older:
                return Result.failed(OLDER)
            if owner is not None:
                return Result.failed(CONTACT_IN_FLIGHT, retryable=True)
            now = self._database.now(connection)
            run(connection, _REPLAY, seq=seq, now=now)
            run(connection, _WAKE, seq=seq, now=now)
            return Result.ok(id, action="waiting")

        return self._database.write(work)

    def drop(self, id: str) -> Result:
        """Take an event out that waits or has failed."""

        def work(connection: Connection) -> Result:
            found = self._locked(connection, id)
            if found is None:
                return Result.failed(NO_SUCH_EVENT)
            seq, lane, state, _, owner, upto = found
            if state == APPLIED:
                return Result.failed(SETTLED_STAYS)
            if state == WAITING and owner is not None and seq <= (upto or 0):
                return Result.failed(IN_FLIGHT_STAYS)
            run(connection, _DROP, seq=seq)
            run(connection, _NEXT, lane=lane, seq=seq, now=self._database.now(connection))
            return Result.ok(id, action="dropped")

        return self._database.write(work)

    def forget(self, installation: str, contact: str | None, side: Side) -> int:
        """Erase all that is kept of an installation or a contact. What is in flight of it settles nothing any more."""
        condition, values = "installation = :installation", {"installation": stored(installation)}
        if contact is not None:
            condition, values = (
                "lane = :lane AND installation = :installation",
                values | {"lane": lane_of(installation, contact, side)},
            )
        # What is accepted meanwhile is left alone: it is of who begins anew.
        last = self._database.read(lambda connection: run(connection, _LAST)[0][0]) or 0
        of_events = f"SELECT seq FROM contact_sync_events WHERE {condition} AND seq <= :last ORDER BY seq LIMIT :most"  # noqa: S608 - ours
        erased = 0
        while done := self._erase(
            f"DELETE FROM contact_sync_events WHERE seq IN ({of_events})",  # noqa: S608
            values | {"last": last},
        ):
            erased += done
        after: bytes | None = b""
        while after is not None:
            after = self._empty_lanes(condition, values | {"after": after})
        return erased

    def _empty_lanes(self, condition: str, values: dict[str, Any]) -> bytes | None:
        """Erase lanes in which nothing waits, and take the others from who works on them. Gives the last of them."""
        lock = "FOR UPDATE" if self._database.skip_locked else ""
        found = (
            f"SELECT lane FROM contact_sync_lanes WHERE {condition} AND lane > :after ORDER BY lane LIMIT :most {lock}"  # noqa: S608 - ours
        )

        def work(connection: Connection) -> bytes | None:
            lanes = [bytes(row[0]) for row in run(connection, found, most=CLEANED, **values)]
            # Locked first, and looked at in another statement: it sees what was stored before the lock was had.
            run_for(connection, _ERASE_LANES, lanes)
            run_for(connection, _FREE_LANES, lanes, now=self._database.now(connection))
            return lanes[-1] if lanes else None

        return self._database.write(work)

    def clean(self, keep: float, keep_failed: float) -> int:
        """Erase records that are kept for long enough, some at a time. Gives how many."""

        def before(seconds: float) -> dict[str, Any]:
            return {"before": self._database.read(self._database.now) - seconds}

        erased = self._erase(_EXPIRED, before(keep) | {"state": APPLIED})
        erased += self._erase(_EXPIRED, before(keep_failed) | {"state": FAILED})
        return erased + self._erase(_EMPTY_LANES, before(max(keep, keep_failed)))

    def _erase(self, statement: str, values: dict[str, Any]) -> int:
        def work(connection: Connection) -> int:
            return counted(connection, statement, most=CLEANED, **values)

        return self._database.write(work)

    def _locked(self, connection: Connection, id: str) -> Any:
        """Find an event, and keep others out of its lane."""
        now = self._database.now(connection)
        found = run(connection, _FIND, id=id, now=now)
        if found and self._database.skip_locked:
            run(connection, _KEEP_LANE, lane=found[0][1])
            found = run(connection, _FIND, id=id, now=now)
        return found[0] if found else None

    def _records(self, statement: str, **values: Any) -> list[EventRecord]:
        def ask(connection: Connection) -> list[EventRecord]:
            now = self._database.now(connection)
            return [_record(*row) for row in run(connection, statement, now=now, **values)]

        return self._database.read(ask)


def _record(
    id: str,
    installation: bytes,
    contact: bytes,
    name: str,
    state: int,
    arrived: float,
    settled: float | None,
    tries: int,
    action: str | None,
    log: str | None,
    ready: float | None,
    in_flight: bool | None,
) -> EventRecord:
    known = {APPLIED: State.APPLIED, FAILED: State.FAILED}.get(state, State.IN_FLIGHT if in_flight else State.WAITING)
    tried = attempts(log)
    side, event_name = split_name(name)
    return EventRecord(
        id,
        loaded(installation),
        loaded(contact),
        event_name,
        known,
        arrived,
        settled,
        ready if known is State.WAITING else None,
        action,
        tried[-1].error if tried and known is State.FAILED else None,
        tries,
        tried,
        side,
    )
