"""Statements on the table. Rows that are marked as deleted are not there, nor are those that have no id yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Row,
    and_,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from contact_sync.results import Result, id_text

from .fields import Field
from .layout import Layout
from .values import merged

MOST_FOUND: Final = 1000
"""How many rows a look-up gives. Whoever has a value that so many have is not found by it."""

_UNMARKED: Final = ("", "0", "false")
"""Texts that say that a row is not deleted, in SQLite, where any column may hold any value."""

Values = Mapping[str, Any]


class NoId(Exception):
    """The database has made no id for a new row."""


class NoSuchRow(Exception):
    """There is no row with that id. It undoes what was done on the way to find out."""


class Rows:
    """The rows of a table.

    Args:
        layout: Of the table.
        new_id: Makes an id for a new row, where the database does not.
    """

    def __init__(self, layout: Layout, new_id: Callable[[], object] | None) -> None:
        self._layout = layout
        self._new_id = new_id
        self._table = layout.table
        self._id: ColumnElement[Any] = layout.table.c[layout.id.name]
        self._there = and_(has_id(layout), _there(layout))
        self._select = select(self._table).where(self._there)

    def contact(self, row: Row[Any]) -> dict[str, Any]:
        """Give a row as a contact."""
        return {name: field.shown(row._mapping[name]) for name, field in self._layout.fields.items()}

    def result(self, row: Row[Any]) -> Result:
        """Give a row as a success."""
        return Result.ok(self.id_of(row), contact=self.contact(row))

    def id_of(self, row: Row[Any]) -> str:
        """Give a row's id as text."""
        return str(self._layout.id.shown(row._mapping[self._layout.id.name]))

    def is_there(self, row: Row[Any]) -> bool:
        """Whether a row is not marked as deleted."""
        value = None if self._layout.deleted is None else row._mapping[self._layout.deleted.name]
        return not value or str(value).lower() in _UNMARKED

    def has_id(self, row: Row[Any]) -> bool:
        """Whether a row has an id."""
        return row._mapping[self._layout.id.name] not in (None, "")

    def get(self, connection: Connection, id: Any) -> Row[Any]:
        """Read a row.

        Raises:
            NoSuchRow: There is none.
        """
        row = connection.execute(self._select.where(self._id == id)).first()
        # To some collations "a" and "A" are the same; as ids they are not.
        if row is None or str(self._layout.id.shown(id)) != self.id_of(row):
            raise NoSuchRow
        return row

    def find(self, connection: Connection, field: Field, value: Any, *, ignore_case: bool = False) -> list[Row[Any]]:
        """Read the rows that have a value."""
        column = self._table.c[field.name]
        same = column == value
        if ignore_case:
            same = or_(same, func.lower(column) == value.lower())
        return list(connection.execute(self._select.where(same).order_by(self._id).limit(MOST_FOUND)))

    def find_all(self, connection: Connection, values: Values) -> list[Row[Any]]:
        """Read the rows that have several values, those that are marked as deleted or have no id among them."""
        same = and_(*(self._table.c[name] == value for name, value in values.items()))
        return list(connection.execute(select(self._table).where(same).limit(2)))

    def page(self, connection: Connection, limit: int, *, after: Any = None, skip: int = 0) -> list[Row[Any]]:
        """Read rows in the order of their ids: those after an id, or after so many."""
        rows = self._select.order_by(self._id).limit(limit).offset(skip or None)
        return list(connection.execute(rows if after is None else rows.where(self._id > after)))

    def insert(self, connection: Connection, values: Values) -> Row[Any]:
        """Make a row, and read it as the database has it then.

        Raises:
            NoId: There is no id.
        """
        name = self._layout.id.name
        given = dict(values)
        if given.get(name) is None and self._new_id is not None:
            given[name] = self._layout.id.id_taken(id_text(self._new_id()))
        statement = insert(self._table).values(given)
        id: Any
        if connection.dialect.insert_returning:
            id = connection.execute(statement.returning(self._id)).scalar()
        else:
            made: CursorResult[Any] = connection.execute(statement)
            id = given.get(name) or made.lastrowid
        row = None if id is None else connection.execute(select(self._table).where(self._id == id)).first()
        if row is None:
            raise NoId
        return row

    def update(self, connection: Connection, id: Any, values: Values, objects: Values) -> Row[Any]:
        """Change a row, and read it as the database has it then.

        Args:
            id: Of the row.
            values: What to write.
            objects: The changed parts of JSON objects.

        Raises:
            NoSuchRow: There is none.
        """
        changes = dict(values)
        this = and_(self._id == id, self._there)
        if objects:
            columns = [self._table.c[name] for name in objects]
            old = connection.execute(select(*columns).where(this).with_for_update()).first()
            if old is None:
                raise NoSuchRow
            for name, parts in objects.items():
                field = self._layout.fields[name]
                changes[name] = field.taken(merged(field.shown(old._mapping[name]), parts))
        if changes and connection.execute(update(self._table).where(this).values(changes)).rowcount == 0:
            raise NoSuchRow
        return self.get(connection, id)

    def remove(self, connection: Connection, id: Any) -> None:
        """Delete a row; or mark it as deleted, if there is a column for that.

        Raises:
            NoSuchRow: There is none.
        """
        if self._layout.id.kind == "text":
            self.get(connection, id)  # which is exact
        this = and_(self._id == id, self._there)
        deleted = self._layout.deleted
        statement = (
            delete(self._table).where(this)
            if deleted is None
            else update(self._table).where(this).values({deleted.name: _mark(deleted)})
        )
        if connection.execute(statement).rowcount == 0:
            raise NoSuchRow


def has_id(layout: Layout) -> ColumnElement[bool]:
    """Whether a row has an id: NULL is none, of which a unique column may have many, nor is an empty text."""
    column: ColumnElement[Any] = layout.table.c[layout.id.name]
    # Not by comparing with "", which is NULL to some databases.
    return column.like("_%") if layout.id.kind == "text" and not layout.id.words else column.is_not(None)


def _there(layout: Layout) -> ColumnElement[bool]:
    if layout.deleted is None:
        return true()
    column: ColumnElement[Any] = layout.table.c[layout.deleted.name]
    if layout.deleted.raw:
        return or_(column.is_(None), column == 0, func.lower(column).in_(_UNMARKED))
    if layout.deleted.kind == "boolean":
        return or_(column.is_(None), column == false())
    return or_(column.is_(None), column == 0) if layout.deleted.kind == "integer" else column.is_(None)


def _mark(deleted: Field) -> Any:
    """What says that a row is deleted: yes, or now."""
    if deleted.kind == "boolean":
        return 1 if deleted.raw else true()
    if deleted.kind == "integer":
        return 1
    return func.current_date() if deleted.kind == "date" else func.current_timestamp()
