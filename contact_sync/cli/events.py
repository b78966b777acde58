"""`contact-sync events`: what a durable delivery has stored."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final

import click
from click.core import ParameterSource

from contact_sync.delivery import Backlog, EventRecord, State
from contact_sync.delivery.base import NO_SUCH_EVENT

from .chosen import SyncGroup
from .durable import durable
from .event_actions import drop, retry
from .event_rows import (
    NO_WORKER,
    STATES,
    backlog_json,
    backlog_said,
    event_json,
    event_rows,
    lacks_worker,
    standing,
)
from .group import Problem, Wrong
from .output import console, json_option, plain, print_json, spoken, table, utc_for_people
from .target import sync_argument

_ORDER: Final = (State.FAILED, State.IN_FLIGHT, State.WAITING, State.APPLIED)
"""In which order states are listed: what wants somebody's attention comes first."""


class EventsGroup(SyncGroup):
    """The commands on events; without one of them, events are listed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments. The options of the list may follow MODULE:SYNC, where other groups have a command."""
        ctx.allow_interspersed_args = any(arg.startswith("-") for arg in args[:2])
        return super().parse_args(ctx, args)


@click.group(cls=EventsGroup, invoke_without_command=True, subcommand_metavar="[COMMAND] [ARGS]...")
@sync_argument
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in State]),
    multiple=True,
    help="Those in this state; may be given several times.  [default: all but applied]",
)
@click.option("--installation", metavar="ID", help="Those of this installation.")
@click.option("--contact", metavar="ID", help="Those of this contact, by its id on the side that told of them.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many of each state.")
@click.option("--watch", is_flag=True, help="Show each second how much there is, until Ctrl-C.")
@json_option
@click.pass_context
def events(
    context: click.Context,
    target: str,
    states: tuple[str, ...],
    installation: str | None,
    contact: str | None,
    limit: int,
    watch: bool,
    as_json: bool,
) -> None:
    """See what waits to be applied, what is in flight, and what has failed for good.

    Without a command, all of that is listed: first how much there is, then the dead letters (the latest first), what is
    in flight, and what waits (the first in line first). No value of a contact is shown.

    With --watch it is only shown how much there is, second by second; with --watch --json, as a JSON object a line.
    """
    context.obj = {**(context.obj or {}), "target": target}
    filters = {name for name in ("states", "installation", "contact", "limit") if _is_given(context, name)}
    if context.invoked_subcommand is not None:
        if filters or watch or as_json:
            raise Wrong(f"options of {context.invoked_subcommand!r} come after it; those before it are of the list")
    elif not watch:
        wanted = [state for state in _ORDER if state in states] or _ORDER[:-1]
        _list(target, wanted, installation, contact, limit, as_json)
    elif filters:
        raise Wrong("--watch shows all there is; leave out --state, --installation, --contact and --limit")
    else:
        _watch(target, as_json)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


def _list(
    target: str, states: Sequence[State], installation: str | None, contact: str | None, limit: int, as_json: bool
) -> None:
    with durable(target) as sync:
        backlog = sync.delivery.backlog()
        found = {
            state: sync.delivery.events(states=[state], installation=installation, contact=contact, limit=limit)
            for state in states
        }
    if as_json:
        listed = [event_json(record) for records in found.values() for record in records]
        print_json(backlog_json(backlog) | {"events": listed})
    else:
        _show_all(plain(target), backlog, found, limit)


def _watch(target: str, as_json: bool) -> None:
    from .watching import watch, watch_as_json

    with durable(target) as sync, contextlib.suppress(KeyboardInterrupt):
        if as_json:
            watch_as_json(sync.delivery)
        else:
            watch(sync.delivery, target)


def _show_all(target: str, backlog: Backlog, found: Mapping[State, Sequence[EventRecord]], limit: int) -> None:
    now = time.time()
    records = [record for one in found.values() for record in one]
    click.echo(backlog_said(backlog, now))
    if records:
        out = console()
        click.echo()
        out.print(event_rows(records, now, out.width))
        click.echo()
    if any(len(one) == limit for one in found.values()):
        click.echo(f"At most {limit:,} of a state are listed; --limit N lists more.")
    if found.get(State.FAILED):
        click.echo(f"Try again with: contact-sync events {target} retry ID, or --all")
    if lacks_worker(backlog, found.get(State.WAITING, ()), now):
        click.echo(NO_WORKER.format(target=target))


@events.command()
@click.argument("id")
@json_option
@click.pass_obj
def show(obj: dict[str, str], id: str, as_json: bool) -> None:
    """Show all that is known of an event, with the tries that failed. Exit code 1 if there is no such event."""
    with durable(obj["target"]) as sync:
        record = sync.delivery.event(id)
    if record is None:
        raise Problem(f"{plain(id)}: {NO_SUCH_EVENT}")
    if as_json:
        print_json(event_json(record))
    else:
        _show(record, time.time())


def _show(record: EventRecord, now: float) -> None:
    out = console()
    stands = standing(record, now)
    rows = [
        ("Event", record.name),
        ("Told by", "the platform" if record.side == "botmatic" else "the CRM"),
        ("Contact", record.contact),
        ("Installation", record.installation),
        ("State", f"{STATES[record.state]}{f': {stands}' if stands else ''}"),
        ("Arrived", f"{utc_for_people(record.arrived)} UTC, {spoken(now - record.arrived)} ago"),
        *([] if record.due is None else [("Due", f"{utc_for_people(record.due)} UTC")]),
        *([] if record.settled is None else [("Settled", f"{utc_for_people(record.settled)} UTC")]),
        ("Tries", str(record.tries)),
        *([] if record.error is None else [("Error", record.error)]),
    ]
    out.print(table("Id", record.id, rows=rows))
    if record.attempts:
        tried = [(utc_for_people(attempt.at), attempt.error) for attempt in record.attempts]
        out.print(table("Failed (UTC)", "Error", rows=tried))


events.add_command(retry)
events.add_command(drop)
