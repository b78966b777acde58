"""What the sync says of its own work, to whoever listens: counts, times and outcomes, and nothing of contacts.

There is one hub for the whole process, `observers`, since counts are the process's. While nobody listens, telling it
costs an `if`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Literal, get_args

from .results import Result

log = logging.getLogger(__name__)

CallSide = Literal["consumer", "platform"]
"""Who was called: the CRM, through its consumer, or the chatbot platform."""

CallOutcome = Literal["ok", "not_found", "failed", "for_now", "in_doubt"]
"""What came of a call. `for_now`: it failed, and may succeed later; `in_doubt`: it failed, and may have been done."""

EventOutcome = Literal[
    "created",
    "adopted",
    "updated",
    "unchanged",
    "deleted",
    "skipped",
    "folded",
    "done",
    "unheard",
    "held",
    "failed",
    "for_now",
]
"""What came of an event.

`folded`: applied together with a later one; `done`: handled, in no other of these ways, such as by a listener of the
user's; `unheard`: there is no listener for it; `held`: a person has to decide; `for_now`: answered so that its sender
sends it again.
"""

UNHEARD: Final = "unheard"
"""The `action` of a failure since nobody listens to an event."""

CALL_OUTCOMES: Final[tuple[CallOutcome, ...]] = get_args(CallOutcome)
EVENT_OUTCOMES: Final[tuple[EventOutcome, ...]] = get_args(EventOutcome)

_BY_ACTION: Final[dict[str, EventOutcome]] = {
    outcome: outcome for outcome in EVENT_OUTCOMES if outcome not in ("done", "unheard", "held", "failed", "for_now")
}


class Observer:
    """Is told what happens, from any thread. Does nothing; override what is of interest, and be quick.

    Names may be whatever a sender wrote: whoever counts by them has to bound them.
    """

    def event_accepted(self, name: str) -> None:
        """Hear that an event was let in, and stored if the delivery is a durable one."""
        del name

    def event_settled(self, name: str, outcome: EventOutcome, seconds: float) -> None:
        """Hear what came of an event in the end.

        Args:
            name: The event's name.
            outcome: What came of it.
            seconds: How long ago it arrived.
        """
        del name, outcome, seconds

    def event_retried(self, name: str) -> None:
        """Hear that applying an event failed for now, and that it will be tried again."""
        del name

    def call(self, side: CallSide, method: str, outcome: CallOutcome, seconds: float) -> None:
        """Hear of a call to one of the two sides.

        Args:
            side: Who was called.
            method: The method of the consumer or of the platform.
            outcome: What came of it.
            seconds: How long it took, with all its tries.
        """
        del side, method, outcome, seconds


class Observers:
    """Passes what happens on to its observers. None of them can break the sync: what one raises is logged, once."""

    def __init__(self) -> None:
        self._listening: tuple[Observer, ...] = ()
        self._faulty: tuple[Observer, ...] = ()
        self._lock = threading.Lock()

    def add(self, observer: Observer) -> None:
        """Tell an observer from now on. One that is told already is not told twice."""
        with self._lock:
            if not _is_among(observer, self._listening):
                self._listening = (*self._listening, observer)

    def remove(self, observer: Observer) -> None:
        """Tell an observer no more."""
        with self._lock:
            self._listening = _without(observer, self._listening)
            self._faulty = _without(observer, self._faulty)

    def event_accepted(self, name: str) -> None:
        """Tell that an event was let in."""
        if self._listening:
            self._tell(lambda one: one.event_accepted(name))

    def event_settled(self, name: str, outcome: EventOutcome, seconds: float) -> None:
        """Tell what came of an event that arrived so many seconds ago. `event_outcome` says it of a result."""
        if self._listening:
            self._tell(lambda one: one.event_settled(name, outcome, seconds))

    def event_retried(self, name: str) -> None:
        """Tell that an event will be tried again."""
        if self._listening:
            self._tell(lambda one: one.event_retried(name))

    def clock(self) -> float | None:
        """Take the time before a call; `None` while nobody listens."""
        return time.perf_counter() if self._listening else None

    def called(self, side: CallSide, method: str, result: Result, began: float | None) -> None:
        """Tell of a call that has ended.

        Args:
            side: Who was called.
            method: Which method.
            result: What it gave.
            began: What `clock` said before it.
        """
        if began is not None:
            seconds = time.perf_counter() - began
            self._tell(lambda one: one.call(side, method, call_outcome(result), seconds))

    def _tell(self, tell: Callable[[Observer], object]) -> None:
        for observer in self._listening:
            try:
                tell(observer)
            except Exception as error:  # noqa: BLE001 - whoever only listens must not break the work
                self._complain(observer, error)

    def _complain(self, observer: Observer, error: Exception) -> None:
        with self._lock:
            if _is_among(observer, self._faulty):
                return
            self._faulty = (*self._faulty, observer)
        log.warning(
            "%s raised %s when it was told of the sync's work, which goes on; this is said once",
            type(observer).__name__,
            type(error).__name__,
        )


observers: Final = Observers()
"""The hub of this process."""


def event_outcome(result: Result) -> EventOutcome:
    """Say in one word what came of an event that was handled."""
    if result.action == "held":
        return "held"
    if result.action == UNHEARD:
        return "unheard"
    if not result.success:
        return "for_now" if result.retryable else "failed"
    return applied_outcome(result.action)


def applied_outcome(action: str | None) -> EventOutcome:
    """Say in one word what came of an event that was applied, by what that did."""
    return _BY_ACTION.get(action or "", "done")


def call_outcome(result: Result) -> CallOutcome:
    """Say in one word what came of a call."""
    if result.success:
        return "ok"
    if result.not_found:
        return "not_found"
    if result.in_doubt:
        return "in_doubt"
    return "for_now" if result.retryable else "failed"


def _is_among(observer: Observer, those: tuple[Observer, ...]) -> bool:
    return any(one is observer for one in those)


def _without(observer: Observer, those: tuple[Observer, ...]) -> tuple[Observer, ...]:
    return tuple(one for one in those if one is not observer)
