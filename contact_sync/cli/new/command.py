"""The command itself: checks the name, writes the files, says what comes next."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from .files import files_for, write
from .names import names_of

NEEDED: Final = {
    "granian": "server",
    "rich": "server",
    "sqlalchemy": "sql",
    "cryptography": "crypto",
    "pytest": "testing",
}
"""The packages that a project needs beside those that are always there, and the extra that brings each."""


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--declared", is_flag=True, help="Declare the CRM's API (RestConsumer), in place of writing six methods.")
def new(name: str, declared: bool) -> None:
    """Make a project NAME: a folder with a whole integration, which runs as it is.

    It has a consumer for a CRM with a JSON API, the table of fields, settings, tests, a CRM on this machine to try it
    with, and a Dockerfile. Nothing that is there is written over.
    """
    names = names_of(name)
    texts = files_for(names, declared=declared)
    write(Path(name), texts)
    click.secho(f"{name} is made", bold=True)
    for path in texts:
        click.echo(f"  {name}/{path}")
    click.echo("\nTest it\n")
    if missing := _missing():
        # Not by its name, which is in no package index yet: what is found there would be somebody else's.
        click.echo(f"  pip install '/path/to/the/clone/of/contact_sync[{','.join(missing)}]'")
    click.echo(f"  cd {name}")
    click.echo("  python -m pytest")
    click.echo("\nTry it, with each of these in a terminal of its own, and open http://127.0.0.1:4000\n")
    click.echo("  python -m tests.crm")
    click.echo(f"  contact-sync serve {names.package}.app:make_sync")
    click.echo("  contact-sync sandbox --webhook http://127.0.0.1:3000/")
    click.secho(f"\nThen make {names.package}/consumer.py that of your CRM; README.md says how.", dim=True)


def _missing() -> list[str]:
    """The extras that are not installed."""
    return list(dict.fromkeys(extra for package, extra in NEEDED.items() if find_spec(package) is None))
