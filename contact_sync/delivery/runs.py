"""Which waiting events of a contact are applied as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contact_sync.events import EventName

FOLDED: Final = "folded"
"""The action of an event that was applied as one with a later one."""

_UPDATES: Final = frozenset({EventName.CONTACT_CREATED, EventName.CONTACT_UPDATED})


def run_length(names: Sequence[str]) -> int:
    """How many events from the first on are one run: a row of updates, or a delete by itself.

    Args:
        names: The names of the events that wait, in order; at least one.
    """
    updates = 0
    while updates < len(names) and names[updates] in _UPDATES:
        updates += 1
    return updates or 1
