"""`contact-sync check`: the doctor."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from contact_sync.failures import translate
from key_stores import KeyStoreError

from .checks import CHECKS
from .findings import Check, Finding, Subject
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
@json_option
@click.pass_context
def check(
    context: click.Context,
    target: str,
    token_env: str | None,
    ask_token: bool,
    installation: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Find out whether everything is in order, and what to do if it is not.

    Nothing is written anywhere. Exit code 1 if a check failed. Neither tokens nor values of contacts are shown.
    """
    if sum((token_env is not None, ask_token, installation is not None)) > 1:
        raise Wrong("--token-env, --ask-token and --installation exclude each other")
    token = given_token(token_env, asked=ask_token)
    sync = load_sync(target)
    click.get_current_context().call_on_close(sync.close)
    subject = Subject(sync, token, installation)
    findings = [finding for name, function in CHECKS.items() for finding in _findings(name, function, subject, timeout)]
    if as_json:
        print_json({"success": _failed(findings) == 0, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(console(), findings)
    context.exit(FAILED if _failed(findings) else 0)


def _findings(name: str, function: Check, subject: Subject, timeout: float) -> Iterator[Finding]:
    """Run a check. It cannot last longer than the time-out, and what it raises is a finding as well."""
    found: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            for finding in function(subject):
                found.put(finding)
        except Exception as error:  # noqa: BLE001 - whatever a user's code raises is what is to be found out
            said = translate(error, f"the check of the {name}").error or ""
            away = isinstance(error, KeyStoreError)
            remedy = (
                "See to the key store first" if away else "Correct that; contact-sync --debug check says where it is"
            )
            found.put(Finding(name, "fail", said, remedy))
        finally:
            found.put(None)

    threading.Thread(target=run, name=f"check {name}", daemon=True).start()
    try:
        while (finding := found.get(timeout=timeout)) is not None:
            yield finding
    except queue.Empty:
        yield Finding(name, "fail", f"no answer within {timeout:g} s", "See what hangs; give its client a time-out")


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
