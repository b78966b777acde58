"""`contact-sync forget`: erase all that is kept about a contact."""

from __future__ import annotations

from typing import Final

import click

from contact_sync.delivery import forget_events
from contact_sync.integration import ContactSync
from mappers import Side

from .chosen import SyncCommand, chosen_installation, installation_option, stored
from .group import Problem
from .output import counted, plain
from .speaking import NAMES, partner_of, said, silent_scope
from .target import sync_argument

MOST: Final = 1_000
"""Among how many events with an id it is looked for one of the right side."""


@click.command(cls=SyncCommand)
@sync_argument
@click.argument("id")
@click.option(
    "--side", type=click.Choice(list(NAMES)), default="ext", show_default=True, help="The side whose id it is."
)
@installation_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(target: str, id: str, side: str, installation: str | None, yes: bool) -> None:
    """Erase all that is kept about a contact: its pair, baseline and tombstones, that it is held, and its events.

    Neither side is written to, so delete the contact there first: what either side tells of it later makes it known
    again. Exit code 1 if nothing was kept.
    """
    with stored(target) as sync:
        whose = chosen_installation(sync, installation)
        own = f"{NAMES[side]} {plain(id)}"
        partner = partner_of(sync, whose, side, id)
        other = NAMES["ext" if side == "botmatic" else "botmatic"]
        paired = "" if partner is None else f" (paired with {other} {plain(partner)})"
        about = f"about {own}{paired} of {plain(whose)}"
        scope = silent_scope(sync, whose)
        engine = sync.engine
        route = engine.to_external(scope) if side == "botmatic" else engine.to_platform(scope)
        ids: dict[Side, str | None] = {
            "botmatic": id if side == "botmatic" else partner,
            "ext": id if side == "ext" else partner,
        }
        has_events = any(_has_events(sync, whose, *one) for one in ids.items())
        known = partner is not None or _is_buried(sync, whose, side, id) or engine.endings.remembers(route, id)
        if not known and not has_events:
            raise Problem(f"nothing is kept {about}")
        if not yes:
            click.confirm(f"Erase all that is kept {about}?", abort=True)
        # Before all else: what is applied meanwhile would make it known again.
        events = forget_events(sync.delivery, whose, ids)
        before = sync.abilities.records.get_records(whose)
        result = engine.forget(route, id)
        if not result.success:
            raise Problem(said(result))
        nothing = result.action == "unchanged" and sync.abilities.records.get_records(whose).keys() >= before.keys()
    if nothing and not events:
        raise Problem(f"nothing is kept {about}")
    more = f", with {counted(events, 'event')} of it" if events else ""
    click.echo(f"Erased: all that was kept {about}{more}.")


def _has_events(sync: ContactSync, installation: str, side: Side, id: str | None) -> bool:
    """Whether there are events of a contact that a side has told of."""
    if id is None:
        return False
    return any(event.side == side for event in sync.delivery.events(installation=installation, contact=id, limit=MOST))


def _is_buried(sync: ContactSync, installation: str, side: str, id: str) -> bool:
    """Whether a tombstone lies on a contact of a side."""
    tombstones = sync.abilities.tombstones
    if side == "botmatic":
        return tombstones.is_buried(installation, botmatic_id=id)
    return tombstones.is_buried(installation, external_id=id)
