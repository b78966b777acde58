"""What may be kept of an error: a consumer's message may repeat contact values, and what is kept must hold none."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

from contact_sync.events import Event
from contact_sync.results import Result

UNEXPLAINED: Final = "it failed without an error"
LONGEST: Final = 300
_HIDDEN: Final = "…"
_SHORTEST: Final = 2
_PART_OF_A_WORD: Final = 4
"""So long a value is hidden also where it is only the beginning of a word."""
_ADDRESS: Final = re.compile(r"[^\s@<>\"'(),;:]+(?:@|%40)[^\s@<>\"'(),;:]+", re.IGNORECASE)
_DIGITS: Final = re.compile(r"(?<![\w-])(?!\d{4}-\d\d-\d\d\b)\+?\d[\d ().\-/]{5,}\d")
"""A date is no number; if it is of the contact, it is among what the event holds."""


def failure_of(result: Result, events: Sequence[Event]) -> str:
    """What may be kept of why applying some events failed."""
    error = result.error or UNEXPLAINED
    return redacted(f"{error}: {result.reason}" if result.reason else error, [event.data for event in events])


def redacted(error: str, data: Sequence[Any]) -> str:
    """Take out of an error whatever the event's data holds, and whatever looks like an address or a phone number.

    Args:
        error: What went wrong, as a consumer may have worded it: it may repeat what it sent, as JSON or in a URL.
        data: What the events hold.
    """
    values = {text for one in data for text in _texts(one) if len(text) >= _SHORTEST}
    for form in sorted({form for value in values for form in _forms(value)}, key=len, reverse=True):
        error = _anywhere(form).sub(_HIDDEN, error)
    error = _DIGITS.sub(_HIDDEN, _ADDRESS.sub(_HIDDEN, error))
    return error if len(error) <= LONGEST else f"{error[: LONGEST - 1]}…"


def _anywhere(value: str) -> re.Pattern[str]:
    """Finds a value, whole unless it is long; what names are joined with is no part of them."""
    end = r"(?![^\W_])" if len(value) < _PART_OF_A_WORD else ""
    return re.compile(r"(?<![^\W_])" + re.escape(value) + end, re.IGNORECASE)


def _forms(value: str) -> Iterator[str]:
    """A value as it is, as in JSON, and as in a URL."""
    yield value
    yield json.dumps(value)[1:-1]
    with contextlib.suppress(UnicodeError):
        yield quote(value, safe="")
        yield quote_plus(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value.strip()
        if " " in value:
            yield from value.split()
        if value[:1] in ("[", "{"):  # a list or an object, as the platform writes them
            with contextlib.suppress(ValueError, RecursionError):
                yield from _texts(json.loads(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
