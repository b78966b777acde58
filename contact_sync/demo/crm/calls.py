"""Who has called the CRM's API, and how often."""

from __future__ import annotations

import threading
from collections import Counter


class Calls:
    """Counts calls by who made them, for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def note(self, by: str) -> None:
        """Count a call."""
        with self._lock:
            self._counts[by] += 1

    def count(self, by: str) -> int:
        """How many calls somebody has made."""
        with self._lock:
            return self._counts[by]
