"""`contact-sync forget`: erase all that is kept about a contact."""

from __future__ import annotations

import click

from contact_sync.integration import ContactSync

from .chosen import SyncCommand, chosen_installation, installation_option, stored
from .group import Problem
from .output import plain
from .speaking import NAMES, partner_of, said, silent_scope
from .target import sync_argument


@click.command(cls=SyncCommand)
@sync_argument
@click.argument("id")
@click.option(
    "--side", type=click.Choice(list(NAMES)), default="ext", show_default=True, help="The side whose id it is."
)
@installation_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(target: str, id: str, side: str, installation: str | None, yes: bool) -> None:
    """Erase all that is kept about a contact: its pair, baseline and tombstones, and that it is held.

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
        if partner is None and not _is_buried(sync, whose, side, id) and not engine.endings.remembers(route, id):
            raise Problem(f"nothing is kept {about}")
        if not yes:
            click.confirm(f"Erase all that is kept {about}?", abort=True)
        before = sync.abilities.records.get_records(whose)
        result = engine.forget(route, id)
        if not result.success:
            raise Problem(said(result))
        nothing = result.action == "unchanged" and sync.abilities.records.get_records(whose).keys() >= before.keys()
    if nothing:
        raise Problem(f"nothing is kept {about}")
    click.echo(f"Erased: all that was kept {about}.")


def _is_buried(sync: ContactSync, installation: str, side: str, id: str) -> bool:
    """Whether a tombstone lies on a contact of a side."""
    tombstones = sync.abilities.tombstones
    if side == "botmatic":
        return tombstones.is_buried(installation, botmatic_id=id)
    return tombstones.is_buried(installation, external_id=id)
