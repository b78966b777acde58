"""Values inside contacts by their path, written as in a mapping: `properties.email`, `e\\.mail`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def contact_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Build a contact from values by path."""
    contact: dict[str, Any] = {}
    for path, value in fields.items():
        put(contact, path, value)
    return contact


def put(contact: dict[str, Any], path: str | tuple[str, ...], value: object) -> None:
    """Set the value at a path."""
    *parents, last = steps(path) if isinstance(path, str) else path
    for name in parents:
        contact = contact.setdefault(name, {})
    contact[last] = value


def value_at(contact: object, path: str | tuple[str, ...]) -> Any:
    """The value at a path; `None` where there is none."""
    for name in steps(path) if isinstance(path, str) else path:
        contact = contact.get(name) if isinstance(contact, Mapping) else None
    return contact


def leaves(contact: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of a contact with the names on the way to them."""
    for name, value in contact.items():
        if isinstance(value, Mapping) and len(value) > 0:
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name), value


def steps(path: str) -> tuple[str, ...]:
    """The names on the way to a path's value."""
    return tuple(re.sub(r"\\(.)", r"\1", step) for step in re.findall(r"(?:[^.\\]|\\.)+", path))
