"""One lock and one clock for the whole sandbox: whoever changes something notes it, whoever waits is woken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Changes:
    """A lock for all of the sandbox's state, a version that grows with every change, and waiting for a condition."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._condition = threading.Condition(self.lock)
        # A page that stays open while the sandbox is started anew must see that everything is different.
        self.version = int(time.time() * 1000)

    def note(self) -> None:
        """Say that something has changed."""
        with self._condition:
            self.version += 1
            self._condition.notify_all()

    def wait_for(self, condition: Callable[[], object], timeout: float) -> bool:
        """Wait until a condition holds, looking again after each change. Whether it does."""
        with self._condition:
            return bool(self._condition.wait_for(lambda: bool(condition()), timeout))
