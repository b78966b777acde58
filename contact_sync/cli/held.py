"""`contact-sync held`: contacts that wait for a person to decide."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from contact_sync.held import HeldContact

from .chosen import chosen_installation, stored
from .output import console, counted, json_option, plain, print_json, table
from .speaking import see_records
from .target import sync_argument

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@sync_argument
@click.option("--installation", metavar="ID", help="Which installation.  [default: every one]")
@json_option
def held(target: str, installation: str | None, as_json: bool) -> None:
    """List the contacts that are held: they may be several records, or none, and a person has to say which.

    `contact-sync resolve` settles one. Those that have found their record meanwhile are not held any more.
    """
    with stored(target) as sync:
        see_records(sync)
        every = [one.id for one in sync.installations.all()] if installation is None else []
        ids = every or [chosen_installation(sync, installation)]
        found = {id: sync.review.held(id) for id in ids}
    if as_json:
        print_json([{"installation": id, **asdict(one)} for id, waiting in found.items() for one in waiting])
        return
    for id, waiting in found.items():
        if waiting:
            _show(console(), id, waiting)
    if any(found.values()):
        click.echo(f"Settle one with: contact-sync resolve {plain(target)} ID --with OTHER_ID, or --create")
    else:
        click.echo("Nothing is held.")


def _show(out: Console, installation: str, waiting: list[HeldContact]) -> None:
    rows = [
        (
            one.side,
            one.id,
            ", ".join(one.candidates) or "–",
            one.since.replace("T", " ").removesuffix("+00:00"),
            f"{one.reason}; decided: to be created" if one.decision == "create" else one.reason,
        )
        for one in waiting
    ]
    out.print(table("Side", "Id", "May be", "Since (UTC)", "Why", rows=rows))
    out.print(f"{counted(len(waiting), 'contact')} of {plain(installation)}", end="\n\n")
