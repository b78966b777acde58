"""What the CRM takes: which fields there are, and what may be in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from .records import EMPTY

DAY: Final = "%d/%m/%Y"
"""How this CRM writes a day."""

LONGEST: Final = 10_000

Check = Callable[[Any], bool]


def problems(fields: object) -> dict[str, str]:
    """Say what is wrong with fields that somebody wants written: by name, in words. Empty if nothing is."""
    if not isinstance(fields, Mapping):
        return {"": "an object of fields is expected"}
    found: dict[str, str] = {}
    for name, value in fields.items():
        inner = EMPTY.get(name)
        if isinstance(inner, Mapping):
            found |= _group_problems(name, inner, value)
        elif name not in EMPTY:
            found[name] = "there is no such field"
        elif value is not None and not _CHECKS[name][0](value):
            found[name] = f"{_CHECKS[name][1]} is expected"
    return found


def _group_problems(name: str, inner: Mapping[str, Any], value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return {name: "an object is expected"}
    found = {}
    for key, text in value.items():
        if key not in inner:
            found[f"{name}.{key}"] = "there is no such field"
        elif text is not None and not _is_text(text):
            found[f"{name}.{key}"] = "text is expected"
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.strptime(value, DAY))
    except ValueError:
        return False


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


_CHECKS: Final[Mapping[str, tuple[Check, str]]] = {
    "born_on": (_is_day, "a day such as 31/12/1980"),
    "customer_since": (_is_text, "text"),
    "last_seen_at": (_is_whole, "a moment in whole seconds since 1970"),
    "opted_in": (lambda value: isinstance(value, bool), "true or false"),
    "order_count": (_is_whole, "a whole number"),
    "balance_cents": (_is_whole, "a whole number"),
    "tags": (_is_texts, "a list of texts"),
    "preferences": (lambda value: isinstance(value, Mapping), "an object"),
    "notes": (_is_text, "text"),
}
