"""What may be kept of an error: a consumer's message may repeat contact values, and what is kept must hold none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from contact_sync.events import Event
from contact_sync.results import Result

UNEXPLAINED: Final = "it failed without an error"
LONGEST: Final = 300
_HIDDEN: Final = "…"
_SHORTEST: Final = 2
_ADDRESS: Final = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_DIGITS: Final = re.compile(r"\+?\d[\d ().\-/]{5,}\d")


def failure_of(result: Result, events: Sequence[Event]) -> str:
    """What may be kept of why applying some events failed."""
    error = result.error or UNEXPLAINED
    return redacted(f"{error}: {result.reason}" if result.reason else error, [event.data for event in events])


def redacted(error: str, data: Sequence[Any]) -> str:
    """Take out of an error whatever the event's data holds, and whatever looks like an address or a phone number.

    Args:
        error: What went wrong, as a consumer may have worded it.
        data: What the events hold.
    """
    values = {text for one in data for text in _texts(one) if len(text) >= _SHORTEST}
    for value in sorted(values, key=len, reverse=True):
        error = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _HIDDEN, error, flags=re.IGNORECASE)
    error = _DIGITS.sub(_HIDDEN, _ADDRESS.sub(_HIDDEN, error))
    return error if len(error) <= LONGEST else f"{error[: LONGEST - 1]}…"


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
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
