"""How lanes are claimed: those that are due, of each installation so many as it is granted.

What a claim gives is what can be applied as one, up to a bound. What was tried before is tried again just so, since it
may have been written: the pair's baseline does not know of it yet, so that a later event which takes it back would look
like no change, and an earlier one by itself would bring back what is over. A lane whose last worker died is not given
out at once: the events that were in flight count a crash, and the lane becomes due a little later, so that what died
together is tried apart.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from contact_sync.delivery.retries import Retries
from contact_sync.delivery.runs import run_length

from .burying import Buried, bury
from .database import Database, run, run_for, run_many

SUSPECT_SECONDS: Final = (0.05, 0.3)
"""How long a suspect waits for its turn while another is tried."""

MOST_EVENTS: Final = 100
"""How many events of a lane are given out at once."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits.

    Attributes:
        seq: Its place.
        id: Its id.
        name: Its full name.
        since: When it arrived, or was let try again.
        arrived: When it arrived.
        tries: How often it was tried before.
        crashes: How many workers have died over it.
        log: The tries that failed, as they are kept.
        body: What is kept of it.
    """

    seq: int
    id: str
    name: str
    since: float
    arrived: float
    tries: int
    crashes: int
    log: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lane that is claimed, and the run of events at its head. Never empty."""

    lane: bytes
    installation: bytes
    owner: str
    events: tuple[Waiting, ...]


# A step for each installation that has anything to do, and none for its contacts, however many wait.
_DUE: Final = """
    WITH RECURSIVE busy (installation) AS (
        SELECT (SELECT installation FROM contact_sync_lanes WHERE ready IS NOT NULL ORDER BY installation LIMIT 1)
        UNION ALL
        SELECT (
            SELECT lanes.installation FROM contact_sync_lanes AS lanes
            WHERE lanes.ready IS NOT NULL AND lanes.installation > busy.installation
            ORDER BY lanes.installation LIMIT 1
        )
        FROM busy WHERE busy.installation IS NOT NULL
    )
    SELECT installation FROM busy
    WHERE installation IS NOT NULL AND EXISTS (
        SELECT 1 FROM contact_sync_lanes AS lanes
        WHERE lanes.installation = busy.installation AND lanes.ready <= :now
    )
"""

_LANES: Final = """
    SELECT lane, owner, upto FROM contact_sync_lanes
    WHERE installation = :installation AND ready <= :now AND (owner IS NULL OR :takes_over = 1)
    ORDER BY ready LIMIT :most
"""

_EVENTS: Final = """
    SELECT lane, seq, id, name, since, arrived, tries, crashes, log, body FROM (
        SELECT *, row_number() OVER (PARTITION BY lane ORDER BY seq) AS place
        FROM contact_sync_events WHERE lane IN :among AND state = 0
    ) AS numbered
    WHERE place <= :most ORDER BY lane, seq
"""

_CLAIM: Final = "UPDATE contact_sync_lanes SET owner = :owner, ready = :ready, upto = :upto WHERE lane = :lane"

_SLEEP: Final = "UPDATE contact_sync_lanes SET owner = NULL, upto = NULL, ready = NULL WHERE lane IN :among"

_LATER: Final = "UPDATE contact_sync_lanes SET ready = :ready WHERE lane = :lane"

_RENEW: Final = "UPDATE contact_sync_lanes SET ready = :ready WHERE owner IN :among"


def due(database: Database) -> list[bytes]:
    """Name the installations that have a lane which is due. A plain read, so that idle workers disturb nobody."""
    return database.read(
        lambda connection: [bytes(row[0]) for row in run(connection, _DUE, now=database.now(connection))]
    )


@dataclass(frozen=True, slots=True)
class Claiming:
    """Who claims, and how.

    Attributes:
        owner: The name of this claim, of its own.
        shares: How many lanes of each installation, at the most.
        lease: For how many seconds.
        alive: The names of this process's claims: a lane of theirs is worked on, however late its lease is renewed.
        void: The names of claims of which it was not known whether they were made: nobody works on their lanes.
        takes_over: Whether lanes of others are taken whose lease has ended.
        takes_suspect: Whether an event may be taken that was in flight when a worker died; one at a time, so that it
            is the only one that can be at fault if this worker dies too.
    """

    owner: str
    shares: Mapping[bytes, int]
    lease: float
    alive: frozenset[str] = frozenset()
    void: frozenset[str] = frozenset()
    takes_over: bool = True
    takes_suspect: bool = True


