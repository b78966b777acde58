"""`contact-sync migrate`: take over the pairs of a Node js-contact's Redis."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from contact_sync.installations import token_installation_id
from key_stores import KeyStore, KeyStoreError, Ping, open_key_store
from key_stores.node import MigrationReport, migrate_node_layout

from .group import Problem, Wrong
from .output import console, counted, plain, table
from .tokens import given_token

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option(
    "--from",
    "source",
    metavar="URL",
    required=True,
    envvar="CONTACT_SYNC_MIGRATE_FROM",
    show_envvar=True,
    help="The Redis of the Node service (redis://…).",
)
@click.option(
    "--to",
    "target",
    metavar="URL",
    required=True,
    envvar="CONTACT_SYNC_MIGRATE_TO",
    show_envvar=True,
    help="The new key store (redis://…, sqlite:///…, …).",
)
@click.option("--dry-run", is_flag=True, help="Count only; write nothing.")
@click.option("--delete-source", is_flag=True, help="Remove the old keys of each pair that the new store has.")
@click.option("--token-env", metavar="NAME", help="Take one token's pairs: the environment variable that holds it.")
@click.option("--ask-token", is_flag=True, help="Take one token's pairs: ask for it.")
@click.option(
    "--installation", metavar="ID", help="Save that token's pairs for this installation.  [default: the token's own]"
)
def migrate(
    source: str,
    target: str,
    dry_run: bool,
    delete_source: bool,
    token_env: str | None,
    ask_token: bool,
    installation: str | None,
) -> None:
    """Take over the pairs of a Node js-contact's Redis.

    There, each pair is two keys that begin with the raw token. The new store gets one pair for each, under the
    installation's id. It is safe to run twice: what the new store has already is never changed. The old keys stay
    unless --delete-source is given. No token is shown.
    """
    if dry_run and delete_source:
        raise Wrong("--dry-run and --delete-source exclude each other")
    if token_env is not None and ask_token:
        raise Wrong("--token-env and --ask-token exclude each other")
    token = given_token(token_env, asked=ask_token)
    if installation is not None and token is None:
        raise Wrong("--installation goes with one token: --token-env NAME or --ask-token")
    installation_of: Callable[[str], str] = token_installation_id if installation is None else lambda _: installation
    if source.partition("://")[0].lower() not in ("redis", "rediss", "unix"):
        raise Wrong("--from: the Node library keeps its pairs in one Redis; give a redis:// or rediss:// URL")
    if target.lower().startswith("memory:"):
        raise Wrong("--to: what is in memory is gone when this command ends; give another URL")
    with _opened("--from", source), _opened("--to", target) as new:
        out = console()
        with _shown(out) as progress:
            report = migrate_node_layout(
                source,
                new,
                installation_of=installation_of,
                only_token=token,
                dry_run=dry_run,
                delete_source=delete_source,
                progress=progress,
            )
    _summarize(out, report)


@contextlib.contextmanager
def _opened(option: str, url: str) -> Iterator[KeyStore]:
    """Open a store and see that it answers, so that an error says which of the two it is about."""
    try:
        store = open_key_store(url)
    except KeyStoreError as error:
        raise Wrong(f"{option}: {error}") from error
    try:
        try:
            if isinstance(store, Ping):
                store.ping()
        except KeyStoreError as error:
            raise Problem(f"{option}: {error}") from error
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def _shown(out: Console) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; elsewhere a line for each tenth."""
    if not out.is_terminal:
        yield _Lines()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("Keys"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out) as bar:
        task = bar.add_task("Keys", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    def __init__(self) -> None:
        self._tenths = 0

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total if total else 10
        if tenths > self._tenths:
            self._tenths = tenths
            click.echo(f"{done:,} of {counted(total, 'key')} gone through")


def _summarize(out: Console, report: MigrationReport) -> None:
    saved = [(plain(installation), number) for installation, number in sorted(report.saved.items())]
    if saved:
        out.print(table("Installation", "Pairs to save" if report.dry_run else "Pairs saved", rows=saved))
    rows = [
        ("pairs saved", report.saved.total(), ""),
        ("of them half-written", report.halves, "one direction was missing in Node"),
        ("pairs there already", report.present, ""),
        ("conflicts", report.conflicts, "not taken: the new store has one of the ids in another pair"),
        ("stale keys", report.stale, "not taken: the other direction names another id"),
        ("ambiguous keys", report.ambiguous, "not taken: they can be read in several ways; try one token at a time"),
        ("other keys", report.foreign, "not taken: they look alike and belong to no token with pairs"),
        ("old keys removed", report.deleted, ""),
    ]
    shown = [row for number, row in enumerate(rows) if number == 0 or row[1]]
    out.print(table("", "Number", "", rows=shown))
    if report.dry_run:
        out.print("This was a dry run: nothing was written.")
