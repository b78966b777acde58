"""How the story is shown: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

State = Literal["waiting", "running", "done", "failed"]

_MARKS: Final[dict[State, Text]] = {
    "waiting": Text("·", style="dim"),
    "done": Text("✔", style="green"),
    "failed": Text("✘", style="bold red"),
}
_WORDS: Final[dict[State, str]] = {"done": "ok", "failed": "FAILED"}


@dataclass(slots=True)
class _Row:
    title: str
    state: State = "waiting"
    note: str = ""
    began: float = 0.0
    seconds: float = 0.0

    def lasted(self) -> str:
        """For how long it has run, or ran."""
        if self.state == "waiting":
            return ""
        return f"{time.monotonic() - self.began if self.state == 'running' else self.seconds:.1f} s"


class Board(ABC):
    """Shows the steps. Use it with `with`.

    Args:
        console: Where to.
        titles: The steps' titles.
    """

    def __init__(self, console: Console, titles: Sequence[str]) -> None:
        self.console = console
        self.rows = [_Row(title) for title in titles]
        self._current = self.rows[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def begin(self, number: int) -> None:
        """Say that a step begins."""
        self._current = self.rows[number]
        self._current.state = "running"
        self._current.began = time.monotonic()

    def tell(self, note: str) -> None:
        """Say how far the step is."""
        self._current.note = note

    def done(self, note: str) -> None:
        """Say that the step is done, and what it has checked."""
        self._end("done", note)

    def fail(self, why: str) -> None:
        """Say that the step failed, and why."""
        self._end("failed", why)

    def _end(self, state: State, note: str) -> None:
        row = self._current
        row.state, row.note, row.seconds = state, note, time.monotonic() - row.began
        self._ended(row)

    @abstractmethod
    def _ended(self, row: _Row, /) -> None:
        """Show a row that has come to its end."""


class LiveBoard(Board):
    """One table that fills while one looks."""

    def __init__(self, console: Console, titles: Sequence[str]) -> None:
        super().__init__(console, titles)
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, get_renderable=self.table, refresh_per_second=12)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def table(self) -> Table:
        """The table as it is now."""
        table = Table(box=None, pad_edge=False, expand=False, show_header=False, width=min(self.console.width, 100))
        table.add_column("", width=1)
        table.add_column("Step", width=26, no_wrap=True)
        table.add_column("Checked", ratio=1)
        table.add_column("Time", justify="right", width=6, no_wrap=True)
        for row in self.rows:
            style = {"failed": "red", "waiting": "dim"}.get(row.state, "")
            table.add_row(self._mark(row), Text(row.title, style), Text(row.note, style), Text(row.lasted(), "dim"))
        return table

    def _mark(self, row: _Row) -> RenderableType:
        return self._spinner if row.state == "running" else _MARKS[row.state]

    def _ended(self, _row: _Row, /) -> None:
        self._live.refresh()


class PlainBoard(Board):
    """A line for each step that is over, for logs and pipes."""

    def _ended(self, row: _Row, /) -> None:
        line = f"{_WORDS[row.state]:<6} {row.lasted():>6}  {row.title}: {row.note}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
