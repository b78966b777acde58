"""Dotted paths into the external side's contacts: `properties.email`.

A dot separates the steps. A name that holds a dot is written with a backslash before it (`e\\.mail`), a backslash
itself as two.
"""

from __future__ import annotations

import re
from collections import abc
from typing import Any, Final

from .values import MISSING

Path = tuple[str, ...]

_STEP: Final = re.compile(r"(?:[^.\\]|\\[.\\])+")
_ESCAPED: Final = re.compile(r"\\([.\\])")


def split(text: str) -> Path:
    """Take a dotted path apart.

    Raises:
        ValueError: A step is empty, or a backslash stands before anything but a dot or a backslash.
    """
    steps: list[str] = []
    position = 0
    while True:
        match = _STEP.match(text, position)
        if match is None:
            break
        steps.append(_ESCAPED.sub(r"\1", match[0]))
        position = match.end()
        if position == len(text):
            return tuple(steps)
        if text[position] != ".":
            break
        position += 1
    if text[position : position + 1] == "\\":
        raise ValueError(r'a backslash stands only before a dot ("\.") or a backslash ("\\")')
    raise ValueError(r'it has an empty step. Write one dot between two names, and "\." for a dot within a name')


def read(contact: Any, path: Path) -> Any:
    """Give what lies at a path; `MISSING` if nothing does, or if something that is no object is in the way."""
    for step in path:
        if not isinstance(contact, (dict, abc.Mapping)):  # dict first: the abstract class is slow to ask
            return MISSING
        contact = contact.get(step, MISSING)
    return contact


def write(contact: dict[str, Any], parents: Path, name: str, value: Any) -> None:
    """Set a value at a path of a contact that is being built, making the objects on the way."""
    for step in parents:
        contact = contact.setdefault(step, {})
    contact[name] = value


def replaced(contact: abc.Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Copy a contact with another value at a path. What is not on the path is shared with the original.

    Args:
        contact: The original; it stays as it is.
        path: Where to set the value. Something on the way that is no object gives way to one.
        value: The value; `MISSING` takes the name out, and the objects on the way that are empty then.
    """
    name, *rest = path
    changed = dict(contact)
    if rest:
        inner = changed.get(name)
        if value is MISSING and not isinstance(inner, abc.Mapping):
            return changed
        below = replaced(inner if isinstance(inner, abc.Mapping) else {}, tuple(rest), value)
        value = MISSING if value is MISSING and not below else below
    if value is MISSING:
        changed.pop(name, None)
    else:
        changed[name] = value
    return changed
