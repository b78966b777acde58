"""The commands: `contact-sync COMMAND …`, or `python -m contact_sync.cli COMMAND …`."""

from __future__ import annotations

import click

from .group import CommandGroup
from .logs import set_up_logging

__all__ = ["main"]

_COMMANDS = {
    "new": "Make a project: a whole integration to begin with.",
    "serve": "Run the default server.",
    "worker": "Apply what waits in a durable delivery.",
    "events": "See what waits, is in flight and has failed; try again, drop.",
    "check": "Find out whether everything is in order.",
    "pull": "Ask the CRM what has changed, and apply it.",
    "installations": "List, move and forget installations.",
    "pairs": "Look up, count, list and remove pairs of ids.",
    "held": "List the contacts that wait for a person to decide.",
    "resolve": "Settle a contact that is held.",
    "forget": "Erase all that is kept about a contact.",
    "migrate": "Take over the pairs of a Node js-contact's Redis.",
    "sandbox": "Run a sandbox of the platform, to try things out.",
    "demo": "Play the main job on embedded defaults.",
}


@click.group(
    cls=CommandGroup,
    commands_of=__name__,
    summaries=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="contact-sync", prog_name="contact-sync")
@click.option(
    "--debug", is_flag=True, envvar="CONTACT_SYNC_DEBUG", help="Show where errors come from, and all that is logged."
)
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """Keep the contacts of a chatbot platform and of a CRM the same.

    Where a command takes MODULE:SYNC, that is the name of a Python module and, in it, a ContactSync or a function that
    returns one. The current folder is searched first: `app:sync` is `sync` in `app.py`.
    """
    context.obj = {"debug": debug}
    set_up_logging("debug" if debug else "error")
