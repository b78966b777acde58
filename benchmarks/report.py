"""What a benchmark reports, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that was measured.

    Attributes:
        name: What it is.
        value: The figure.
        unit: Its unit.
        yardstick: What it stands beside: another figure, of the same run and unit.
        beside: What the yardstick is.
        aim: What was aimed at, for a reader.
        met: Whether it was reached; `None` where nothing was aimed at.
    """

    name: str
    value: float
    unit: str
    yardstick: float | None = None
    beside: str = ""
    aim: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """The figure by its yardstick."""
        return self.value / self.yardstick if self.yardstick else None


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found.

    Attributes:
        title: What it was about.
        figures: What was measured.
        notes: What a reader has to know to judge it: sizes, versions, what bounds a missed aim.
    """

    title: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can carry it."""
        figures = [asdict(figure) | {"ratio": figure.ratio} for figure in self.figures]
        return {"title": self.title, "figures": figures, "notes": list(self.notes)}


def show(reports: Iterable[Report], console: Console) -> None:
    """Print a table a report."""
    for report in reports:
        table = Table(title=report.title, title_justify="left", title_style="bold")
        table.add_column("figure")
        table.add_column("measured", justify="right")
        table.add_column("beside", justify="right")
        table.add_column("ratio", justify="right")
        table.add_column("aim")
        for figure in report.figures:
            beside = "" if figure.yardstick is None else f"{text(figure.yardstick)} {figure.beside}"
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            table.add_row(figure.name, f"{text(figure.value)} {figure.unit}", beside, ratio, _aim(figure))
        console.print(table)
        for note in report.notes:
            console.print(f"  {note}", style="dim", highlight=False)
        console.print()


def _aim(figure: Figure) -> str:
    if figure.met is None:
        return figure.aim
    return f"[green]{figure.aim} ✓[/]" if figure.met else f"[red]{figure.aim} ✗[/]"


def text(value: float) -> str:
    """A figure with as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
