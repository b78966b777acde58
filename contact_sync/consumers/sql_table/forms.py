"""In which form SQLite keeps the times of a column: any column may hold any value there, and texts compare as texts.

`2026-05-01 10:59` counts as earlier than `2026-05-01T10:00`. So changes can be told only by a column of one form.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, String, case, func, literal, null, type_coerce

from contact_sync.errors import ContactSyncError

NUMBERS: Final = "number"
NO_TIMES: Final = "other"

_DAY: Final = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_SECONDS: Final = len("2026-05-01 10:00:00")


class MixedForms(ContactSyncError):
    """The values of a column cannot be told apart by earlier and later."""


def form_of(value: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Give the form of a value: of a time, all but its digits. NULL if it is empty."""
    text = type_coerce(value, String)
    # What is between day and hour, whether there are seconds, and what comes after them: the zone.
    form = func.substr(text, 11, 1, type_=String) + func.substr(text, 17, 1, type_=String)
    form += func.ltrim(func.substr(text, 20), ".0123456789", type_=String)
    return case(
        (value.is_(None), null()),
        (func.typeof(value).in_(("integer", "real")), literal(NUMBERS)),
        (text == "", null()),
        (func.glob(_DAY, text) == 1, form),
        (func.glob(f"{_DAY}[T ][0-9][0-9]:[0-9][0-9]*", text) == 1, form),
        else_=literal(NO_TIMES),
    )


def check_forms(column: str, least: str | None, most: str | None) -> None:
    """See that all values of a column have one form.

    Args:
        column: Its name.
        least: The least of their forms.
        most: The greatest of their forms.

    Raises:
        MixedForms: They have not, or are neither numbers nor times.
    """
    if NO_TIMES in (least, most):
        raise MixedForms(
            f"changed_column: {column!r} holds something that is neither a number nor a time in ISO 8601 "
            "(2026-05-01 10:00:00), so what has changed cannot be told; write it anew"
        )
    if least != most:
        raise MixedForms(
            f"changed_column: {column!r} holds times in several forms (with T and with a blank, with and without a "
            "zone, or numbers), which SQLite does not compare as times, so what has changed cannot be told; write all "
            "in one form"
        )


def is_coarse(value: object) -> bool:
    """Whether it is a text of a time without seconds: many changes in a row have the same then."""
    return isinstance(value, str) and len(value) < _SECONDS


def earlier(value: str, seconds: float) -> str:
    """Give a time that is earlier by so many seconds, or by less than a second more, in the same form and zone.

    Its end is left out, so that it is the least of that second. Of what is no time, the least text.
    """
    try:
        before = datetime.fromisoformat(value[:_SECONDS]) - timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return ""
    return before.isoformat(value[10:11] or " ", "seconds")[: len(value)]
