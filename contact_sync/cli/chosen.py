"""Whose pairs a command is about, and the groups of commands that work on a store."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Final

import click

from contact_sync.auth import ANONYMOUS
from contact_sync.integration import ContactSync
from key_stores import PairListing

from .group import Problem, Wrong
from .output import plain
from .stores import USE_ANOTHER, is_of_this_process, name_of
from .target import load_sync

_MOST_NAMED: Final = 10

_TARGET: Final = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")

installation_option = click.option(
    "--installation", metavar="ID", help="Which installation.  [default: the only one there is]"
)


class SyncGroup(click.Group):
    """Commands that work on somebody's sync: `contact-sync GROUP MODULE:SYNC COMMAND …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments. Who puts the command first is told, or gets the command's help."""
        if args and args[0] in self.commands:
            if not set(ctx.help_option_names) & set(args):
                raise Wrong(f"MODULE:SYNC comes before {args[0]!r}: contact-sync {ctx.info_name} app:sync {args[0]} …")
            args = ["MODULE:SYNC", *args]
        return super().parse_args(ctx, args)


class SyncCommand(click.Command):
    """A command about one contact of somebody's sync: `contact-sync COMMAND MODULE:SYNC ID`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments. Who gives the id alone is told what comes before it."""
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter:
            given = ctx.params.get("target")
            if given is None or _TARGET.fullmatch(given):
                raise
            id = plain(given)
            raise Wrong(f"MODULE:SYNC comes first: contact-sync {ctx.info_name} app:sync {id} …") from None


@contextlib.contextmanager
def stored(target: str) -> Iterator[ContactSync]:
    """Load a sync to look into its key store.

    Raises:
        Problem: The store cannot be looked into from here.
    """
    sync = load_sync(target)
    if is_of_this_process(sync.key_store):
        raise Problem(
            f"the key store of {target} ({name_of(sync.key_store)}) is in the memory of the process that serves; no "
            f"other process can look into it: {USE_ANOTHER}"
        )
    with sync:
        yield sync


def listing_of(sync: ContactSync) -> PairListing:
    """The store's ability to count and list pairs.

    Raises:
        Problem: It has none.
    """
    if sync.abilities.listing is None:
        raise Problem(f"{name_of(sync.key_store)} can neither count nor list its pairs (it is no PairListing)")
    return sync.abilities.listing


def chosen_installation(sync: ContactSync, given: str | None) -> str:
    """The installation that was named, else the only one.

    Raises:
        Problem: None was named, and there is not exactly one.
    """
    if given is not None:
        if given != ANONYMOUS and sync.installations.find(given) is None:
            click.echo(f"Note: {plain(given)} is not installed here.", err=True)
        return given
    known = [installation.id for installation in sync.installations.all()]
    if not known:
        raise Problem("nothing is installed here; name an installation with --installation ID")
    if len(known) > 1:
        more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
        names = ", ".join(known[:_MOST_NAMED])
        raise Problem(f"{len(known)} installations are here ({names}{more}); name one with --installation ID")
    return known[0]
