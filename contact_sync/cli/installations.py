"""`contact-sync installations`: who is installed."""

from __future__ import annotations

import re
from typing import Final

import click

from contact_sync.delivery import State
from contact_sync.integration import ContactSync

from .chosen import SyncGroup, listing_of, stored
from .group import Problem, Wrong
from .output import console, counted, json_option, plain, print_json, table
from .target import sync_argument

_ID: Final = re.compile(r"client:.+|token:[0-9a-f]{32}", re.DOTALL)


@click.group(cls=SyncGroup)
@sync_argument
@click.pass_context
def installations(context: click.Context, target: str) -> None:
    """List, move and forget installations: one for each workspace that the integration was installed in."""
    context.obj = {**(context.obj or {}), "target": target}


@installations.command("list")
@json_option
@click.pass_obj
def list_(obj: dict[str, str], as_json: bool) -> None:
    """List who is installed, since when, with how many tokens and pairs.

    A token is readable if it was remembered with one of the secret keys; then commands and background work can speak
    for the installation.
    """
    with stored(obj["target"]) as sync:
        rows: list[dict[str, object]] = [
            {
                "id": known.id,
                "since": known.since,
                "tokens": len(known.tokens),
                "readable_token": sync.installations.token_of(known.id) is not None,
                "pairs": _count(sync, known.id),
            }
            for known in sync.installations.all()
        ]
    if as_json:
        print_json(rows)
    elif rows:
        for row in rows:
            row["since"] = str(row["since"]).replace("T", " ").removesuffix("+00:00")
        shown = [["?" if value is None else value for value in row.values()] for row in rows]
        console().print(table("Installation", "Since (UTC)", "Tokens", "Readable", "Pairs", rows=shown))
    else:
        click.echo("Nothing is installed.")


@installations.command()
@click.argument("old")
@click.argument("new")
@click.pass_obj
def move(obj: dict[str, str], old: str, new: str) -> None:
    """Give an installation another id, with its pairs and tokens; as when installation_id is introduced.

    NEW is what installation_id returns, with `client:` in front. Stop the service before, and start it with the new
    setting afterwards. With a durable delivery, have all that waits applied before. Safe to run again after it was
    interrupted.
    """
    if not _ID.fullmatch(new):
        raise Wrong("NEW: expected client:… (what installation_id returns, with 'client:' in front)")
    if old == new:
        raise Wrong("OLD and NEW are the same")
    with stored(obj["target"]) as sync, sync.installations.changing(old, new):
        _check_applied(sync, old, obj["target"])
        try:
            moved = sync.installations.move(old, new)
        except LookupError as error:
            raise Problem(plain(error)) from error
    click.echo(f"{plain(old)} is {plain(new)} now: {_pairs(moved)}.")


@installations.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(obj: dict[str, str], id: str, yes: bool) -> None:
    """Forget an installation with all that is kept for it, as its uninstall would. Listeners do not run.

    Nothing is deleted on the platform or in the CRM.
    """
    with stored(obj["target"]) as sync:
        known = sync.installations.find(id)
        count = _count(sync, id)
        if known is None and not count:
            raise Problem(f"there is no installation {plain(id)}")
        tokens = len(known.tokens) if known else 0
        what = f"{_pairs(count)} and {counted(tokens, 'token')}"
        if not yes:
            click.confirm(f"Forget {plain(id)}, with {what}?", abort=True)
        with sync.installations.changing(id):
            events = sync.delivery.forget(id)  # first, so that it can be done again if it fails here
            sync.installations.erase(id)
    waited = f"; {counted(events, 'event')} of it went with it" if events else ""
    click.echo(f"{plain(id)} is forgotten: {what}{waited}.")


def _check_applied(sync: ContactSync, id: str, target: str) -> None:
    """See to it that nothing is stored under an id that is given up: nobody could apply it any more.

    Raises:
        Problem: Something is.
    """
    left = sync.delivery.events(states=[State.FAILED, State.WAITING, State.IN_FLIGHT], installation=id, limit=1)
    if left:
        raise Problem(
            f"events of {plain(id)} are not applied yet, and could not be under another id. Let 'contact-sync worker "
            f"{plain(target)}' apply what waits; retry or drop what has failed: contact-sync events {plain(target)} "
            "--installation OLD"
        )


def _count(sync: ContactSync, id: str) -> int | None:
    return None if sync.abilities.listing is None else listing_of(sync).count_pairs(id)


def _pairs(count: int | None) -> str:
    return "its pairs" if count is None else counted(count, "pair")
