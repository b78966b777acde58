"""The statements whose form never changes, made once. `i` is the installation, `b` and `e` are the two ids."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BindParameter, Select, and_, bindparam, delete, func, insert, or_, select
from sqlalchemy.sql.elements import ColumnElement

from key_stores.sql.schema import leases, pairs, records, tombstones

PAGE: Final = 1000

_b: BindParameter[bytes] = bindparam("b")
_e: BindParameter[bytes] = bindparam("e")
_i: BindParameter[bytes] = bindparam("i")
_ids: BindParameter[list[bytes]] = bindparam("ids", expanding=True)

_by_botmatic = select(pairs.c.botmatic, pairs.c.botmatic_long, pairs.c.external, pairs.c.external_long)
_by_external = select(pairs.c.external, pairs.c.external_long, pairs.c.botmatic, pairs.c.botmatic_long)

INSERT_PAIR: Final = insert(pairs)
DELETE_PAIR: Final = delete(pairs).where(pairs.c.installation == _i, pairs.c.botmatic == _b, pairs.c.external == _e)
# Two statements, each by its index: with an OR, SQLite would go through the whole installation.
DELETE_CROSSING: Final = (
    delete(pairs).where(pairs.c.installation == _i, pairs.c.botmatic == _b),
    delete(pairs).where(pairs.c.installation == _i, pairs.c.external == _e),
)
PAIRS_OF_BOTMATIC: Final = _by_botmatic.where(pairs.c.installation == _i, pairs.c.botmatic.in_(_ids))
PAIRS_OF_EXTERNAL: Final = _by_external.where(pairs.c.installation == _i, pairs.c.external.in_(_ids))
NEXT_PAIRS: Final = (
    _by_botmatic.where(pairs.c.installation == _i, pairs.c.botmatic > bindparam("after"))
    .order_by(pairs.c.botmatic)
    .limit(PAGE)
)
COUNT_PAIRS: Final = select(func.count()).select_from(pairs).where(pairs.c.installation == _i)

LIFT_TOMBSTONES: Final = delete(tombstones).where(tombstones.c.installation == _i, tombstones.c.id.in_([_b, _e]))
DELETE_ENDED_TOMBSTONES: Final = delete(tombstones).where(
    tombstones.c.installation == _i, tombstones.c.ends <= bindparam("now")
)

INSERT_LEASE: Final = insert(leases)
_these = and_(leases.c.installation == _i, leases.c.name.in_(_ids))
COUNT_HELD_BY_OTHERS: Final = (
    select(func.count())
    .select_from(leases)
    .where(_these, leases.c.owner != bindparam("owner"), leases.c.ends > bindparam("now"))
)
DELETE_THESE_AND_ENDED: Final = delete(leases).where(
    leases.c.installation == _i, or_(leases.c.name.in_(_ids), leases.c.ends <= bindparam("now"))
)
COUNT_HELD: Final = (
    select(func.count())
    .select_from(leases)
    .where(_these, leases.c.owner == bindparam("owner"), leases.c.ends > bindparam("now"))
)
RELEASE: Final = delete(leases).where(_these, leases.c.owner == bindparam("owner"))
DELETE_ENDED_LEASES: Final = delete(leases).where(leases.c.installation == _i, leases.c.ends <= bindparam("now"))

RECORD: Final = select(records.c.value).where(records.c.installation == _i, records.c.name == bindparam("name"))
RECORDS: Final = select(records.c.name, records.c.name_long, records.c.value).where(records.c.installation == _i)
DELETE_RECORD: Final = delete(records).where(records.c.installation == _i, records.c.name == bindparam("name"))

FORGET: Final = tuple(delete(table).where(table.c.installation == _i) for table in (pairs, tombstones, records))


def tombstone_ends(clock: ColumnElement[float]) -> Select[float, float]:
    """When the tombstone of an id ends, and what time it is."""
    return select(tombstones.c.ends, clock).where(tombstones.c.installation == _i, tombstones.c.id == bindparam("id"))
