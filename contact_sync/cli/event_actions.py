"""`contact-sync events MODULE:SYNC retry` and `drop`: what a person does with events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import click

from contact_sync.delivery import Delivery, EventRecord
from contact_sync.delivery.base import NO_SUCH_EVENT, OLDER
from contact_sync.results import Result

from .durable import durable
from .event_rows import STATES
from .group import FAILED, Problem, Wrong
from .output import console, counted, plain

_MORE: Final = 1_000
"""So many events may fail between counting the dead letters and listing them."""

_WORTH_A_BAR: Final = 20
"""So many events take long enough for a progress bar."""

_MOST_NAMED: Final = 20
"""So many events that were refused are named; the rest is counted."""


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that have failed.")
@click.option("--installation", metavar="ID", help="With --all: those of this installation.")
@click.option(
    "--although-older", is_flag=True, help="Also those older than what was applied since; they write over it."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def retry(
    context: click.Context,
    ids: tuple[str, ...],
    every: bool,
    installation: str | None,
    although_older: bool,
    yes: bool,
) -> None:
    """Try events again that have failed for good.

    It is as if they had just come, in the order in which they came. One is refused if later events of its contact were
    applied since: it would write older values over theirs. Exit code 1 if any was refused.
    """
    if bool(ids) == every:
        raise Wrong("say which: the IDs of events, or --all")
    if installation is not None and not every:
        raise Wrong("--installation goes with --all; an ID says for whom it is")
    with durable(context.obj["target"]) as sync:
        delivery = sync.delivery
        chosen = _dead_letters(delivery, installation) if every else _in_order(delivery, ids)
        if every and not chosen:
            click.echo("Nothing has failed.")
            return
        if every and not yes:
            click.confirm(f"Try {counted(len(chosen), 'event')} again?", abort=True)
        refused = _each(chosen, lambda id: delivery.replay(id, although_older=although_older))
    again = len(chosen) - len(refused)
    click.echo(f"{counted(again, 'event')} {'is' if again == 1 else 'are'} tried again.")
    _say_refused(refused)
    if any(result.error == OLDER for _, result in refused):
        click.echo(
            "What is older is tried again with --although-older, and then writes over what came later.", err=True
        )
    context.exit(FAILED if refused else 0)


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def drop(context: click.Context, ids: tuple[str, ...], yes: bool) -> None:
    """Take events out that wait or have failed. They are never applied.

    What is in flight, or applied, cannot be dropped. Exit code 1 if any was refused.
    """
    with durable(context.obj["target"]) as sync:
        delivery = sync.delivery
        known = {id: delivery.event(id) for id in dict.fromkeys(ids)}
        if not any(known.values()):
            raise Problem(f"{', '.join(map(plain, known))}: {NO_SUCH_EVENT}")
        if not yes:
            for record in known.values():
                if record is not None:
                    click.echo(_named(record))
            what = "it, so that it is" if len(known) == 1 else "them, so that they are"
            click.confirm(f"Drop {what} never applied?", abort=True)
        refused = _each(list(known), delivery.drop)
    dropped = len(known) - len(refused)
    click.echo(f"{counted(dropped, 'event')} {'is' if dropped == 1 else 'are'} dropped.")
    _say_refused(refused)
    context.exit(FAILED if refused else 0)


def _dead_letters(delivery: Delivery, installation: str | None) -> list[str]:
    """The ids of what has failed, the first that came first: so that none of a contact passes an earlier one."""
    count = delivery.backlog().failed
    failed = delivery.failed(installation=installation, limit=count + _MORE) if count else []
    return [record.id for record in reversed(failed)]


def _in_order(delivery: Delivery, ids: Sequence[str]) -> list[str]:
    """Put ids in the order in which their events came. Those of no event come last, to be refused."""
    arrived = {id: record.arrived for id in ids if (record := delivery.event(id)) is not None}
    return sorted(dict.fromkeys(ids), key=lambda id: (id not in arrived, arrived.get(id, 0.0)))


def _each(ids: Sequence[str], do: Callable[[str], Result]) -> list[tuple[str, Result]]:
    """Do something with each event. Gives those for which it was refused."""
    refused = []
    with _progress(len(ids)) as advance:
        for id in ids:
            result = do(id)
            if not result.success:
                refused.append((id, result))
            advance()
    return refused


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """A bar, if there is a terminal and so much to do that it is worth one."""
    if total < _WORTH_A_BAR or not (out := console()).is_terminal:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("Events", total=total)
        yield lambda: bar.advance(task)


def _say_refused(refused: Sequence[tuple[str, Result]]) -> None:
    for id, result in refused[:_MOST_NAMED]:
        click.echo(f"{plain(id)}: {plain(result.error)}", err=True)
    if len(refused) > _MOST_NAMED:
        click.echo(f"… and {len(refused) - _MOST_NAMED:,} more were refused.", err=True)


def _named(record: EventRecord) -> str:
    noun = "contact" if record.side == "botmatic" else "record"
    what = f"{record.name} of {noun} {record.contact} of {record.installation}"
    return plain(f"{record.id}: {what}, {STATES[record.state]}")
