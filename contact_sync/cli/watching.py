"""`contact-sync events MODULE:SYNC --watch`: how much there is, second by second, until Ctrl-C.

On a terminal it is a live view; elsewhere a line a second, or a JSON object. A delivery that is away is waited for.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from contact_sync.delivery import Backlog, Delivery, EventRecord, State
from contact_sync.errors import DeliveryUnavailable

from .event_rows import NARROW, NO_WORKER, STATES, STYLES, backlog_json, backlog_said, event_rows, lacks_worker
from .output import console, plain, spoken, utc, utc_for_people

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

SECONDS: Final = 1.0
"""How often it is looked."""

LATELY: Final = 10.0
"""Rates are those of the last so many seconds."""

MOST_FAILURES: Final = 5
MOST_WAITING: Final = 20

_OTHER_LINES: Final = 16

_ROWS: Final = (State.FAILED, State.IN_FLIGHT, State.WAITING)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: when (seconds since the epoch), and how much there was."""

    at: float
    backlog: Backlog

    def count(self, state: State) -> int:
        """How many events are in a state; nobody counts those that are applied."""
        return {
            State.WAITING: self.backlog.waiting,
            State.IN_FLIGHT: self.backlog.in_flight,
            State.FAILED: self.backlog.failed,
        }[state]


class Watch:
    """Looks at a delivery again and again.

    Args:
        delivery: The delivery.
        details: Whether to look also at single events.

    Attributes:
        first: What was seen first; `None` if nothing has been seen yet.
        last: What was seen last.
        problem: Why nothing can be seen now; `None` if all is well.
        failures: The latest dead letters.
        waiting: The first in line.
    """

    def __init__(self, delivery: Delivery, *, details: bool = False) -> None:
        self.first: Look | None = None
        self.last: Look | None = None
        self.problem: str | None = None
        self.failures: Sequence[EventRecord] = ()
        self.waiting: Sequence[EventRecord] = ()
        self._delivery = delivery
        self._details = details
        self._lately: deque[Look] = deque()

    def each_second(self) -> Iterator[float]:
        """Look each second, for ever. Gives the time after each look (seconds since the epoch)."""
        due = time.monotonic()
        while True:
            self._look()
            yield time.time()
            due = max(due + SECONDS, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def change(self, state: State) -> int:
        """How many more there are in a state than at first."""
        return 0 if self.first is None or self.last is None else self.last.count(state) - self.first.count(state)

    def rate(self, state: State) -> float:
        """By how many a second the number in a state has been growing lately."""
        if len(self._lately) < 2:
            return 0.0
        begin, end = self._lately[0], self._lately[-1]
        return (end.count(state) - begin.count(state)) / max(end.at - begin.at, SECONDS)

    def _look(self) -> None:
        try:
            seen = Look(time.time(), self._delivery.backlog())
            if self._details:
                self.failures = self._delivery.failed(limit=MOST_FAILURES)
                self.waiting = self._delivery.events(states=[State.WAITING], limit=MOST_WAITING)
        except DeliveryUnavailable as error:
            self.problem = str(error)
            return
        self.problem = None
        self.last = seen
        self.first = self.first or seen
        self._lately.append(seen)
        while seen.at - self._lately[0].at > LATELY:
            self._lately.popleft()


def watch(delivery: Delivery, target: str) -> None:
    """Show how much there is, for ever."""
    out = console()
    if not out.is_terminal:
        seen = Watch(delivery)
        for now in seen.each_second():
            click.echo(f"{utc_for_people(now)} UTC  {_line(seen, now)}")
    from rich.live import Live

    seen = Watch(delivery, details=True)
    with Live(console=out, auto_refresh=False) as live:
        for now in seen.each_second():
            live.update(_view(seen, f"{target}, {delivery.name}", target, now, out), refresh=True)


def watch_as_json(delivery: Delivery) -> None:
    """Print a JSON object each second, for ever."""
    seen = Watch(delivery)
    for now in seen.each_second():
        click.echo(json.dumps(_json(seen, now)))


def _line(seen: Watch, now: float) -> str:
    return _away(seen) if seen.last is None or seen.problem is not None else backlog_said(seen.last.backlog, now)


def _json(seen: Watch, now: float) -> dict[str, Any]:
    if seen.first is None or seen.last is None or seen.problem is not None:
        return {"at": utc(now), "error": seen.problem}
    oldest = seen.last.backlog.oldest
    return {
        "at": utc(now),
        **backlog_json(seen.last.backlog),
        "oldest_seconds": None if oldest is None else round(max(0.0, now - oldest), 3),
        "since": utc(seen.first.at),
        "change": {state.value: seen.change(state) for state in _ROWS},
        "per_second": {state.value: round(seen.rate(state), 2) for state in _ROWS},
    }


def _away(seen: Watch) -> str:
    return plain(f"The delivery is away, and looked for each second: {seen.problem}")


def _view(seen: Watch, title: str, target: str, now: float, out: Console) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"{plain(title)}  {utc_for_people(now)} UTC", "bold"), Text()]
    if seen.problem is not None:
        parts += [Text(_away(seen), "bold red"), Text()]
    if seen.first is not None and seen.last is not None:
        parts += [_figures(seen, seen.first), Text()]
        oldest = seen.last.backlog.oldest
        if oldest is not None:
            parts += [Text(f"The oldest that is not settled arrived {spoken(now - oldest)} ago."), Text()]
        if lacks_worker(seen.last.backlog, seen.waiting, now):
            parts += [Text(NO_WORKER.format(target=plain(target)), "yellow"), Text()]
    lines_of_each = 2 if out.width >= NARROW else 3
    failures = seen.failures[: max(1, (out.height - _OTHER_LINES) // lines_of_each)]
    if failures:
        parts += [Text("The latest that failed", "bold"), event_rows(failures, now, out.width, brief=True), Text()]
    return Group(*parts, Text("Ctrl-C ends it.", "dim"))


def _figures(seen: Watch, first: Look) -> Table:
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 3, 0, 0))
    made.add_column()
    for _ in range(3):
        made.add_column(justify="right")
    made.add_row("", "Now", f"Since {utc_for_people(first.at)[11:]}", f"Per second ({LATELY:.0f} s)", style="dim")
    for state in _ROWS:
        now = 0 if seen.last is None else seen.last.count(state)
        style = STYLES[state] if now else ""
        made.add_row(
            Text(STATES[state], style),
            Text(f"{now:,}", style),
            _signed(seen.change(state), 0),
            _signed(seen.rate(state), 1),
        )
    return made


def _signed(number: float, digits: int) -> str:
    return "–" if round(number, digits) == 0 else f"{number:+,.{digits}f}".replace("-", "−")
