"""What commands print: tables for people, JSON for programs. Only tables need rich: it is imported for them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH_OF_A_FILE: Final = 160

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def console() -> Console:
    """The terminal, or whatever the output goes to; that is wide enough for ids to stay on one line."""
    from rich.console import Console

    made = Console(highlight=False, markup=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _WIDTH_OF_A_FILE
    return made


def plain(text: object) -> str:
    """A text that is safe on a terminal: ids may hold anything, also what clears the screen."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))


def counted(number: int, noun: str) -> str:
    """A number of things: `1 pair`, `2,000 pairs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def spoken(seconds: float) -> str:
    """A stretch of time, as roughly as one says it: `4 s`, `12 min`, `3 h`, `8 days`."""
    for size, unit in ((2 * 86_400.0, "days"), (2 * 3_600.0, "h"), (2 * 60.0, "min")):
        if seconds >= size:
            return f"{2 * seconds / size:,.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def milliseconds(began: float) -> str:
    """How long something took that began at a time of `time.perf_counter`."""
    return f"{1000 * (time.perf_counter() - began):.0f} ms"


def utc(at: float | None) -> str | None:
    """A time (seconds since the epoch) in ISO 8601, for programs."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def utc_for_people(at: float) -> str:
    """A time (seconds since the epoch), for tables whose heading says that it is UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2))


def table(*columns: str, rows: Sequence[Sequence[object]]) -> Table:
    """Make a table of plain texts. What does not fit is folded, never cut; numbers stand on the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        right = bool(rows) and all(type(row[number]) is int for row in rows)
        made.add_column(name, overflow="fold", justify="right" if right else "left")
    for row in rows:
        made.add_row(*[value if isinstance(value, Text) else plain(_written(value)) for value in row])
    return made


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