def claim(
    database: Database, connection: Connection, claiming: Claiming, retries: Retries, most: int = MOST_EVENTS
) -> tuple[list[Claimed], list[Buried]]:
    """Claim lanes that are due, in a transaction of the caller's.

    Args:
        database: The inbox's.
        connection: Where the transaction is.
        claiming: Who claims.
        retries: What becomes of those whose worker died.
        most: How many events of each.

    Returns:
        What is claimed; and the events of lanes that their worker has left, which is dead.
    """
    now = database.now(connection)
    ready = now + claiming.lease
    claimed: list[Claimed] = []
    buried: list[Buried] = []
    for installation, share in claiming.shares.items():
        found = run(
            connection,
            f"{_LANES} {database.skip_locked}",
            installation=installation,
            now=now,
            takes_over=int(claiming.takes_over),
            most=share,
        )
        free: dict[bytes, int] = {}
        for lane, left_by, upto in found:
            if left_by is None or left_by in claiming.void:
                free[bytes(lane)] = upto or 0
            elif left_by in claiming.alive:
                run_for(connection, _RENEW, [left_by], ready=ready)
            else:
                buried += bury(connection, installation, bytes(lane), upto, now, retries)
        waiting = _waiting(connection, sorted(free), most)
        run_for(connection, _SLEEP, [lane for lane in free if lane not in waiting])  # what waited was dropped
        suspects = [lane for lane, events in waiting.items() if events[0].crashes]
        if claiming.takes_suspect and not any(one.events[0].crashes for one in claimed):
            suspects = suspects[1:]
        for lane in suspects:
            run(connection, _LATER, lane=lane, ready=now + random.uniform(*SUSPECT_SECONDS))  # noqa: S311 - spreads
            del waiting[lane]
        claimed += _take(connection, installation, waiting, free, claiming.owner, ready, retries)
    return claimed, buried


def renew(database: Database, owners: Sequence[str], lease: float) -> None:
    """Renew the leases of claims that are still worked under."""
    database.write(
        lambda connection: run_for(connection, _RENEW, sorted(owners), ready=database.now(connection) + lease)
    )


def _waiting(connection: Connection, lanes: Sequence[bytes], most: int) -> dict[bytes, list[Waiting]]:
    """Read what waits in lanes, in order; lanes in which nothing does are left out."""
    waiting: dict[bytes, list[Waiting]] = {}
    for lane, seq, id, name, since, arrived, tries, crashes, log, body in run_for(
        connection, _EVENTS, lanes, most=most
    ):
        event = Waiting(seq, id, name, since, arrived, tries, crashes, log, bytes(body))
        waiting.setdefault(bytes(lane), []).append(event)
    return waiting


def _take(
    connection: Connection,
    installation: bytes,
    waiting: Mapping[bytes, list[Waiting]],
    tried: Mapping[bytes, int],
    owner: str,
    ready: float,
    retries: Retries,
) -> list[Claimed]:
    """Take lanes, each with the last event that was tried before; 0 for none."""
    claimed = [
        Claimed(lane, installation, owner, _head(events, tried[lane], retries)) for lane, events in waiting.items()
    ]
    rows: list[dict[str, Any]] = [
        {"lane": one.lane, "owner": owner, "ready": ready, "upto": one.events[-1].seq} for one in claimed
    ]
    run_many(connection, _CLAIM, rows)
    return claimed


def _head(events: Sequence[Waiting], tried: int, retries: Retries) -> tuple[Waiting, ...]:
    """Those that are applied as one: just those that were tried before, or as many as can be.

    Before the last worker may die over them, the first goes alone: it is one of them that is at fault.
    """
    if events[0].crashes >= max(1, retries.crashes - 1):
        return (events[0],)
    again = [event for event in events if event.seq <= tried]
    return tuple((again or events)[: run_length([event.name for event in again or events])])
