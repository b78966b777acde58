"""A column as a field of contacts: its values there and back, within what the database takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import null

from .values import BadValue, Kind, from_contact, to_contact


@dataclass(frozen=True, slots=True)
class Field:
    """A column.

    Attributes:
        name: Its name.
        path: Its name as a mapping has to write it: with a backslash before a dot.
        kind: What it holds.
        type: The database's own word for that.
        raw: Whether values are taken as SQLite keeps them, whatever the column's type says: any column may hold any
            value there, and one that does not fit would end a page in the middle.
        nullable: Whether it may be NULL.
        has_default: Whether the database puts something in where nothing is given.
        read_only: Whether it cannot be written.
        zoned: Whether a time has a zone.
        length: How many characters a text may have, where the database sees to that.
        bits: How large a whole number may be.
        words: The words of an enumeration.
        label: The comment that it has in the database.
    """

    name: str
    path: str
    kind: Kind
    type: str = ""
    raw: bool = False
    nullable: bool = True
    has_default: bool = False
    read_only: bool = False
    zoned: bool = False
    length: int | None = None
    bits: int = 64
    words: Sequence[str] = ()
    label: str = ""

    def shown(self, value: Any) -> Any:
        """Give a value of the database as a contact has it."""
        return to_contact(value, self.kind)

    def taken(self, value: Any) -> Any:
        """Give a contact's value as the database takes it. An empty one is NULL; in a text that may not be NULL, `""`.

        Raises:
            BadValue: The column cannot take it.
        """
        if value is None or (value == "" and self.kind != "text"):
            return self._empty()
        value = from_contact(value, self.kind)
        if self.kind == "text":
            if self.length is not None and len(value) > self.length:
                raise BadValue(f"at most {self.length} characters")
            if self.words and value not in self.words:
                raise BadValue("a word of its enumeration")
        if self.kind == "integer" and not -(2 ** (self.bits - 1)) <= value < 2 ** (self.bits - 1):
            raise BadValue(f"a whole number of at most {self.bits} bits")
        if self.kind == "datetime":
            value = self._in_zone(value)
        return as_sqlite_keeps_it(value, self.kind) if self.raw else value

    def id_taken(self, id: str) -> Any:
        """Give an id as the database has it; `None` if no row can have it."""
        try:
            value = self.taken(id) if id else None
        except BadValue:
            return None
        return value if str(value) == id else None  # what is written another way is another id

    def _empty(self) -> Any:
        if self.nullable:
            return null()
        if self.kind == "text":
            return ""
        raise BadValue("a value: it may not be empty")

    def _in_zone(self, value: datetime) -> datetime:
        """Where the column and the value do not agree on whether there is a zone, it is UTC."""
        if self.zoned:
            return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def as_sqlite_keeps_it(value: Any, kind: Kind) -> Any:
    """Give a value in one of the four types of SQLite."""
    if isinstance(value, Decimal):
        number = to_contact(value, kind)
        return str(value) if isinstance(number, int) and abs(number) >= 2**63 else number
    if kind == "datetime":
        return value.isoformat(" ")
    if kind in ("date", "time"):
        return value.isoformat()
    if kind in ("json", "other") and isinstance(value, dict | list):
        return from_contact(value, "text")
    if kind == "json":
        return from_contact([value], "text")[1:-1]
    return value
