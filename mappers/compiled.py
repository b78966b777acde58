"""One direction of a table, worked out beforehand: mapping a contact is one walk over a list of ready steps."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable
from typing import Any

from . import paths
from .errors import MappingValueError
from .mapping import Mapping
from .values import MISSING, Unfit, kind_of
from .words import OnEmpty, Side

MapContact = Callable[[abc.Mapping[str, Any]], dict[str, Any]]


def compiled(rows: Iterable[Mapping], target: Side, on_empty: OnEmpty) -> MapContact:
    """Make the function that maps contacts to a side.

    Args:
        rows: The table.
        target: The side that values are made for.
        on_empty: What rows do with empty values that do not say it themselves.
    """
    to_botmatic = target == "botmatic"
    source: Side = "ext" if to_botmatic else "botmatic"
    direction = "to_botmatic" if to_botmatic else "to_external"
    steps = []
    for row in rows:
        if row.direction in ("both", direction):
            here, there = (row.botmatic,), row.path
            (key, *below), (*parents, name) = (there, here) if to_botmatic else (here, there)
            convert = row.conversions.to_botmatic if to_botmatic else row.conversions.to_external
            clears = (row.on_empty or on_empty) == "clear"
            steps.append((key, tuple(below), convert, clears, tuple(parents), name, row))

    def map_contact(contact: abc.Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(contact, (dict, abc.Mapping)):
            raise MappingValueError(f"expected a contact as a dict, got {kind_of(contact)}")
        result: dict[str, Any] = {}
        for key, below, convert, clears, parents, name, row in steps:
            value = contact.get(key, MISSING)
            if below:
                value = paths.read(value, below)
            if value is MISSING:
                continue
            # `is_empty`, written out: this line runs once for every field of every contact.
            if value is None or (value.__class__ is str and not value):
                value = None
            else:
                try:
                    value = convert(value)
                except Unfit as error:
                    failed, reason = row, str(error)
                    break
            if value is None and not clears:
                continue
            if parents:
                paths.write(result, parents, name, value)
            else:
                result[name] = value
        else:
            return result
        # Outside the handler, so that nothing which may quote the value is chained.
        raise failed.value_error(source, reason)

    return map_contact
