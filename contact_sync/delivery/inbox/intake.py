"""How an event comes into the inbox: in one transaction, behind the earlier ones of its contact, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from .database import Database, run

REPEATED: Final = "it was delivered before"
EQUAL: Final = "it equals the one before, which still waits"


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that is to be stored.

    Attributes:
        id: Its new id.
        lane: Its contact's lane.
        installation: The installation's id, as it is kept.
        contact: The contact's id, as it is kept.
        name: The event's full name.
        delivery: By which its delivery is recognised; `None` if the sender gives none.
        digest: By which a copy is recognised.
        body: What is kept of it.
    """

    id: str
    lane: bytes
    installation: bytes
    contact: bytes
    name: str
    delivery: bytes | None
    digest: bytes
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stored:
    """Under which id an event is stored, and why nothing was stored now, if it is a copy."""

    id: str
    reason: str | None = None


_OF_DELIVERY: Final = "SELECT id FROM contact_sync_events WHERE delivery = :delivery"

# First of all, since it keeps others out of the lane until this is committed: who finds the lane empty meanwhile waits,
# and then sees what was stored here.
_WAKE: Final = """
    INSERT INTO contact_sync_lanes (lane, installation, ready, touched) VALUES (:lane, :installation, :now, :now)
    ON CONFLICT (lane) DO UPDATE SET ready = COALESCE(contact_sync_lanes.ready, excluded.ready), touched = :now
    RETURNING owner, upto
"""

_BEFORE: Final = """
    SELECT seq, id, digest FROM contact_sync_events WHERE lane = :lane AND state = 0 ORDER BY seq DESC LIMIT 1
"""

_STORE: Final = """
    INSERT INTO contact_sync_events
        (id, lane, installation, contact, name, state, arrived, since, tries, crashes, delivery, digest, body)
    VALUES (:id, :lane, :installation, :contact, :name, 0, :now, :now, 0, 0, :delivery, :digest, :body)
    ON CONFLICT (delivery) DO NOTHING
    RETURNING id
"""


def store(database: Database, letter: Letter) -> Stored:
    """Store an event, unless it is a copy.

    Raises:
        DeliveryUnavailable: Nothing is known about whether it is stored.
    """
    return database.write(lambda connection: _store(connection, letter, database.now(connection)))


def _store(connection: Connection, letter: Letter, now: float) -> Stored:
    [(owner, upto)] = run(connection, _WAKE, lane=letter.lane, installation=letter.installation, now=now)
    if letter.delivery is None:
        before = run(connection, _BEFORE, lane=letter.lane)
        # One that is in flight may have been written by now, and what comes again be an edit back.
        if before and bytes(before[0][2] or b"") == letter.digest and (owner is None or before[0][0] > upto):
            return Stored(before[0][1], EQUAL)
    made = run(
        connection,
        _STORE,
        id=letter.id,
        lane=letter.lane,
        installation=letter.installation,
        contact=letter.contact,
        name=letter.name,
        now=now,
        delivery=letter.delivery,
        digest=letter.digest,
        body=letter.body,
    )
    if made:
        return Stored(letter.id)
    [(id,)] = run(connection, _OF_DELIVERY, delivery=letter.delivery)
    return Stored(id, REPEATED)
