"""The switch with which the CRM goes down, and comes back."""

from __future__ import annotations

import threading
from typing import Final

DOWN: Final = "the CRM is down"


class Outage:
    """Whether the CRM is down, for several threads. While it is, its API refuses everybody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = False
        self._refused = 0

    @property
    def is_on(self) -> bool:
        """Whether the CRM is down."""
        return self._is_on

    @property
    def refused(self) -> int:
        """How many calls were refused since it went down the last time."""
        return self._refused

    def begin(self) -> None:
        """Let the CRM go down."""
        with self._lock:
            if not self._is_on:
                self._is_on, self._refused = True, 0

    def end(self) -> None:
        """Let the CRM come back."""
        with self._lock:
            self._is_on = False

    def refuses(self) -> bool:
        """Say whether a call is refused, and count it if it is."""
        with self._lock:
            self._refused += self._is_on
            return self._is_on
