"""How many calls an API takes: what is declared, and what its headers say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from contact_sync.consumer import RateBudget
from contact_sync.errors import ConfigurationError

from .reading import Problems, Section

LONGEST_PAUSE: Final = 86_400.0

_RESETS: Final[Mapping[str, Callable[[float], float]]] = {
    "seconds": lambda given: given,
    "epoch_s": lambda given: given - time.time(),
    "epoch_ms": lambda given: given / 1000 - time.time(),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls an API takes.

    Attributes:
        budget: What is kept to.
        remaining: The header that says how many calls are left.
        reset: The header that says until when, and `reset_as` how.
        pause: The header that asks for a pause, in seconds.
    """

    budget: RateBudget | None = None
    remaining: str | None = None
    reset: str | None = None
    reset_as: str = "seconds"
    pause: str | None = None

    def asked(self, headers: Mapping[str, str]) -> float:
        """For how many seconds an answer asks to be left alone."""
        wait = _number(headers.get(self.pause)) if self.pause is not None else None
        if self.remaining is not None and self.reset is not None:
            left, until = _number(headers.get(self.remaining)), _number(headers.get(self.reset))
            if left is not None and left <= 0 and until is not None:
                wait = max(wait or 0.0, _RESETS[self.reset_as](until))
        return 0.0 if wait is None else min(max(0.0, wait), LONGEST_PAUSE)


class Pause:
    """Until when nothing is asked, for all threads."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._until = 0.0

    def left(self) -> float:
        """How many seconds it still lasts; 0 if it is over."""
        return max(0.0, self._until - time.monotonic())

    def wait(self, longest: float) -> float:
        """Wait until it is over, if that is no more than so many seconds.

        Returns:
            0 when it is over; otherwise for how many seconds more it lasts.
        """
        ends = time.monotonic() + longest
        while (left := self.left()) > 0:  # another answer may have made it longer meanwhile
            if time.monotonic() + left > ends:
                return left
            time.sleep(left)
        return 0.0

    def heed(self, headers: Mapping[str, str]) -> None:
        """Begin a pause, if an answer asks for one."""
        wait = self._rate.asked(headers)
        if wait > 0:
            with self._lock:
                self._until = max(self._until, time.monotonic() + wait)


def rate(data: object, where: str, problems: Problems) -> Rate:
    """Read the section `rate`."""
    keys = ("calls", "per", "remaining", "reset", "reset_as", "pause")
    section = Section(data, where, keys, problems)
    calls = section.count("calls", None)
    budget = None
    per = section.seconds("per", 1.0)
    if calls is not None:
        try:
            budget = RateBudget(calls, per)
        except ConfigurationError:
            section.problem("per", "expected a number of seconds above 0")
    elif "per" in section:
        section.problem("calls", "it is missing. Write how many calls the API takes in that time")
    for one, other in (("remaining", "reset"), ("reset", "remaining")):
        if one in section and other not in section:
            section.problem(other, f"it is missing. {one} is of use only together with it")
    return Rate(
        budget,
        remaining=section.text("remaining", None),
        reset=section.text("reset", None),
        reset_as=section.choice("reset_as", tuple(_RESETS), "seconds"),
        pause=section.text("pause", None),
    )


def _number(header: str | None) -> float | None:
    """A header that is a number; some write several (`0, 120`), of which the first counts."""
    text = (header or "").partition(",")[0].partition(";")[0].strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) < 20 else None
