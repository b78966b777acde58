"""Which rows have changed, by a column that says when.

A transaction that is at work while rows are read may have an earlier time than some of them, and be seen only later. So
a walk begins a while (`overlap`) before the latest time that was seen, until that has been the latest for so long that
no such transaction can be left.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from time import time
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal, or_, select
from sqlalchemy.types import NullType

from contact_sync.consumer import CursorExpired

from .fields import Field
from .forms import check_forms, earlier, form_of, is_coarse
from .layout import Layout
from .rows import has_id
from .values import BadValue

PAGE: Final = 200
"""How many rows are read at once."""

_EXPIRED: Final = "the cursor is none that SQLTableConsumer has given for this table"
_SHORTEST: Final = 2.0  # times may be whole seconds


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk: where it is, and from where the next one begins.

    Attributes:
        first: Whether everything is told.
        top: The latest value when it began; `None` in an empty table.
        since: When a walk first saw that this is the latest, in seconds since the epoch.
        settled: Whether no earlier value can come any more.
        at: The value and the id of the row that was told last; `None` at the end. Rows without a value are the last
            ones: the value is `None` then, and so is the id before the first of them.
    """

    first: bool
    top: Any
    since: float
    settled: bool
    at: tuple[Any, Any] | None = None


class ChangeReader:
    """Reads rows in the order of their changes.

    Args:
        layout: Of the table.
        changed: The column that says when a row has changed.
        overlap: How long before the latest change a walk begins: in seconds; of a number, by how much.
    """

    def __init__(self, layout: Layout, changed: Field, overlap: float) -> None:
        self._changed = changed
        self._id = layout.id
        self._overlap = overlap
        self._table = layout.table
        self._when: ColumnElement[Any] = layout.table.c[changed.name]
        self._key: ColumnElement[Any] = layout.table.c[layout.id.name]
        self._there = has_id(layout)

    def page(self, cursor: str | None, connection: Connection) -> tuple[Sequence[Row[Any]], str, bool]:
        """Read the page that a cursor leads to.

        Returns:
            The rows, the cursor after them, and whether there may be more of them.

        Raises:
            CursorExpired: The cursor is none of these, or its times are in another form than those of the table.
            MixedForms: The times of the table are in several forms.
        """
        last = None if cursor is None else self._read(cursor)
        if last is not None and last.at is not None:
            walk, where = last, self._after(*last.at)
        else:
            walk, where = self._begin(connection, last), self._from(last)
        found = select(self._table).where(where, self._there).order_by(self._when, self._key).limit(PAGE)
        rows = connection.execute(found).all()
        if len(rows) == PAGE:
            end = rows[-1]._mapping
            at: tuple[Any, Any] | None = (end[self._changed.name], end[self._id.name])
        else:
            in_nulls = walk.at is not None and walk.at[0] is None
            at = (None, None) if walk.first and not in_nulls else None
        return rows, self._written(replace(walk, at=at)), at is not None

    def _begin(self, connection: Connection, last: _Walk | None) -> _Walk:
        now = time()
        top = self._top(connection, last)
        if last is None or last.top is None or last.top != top or now < last.since:
            return _Walk(last is None or last.top is None, top, now, settled=False)
        # Changes of one day have one date: of those, more may come as long as it lasts.
        long_ago = self._overlap > 0 and now - last.since >= max(self._overlap, _SHORTEST)
        settled = last.settled or (long_ago and self._changed.kind != "date" and not is_coarse(top))
        return replace(last, first=False, settled=settled)

    def _top(self, connection: Connection, last: _Walk | None) -> Any:
        """Read the latest value, and see that values can be compared."""
        if not self._changed.raw:
            return connection.execute(select(func.max(self._when)).where(self._there)).scalar()
        form = form_of(self._when)
        known = form_of(literal(None if last is None else last.top, NullType()))
        found = select(func.max(self._when), func.min(form), func.max(form), known).where(self._there)
        top, least, most, before = connection.execute(found).one()
        check_forms(self._changed.name, least, most)
        if None not in (before, most) and before != most:
            raise CursorExpired("the times of changed_column are in another form than before")
        return top

    def _from(self, last: _Walk | None) -> ColumnElement[bool]:
        if last is None or last.top is None:
            return self._when.is_not(None)
        where: ColumnElement[bool] = self._when > last.top
        return where if last.settled else self._when >= _before(last.top, self._overlap)

    def _after(self, value: Any, id: Any) -> ColumnElement[bool]:
        if value is not None:
            return or_(self._when > value, and_(self._when == value, self._key > id))
        nothing_known = self._when.is_(None)
        return nothing_known if id is None else and_(nothing_known, self._key > id)

    def _written(self, walk: _Walk) -> str:
        at = None if walk.at is None else [_kept(self._changed, walk.at[0]), _kept(self._id, walk.at[1])]
        return json.dumps(asdict(walk) | {"top": _kept(self._changed, walk.top), "at": at})

    def _read(self, cursor: str) -> _Walk:
        try:
            said = json.loads(cursor)
            at = said["at"]
            walk = _Walk(
                said["first"] is True,
                _found(self._changed, said["top"]),
                float(said["since"]),
                said["settled"] is True,
                None if at is None else (_found(self._changed, at[0]), _found(self._id, at[1])),
            )
        except (ValueError, TypeError, KeyError, IndexError, BadValue):
            raise CursorExpired(_EXPIRED) from None
        return walk


def _kept(field: Field, value: Any) -> Any:
    return value if field.raw else field.shown(value)


def _found(field: Field, value: Any) -> Any:
    if value is None or (field.raw and isinstance(value, str | int | float)):
        return value
    return field.taken(value)


def _before(value: Any, overlap: float) -> Any:
    """Give a value that is earlier by the overlap."""
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, date):
        return value - timedelta(days=1 if overlap else 0)
    if isinstance(value, str):
        return earlier(value, overlap)
    return value - type(value)(overlap)
