"""`contact-sync demo`: the whole thing at work, on embedded defaults."""

from __future__ import annotations

import click


@click.command()
@click.option("--once", is_flag=True, help="End after the story, with exit code 0 or 1.")
@click.pass_context
def demo(context: click.Context, once: bool) -> None:
    """Play the main job: contacts moving both ways between a platform and a CRM.

    Starts a sandbox platform, an example CRM and the service, each an HTTP server on a free port of 127.0.0.1, and
    checks every step. Then it stays up, with a page to edit both sides, until Ctrl-C.
    """
    from contact_sync.demo import run_demo

    context.exit(run_demo(once=once))
