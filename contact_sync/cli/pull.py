"""`contact-sync pull`: ask the CRM what has changed, once or again and again."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import Final

import click

from contact_sync.integration import ContactSync
from contact_sync.reports import PullReport
from contact_sync.server.signals import Bell

from .chosen import stored
from .group import FAILED, OURS, Problem, Wrong
from .output import counted, plain, spoken, utc_for_people
from .target import sync_argument
from .tokens import given_token

_MOST_NAMED: Final = 10

_COUNTS: Final = ("created", "updated", "deleted", "skipped")


@click.command()
@sync_argument
@click.option("--installation", metavar="ID", help="Which installation.  [default: all of them]")
@click.option("--token-env", metavar="NAME", help="Pull with a token: the environment variable that holds it.")
@click.option("--ask-token", is_flag=True, help="Pull with a token: ask for it.")
@click.option("--full", is_flag=True, help="List everything, and look for records that are gone.")
@click.option(
    "--every", type=click.FloatRange(1, 86_400), metavar="SECONDS", help="Pull again and again, until stopped."
)
@click.pass_context
def pull(
    context: click.Context,
    target: str,
    installation: str | None,
    token_env: str | None,
    ask_token: bool,
    full: bool,
    every: float | None,
) -> None:
    """Ask the CRM what has changed since the last time, and apply it to the platform.

    It needs a consumer with list_changed; --full does with any. Each installation has its own place to go on from.

    SIGTERM or Ctrl-C lets the page in hand be applied; a second one ends it at once. Exit code 1 if something failed
    or was not finished: the next pull goes on from there.
    """
    if sum((installation is not None, token_env is not None, ask_token)) > 1:
        raise Wrong("--installation, --token-env and --ask-token exclude each other")
    token = given_token(token_env, asked=ask_token)
    with stored(target) as sync, contextlib.closing(Bell()) as bell:
        pulls = Pulls(sync, token, installation, full=full, timed=every is not None)
        if every is not None:
            click.secho(f"contact-sync pulls for {target} every {every:g} s", bold=True, err=True)
            click.secho("Ctrl-C stops it.", dim=True, err=True)
        with bell.hearing_signals(pulls.hear):
            while pulls.once() and every is not None:
                if bell.wait_until(lambda: pulls.stopping, every):
                    break
    context.exit(0 if pulls.well else FAILED)


class _Stop(Exception):
    """Ends a pull after a page: raised where it tells how far it has come."""


@dataclass(frozen=True, slots=True)
class _Whose:
    """For whom is pulled: what it is called, and how `pull_changes` is told."""

    name: str
    token: str | None = None
    installation: str | None = None


class Pulls:
    """Pulls for one installation, or for all that there are, as often as it is asked to.

    Args:
        sync: What pulls.
        token: Whose token to pull with; or
        installation: the only one to pull for.
        full: Whether everything is listed.
        timed: Whether lines begin with the time.

    Attributes:
        stopping: Whether it was asked to stop.
        well: Whether the last round went well, and came to its end.
    """

    def __init__(
        self, sync: ContactSync, token: str | None, installation: str | None, *, full: bool, timed: bool
    ) -> None:
        self._sync = sync
        self._token = token
        self._installation = installation
        self._full = full
        self._timed = timed
        self._pulling = False
        self.stopping = False
        self.well = False

    def hear(self, _number: int) -> None:
        """Hear SIGTERM or Ctrl-C: stop after the page in hand, the second time at once.

        Raises:
            KeyboardInterrupt: It is the second time.
        """
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True
        if self._pulling:
            click.echo("Stopping after the page in hand; once more ends it at once.", err=True)

    def once(self) -> bool:
        """Pull for everybody, one after the other. Whether it may go on; what went wrong was said.

        Raises:
            Problem: Nobody is installed, and there will be no other round.
        """
        try:
            everybody = self._everybody()
        except (*OURS, Problem) as error:
            if not self._timed:
                raise
            self.well = False
            self._say(f"Error: {error}", err=True)  # a store that is away may come back
            return not self.stopping
        self.well = True
        for number, whose in enumerate(everybody):
            if self.stopping:
                left = ", ".join(plain(one.name) for one in everybody[number:])
                self._say(f"Stopped; not pulled for: {left}", err=True)
                self.well = self._timed and self.well
                break
            self._pull(whose)
        return not self.stopping

    def _everybody(self) -> list[_Whose]:
        if self._token is not None:
            return [_Whose("the token's installation", token=self._token)]
        if self._installation is not None:
            return [_Whose(self._installation, installation=self._installation)]
        known = self._sync.installations.all()
        if not known:
            raise Problem("nothing is installed here, so there is nobody to pull for")
        return [_Whose(one.id, installation=one.id) for one in known]

    def _pull(self, whose: _Whose) -> None:
        began = time.monotonic()
        cut: list[PullReport] = []

        def progress(report: PullReport) -> None:
            _show_progress(f"{plain(whose.name)}: {counted(report.total, 'record')} so far")
            if self.stopping:
                cut.append(report)
                raise _Stop

        self._pulling = True
        report = self._sync.pull_changes(
            whose.token, installation=whose.installation, progress=progress, full=self._full
        )
        self._pulling = False
        _show_progress("")
        took = spoken(time.monotonic() - began)
        if report.error is None or report.total or cut:
            self._say(f"{plain(whose.name)}: {_counts(report)}, in {took}")
        for id, error in report.failed[:_MOST_NAMED]:
            self._say(f"  {'a record without an id' if id is None else plain(id)}: {plain(error)}", err=True)
        if len(report.failed) > _MOST_NAMED:
            self._say(f"  and {len(report.failed) - _MOST_NAMED:,} more", err=True)
        if cut:
            begin = "lists everything again" if self._full else "goes on from there"
            self._say(f"{plain(whose.name)}: stopped after a page; the next pull {begin}", err=True)
            self.well = self._timed and self.well and not report.failed
        elif not report.success:
            if report.error is not None:
                self._say(f"{plain(whose.name)}: not finished: {plain(report.error)}", err=True)
            self.well = False

    def _say(self, line: str, *, err: bool = False) -> None:
        when = f"{utc_for_people(time.time())}  " if self._timed else ""
        click.echo(f"{when}{line}", err=err)


def _counts(report: PullReport) -> str:
    """What came of a pull, in a few words."""
    parts = [f"{number:,} {name}" for name in _COUNTS if (number := getattr(report, name))]
    if report.failed:
        parts.append(f"{len(report.failed):,} failed")
    if not parts:
        return f"nothing to do ({counted(report.unchanged, 'record')} unchanged)" if report.unchanged else "nothing new"
    return ", ".join([*parts, *([f"{report.unchanged:,} unchanged"] if report.unchanged else [])])


def _show_progress(line: str) -> None:
    """Write over the last line, where somebody is watching."""
    if sys.stderr.isatty():
        click.echo(f"\r{line}\x1b[K", nl=False, err=True)
