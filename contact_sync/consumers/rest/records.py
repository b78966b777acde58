"""What a record looks like on the wire, and the contact that it is to everybody else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contact_sync.consumer import CANNOT_CLEAR
from contact_sync.errors import ContactSyncError
from contact_sync.results import id_text
from mappers.paths import replaced
from mappers.values import MISSING

from .dates import DateField, date_fields
from .lookup import at
from .reading import Path, Problems, Section, as_path
from .rules import Match, matches
from .templates import Template, template

_KEYS: Final = (
    "id",
    "id_pattern",
    "email",
    "item",
    "list",
    "fields",
    "wrap",
    "gone",
    "clear",
    "dates",
    "read_only",
    "unique",
    "partial_updates",
    "omits_empty",
)
_CANNOT: Final = "cannot"

WHOLE: Final = Template("{contact}", frozenset({"contact"}))


class NoRecord(ContactSyncError):
    """An answer holds no record where one has to be."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a record looks like, and what can be done with its fields."""

    id: Path = ("id",)
    id_pattern: re.Pattern[str] | None = None
    email: str = "email"
    item: Path = ()
    list: Path = ()
    fields: Path = ()
    wrap: Template = WHOLE
    gone: tuple[Match, ...] = ()
    clear: object = None
    dates: tuple[DateField, ...] = ()
    read_only: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    partial_updates: bool = True
    omits_empty: bool = False
    read_only_paths: tuple[Path, ...] = ()
    email_path: Path = ("email",)
    unique_paths: tuple[Path, ...] = ()

    def knows(self, id: object) -> bool:
        """Whether a text can be a record's id. What is not one is asked for nowhere."""
        if not isinstance(id, str) or id in ("", ".", ".."):
            return False
        try:
            id.encode()
        except UnicodeEncodeError:
            return False
        return self.id_pattern is None or self.id_pattern.fullmatch(id) is not None

    def id_of(self, record: object) -> str | None:
        """The id of a record, or of a contact; none if it has none."""
        found = at(record, self.id)
        try:
            return None if found is MISSING else id_text(found)
        except ValueError:
            return None

    def is_gone(self, record: object) -> bool:
        """Whether a record says that it is deleted or archived."""
        return bool(self.gone) and all(match.fits(record) for match in self.gone)

    def contact(self, record: object) -> dict[str, Any]:
        """The contact that a record is.

        Raises:
            NoRecord: It is no record: no object, or one without an id or without fields.
        """
        found = at(record, self.id)
        if not isinstance(record, Mapping) or self.id_of(record) is None:
            raise NoRecord("holds no record with an id; see record.id, record.item and record.list")
        contact = record
        if self.fields:
            contact = at(record, self.fields)
            if not isinstance(contact, Mapping):
                raise NoRecord("holds a record without fields; see record.fields")
            contact = replaced(contact, self.id, found)
        contact = dict(contact)
        for date in self.dates:
            contact = date.read(contact)
        return contact

    def untouched(self, record: object) -> Mapping[str, Any]:
        """The fields of a record exactly as they came, to be sent back: without the id, and what cannot be written."""
        fields: Mapping[str, Any] = at(record, self.fields)
        for path in (*(() if self.fields else (self.id,)), *self.read_only_paths):
            fields = replaced(fields, path, MISSING)
        return fields

    def outgoing(self, contact: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
        """The fields of a contact as they are sent: without the id and what cannot be written, and with what empties a
        field.

        Args:
            new: Whether it is for a new record, which has nothing to be emptied.

        Raises:
            Unwritable: A date is none.
        """
        written: Mapping[str, Any] = contact
        for path in (self.id, *self.read_only_paths):
            written = replaced(written, path, MISSING)
        fields: dict[str, Any] = self._emptied(written, new or self.clear is CANNOT_CLEAR)
        for date in self.dates:
            fields = date.write(fields)
        return fields

    def _emptied(self, fields: Mapping[str, Any], left_out: bool) -> dict[str, Any]:
        return {
            name: self._emptied(value, left_out)
            if isinstance(value, Mapping)
            else self.clear
            if value is None
            else value
            for name, value in fields.items()
            if value is not None or not left_out
        }


def shape(data: object, where: str, problems: Problems) -> Shape:
    """Read the section `record`."""
    section = Section(data, where, _KEYS, problems)
    if section.get("id") == "":
        section.problem("id", "it is empty. Write the path of the id in a record, or leave it out")
    read: dict[str, Any] = {
        "id": section.path("id", ("id",)) or ("id",),
        "email": section.text("email", "email"),
        "email_path": section.path("email", ("email",)) or ("email",),
        "item": section.path("item", ()),
        "list": section.path("list", ()),
        "fields": section.path("fields", ()),
        "read_only": section.names("read_only"),
        "read_only_paths": _paths(section, "read_only"),
        "unique": section.names("unique"),
        "unique_paths": _paths(section, "unique"),
        "partial_updates": section.flag("partial_updates", True),
        "omits_empty": section.flag("omits_empty", False),
        "clear": _clear(section),
        "id_pattern": _pattern(section),
    }
    if "wrap" in section:
        read["wrap"] = _wrap(section)
    if "gone" in section:
        read["gone"] = matches(section.get("gone"), section.place("gone"), problems)
    if "dates" in section:
        read["dates"] = date_fields(section.get("dates"), section.place("dates"), problems)
    return Shape(**read)


def _paths(section: Section, key: str) -> tuple[Path, ...]:
    return tuple(as_path(name, section.place(key), section.problems) for name in section.names(key))


def _clear(section: Section) -> object:
    value = section.get("clear", None)
    if value == _CANNOT:
        return CANNOT_CLEAR
    if value is not None and value != "":
        section.problem("clear", 'expected null, "" or cannot')
    return "" if value == "" else None


def _pattern(section: Section) -> re.Pattern[str] | None:
    text = section.text("id_pattern", None)
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        section.problem("id_pattern", f"it is no regular expression: {error.msg}")
        return None


def _wrap(section: Section) -> Template:
    """A path is short for a body that holds the contact there."""
    data: Any = section.get("wrap")
    where = section.place("wrap")
    if isinstance(data, str) and "{" not in data:
        path = section.path("wrap", ())
        data = "{contact}"
        for step in reversed(path or ()):
            data = {step: data}
    body = template(data, ("contact", "id"), where, section.problems)
    if "contact" not in body.uses:
        if not section.problems.below(where):
            section.problem("wrap", "it does not hold {contact}, so nothing would be sent. Write it where it goes")
        return WHOLE
    return body
