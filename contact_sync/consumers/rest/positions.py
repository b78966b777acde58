"""When a record was changed: a time, or a number that grows with each change, as the API writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contact_sync.errors import ContactSyncError
from mappers.codecs import datetime_codec
from mappers.numeric import number
from mappers.values import MISSING, Unfit

from .lookup import at
from .reading import Path, Section

NUMBER: Final = "number"

_OVERLAP: Final = 60.0
_SECOND: Final = timedelta(seconds=1)
_FIRST: Final = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


class NoPosition(ContactSyncError):
    """A record does not say when it was changed, or a cursor is none."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record says when it was changed, and how.

    Attributes:
        path: Where.
        decode: Reads it, so that two can be compared.
        encode: Writes it as the API does.
        overlap: How far to go back each time; none for numbers.
    """

    path: Path
    decode: Callable[[Any], Any]
    encode: Callable[[Any], Any]
    overlap: timedelta | None

    def of(self, record: object) -> Any:
        """When a record was changed.

        Raises:
            NoPosition: It does not say.
        """
        found = at(record, self.path)
        try:
            return self.decode(None if found is MISSING else found)
        except Unfit as error:
            raise NoPosition(f"a record does not say when it was changed, at changed.position: {error}") from None

    def cursor(self, moment: Any) -> str:
        """What is kept of a position."""
        return str(self.encode(moment))

    def read(self, cursor: str) -> Any:
        """A position as it was kept.

        Raises:
            NoPosition: It is none, such as one of another declaration.
        """
        try:
            return self.decode(cursor)
        except Unfit:
            raise NoPosition("the cursor is not of the form that changed.format says") from None

    def back(self, moment: Any) -> Any:
        """From where to go on the next time: a position less the overlap."""
        return moment if self.overlap is None else _before(moment, self.overlap)

    def just_before(self, moment: Any) -> Any:
        """From where to go on within a walk, so that others of the same second come too."""
        return moment if self.overlap is None else _before(moment, min(self.overlap, _SECOND))


def _before(moment: datetime, by: timedelta) -> datetime:
    return moment - by if moment > _FIRST + by else _FIRST


def position(section: Section) -> Position | None:
    """Read `position`, `format` and `overlap`."""
    form = section.text("format", "iso")
    overlap = section.seconds("overlap", 0.0 if form == NUMBER else _OVERLAP)
    path = section.path("position", ())
    if form == NUMBER:
        if overlap:
            section.problem("overlap", "a number has none: what is changed later has a larger one. Leave it out")
        return Position(path, number, lambda moment: moment, None)
    try:
        codec = datetime_codec(form)
    except ValueError as error:
        section.problem("format", f'{error}, or "number"')
        return None
    return Position(path, codec.decode, codec.encode, timedelta(seconds=overlap))
