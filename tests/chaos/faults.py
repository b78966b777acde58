"""What goes wrong in a run, and when: a seeded plan by how far the run is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.crm import CRM
from tests.chaos.places import Place
from tests.chaos.processes import Processes

Outage = Literal["stopped", "frozen", "crm", "full"]

OUTAGES: Final[dict[Outage, str]] = {
    "stopped": "the store is stopped",
    "frozen": "the store is frozen",
    "crm": "the CRM is down",
    "full": "the disk of the inbox is full",
}

LONGEST_FULL: Final = 4.0
"""How many times as long the disk stays full as it was to, if nobody has noticed yet."""


@dataclass(frozen=True)
class Seconds:
    """How long each outage lasts."""

    stopped: float = 5.0
    frozen: float = 5.0
    crm: float = 10.0
    full: float = 3.0


class Faults:
    """Makes faults, in threads of its own.

    Args:
        progress: How far the run is, from 0 to 1.
        refusals: How many events were answered that they are to come again.
        say: Called with a line for each thing that is done.
    """

    def __init__(
        self,
        processes: Processes,
        place: Place,
        crm: CRM,
        *,
        seed: int,
        kills: int,
        seconds: Seconds,
        progress: Callable[[], float],
        refusals: Callable[[], int],
        say: Callable[[str], object],
    ) -> None:
        self._processes = processes
        self._place = place
        self._crm = crm
        self._seconds = seconds
        self._progress = progress
        self._refusals = refusals
        self._say = say
        self._over = threading.Event()
        self.times: dict[Outage, float] = {}
        self.refused: dict[Outage, int] = {}
        self.problems: list[str] = []
        chance = random.Random(f"{seed}:faults")
        outages = list(OUTAGES)
        chance.shuffle(outages)
        # Each outage within its own part of the run; some of the kills in the midst of one.
        self._outages = [((n + chance.uniform(0.3, 0.7)) / len(outages), one) for n, one in enumerate(outages)]
        amid = sorted(chance.choices(outages, k=kills // 4))
        self._amid = {one: [chance.uniform(0.1, 0.9) for _ in range(amid.count(one))] for one in outages}
        self._kills = sorted(chance.uniform(0.02, 1.0) for _ in range(kills - len(amid)))
        self._threads = [
            threading.Thread(target=self._run, args=(each,), daemon=True) for each in (self._kill, self._fail)
        ]

    def start(self) -> None:
        """Begin with the plan."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait until the whole plan is done."""
        for thread in self._threads:
            thread.join()

    def cancel(self) -> None:
        """Do no more of it."""
        self._over.set()
        self.finish()

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the run has failed, and says so in the end
            self.problems.append(f"a fault could not be made: {type(error).__name__}: {error}")

    def _kill(self) -> None:
        for at in self._kills:
            if not self._reached(at):
                return
            self._say(f"kill -9 {self._processes.kill_one()}")

    def _fail(self) -> None:
        for at, outage in self._outages:
            if not self._reached(at):
                return
            length: float = getattr(self._seconds, outage)
            before, began = self._refusals(), time.monotonic()
            self._say(f"{OUTAGES[outage]}, for {length:.0f} s")
            with self._failing(outage):
                for moment in sorted(self._amid[outage]):
                    self._sleep(began + moment * length)
                    self._say(f"kill -9 {self._processes.kill_one()} (meanwhile)")
                self._sleep(began + length)
                if outage == "full":  # there may be room left within what is taken already
                    while self._refusals() == before and time.monotonic() < began + LONGEST_FULL * length:
                        self._over.wait(0.05)
            self.times[outage] = time.monotonic() - began
            self.refused[outage] = self._refusals() - before
            self._say(f"… is over after {self.times[outage]:.1f} s")
            if outage == "full" and not self.refused[outage] and not self._over.is_set():
                self.problems.append("the disk was full, and nobody noticed: that proves nothing")

    def _failing(self, outage: Outage) -> AbstractContextManager[None]:
        if outage == "crm":
            return self._crm.down()
        if outage == "frozen":
            return self._place.frozen()
        return (self._place.stopped if outage == "stopped" else self._place.full)(lambda: self._processes.pids)

    def _reached(self, progress: float) -> bool:
        while self._progress() < progress:
            if self._over.wait(0.02):
                return False
        return not self._over.is_set()

    def _sleep(self, until: float) -> None:
        self._over.wait(max(0.0, until - time.monotonic()))
