"""Keeps the calls of one consumer within its `rate_budget`."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from .declared import RateBudget

LONGEST_WAIT: Final = 2.0
"""How long the first call of an event waits for its turn, in seconds. A longer wait is a failure that says when to come
back, so that no claim is held, and no request hangs, for the sake of a budget."""

LONGEST_WAIT_WITHIN: Final = 10.0
"""How long the further calls of an event wait. Then they go on all the same, on account of calls to come: were they to
fail, the event would begin anew each time, and never come to its end."""

LONGEST_PAUSE: Final = 90.0
"""How long bulk work waits where the CRM itself asks for a pause."""

_now: Final = threading.local()


class Pace:
    """Lets at most so many calls go in any period of the budget."""

    def __init__(self, budget: RateBudget) -> None:
        self.budget = budget
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()

    def take(self, now: float | None = None, *, longest: float = LONGEST_WAIT, at_any_rate: bool = False) -> float:
        """Reserve a turn.

        Args:
            longest: How long the caller will wait for it, in seconds.
            at_any_rate: Whether the caller goes on then, turn or not.

        Returns:
            In how many seconds it is. If that is longer than the caller waits, nothing is reserved, unless it goes on.
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
            if wait <= longest or at_any_rate:
                self._starts.append(start)
            return wait


@contextmanager
def one_event() -> Iterator[None]:
    """Take the calls that this thread makes in the block for those of one event."""
    before = getattr(_now, "calls", None)
    _now.calls = 0
    try:
        yield
    finally:
        _now.calls = before


@contextmanager
def unhurried() -> Iterator[None]:
    """Have the calls that this thread makes in the block wait for their turns as long as that takes: bulk work."""
    before = getattr(_now, "unhurried", False)
    _now.unhurried = True
    try:
        yield
    finally:
        _now.unhurried = before


def patience() -> float:
    """How long a call that this thread makes now may wait where the CRM itself asks for a pause, in seconds."""
    if getattr(_now, "unhurried", False):
        return LONGEST_PAUSE
    calls = getattr(_now, "calls", None) or 0  # the one that asks is counted already
    return LONGEST_WAIT_WITHIN if calls > 1 else LONGEST_WAIT


def wait_for_turn(consumer: object) -> float:
    """Wait until a consumer may make its next call.

    Returns:
        0.0 when it may; otherwise the seconds until it may, which are too many to be waited here.
    """
    budget = getattr(consumer, "rate_budget", None)
    calls = getattr(_now, "calls", None)
    if isinstance(budget, RateBudget):
        pace = _pace_of(consumer, budget)
        if getattr(_now, "unhurried", False):
            _wait_out(pace)
        elif calls:
            time.sleep(min(pace.take(longest=LONGEST_WAIT_WITHIN, at_any_rate=True), LONGEST_WAIT_WITHIN))
        else:
            wait = pace.take()
            if wait > LONGEST_WAIT:
                return wait
            time.sleep(wait)
    if calls is not None:
        _now.calls = calls + 1
    return 0.0


def wait_long_for_turn(consumer: object) -> None:
    """Wait until a consumer may make its next call, however long that is: for walks that nobody waits for."""
    with unhurried():
        wait_for_turn(consumer)


def _wait_out(pace: Pace) -> None:
    while (wait := pace.take()) > LONGEST_WAIT:
        time.sleep(LONGEST_WAIT)
    time.sleep(wait)


_making: Final = threading.Lock()


def _pace_of(consumer: Any, budget: RateBudget) -> Pace:
    pace = vars(consumer).get("_contact_sync_pace")
    if not isinstance(pace, Pace) or pace.budget != budget:
        with _making:
            pace = vars(consumer).get("_contact_sync_pace")
            if not isinstance(pace, Pace) or pace.budget != budget:
                pace = vars(consumer)["_contact_sync_pace"] = Pace(budget)
    return pace
