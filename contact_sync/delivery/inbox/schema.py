"""The tables of the inbox: the events, and a lane for each contact that has any.

A lane is what is claimed. `ready` is when it is to be looked at next: at once if an event waits and nobody works on
it, at the end of its lease if somebody does, at the time of its next try if it has failed, never (`NULL`) if it is
empty. So a lane whose worker died becomes due by itself.

Ids are kept as their bytes, as in the key stores: PostgreSQL's text takes no NUL.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from mappers import Side

FORMAT: Final = "1"
"""What this release reads and writes. Another in the database means that a later release wrote it."""

WAITING, APPLIED, FAILED = 0, 1, 2
"""The states of an event. The statements have them as numbers."""

metadata: Final = MetaData()

_Sequence: Final = BigInteger().with_variant(Integer, "sqlite")

events: Final = Table(
    "contact_sync_events",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),  # in the order of arrival
    Column("id", String(32), nullable=False, unique=True),
    Column("lane", LargeBinary, nullable=False),
    Column("installation", LargeBinary, nullable=False),
    Column("contact", LargeBinary, nullable=False),
    Column("name", String(32), nullable=False),  # with its side
    Column("state", SmallInteger, nullable=False),
    Column("arrived", Double, nullable=False),
    Column("since", Double, nullable=False),  # it arrived, or was let try again
    Column("settled", Double),
    Column("tries", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("delivery", LargeBinary, unique=True),  # a digest of the sender's id
    Column("digest", LargeBinary),  # of what it says; only while it waits
    Column("body", LargeBinary),  # only until it is applied
    Column("action", String(40)),
    Column("log", Text),  # the tries that failed
    Index("contact_sync_events_installation", "installation", "seq"),
    sqlite_autoincrement=True,
)
# Apart, so that nobody who asks for the few events of a lane can come by way of all that wait.
_OPEN: Final = text("state = 0")
_SETTLED: Final = text("state <> 0")
for _name, _columns, _which in (
    ("waiting", (events.c.lane, events.c.seq), _OPEN),
    ("open", (events.c.seq,), _OPEN),
    ("settled", (events.c.state, events.c.seq), _SETTLED),
):
    Index(f"contact_sync_events_{_name}", *_columns, sqlite_where=_which, postgresql_where=_which)

lanes: Final = Table(
    "contact_sync_lanes",
    metadata,
    Column("lane", LargeBinary, primary_key=True),
    Column("installation", LargeBinary, nullable=False),
    Column("ready", Double),
    Column("owner", String(32)),  # of the claim that is worked under
    Column("upto", BigInteger),  # the last of the events that are applied as one, or were tried so and have to be again
    Column("applied", BigInteger),  # the latest event that was applied
    Column("touched", Double, nullable=False),
)
Index(
    "contact_sync_lanes_due",
    lanes.c.installation,
    lanes.c.ready,
    sqlite_where=text("ready IS NOT NULL"),
    postgresql_where=text("ready IS NOT NULL"),
)
Index(
    "contact_sync_lanes_owned",
    lanes.c.owner,
    sqlite_where=text("owner IS NOT NULL"),
    postgresql_where=text("owner IS NOT NULL"),
)
Index(
    "contact_sync_lanes_asleep",
    lanes.c.touched,
    sqlite_where=text("ready IS NULL"),
    postgresql_where=text("ready IS NULL"),
)

meta: Final = Table(
    "contact_sync_inbox", metadata, Column("name", String(40), primary_key=True), Column("value", String(40))
)


def stored(text: str) -> bytes:
    """Give the bytes under which an id is kept."""
    return text.encode("utf-8", "surrogatepass")


def loaded(data: bytes) -> str:
    """Give an id back."""
    return bytes(data).decode("utf-8", "surrogatepass")


def lane_of(installation: str, contact: str, side: Side = "botmatic") -> bytes:
    """The name of a contact's lane. The same id on the two sides stands for two contacts."""
    return _digest(b"cs-lane" if side == "botmatic" else b"cs-lane-ext", installation, contact)


def delivery_of(installation: str, delivery_id: str) -> bytes:
    """The name of a delivery, so that the sender's id may be as long as it likes."""
    return _digest(b"cs-delivery", installation, delivery_id)


def _digest(kind: bytes, *parts: str) -> bytes:
    digest = blake2b(digest_size=16, person=kind)
    for part in map(stored, parts):
        digest.update(len(part).to_bytes(4))
        digest.update(part)
    return digest.digest()
