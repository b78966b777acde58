"""`contact-sync pairs`: look into the pairs of ids."""

from __future__ import annotations

import itertools
from typing import Final

import click

from contact_sync.auth import ANONYMOUS
from contact_sync.integration import ContactSync

from .chosen import SyncGroup, chosen_installation, installation_option, listing_of, stored
from .group import Problem, Wrong
from .output import console, counted, json_option, plain, print_json, table
from .target import sync_argument

UNSEEN: Final = (
    "nothing is installed here, so no pairs can be seen. Those that were migrated are counted with --installation ID, "
    "which migrate has shown, until the integration is installed again."
)

_botmatic_option = click.option("--botmatic", metavar="ID", help="The contact's id on the platform.")
_external_option = click.option("--external", metavar="ID", help="The record's id in the CRM.")


@click.group(cls=SyncGroup)
@sync_argument
@click.pass_context
def pairs(context: click.Context, target: str) -> None:
    """Look up, count, list and remove pairs of ids.

    A pair says which contact of the platform is which record of the CRM.
    """
    context.obj = {**(context.obj or {}), "target": target}


@pairs.command()
@installation_option
@click.option("--all", "every", is_flag=True, help="Every installation that is installed here.")
@json_option
@click.pass_obj
def count(obj: dict[str, str], installation: str | None, every: bool, as_json: bool) -> None:
    """Count the pairs of an installation, or of all.

    A key store cannot say for whom it has pairs, only who is installed. Pairs that were migrated before the
    integration is installed are counted with --installation ID; migrate has shown the ID.
    """
    if every and installation is not None:
        raise Wrong("--all and --installation exclude each other")
    with stored(obj["target"]) as sync:
        listing = listing_of(sync)
        if every:
            counts = {known.id: listing.count_pairs(known.id) for known in sync.installations.all()}
            anonymous = listing.count_pairs(ANONYMOUS)  # without authorization nobody installs, and pairs are made
            if anonymous:
                counts[ANONYMOUS] = anonymous
        else:
            id = chosen_installation(sync, installation)
            counts = {id: listing.count_pairs(id)}
    if every and not counts:
        click.echo(f"Note: {UNSEEN}", err=True)
    if as_json:
        print_json({"pairs": sum(counts.values()), "installations": counts})
    elif every:
        console().print(table("Installation", "Pairs", rows=list(counts.items())))
        console().print(f"{counted(sum(counts.values()), 'pair')} in all that is installed here")
    else:
        click.echo(sum(counts.values()))


@pairs.command()
@_botmatic_option
@_external_option
@installation_option
@json_option
@click.pass_obj
def show(
    obj: dict[str, str], botmatic: str | None, external: str | None, installation: str | None, as_json: bool
) -> None:
    """Show what a contact or a record is paired with. Exit code 1 if it is in no pair."""
    if (botmatic is None) == (external is None):
        raise Wrong("name one id: --botmatic ID or --external ID")
    with stored(obj["target"]) as sync:
        id = chosen_installation(sync, installation)
        pair = _found(sync, id, botmatic, external)
    if as_json:
        print_json({"installation": id, "botmatic": pair[0], "external": pair[1]})
    else:
        console().print(table("Installation", "Botmatic id", "External id", rows=[(id, *pair)]))


@pairs.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at the most.")
@installation_option
@json_option
@click.pass_obj
def list_(obj: dict[str, str], limit: int, installation: str | None, as_json: bool) -> None:
    """List the pairs of an installation, in no order."""
    with stored(obj["target"]) as sync:
        listing = listing_of(sync)
        id = chosen_installation(sync, installation)
        found = list(itertools.islice(listing.iter_pairs(id), limit))
        total = listing.count_pairs(id)
    if as_json:
        rows = [{"botmatic": botmatic, "external": external} for botmatic, external in found]
        print_json({"installation": id, "pairs": total, "shown": rows})
    else:
        console().print(table("Botmatic id", "External id", rows=found))
        console().print(f"{len(found):,} of {counted(total, 'pair')} of {plain(id)}")


@pairs.command()
@_botmatic_option
@_external_option
@installation_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(
    obj: dict[str, str], botmatic: str | None, external: str | None, installation: str | None, yes: bool
) -> None:
    """Take a pair apart. Nothing is deleted on either side.

    The next event of the contact looks for its record again, by the match fields, and creates one if there is none.
    """
    if botmatic is None and external is None:
        raise Wrong("name an id: --botmatic ID, --external ID, or both")
    with stored(obj["target"]) as sync:
        id = chosen_installation(sync, installation)
        pair = _found(sync, id, botmatic, external)
        named = f"Botmatic {plain(pair[0])} and external {plain(pair[1])} of {plain(id)}"
        if not yes:
            click.confirm(f"Take the pair of {named} apart?", abort=True)
        if not sync.key_store.delete_ids(id, *pair):
            raise Problem("the pair has changed meanwhile; nothing was removed")
    click.echo(f"The pair of {named} is no more.")


def _found(sync: ContactSync, id: str, botmatic: str | None, external: str | None) -> tuple[str, str]:
    pair = _find(sync, id, botmatic, external)
    if pair is None:
        raise Problem(_unpaired(sync, id, botmatic, external))
    return pair


def _find(sync: ContactSync, id: str, botmatic: str | None, external: str | None) -> tuple[str, str] | None:
    """The pair that an id is in, or that both are in."""
    if botmatic is None:
        found = sync.key_store.get_botmatic_id(id, external or "")
        return None if found is None else (found, external or "")
    other = sync.key_store.get_external_id(id, botmatic)
    return None if other is None or external not in (None, other) else (botmatic, other)


def _unpaired(sync: ContactSync, id: str, botmatic: str | None, external: str | None) -> str:
    if botmatic is not None and external is not None:
        return f"Botmatic {plain(botmatic)} and external {plain(external)} are not paired with each other"
    buried = sync.abilities.tombstones.is_buried(id, botmatic_id=botmatic, external_id=external)
    name = f"external {plain(external)}" if botmatic is None else f"Botmatic {plain(botmatic)}"
    return f"{name} is in no pair of {plain(id)}{'; it was deleted not long ago' if buried else ''}"
