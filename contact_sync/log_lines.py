"""Log lines that programs can read: one line an event, with its id and what came of it, and no value of its contact.

Fields are given with a record (`extra={"event_id": …}`) and shown in one of two forms: JSON, an object a line, or text
with `key=value` at the end. Only declared fields are shown, and only scalars: what holds other things may hold values.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

ACCEPTED: Final = "event accepted"
KNOWN: Final = "event accepted before"
APPLIED: Final = "event applied"
RETRIED: Final = "event failed for now"
DIED: Final = "event's worker died"
HELD: Final = "event held"
FAILED: Final = "event failed"
UNHEARD_EVENT: Final = "event without a listener"

FIELDS: Final = ("event_id", "installation", "event", "outcome", "tries", "ms", "retry_in")
"""What a line may say beside its message, in this order. See `log_event`."""

LONGEST: Final = 256
"""Text of a field is cut after so many characters."""

LONGEST_MESSAGE: Final = 10_000

_PLAIN: Final = re.compile(r"[\w.:+/@-]+", re.ASCII)
_BIGGEST: Final = 2**53
"""Whole numbers beyond it are not the same everywhere once they are JSON."""


def log_event(
    logger: logging.Logger,
    level: int,
    message: str,
    *,
    event_id: str | None,
    installation: str,
    event: str,
    outcome: str | None = None,
    tries: int | None = None,
    seconds: float | None = None,
    retry_in: float | None = None,
) -> None:
    """Write the one line that an event is to have each time that something becomes of it.

    Args:
        logger: Where it is written.
        level: How important it is (`logging.INFO`, …).
        message: What became of it, in fixed words such as `APPLIED`. Neither values nor errors of a consumer's.
        event_id: The event's id, from the answer to its sender; none where events are not stored.
        installation: For whom it is.
        event: Its name.
        outcome: What came of it, as `contact_sync.observing.event_outcome` says it.
        tries: How often it was tried.
        seconds: How long ago it arrived. The line has it as `ms`.
        retry_in: In how many seconds it is tried again.
    """
    if logger.isEnabledFor(level):
        fields = {
            "event_id": event_id,
            "installation": installation,
            "event": event,
            "outcome": outcome,
            "tries": tries,
            "ms": None if seconds is None else _rounded(1000 * seconds, 1),
            "retry_in": None if retry_in is None else _rounded(retry_in, 3),
        }
        logger.log(level, message, extra=fields, stacklevel=2)


class JSONLines(logging.Formatter):
    """A JSON object a line, in ASCII: `time`, `level`, `logger`, `message`, and the fields that the record has.

    An exception is in `exception`. Whatever a record holds, there is a line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Make the line."""
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **dict(_fields(record)),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = self._exception(record)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps({name: _clean(value) for name, value in line.items()}, allow_nan=False)

    def _exception(self, record: logging.LogRecord) -> str:
        try:
            return self.formatException(record.exc_info)  # type: ignore[arg-type]  # `format` has looked
        except Exception as error:  # noqa: BLE001 - an exception whose own text raises is still to be told of
            return f"an exception that cannot be shown ({type(error).__name__})"


class TextLines(logging.Formatter):
    """A line of text for people, with the fields as `key=value` at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Make the line, before a traceback is added below it."""
        shown = "".join(f" {name}={_quoted(value)}" for name, value in _fields(record))
        return super().formatMessage(record) + shown


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    for name in FIELDS:
        value = getattr(record, name, None)
        if value is not None:
            yield name, _shown(value)


def _shown(value: object) -> str | int | float:
    """A value that JSON can carry. Of what is none, its type: it might show anything of itself."""
    with contextlib.suppress(Exception):  # a type of somebody's own may do anything when it is read
        if isinstance(value, str):
            return _cut(str(value), LONGEST)
        if isinstance(value, int) and abs(value) <= _BIGGEST:
            return value if isinstance(value, bool) else int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
    return f"<{type(value).__name__}>"


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit, or that cannot be shown
        message = f"{record.msg if isinstance(record.msg, str) else type(record.msg).__name__} ({type(error).__name__})"
    return _cut(message, LONGEST_MESSAGE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(value: Any) -> Any:
    """Text without halves of characters, which no JSON reader has to take."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _quoted(value: str | float) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(_clean(text))


def _rounded(number: float, digits: int) -> float:
    return round(number, digits) if math.isfinite(number) else number
