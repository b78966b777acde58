"""How a side writes dates and datetimes: ISO 8601, epoch seconds, epoch milliseconds, or a `strftime` format.

A *date* is a day on the calendar, without a time zone: the day that is written is the day that is meant, so a birthday
never moves by one. A *datetime* is a moment; inside it is always aware and in UTC, and one without a zone is read as
UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, TypeVar

from .numeric import number
from .values import Unfit, unfit
from .words import instead_of

T = TypeVar("T")

_NAMES: Final = ("iso", "epoch_s", "epoch_ms")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)

_DIRECTIVE: Final = re.compile(r"%(.)", re.DOTALL)
_PROBE: Final = datetime(1999, 12, 31, 23, 59, 58, 123456, tzinfo=UTC)


class Codec(NamedTuple, Generic[T]):
    """How a side writes one type.

    Attributes:
        decode: Reads a side's value; raises `Unfit`.
        encode: Makes a side's value; raises `Unfit`.
        precision: The smallest step between two moments that the side can hold.
    """

    decode: Callable[[Any], T]
    encode: Callable[[T], Any]
    precision: timedelta


def date_codec(name: str) -> Codec[date]:
    """Make the codec for dates.

    Args:
        name: `iso`, `epoch_s`, `epoch_ms`, or a `strftime` format.

    Raises:
        ValueError: There is no such codec, or the format does not keep the whole date; says what to write.
    """
    if name == "iso":
        return Codec(_date_from_iso, date.isoformat, _DAY)
    if name in _NAMES:
        moments = datetime_codec(name)
        return Codec(lambda value: moments.decode(value).date(), lambda day: moments.encode(_midnight(day)), _DAY)
    layout = _Layout(name)
    codec = Codec(lambda value: layout.read(value).date(), lambda day: layout.write(_midnight(day)), _DAY)
    if _there_and_back(codec, _PROBE.date()) != _PROBE.date():
        raise ValueError(f'the format "{name}" does not keep day, month and year. Add what is missing (%d, %m, %Y)')
    return codec


def datetime_codec(name: str) -> Codec[datetime]:
    """Make the codec for datetimes.

    Args:
        name: `iso`, `epoch_s`, `epoch_ms`, or a `strftime` format.

    Raises:
        ValueError: There is no such codec, or the format loses more than seconds; says what to write.
    """
    if name == "iso":
        return Codec(_moment_from_iso, iso, _MICROSECOND)
    if name == "epoch_s":
        return _epoch_codec("seconds", _SECOND)
    if name == "epoch_ms":
        return _epoch_codec("milliseconds", _MILLISECOND)
    layout = _Layout(name)
    codec = Codec(lambda value: _in_utc(layout.read(value)), layout.write, _MICROSECOND)
    back = _there_and_back(codec, _PROBE)
    for precision in (_MICROSECOND, _SECOND, _MINUTE):
        if back == floor(_PROBE, precision):
            return codec._replace(precision=precision)
    raise ValueError(
        f'the format "{name}" does not keep date, hour and minute. Add what is missing (%d, %m, %Y, %H, %M), '
        'or use type "date"'
    )


def iso(moment: datetime) -> str:
    """Write a moment as the platform does: in UTC, with `Z` and milliseconds; microseconds only where there are any."""
    unit = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return f"{moment.isoformat(timespec=unit)[:-6]}Z"


def floor(moment: datetime, precision: timedelta) -> datetime:
    """Cut a moment to a precision."""
    return moment - (moment - _EPOCH) % precision


def _date_from_iso(value: Any) -> date:
    if isinstance(value, str):
        text = value.strip()
        try:
            return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()
        except ValueError:
            raise unfit("a date such as 2018-02-09", value) from None
    return _date_from_object(value, "a date such as 2018-02-09")


def _date_from_object(value: Any, expected: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise unfit(expected, value)


def _moment_from_iso(value: Any) -> datetime:
    expected = "a datetime such as 2018-02-09T12:44:26Z"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise unfit(expected, value) from None
    return _moment_from_object(value, expected)


def _moment_from_object(value: Any, expected: str) -> datetime:
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return _midnight(value)
    raise unfit(expected, value)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Unfit("the datetime lies outside the years 1 to 9999") from None


def _epoch_codec(unit: str, step: timedelta) -> Codec[datetime]:
    expected = f"a date as {unit} since 1970"

    def decode(value: Any) -> datetime:
        if isinstance(value, date):
            return _moment_from_object(value, expected)
        try:
            return _EPOCH + timedelta(**{unit: number(value)})
        except Unfit:
            raise unfit(expected, value) from None
        except OverflowError:
            raise Unfit(f"expected {expected}, got one outside the years 1 to 9999") from None

    return Codec(decode, lambda moment: (moment - _EPOCH) // step, step)


class _Layout:
    """A `strftime` format. What is written is checked to be readable again where the format can lose the century."""

    def __init__(self, text: str) -> None:
        directives = {match[1] for match in _DIRECTIVE.finditer(text)}
        if not directives:
            raise ValueError(f'"{text}" is not known. {instead_of(text, _NAMES)}, or a format such as "%d/%m/%Y"')
        if not directives & set("YyGcx"):
            raise ValueError(f'the format "{text}" has no year. Add %Y')
        self._format = text
        self._short_year = "Y" not in directives
        # strftime leaves out the leading zeros of years before 1000, and strptime then refuses them.
        self._pieces = _around_years(text)
        self._expected = f"a date of the form {text}"

    def read(self, value: Any) -> datetime:
        if isinstance(value, str):
            try:
                return datetime.strptime(value.strip(), self._format)
            except ValueError:
                raise unfit(self._expected, value) from None
        if isinstance(value, date):
            return value if isinstance(value, datetime) else _midnight(value)
        raise unfit(self._expected, value)

    def write(self, moment: datetime) -> str:
        text = f"{moment.year:04d}".join(moment.strftime(piece) for piece in self._pieces)
        if self._short_year and self.read(text).year != moment.year:
            raise Unfit(f"the year does not fit the form {self._format}")
        return text


def _around_years(text: str) -> list[str]:
    pieces, start = [], 0
    for match in _DIRECTIVE.finditer(text):
        if match[1] == "Y":
            pieces.append(text[start : match.start()])
            start = match.end()
    return [*pieces, text[start:]]


def _there_and_back(codec: Codec[T], probe: T) -> T | None:
    try:
        return codec.decode(codec.encode(probe))
    except ValueError:  # Unfit is one, and so is what strftime and strptime raise
        return None
