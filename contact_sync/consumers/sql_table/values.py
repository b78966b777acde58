"""Values of columns as contacts have them, which JSON can hold, and back: pure."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

Kind = Literal["text", "integer", "number", "boolean", "datetime", "date", "time", "bytes", "uuid", "json", "other"]
"""What a column holds. `other` is whatever the driver makes of it; it is shown, and written as it is given."""

_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,40})")


class BadValue(Exception):
    """A value that a column cannot take. The message says what it takes, and never the value."""


def to_contact(value: Any, kind: Kind) -> Any:
    """Give a column's value as a contact has it.

    Numbers stay numbers where a float holds them exactly, and are text otherwise. Times are ISO 8601, in UTC if they
    have a zone. Bytes are Base64.
    """
    if value is None or isinstance(value, bool):
        return value
    if kind == "boolean" and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        return _text(value, kind)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Mapping):
        return {str(name): to_contact(each, "other") for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_contact(each, "other") for each in value]
    return str(value)


def from_contact(value: Any, kind: Kind) -> Any:
    """Give a contact's value as Python has it for a column.

    Raises:
        BadValue: The column cannot take it.
    """
    if value is None or kind == "other":
        return value
    return _FROM[kind](value)


def _text(value: str, kind: Kind) -> Any:
    """SQLite keeps times and JSON as text; as whatever text somebody has put there."""
    try:
        if kind == "json":
            return json.loads(value)
        if kind == "datetime":
            return to_contact(datetime.fromisoformat(value), kind)
    except ValueError:
        return value
    return value


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value) < 10**15:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else format(value, "f")


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, Mapping | list | tuple):
        value = _json_text(value)
    elif not isinstance(value, str):
        value = str(value)
    if "\0" in value:
        raise BadValue("text without NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValue("text that is Unicode") from None
    return str(value)


def _to_integer(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return int(value)
    raise BadValue("a whole number")


def _to_number(value: Any) -> Decimal:
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            raise BadValue("a number") from None
        if number.is_finite():
            return number
    raise BadValue("a number")


def _to_boolean(value: Any) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
    if known is None or not isinstance(value, bool | int | str):
        raise BadValue("true or false")
    return known


def _parsed(read: Callable[[str], Any], wanted: str) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        try:
            return read(value)
        except (TypeError, ValueError, AttributeError):
            raise BadValue(wanted) from None

    return parse


def _to_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise BadValue("bytes in Base64") from None


def _to_json(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise BadValue("what JSON can hold") from None
    return value


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise BadValue("text, or what JSON can hold") from None


_FROM: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "text": _to_text,
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
    "datetime": _parsed(datetime.fromisoformat, "a time in ISO 8601"),
    "date": _parsed(date.fromisoformat, "a date in ISO 8601"),
    "time": _parsed(time.fromisoformat, "a time of day in ISO 8601"),
    "uuid": _parsed(uuid.UUID, "a UUID"),
    "bytes": _to_bytes,
    "json": _to_json,
}


def merged(old: Any, new: Any) -> Any:
    """Put the changed parts of an object into it, as deep as they are objects on both sides."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}
