"""How what came of claimed events is kept, and their lanes are given back. Fenced: only by who still holds the lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from .claiming import Claimed, Waiting
from .database import Database, run_for, run_many
from .schema import APPLIED, FAILED, WAITING
from .tries import with_try


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event.

    Attributes:
        event: The event.
        state: `APPLIED`, `FAILED`, or `WAITING` for its next try.
        action: What applying it did; `held` if it failed since a person has to decide.
        error: What failed, without contact values.
    """

    event: Waiting
    state: int
    action: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a lane.

    Attributes:
        lane: The lane.
        outcomes: Of its events that were tried; the others wait on.
        wait: In how many seconds it is to be looked at again; 0 for at once, if anything waits.
    """

    lane: Claimed
    outcomes: tuple[Outcome, ...] = ()
    wait: float = 0.0


_OWNED: Final = "SELECT lane, owner FROM contact_sync_lanes WHERE lane IN :among ORDER BY lane"

_APPLIED: Final = """
    UPDATE contact_sync_events SET state = 1, settled = :now, tries = tries + 1, action = :action,
        body = NULL, digest = NULL
    WHERE seq = :seq
"""

_TRIED: Final = """
    UPDATE contact_sync_events SET state = :state, settled = :settled, tries = tries + 1, crashes = 0,
        action = :action, log = :log
    WHERE seq = :seq
"""

_RELEASE: Final = """
    UPDATE contact_sync_lanes SET owner = NULL, upto = :upto, touched = :now,
        applied = CASE WHEN :applied > COALESCE(applied, 0) THEN :applied ELSE applied END,
        ready = CASE WHEN EXISTS (
            SELECT 1 FROM contact_sync_events AS events
            WHERE events.lane = contact_sync_lanes.lane AND events.state = 0
        ) THEN :ready END
    WHERE lane = :lane
"""


def settle(database: Database, connection: Connection, settled: Sequence[Settled]) -> list[Settled]:
    """Keep what came of claimed lanes, and give them back, in a transaction of the caller's.

    Returns:
        Those that were still held. What came of the others counts for nothing: they were, or will be, tried again.
    """
    now = database.now(connection)
    lock = " FOR UPDATE" if database.skip_locked else ""
    # Locked before it is looked whether anything waits: what is being stored meanwhile is seen, or wakes the lane.
    owners = dict(run_for(connection, _OWNED + lock, sorted(one.lane.lane for one in settled)))
    owners = {bytes(lane): owner for lane, owner in owners.items()}
    held = [one for one in settled if owners.get(one.lane.lane) == one.lane.owner]
    applied, tried = _rows(held, now)
    run_many(connection, _APPLIED, applied)
    run_many(connection, _TRIED, tried)
    run_many(connection, _RELEASE, [_release(one, now) for one in sorted(held, key=lambda one: one.lane.lane)])
    return held


def _rows(held: Sequence[Settled], now: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    applied: list[dict[str, Any]] = []
    tried: list[dict[str, Any]] = []
    for outcome in (outcome for one in held for outcome in one.outcomes):
        seq = outcome.event.seq
        if outcome.state == APPLIED:
            applied.append({"seq": seq, "now": now, "action": outcome.action})
        else:
            log = with_try(outcome.event.log, now, outcome.error or "")
            settled = now if outcome.state == FAILED else None
            action = outcome.action if outcome.state == FAILED else None
            tried.append({"seq": seq, "state": outcome.state, "settled": settled, "action": action, "log": log})
    return applied, tried


def _release(one: Settled, now: float) -> dict[str, Any]:
    last = max((outcome.event.seq for outcome in one.outcomes if outcome.state == APPLIED), default=0)
    now_tried = {outcome.event.seq: outcome.state for outcome in one.outcomes}
    tried = max(
        (
            event.seq
            for event in one.lane.events
            if now_tried.get(event.seq, WAITING if event.tries else None) == WAITING
        ),
        default=None,
    )
    return {"lane": one.lane.lane, "now": now, "ready": now + one.wait, "applied": last, "upto": tried}
