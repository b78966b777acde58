"""The consumer: a row of a table is a contact, a column a field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Engine, Row, exc

from contact_sync.consumer import (
    PAGE_SIZE,
    Ability,
    Changes,
    CRMField,
    ExternalAPIConsumer,
    ManyResults,
    ResultLike,
)
from contact_sync.errors import ConfigurationError
from contact_sync.results import NOT_FOUND, Result

from .changes import ChangeReader
from .database import Database
from .fields import Field
from .layout import Wanted, read_layout
from .rows import NoSuchRow, Rows
from .values import BadValue
from .writer import Writer


class SQLTableConsumer(ExternalAPIConsumer):
    """The rows of a table as contacts, whose fields are its columns.

    What the table is like is read when the consumer is made. Each call is a transaction of its own. Tested with SQLite
    and PostgreSQL.

    Args:
        engine: A SQLAlchemy engine, which stays open; or the URL of an SQLite or PostgreSQL database.
        table: The table, or a view that can be written.
        schema: Where it is, if not where the database looks by itself.
        id_column: What holds a row's id: a whole number, a text or a UUID, unique. By default, the primary key. A row
            that has none (NULL) is not there until it has one.
        email_column: What holds the e-mail address; `None` if nothing does.
        ignore_case: Whether an address is found in whatever case it is written.
        changed_column: What says when a row was changed, a time or a number that only ever grows: the database, or
            whatever writes there, keeps it up to date. In SQLite, times are texts, all in one form of ISO 8601. Without
            it, nothing tells what has changed.
        overlap: How long a transaction on that table may take, in seconds. If `changed_column` is a number: by how much
            of it one may be late.
        deleted_column: What marks a row as deleted: a boolean, a whole number that is not 0, or a time. NULL, 0, false
            and an empty text do not. Rows are then marked in place of being deleted, and marked ones are not there.
        columns: Which columns contacts have, beside the id. By default, all.
        read_only: Which of them are not to be written, beside those that the database computes.
        new_id: Makes the id of a new row, where the database does not: `uuid.uuid4`.
        batch_size: How many rows are written in one transaction.

    Raises:
        ConfigurationError: An argument is wrong, or the table is not what it is said to be.
        StoreUnavailable: The database cannot be reached.
    """

    partial_updates = True

    def __init__(
        self,
        engine: Engine | str,
        table: str,
        *,
        schema: str | None = None,
        id_column: str | None = None,
        email_column: str | None = "email",
        ignore_case: bool = True,
        changed_column: str | None = None,
        overlap: float = 60.0,
        deleted_column: str | None = None,
        columns: Sequence[str] | None = None,
        read_only: Collection[str] = (),
        new_id: Callable[[], object] | None = None,
        batch_size: int = 100,
    ) -> None:
        for argument, names in (("columns", columns or ()), ("read_only", read_only)):
            if isinstance(names, str):
                raise ConfigurationError(f"SQLTableConsumer: {argument}: expected a list of names, got one text")
        if not 0 <= overlap <= 86_400:
            raise ConfigurationError("SQLTableConsumer: overlap has to be from 0 to 86400")
        wanted = Wanted(
            table, schema, id_column, email_column, changed_column, deleted_column, columns, frozenset(read_only)
        )
        self._database = Database(engine)
        try:
            layout = self._layout = self._database.read(lambda connection: read_layout(connection, wanted))
        except BaseException:
            self._database.close()
            raise
        self._rows = Rows(layout, new_id)
        self._writer = Writer(self._database, layout, self._rows)
        self._ignore_case = ignore_case
        self._by_path = {field.path: field for field in layout.fields.values()}
        self._changes = None if layout.changed is None else ChangeReader(layout, layout.changed, overlap)
        self.batch_size = batch_size
        self.read_only_fields = tuple(one.path for one in self._by_path.values() if one.read_only and one != layout.id)
        self.unique_keys = tuple(
            one.path for one in self._by_path.values() if (one.name,) in layout.uniques and one != layout.id
        )
        lacking: list[Ability] = []
        if layout.deleted is None:
            lacking.append("archive_contact")
        if layout.changed is None:
            lacking.append("list_changed")
        self.lacks = lacking

    def create_contact(self, contact: dict[str, Any]) -> Result:
        """Make a row. Where one has the value of a unique column already, a failure that names it."""
        return self._writer.write_one(self._writer.change(contact, new=True))

    def get_contact(self, id: str) -> Result:
        """Read a row."""
        key = self._layout.id.id_taken(id)
        if key is None:
            return Result.failed(NOT_FOUND)
        try:
            return self._rows.result(self._database.read(lambda connection: self._rows.get(connection, key)))
        except NoSuchRow:
            return Result.failed(NOT_FOUND)

    def get_contact_by_email(self, email: str) -> Result:
        """Find the rows that have an e-mail address."""
        field = self._layout.email
        if field is None:
            return Result.failed(NOT_FOUND)
        return self._find(field, email, ignore_case=self._ignore_case)

    def find_contact(self, field: str, value: str) -> Result:
        """Find the rows that have a value in a column."""
        column = self._by_path.get(field)
        if column is None or column.kind == "json":
            return Result.failed(f"the table {self._layout.table.name} cannot be searched by {field!r}")
        return self._find(column, value, ignore_case=column == self._layout.email and self._ignore_case)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> Result:
        """Read one page of rows, in the order of their ids."""
        rows = self._page(limit, skip=(page - 1) * limit)
        return Result.ok(contacts=[self._rows.contact(row) for row in rows])

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        """Walk over every row. Rows that are made and deleted meanwhile do not move the others."""
        last: Any = None
        while True:
            rows = self._page(page_size, after=last)
            yield Result.ok(contacts=[self._rows.contact(row) for row in rows])
            if len(rows) < page_size:
                return
            last = rows[-1]._mapping[self._layout.id.name]

    def update_contact(self, contact: dict[str, Any]) -> Result:
        """Change a row: the columns that are given alone; of an object in a JSON column, the parts that are given."""
        return self._writer.write_one(self._writer.change(contact, new=False))

    def delete_contact(self, id: str) -> Result:
        """Delete a row; or mark it as deleted, if there is a column for that."""
        return self._writer.remove(id)

    def archive_contact(self, id: str) -> ResultLike:
        """Mark a row as deleted, if there is a column for that."""
        return super().archive_contact(id) if self._layout.deleted is None else self.delete_contact(id)

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        """Make several rows in one transaction, in which each may fail alone."""
        return self._writer.write_many([self._writer.change(contact, new=True) for contact in contacts])

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        """Change several rows in one transaction, in which each may fail alone."""
        return self._writer.write_many([self._writer.change(contact, new=False) for contact in contacts])

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        """Tell which rows have changed, if there is a column that says so; rows that are marked as deleted as such.

        Rows that are deleted outright are not told of.
        """
        reader = self._changes
        if reader is None:
            yield from super().list_changed(cursor)
            return
        more = True
        while more:
            rows, cursor, more = self._database.read(partial(reader.page, cursor))
            yield Changes(
                cursor=cursor,
                contacts=[self._rows.contact(row) for row in rows if self._rows.is_there(row)],
                deleted=[self._rows.id_of(row) for row in rows if not self._rows.is_there(row)],
            )

    def list_fields(self) -> Sequence[CRMField]:
        """Name the columns, as the mapping has to write them."""
        unique = {*self.unique_keys, self._layout.id.path}
        return [
            CRMField(one.path, one.type, one.read_only, one.path in unique, one.label) for one in self._by_path.values()
        ]

    def close(self) -> None:
        """Close the connections. An engine that was given stays open."""
        self._database.close()

    def _page(self, limit: int, *, after: Any = None, skip: int = 0) -> list[Row[Any]]:
        return self._database.read(lambda connection: self._rows.page(connection, limit, after=after, skip=skip))

    def _find(self, field: Field, value: str, *, ignore_case: bool) -> Result:
        try:
            wanted = field.taken(value) if value else None
        except BadValue:
            wanted = None
        if wanted is None:
            return Result.failed(NOT_FOUND)
        try:
            found = self._database.read(
                lambda connection: self._rows.find(connection, field, wanted, ignore_case=ignore_case)
            )
        except exc.DBAPIError:  # the column has nothing of that kind
            return Result.failed(NOT_FOUND)
        if field.kind == "text":
            found = [row for row in found if _is_same(row._mapping[field.name], value, ignore_case=ignore_case)]
        contacts = [self._rows.contact(row) for row in found]
        if len(contacts) == 1:
            return Result.ok(self._rows.id_of(found[0]), contact=contacts[0])
        return Result.ok(contacts=contacts) if contacts else Result.failed(NOT_FOUND)


def _is_same(found: object, wanted: str, *, ignore_case: bool) -> bool:
    """Whether it is the text that was looked for: to some collations others are as well."""
    return str(found) == wanted or (ignore_case and str(found).casefold() == wanted.casefold())
