"""Objects and lists to JSON text and back, safe against whatever people type and services send."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from .values import MISSING, Unfit

_OPENING: Final = ("{", "[", " ", "\t", "\n", "\r")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_INTEGRAL: Final = 2**53
"""Below this a float without a fraction and the integer of the same value are the same number everywhere."""


def dump(value: Any) -> str:
    """Write an object or a list as JSON text, in the form that JavaScript writes.

    Raises:
        Unfit: It holds what JSON cannot carry, is nested too deeply, or contains itself.
    """
    return _encode(value, _writer)


def canonical(value: Any) -> str:
    """Write an object or a list as the one JSON text that all equal ones share: keys sorted, `1.0` as `1`.

    Raises:
        Unfit: As for `dump`.
    """
    # Through text once, so that tuples are lists and all names are text before anything is sorted.
    return _encode(copy(parse(_encode(value, _writer)), _canonical_leaf), _sorter)


def parse(text: str) -> Any:
    """Read JSON text of an object or a list.

    Returns:
        The object or list, or `MISSING` if the text is anything else: other text, a JSON scalar, or JSON that cannot
        be held without loss (a number that is too large, nesting that is too deep).
    """
    if not text.startswith(_OPENING):
        return MISSING
    try:
        value = _reader.decode(text)
    except (ValueError, RecursionError):
        return MISSING
    return value if isinstance(value, (dict, list)) else MISSING


def copy(value: Any, leaf: Any = None) -> Any:
    """Copy an object or a list, as deep as it goes, so that the copy shares nothing with it.

    Args:
        value: What is copied; a tuple becomes a list.
        leaf: A function for what is neither object nor list. Without it leaves are kept.

    Raises:
        Unfit: It is nested too deeply, or contains itself.
    """
    try:
        return _copy(value, leaf)
    except RecursionError:
        raise Unfit("the value is nested too deeply, or contains itself") from None


def _copy(value: Any, leaf: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(inner, leaf) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(inner, leaf) for inner in value]
    return value if leaf is None else leaf(value)


def whole(number: float) -> int | float:
    """Give a float without a fraction as the integer that it is, where both are the same number everywhere."""
    return int(number) if number.is_integer() and abs(number) < _INTEGRAL else number


def _canonical_leaf(value: Any) -> Any:
    return whole(value) if isinstance(value, float) else value


def _encode(value: Any, encoder: json.JSONEncoder) -> str:
    try:
        text = encoder.encode(value)
    except (TypeError, ValueError, RecursionError):
        raise Unfit(
            "the value holds something that JSON cannot carry, is nested too deeply, or contains itself"
        ) from None
    # Lone surrogates cannot be encoded later on; JavaScript escapes them too.
    return text if text.isascii() else _SURROGATES.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("too large for a number")
    return number


_writer: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_sorter: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)
_reader: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
