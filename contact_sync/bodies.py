"""JSON bodies from outside, read as strictly as JSON is defined."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

DEEPEST: Final = 64
"""How many objects and lists may lie in one another."""

_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


class Unreadable(ValueError):
    """The body is not JSON, or not the JSON that it has to be. The message says why, without repeating any of it."""


def parse_object(content_type: str, content_encoding: str, body: bytes) -> dict[str, Any]:
    """Parse a JSON object as strictly as JSON is defined.

    Raises:
        Unreadable: It is not one; the message says why and repeats nothing of the body.
    """
    data = parse_json(content_type, content_encoding, body)
    if not isinstance(data, dict):
        raise Unreadable("the body must be a JSON object")
    return data


def parse_json(content_type: str, content_encoding: str, body: bytes) -> Any:
    """Parse JSON as strictly as it is defined.

    Raises:
        Unreadable: It is none; the message says why and repeats nothing of the body.
    """
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise Unreadable("the Content-Type must be application/json")
    if "charset=" in parameters and parameters.partition("charset=")[2].strip(' "').split(";")[0] not in _UTF8:
        raise Unreadable("the charset must be utf-8")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise Unreadable("the body must not be compressed")
    try:
        data = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    except ValueError:
        raise Unreadable("the body is not JSON") from None
    if _deeper_than(data, DEEPEST):
        raise Unreadable("the body is nested too deeply")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _deeper_than(data: object, limit: int) -> bool:
    level = [data]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
