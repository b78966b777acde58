"""Writing rows, one alone or many in one transaction, and saying what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, exc
from sqlalchemy.sql.elements import Null

from contact_sync.consumer import EXISTS, READ_ONLY, ManyResults
from contact_sync.results import NOT_FOUND, Result

from .database import Database, Undecided
from .failures import is_refused, is_unique, refusal
from .layout import Layout
from .rows import NoId, NoSuchRow, Rows
from .values import BadValue

NO_ID: Final = (
    "the table makes no id for a new row: let the database make one (a default, an identity), or give SQLTableConsumer "
    "what does: new_id=uuid.uuid4"
)


@dataclass(frozen=True, slots=True)
class Change:
    """What to write: of the row with that id, or of a new one. Of JSON objects, their changed parts."""

    id: Any
    values: Mapping[str, Any]
    objects: Mapping[str, Any]


class Writer:
    """Writes rows.

    Args:
        database: Where they are.
        layout: Of the table.
        rows: The statements.
    """

    def __init__(self, database: Database, layout: Layout, rows: Rows) -> None:
        self._database = database
        self._layout = layout
        self._rows = rows

    def change(self, contact: Mapping[str, Any], *, new: bool) -> Change | Result:
        """What to write of a contact; or why that cannot be."""
        id = self._layout.id
        key: Any = None
        if not new:
            key = id.id_taken(str(contact[id.name]))
            if key is None:
                return Result.failed(NOT_FOUND)
        values: dict[str, Any] = {}
        objects: dict[str, Any] = {}
        for name, value in contact.items():
            field = self._layout.fields.get(name)
            if field is None:
                return Result.failed(
                    f"the table {self._layout.table.name} has no column {name!r}, or it is not one of columns="
                )
            if name == id.name and not new:
                continue
            if field.read_only:
                return Result.failed(f"the column {name!r} cannot be written", reason=READ_ONLY)
            if field.kind == "json" and isinstance(value, Mapping) and not new:
                objects[name] = value
                continue
            if new and value is None and field.has_default and not field.nullable:
                continue
            try:
                values[name] = field.taken(value)
            except BadValue as error:
                return Result.failed(f"the column {name!r} takes {error}")
        return Change(key, values, objects)

    def remove(self, id: str) -> Result:
        """Delete a row, or mark it as deleted."""
        key = self._layout.id.id_taken(id)
        if key is None:
            return Result.failed(NOT_FOUND)
        try:
            self._database.write(lambda connection: self._rows.remove(connection, key))
        except (NoSuchRow, Undecided, exc.DBAPIError) as error:
            return self._failure(error)
        return Result.ok(id)

    def _apply(self, connection: Connection, change: Change) -> Row[Any]:
        if change.id is None:
            return self._rows.insert(connection, change.values)
        return self._rows.update(connection, change.id, change.values, change.objects)

    def write_one(self, change: Change | Result) -> Result:
        """Write a row in a transaction of its own."""
        if isinstance(change, Result):
            return change
        try:
            return self._rows.result(self._database.write(lambda connection: self._apply(connection, change)))
        except (NoId, NoSuchRow, Undecided, exc.DBAPIError) as error:
            if isinstance(error, exc.DBAPIError) and is_unique(error) and change.id is None:
                return self._database.read(lambda connection: self._existing(connection, change.values))
            return self._failure(error)

    def write_many(self, changes: Sequence[Change | Result]) -> ManyResults:
        """Write several rows in one transaction, in which each may fail alone."""

        def write_all(connection: Connection) -> list[Result]:
            return [one if isinstance(one, Result) else self._write_each(connection, one) for one in changes]

        try:
            return self._database.write(write_all) if changes else []
        except (Undecided, exc.DBAPIError) as error:
            return self._failure(error)

    def _write_each(self, connection: Connection, change: Change) -> Result:
        try:
            with self._database.attempt(connection):
                return self._rows.result(self._apply(connection, change))
        except (NoId, NoSuchRow, exc.DBAPIError) as error:
            if not isinstance(error, exc.DBAPIError):
                return self._failure(error)
            if not is_refused(error):
                raise
            if is_unique(error) and change.id is None:
                return self._existing(connection, change.values)
            return self._failure(error)

    def _failure(self, error: Exception) -> Result:
        if isinstance(error, NoSuchRow):
            return Result.failed(NOT_FOUND)
        if isinstance(error, exc.DBAPIError):
            return Result.failed(refusal(error, self._layout.table.name))
        if isinstance(error, Undecided):
            return Result.failed(str(error), retryable=True, in_doubt=True)
        return Result.failed(NO_ID)

    def _existing(self, connection: Connection, values: Mapping[str, Any]) -> Result:
        """Say which row has the values that no second one may have."""
        found: dict[Any, tuple[Row[Any], str]] = {}
        for unique in [(self._layout.id.name,), *self._layout.uniques]:
            wanted = {name: values[name] for name in unique if name in values and not isinstance(values[name], Null)}
            if len(wanted) == len(unique):
                for row in self._rows.find_all(connection, wanted):
                    key = self._rows.id_of(row) if self._rows.has_id(row) else None
                    found.setdefault(key, (row, ", ".join(unique)))
        if len(found) != 1:
            return Result.failed("the table has a row with these values already", reason=EXISTS)
        ((id, (row, columns)),) = found.items()
        if id is None:
            return Result.failed(f"a row that has no id yet has the same {columns}")
        if not self._rows.is_there(row):
            return Result.failed(f"a row that is marked as deleted has the same {columns}")
        return Result.failed(f"a row has the same {columns}", id=id, reason=EXISTS)
