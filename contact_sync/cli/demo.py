"""`contact-sync demo`: the whole thing at work, on embedded defaults."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import click

from .group import Wrong

NEEDED: Final = {"granian": "server", "rich": "server", "sqlalchemy": "sql", "cryptography": "crypto"}
"""The packages that the demo needs beside those that are always there, and the extra that brings each."""


@click.command()
@click.option("--once", is_flag=True, help="End after the story, with exit code 0 or 1.")
@click.pass_context
def demo(context: click.Context, once: bool) -> None:
    """Play the main job: contacts moving both ways between a platform and a CRM.

    Starts a sandbox platform, an example CRM and the service, each an HTTP server on a free port of 127.0.0.1, and
    checks every step. Then it stays up, with a page to edit both sides, until Ctrl-C.
    """
    _check_packages()
    from contact_sync.demo import run_demo

    context.exit(run_demo(once=once))


def _check_packages() -> None:
    """Make sure that all packages are there, before anything is started.

    Raises:
        Wrong: Some are not; the message names them all.
    """
    missing = {package: extra for package, extra in NEEDED.items() if find_spec(package) is None}
    if missing:
        *others, last = map(repr, missing)
        named = f"packages {', '.join(others)} and {last}, which are" if others else f"package {last}, which is"
        extras = ",".join(dict.fromkeys(missing.values()))
        raise Wrong(f"demo needs the {named} not installed; pip install 'contact-sync[{extras}]'")
