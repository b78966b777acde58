"""What all conversions share: the mark of an absent value, and the exception for one that does not fit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

MISSING: Final = object()
"""Stands for a field that a contact does not have, as opposed to one that is empty."""

_KINDS: Final = (
    (str, "text"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (dict, "an object"),
    ((list, tuple), "a list"),
    (datetime, "a datetime"),
    (date, "a date"),
)


class Unfit(ValueError):
    """A value does not fit. The text says what was expected and what kind of thing came, never the value.

    It stays inside this package: where the name of the field is known it becomes a `MappingValueError`.
    """


def is_empty(value: object) -> bool:
    """Whether a value is empty: `None` or `""`, and nothing else. `0` and `False` are values."""
    return value is None or (isinstance(value, str) and not value)


def kind_of(value: object) -> str:
    """Name the kind of a value for a message."""
    if value is None:
        return "nothing"
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return name
    return f"a Python {type(value).__name__}"


def unfit(expected: str, value: Any) -> Unfit:
    """Make the exception for a value that is of another kind than expected, or of a wrong form."""
    return Unfit(f"expected {expected}, got {kind_of(value)}{' of another form' if isinstance(value, str) else ''}")
