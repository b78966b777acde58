"""Numbers and booleans, read from whatever form a side sends them in."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

from .json_text import whole
from .values import Unfit, unfit

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_TOO_LARGE: Final = 10**1000  # far below what Python refuses to write as text

_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def number(value: Any) -> int | float:
    """Read a number: integers stay exact, however long; a float without a fraction becomes the integer that it is.

    Numbers as text and `Decimal` are read as well. A boolean is not a number; neither are NaN and infinity.

    Raises:
        Unfit: It is no number, or too large for one.
    """
    if isinstance(value, str):
        value = _from_text(value)
    elif isinstance(value, Decimal) and value.is_finite():
        value = _from_text(str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        if -_TOO_LARGE < value < _TOO_LARGE:
            return value
        raise Unfit("expected a number, got one with more than 1,000 digits")
    if isinstance(value, float):
        if math.isfinite(value):
            return whole(value)
        raise Unfit("expected a number, got NaN or infinity")
    raise unfit("a number", value)


def number_or_text(value: Any) -> Any:
    """Turn text into the number that it writes, if it writes one exactly so; everything else stays as it is.

    `"42"` becomes 42; `"0042"`, `"+42"` and `"n/a"` stay text.
    """
    if isinstance(value, str):
        try:
            made = number(value)
        except Unfit:
            return value
        return made if repr(made) == value else value
    return value


def boolean(value: Any) -> bool:
    """Read a boolean: true and false; 1 and 0; and as text also yes, no, on and off, in any case.

    Raises:
        Unfit: It is nothing of that.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return value == 1
    known = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise unfit("a boolean", value)
    return known


def _from_text(text: str) -> int | float:
    match = _NUMBER.fullmatch(text.strip())
    if match is None or len(text) > 1000:
        raise unfit("a number", text)
    return int(match[0]) if match[1] is None and match[2] is None else float(match[0])
