"""What stores check and turn into text before they touch a backend: ids, names, lengths of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from key_stores.base import Id
from key_stores.errors import InvalidId


def as_id(value: Id, what: str = "id") -> str:
    """Check an id and give it as text. Every store calls it on every id that it is given.

    Args:
        value: Text, or a whole number, which becomes text (`0` is `"0"`).
        what: What to call it in the message (`"external id"`). The message never holds the id.

    Raises:
        InvalidId: It is `None`, `""`, a boolean, of another type, or text with a lone surrogate (half a character,
            which no backend can store).
    """
    if isinstance(value, str):
        if not value:
            raise InvalidId(f"the {what} is empty; an id is text of at least one character, or a whole number")
        return str(_storable(value, what))
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return str(int(value))
        except ValueError:
            raise InvalidId(f"the {what} is a number of more digits than Python turns into text") from None
    raise InvalidId(f"the {what} is {type(value).__name__}; an id is text or a whole number")


def as_integration_id(value: Id) -> str:
    """Check an installation's id and give it as text."""
    return as_id(value, "integration id")


def as_botmatic_id(value: Id) -> str:
    """Check a Botmatic id and give it as text."""
    return as_id(value, "Botmatic id")


def as_external_id(value: Id) -> str:
    """Check an external id and give it as text."""
    return as_id(value, "external id")


def as_pairs(pairs: Iterable[tuple[Id, Id]]) -> list[tuple[str, str]]:
    """Check (Botmatic id, external id) pairs and give them as text."""
    return [(as_botmatic_id(botmatic_id), as_external_id(external_id)) for botmatic_id, external_id in pairs]


def as_either(botmatic_id: Id | None, external_id: Id | None, *, only_one: bool) -> tuple[str | None, str | None]:
    """Check two ids of which one may be `None`, and give them as text.

    Args:
        only_one: Exactly one must be given; otherwise at least one.
    """
    given = sum(value is not None for value in (botmatic_id, external_id))
    if given == 0 or (only_one and given == 2):
        wanted = "exactly one" if only_one else "at least one"
        raise InvalidId(f"{given} ids are given; give {wanted} of botmatic_id and external_id")
    return (
        None if botmatic_id is None else as_botmatic_id(botmatic_id),
        None if external_id is None else as_external_id(external_id),
    )


def as_name(value: str, what: str) -> str:
    """Check the name of a lease or a record: any text that is not empty.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(f"the {what} must be text that is not empty, not {_kind(value)}")
    return _storable(value, what)


def as_names(values: Sequence[str]) -> list[str]:
    """Check the names of leases; each is given once."""
    if isinstance(values, str):
        raise ValueError("the lease names are one text; give a list of texts")
    return list(dict.fromkeys(as_name(value, "lease name") for value in values))


def as_value(value: str) -> str:
    """Check the value of a record: any text.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, str):
        raise ValueError(f"the record's value must be text, not {type(value).__name__}")
    return _storable(value, "record's value")


def as_milliseconds(seconds: float) -> int:
    """Check a length of time and give it in whole milliseconds, at least one.

    Raises:
        ValueError: It is not a number above 0, or is longer than a century.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError(f"'seconds' must be a number, not {type(seconds).__name__}")
    if not 0 < seconds <= 100 * 366 * 86_400:
        raise ValueError("'seconds' must be above 0 and not longer than a century")
    return math.ceil(seconds * 1000)


def _storable(value: str, what: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidId(f"the {what} has a lone surrogate, which is no character") from None
    return value


def _kind(value: object) -> str:
    return "an empty text" if isinstance(value, str) else type(value).__name__
