"""What was written in the CRM, by whom, and in which order."""

from __future__ import annotations

import threading
from typing import Literal, NamedTuple

Did = Literal["created", "updated", "deleted"]


class Entry(NamedTuple):
    """Something that was written.

    Attributes:
        by: Who wrote it.
        did: What was done.
        id: The contact's number, as text.
    """

    by: str
    did: Did
    id: str


class Journal:
    """Keeps what was written, for several threads. Calls that only read, or were refused, are not in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def note(self, by: str, did: Did, id: int) -> None:
        """Note that something was written."""
        with self._lock:
            self._entries.append(Entry(by, did, str(id)))

    def entries(self, by: str) -> list[Entry]:
        """Give what somebody has written, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry.by == by]
