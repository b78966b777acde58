"""Events of a durable delivery as they are shown: a line with what they are, and below it what is to be known of them.

An id has 32 characters and an error is a sentence, so a plain table would fold both beyond recognition on 80 columns.
Ids are never folded: they are there to be copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from contact_sync.delivery import Backlog, EventRecord, State

from .output import plain, spoken, utc

if TYPE_CHECKING:
    from rich.console import OverflowMethod, RenderableType
    from rich.text import Text

STATES: Final = {state: state.replace("_", " ") for state in State}
"""What a state is called."""

STYLES: Final = {State.WAITING: "yellow", State.IN_FLIGHT: "cyan", State.APPLIED: "green", State.FAILED: "bold red"}

LATE_SECONDS: Final = 5.0
"""What has been due for longer may wait for want of a worker."""

NO_WORKER: Final = "Events are due, and none is in flight: is a worker running? contact-sync worker {target}"

NARROW: Final = 76
"""On fewer columns, an id has a line of its own."""

_COLUMNS: Final = ("Id", "Event", "Contact", "State", "Age", "Tries")
_GAP: Final = 2
_SHORTEST_CONTACT: Final = 8


def event_rows(records: Sequence[EventRecord], now: float, width: int, *, brief: bool = False) -> RenderableType:
    """Make the list of events.

    Args:
        records: The events.
        now: The time from which ages are counted.
        width: How wide the terminal is.
        brief: Whether nothing is folded, but cut.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    rows = [dict(zip(_COLUMNS, _cells(record, now), strict=True)) for record in records]
    columns = _COLUMNS if width >= NARROW else _COLUMNS[1:]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in columns}
    room = width - sum(widths.values()) + widths["Contact"] - _GAP * (len(widths) - 1)
    widths["Contact"] = max(min(widths["Contact"], room), _SHORTEST_CONTACT)
    several = len({record.installation for record in records}) > 1
    overflow: OverflowMethod = "ellipsis" if brief else "fold"
    lines: list[RenderableType] = [
        _line({name: Text(name, "bold") for name in columns}, widths),
        Text("─" * min(width, sum(widths.values()) + _GAP * (len(widths) - 1)), "dim"),
    ]
    for record, row in zip(records, rows, strict=True):
        if "Id" not in columns:
            lines.append(Text(row["Id"]))
        cells = {name: Text(row[name], no_wrap=brief, overflow=overflow) for name in columns}
        cells["State"].stylize(STYLES[record.state])
        lines.append(_line(cells, widths))
        more = _more(record, now, several)
        if more:
            lines.append(Padding(Text(more, "dim", no_wrap=brief, overflow=overflow), (0, 0, 0, _GAP), expand=False))
    return Group(*lines)


def backlog_said(backlog: Backlog, now: float) -> str:
    """Say how much there is."""
    if not (backlog.waiting or backlog.in_flight or backlog.failed):
        return "Nothing waits, and nothing has failed."
    oldest = "" if backlog.oldest is None else f"; the oldest arrived {spoken(now - backlog.oldest)} ago"
    return f"{backlog.failed:,} failed, {backlog.in_flight:,} in flight, {backlog.waiting:,} waiting{oldest}."


def lacks_worker(backlog: Backlog, waiting: Sequence[EventRecord], now: float) -> bool:
    """Whether it looks as if nobody applies what waits.

    Args:
        backlog: How much there is.
        waiting: The first in line.
        now: The time.
    """
    return not backlog.in_flight and any(one.due is not None and now - one.due > LATE_SECONDS for one in waiting)


def backlog_json(backlog: Backlog) -> dict[str, Any]:
    """Make what programs get of how much there is."""
    return {
        "waiting": backlog.waiting,
        "in_flight": backlog.in_flight,
        "failed": backlog.failed,
        "oldest": utc(backlog.oldest),
    }


def event_json(record: EventRecord) -> dict[str, Any]:
    """Make what programs get of an event. Times are ISO 8601."""
    return {
        "id": record.id,
        "installation": record.installation,
        "side": record.side,
        "contact": record.contact,
        "name": record.name,
        "state": record.state,
        "arrived": utc(record.arrived),
        "settled": utc(record.settled),
        "due": utc(record.due),
        "action": record.action,
        "error": record.error,
        "tries": record.tries,
        "attempts": [{"at": utc(attempt.at), "error": attempt.error} for attempt in record.attempts],
    }


def standing(record: EventRecord, now: float) -> str:
    """Say when an event is tried next, or when and by what it was settled; empty if there is nothing to say."""
    if record.state is State.WAITING:
        left = 0.0 if record.due is None else record.due - now
        if left > 0:
            return f"{'next try' if record.tries else 'its turn'} in {spoken(left)}"
        return "" if not record.tries else "next try now"
    if record.state is State.IN_FLIGHT or record.settled is None:
        return ""
    ago = f"{spoken(now - record.settled)} ago"
    return f"{record.action or 'applied'} {ago}" if record.state is State.APPLIED else f"given up {ago}"


def _cells(record: EventRecord, now: float) -> list[str]:
    return [
        plain(record.id),
        plain(record.name.removeprefix("contact_")) + (" in CRM" if record.side == "ext" else ""),
        plain(record.contact),
        STATES[record.state],
        spoken(now - record.arrived),
        f"{record.tries:,}",
    ]


def _more(record: EventRecord, now: float, several: bool) -> str:
    last = record.attempts[-1].error if record.attempts and record.state is not State.APPLIED else None
    error = record.error or last
    said = [f"of {record.installation}"] if several else []
    said += [part for part in (standing(record, now), error) if part]
    return plain(" · ".join(said))


def _line(cells: Mapping[str, Text], widths: Mapping[str, int]) -> RenderableType:
    from rich.table import Table

    line = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    for name, width in widths.items():
        line.add_column(width=width, justify="right" if name == "Tries" else "left")
    line.add_row(*cells.values())
    return line
