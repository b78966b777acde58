"""What lies at a path of an answer. A number is a place in a list, `*` any member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappers.values import MISSING

from .reading import Path

ANY: Final = "*"


def at(data: Any, path: Path) -> Any:
    """What lies at a path; `MISSING` if nothing does."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step, MISSING)
        elif isinstance(data, list) and step.isascii() and step.isdecimal() and len(step) < 10:
            place = int(step)
            data = data[place] if place < len(data) else MISSING
        else:
            return MISSING
    return data


def each_at(data: Any, path: Path) -> Iterator[Any]:
    """Everything that lies at a path in which `*` may stand for any member."""
    if ANY not in path:
        found = at(data, path)
        if found is not MISSING:
            yield found
        return
    star = path.index(ANY)
    above = at(data, path[:star])
    members = above.values() if isinstance(above, Mapping) else above if isinstance(above, list) else ()
    for member in members:
        yield from each_at(member, path[star + 1 :])
