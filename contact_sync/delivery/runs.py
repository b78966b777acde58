"""Which waiting events of a contact are applied as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contact_sync.events import EventName, split_name

FOLDED: Final = "folded"
"""The action of an event that was applied as one with a later one."""

_UPDATES: Final = frozenset({EventName.CONTACT_CREATED, EventName.CONTACT_UPDATED})


def is_update(full_name: str) -> bool:
    """Whether an event of this full name may be applied as one with others of its kind."""
    return split_name(full_name)[1] in _UPDATES


def run_length(names: Sequence[str]) -> int:
    """How many events from the first on are one run: a row of updates, or anything else by itself.

    Args:
        names: The full names of the events that wait, in order; at least one.
    """
    updates = 0
    while updates < len(names) and is_update(names[updates]):
        updates += 1
    return updates or 1
