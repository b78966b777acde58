"""`contact-sync check`: the doctor."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from contact_sync.consumer import ExternalAPIConsumer

from .bounded import bounded
from .check_write import Trial
from .checks import CHECKS
from .findings import Finding, Subject
from .group import FAILED, Wrong
from .output import console, counted, json_option, plain, print_json
from .target import load_sync, sync_argument
from .tokens import given_token

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}


@click.command()
@sync_argument
@click.option("--token-env", metavar="NAME", help="The environment variable that holds a token to check with.")
@click.option("--ask-token", is_flag=True, help="Ask for a token to check with.")
@click.option("--installation", metavar="ID", help="The installation to check with, by its remembered token.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=15.0, show_default=True, help="Seconds that each check may take."
)
@click.option(
    "--write", is_flag=True, help="Try the CRM out: create a marked contact, read, find, change and delete it."
)
@json_option
@click.pass_context
def check(
    context: click.Context,
    target: str,
    token_env: str | None,
    ask_token: bool,
    installation: str | None,
    timeout: float,
    write: bool,
    as_json: bool,
) -> None:
    """Find out whether everything is in order, and what to do if it is not.

    Nothing is written anywhere, unless with --write. Exit code 1 if a check failed. Neither tokens nor values of
    contacts are shown.
    """
    if sum((token_env is not None, ask_token, installation is not None)) > 1:
        raise Wrong("--token-env, --ask-token and --installation exclude each other")
    token = given_token(token_env, asked=ask_token)
    sync = load_sync(target)
    click.get_current_context().call_on_close(sync.close)
    subject = Subject(sync, token, installation)
    findings = [
        finding for name, function in CHECKS.items() for finding in bounded(name, partial(function, subject), timeout)
    ]
    left: list[str] = []
    if write:
        tried, left = _tried(subject, timeout)
        findings += tried
    if as_json:
        print_json({"success": _failed(findings) == 0, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(console(), findings)
    for what in left:
        click.secho(
            f"The test contact may still be in the CRM: {what}. Delete it there.", fg="red", bold=True, err=True
        )
    context.exit(FAILED if _failed(findings) else 0)


def _tried(subject: Subject, timeout: float) -> tuple[list[Finding], list[str]]:
    """Try the consumer out, and take away what that leaves, also if it is stopped. What is left all the same."""
    consumer = subject.consumer
    if not isinstance(consumer, ExternalAPIConsumer):
        return [Finding("try", "skipped", "nobody to ask for", "See to what is said of the consumer first")], []
    trial = Trial(consumer, subject.sync.mapper, timeout)
    found: list[Finding] = []
    with _sigterm_as_ctrl_c():
        try:
            for finding in bounded("try", trial.steps, timeout):
                found.append(finding)  # noqa: PERF402 - those before a Ctrl-C are shown, too
        except KeyboardInterrupt:
            click.echo("Stopping: the test contact is deleted first.", err=True)
            found.append(Finding("try", "fail", "stopped before its end", "Run it again"))
        try:
            trial.stop()
            found += bounded("try clean-up", trial.clean_up, timeout)
        except KeyboardInterrupt:
            found.append(Finding("try clean-up", "fail", "stopped before its end", "Delete the test contact by hand"))
    return found, trial.left


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM be a Ctrl-C meanwhile."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(out: Console, findings: list[Finding]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "Check", "Found"):
        table.add_column(column, overflow="fold", no_wrap=column != "Found")
    for finding in findings:
        found = Text(plain(finding.detail))
        if finding.remedy:
            found.append(f"\n→ {plain(finding.remedy)}", "italic" if finding.state in ("warn", "fail") else "dim")
        table.add_row(Text(finding.state, _STYLES[finding.state]), plain(finding.name), found)
    out.print(table)
    failed, warnings = _failed(findings), sum(finding.state == "warn" for finding in findings)
    if failed:
        out.print(f"{failed} of {len(findings)} checks failed.", style="bold red")
    else:
        out.print(f"Nothing failed; {counted(warnings, 'warning')}.", style="green")


def _failed(findings: list[Finding]) -> int:
    return sum(finding.state == "fail" for finding in findings)
