"""The statements that are a step on their own. `i` is the installation. Those that come together are in `steps`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BindParameter, Select, and_, bindparam, delete, func, select
from sqlalchemy.sql.elements import ColumnElement

from key_stores.sql.schema import leases, pairs, records, tombstones

PAGE: Final = 1000

_i: BindParameter[bytes] = bindparam("i")
_ids: BindParameter[list[bytes]] = bindparam("ids", expanding=True)

_by_botmatic = select(pairs.c.botmatic, pairs.c.botmatic_long, pairs.c.external, pairs.c.external_long)
_by_external = select(pairs.c.external, pairs.c.external_long, pairs.c.botmatic, pairs.c.botmatic_long)

PAIRS_OF_BOTMATIC: Final = _by_botmatic.where(pairs.c.installation == _i, pairs.c.botmatic.in_(_ids))
PAIRS_OF_EXTERNAL: Final = _by_external.where(pairs.c.installation == _i, pairs.c.external.in_(_ids))
BASELINES: Final = select(pairs.c.botmatic, pairs.c.botmatic_long, pairs.c.baseline).where(
    pairs.c.installation == _i, pairs.c.botmatic.in_(_ids), pairs.c.baseline.is_not(None)
)
NEXT_PAIRS: Final = (
    _by_botmatic.where(pairs.c.installation == _i, pairs.c.botmatic > bindparam("after"))
    .order_by(pairs.c.botmatic)
    .limit(PAGE)
)
COUNT_PAIRS: Final = select(func.count()).select_from(pairs).where(pairs.c.installation == _i)

RELEASE: Final = delete(leases).where(
    and_(leases.c.installation == _i, leases.c.name.in_(_ids)), leases.c.owner == bindparam("owner")
)

RECORD: Final = select(records.c.value).where(records.c.installation == _i, records.c.name == bindparam("name"))
RECORDS: Final = select(records.c.name, records.c.name_long, records.c.value).where(records.c.installation == _i)
DELETE_RECORD: Final = delete(records).where(records.c.installation == _i, records.c.name == bindparam("name"))


def tombstone_ends(clock: ColumnElement[float]) -> Select[float, float]:
    """When the tombstone of an id ends, and what time it is."""
    return select(tombstones.c.ends, clock).where(tombstones.c.installation == _i, tombstones.c.id == bindparam("id"))
