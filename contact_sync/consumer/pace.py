"""Keeps the calls of one consumer within its `rate_budget`."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Final

from .declared import RateBudget

LONGEST_WAIT: Final = 2.0
"""How long a call waits for its turn, in seconds. A longer wait is a failure that says when to come back, so that no
claim is held, and no request hangs, for the sake of a budget."""


class Pace:
    """Lets at most so many calls go in any period of the budget."""

    def __init__(self, budget: RateBudget) -> None:
        self.budget = budget
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()

    def take(self, now: float | None = None) -> float:
        """Reserve a turn.

        Returns:
            In how many seconds it is. Nothing is reserved if that is longer than `LONGEST_WAIT`.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            while self._starts and self._starts[0] <= now - self.budget.per:
                self._starts.popleft()
            if len(self._starts) < self.budget.calls:
                self._starts.append(now)
                return 0.0
            # The turn after the calls before it: as soon as the one that is so many back has left the period.
            start = self._starts[len(self._starts) - int(self.budget.calls)] + self.budget.per
            wait = start - now
            if wait <= LONGEST_WAIT:
                self._starts.append(start)
            return wait


def wait_for_turn(consumer: object) -> float:
    """Wait until a consumer may make its next call.

    Returns:
        0.0 when it may; otherwise the seconds until it may, which are too many to be waited here.
    """
    budget = getattr(consumer, "rate_budget", None)
    if not isinstance(budget, RateBudget):
        return 0.0
    wait = _pace_of(consumer, budget).take()
    if wait > LONGEST_WAIT:
        return wait
    if wait > 0:
        time.sleep(wait)
    return 0.0


def wait_long_for_turn(consumer: object) -> None:
    """Wait until a consumer may make its next call, however long that is: for walks that nobody waits for."""
    while (wait := wait_for_turn(consumer)) > 0:
        time.sleep(min(wait, LONGEST_WAIT))


_making: Final = threading.Lock()


def _pace_of(consumer: Any, budget: RateBudget) -> Pace:
    pace = vars(consumer).get("_contact_sync_pace")
    if not isinstance(pace, Pace) or pace.budget != budget:
        with _making:
            pace = vars(consumer).get("_contact_sync_pace")
            if not isinstance(pace, Pace) or pace.budget != budget:
                pace = vars(consumer)["_contact_sync_pace"] = Pace(budget)
    return pace
