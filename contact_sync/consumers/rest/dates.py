"""Fields whose dates the API writes in a form of its own. Contacts have them in ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contact_sync.consumers.auth.checks import shown
from contact_sync.errors import ContactSyncError
from mappers.codecs import Codec, date_codec, datetime_codec
from mappers.paths import read, replaced
from mappers.values import MISSING, Unfit, is_empty, kind_of

from .reading import Path, Problems, as_path

_ISO_DAY: Final = date_codec("iso")
_ISO_MOMENT: Final = datetime_codec("iso")


class Unwritable(ContactSyncError):
    """A field of a contact cannot be written in the form that was declared for it."""


class DateField(NamedTuple):
    """A field with dates.

    Attributes:
        path: Where it is in a contact.
        name: The same, as it was declared.
        inside: How a contact has it.
        outside: How the API has it.
    """

    path: Path
    name: str
    inside: Codec[Any]
    outside: Codec[Any]

    def read(self, contact: dict[str, Any]) -> dict[str, Any]:
        """A record's fields with this date in ISO 8601. What is no date stays as it is: the mapping refuses it."""
        value = read(contact, self.path)
        if value is MISSING or is_empty(value):
            return contact
        try:
            return replaced(contact, self.path, self.inside.encode(self.outside.decode(value)))
        except Unfit:
            return contact

    def write(self, contact: dict[str, Any]) -> dict[str, Any]:
        """A contact with this date as the API writes it.

        Raises:
            Unwritable: It is no date.
        """
        value = read(contact, self.path)
        if value is MISSING or is_empty(value):
            return contact
        try:
            return replaced(contact, self.path, self.outside.encode(self.inside.decode(value)))
        except Unfit as error:
            raise Unwritable(f"the field {self.name!r} cannot be written as record.dates says: {error}") from None


def date_fields(data: object, where: str, problems: Problems) -> tuple[DateField, ...]:
    """Read the section `dates`."""
    if not isinstance(data, Mapping):
        problems.add(where, f"expected an object of fields and forms, got {kind_of(data)}")
        return ()
    read = []
    for name, form in data.items():
        place = f"{where}.{shown(name)}" if isinstance(name, str) else where
        if not isinstance(name, str) or not isinstance(form, str):
            problems.add(place, f"expected text, got {kind_of(form if isinstance(name, str) else name)}")
            continue
        try:
            read.append(_date_field(as_path(name, place, problems), name, form))
        except ValueError as error:
            problems.add(place, str(error))
    return tuple(read)


def _date_field(path: Path, name: str, form: str) -> DateField:
    """A form that holds no time of day is that of a date; any other one that of a moment."""
    try:
        return DateField(path, name, _ISO_MOMENT, datetime_codec(form))
    except ValueError:
        return DateField(path, name, _ISO_DAY, date_codec(form))
