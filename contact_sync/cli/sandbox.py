"""`contact-sync sandbox`: a platform on this machine, to try an integration with."""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType
from typing import Literal

import click

from contact_sync.errors import ConfigurationError

_PATIENCE = 5.0


@click.command()
@click.option(
    "--port", default=4000, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 takes a free one."
)
@click.option("--webhook", metavar="URL", help="Install this integration at once.")
@click.option("--token", help="The token to issue; without it, one is made up.")
@click.option("--echo", is_flag=True, help="Let calls of the API make events too, as a real platform does.")
@click.option("--lenient", is_flag=True, help="Ignore undeclared properties instead of refusing them.")
@click.option(
    "--placement",
    type=click.Choice(["flat", "nested"]),
    default="flat",
    show_default=True,
    help="Where contact events have their contact: in data, or in data[event name].",
)
def sandbox(
    port: int, webhook: str | None, token: str | None, echo: bool, lenient: bool, placement: Literal["flat", "nested"]
) -> None:
    """Run a sandbox of the platform on 127.0.0.1, until Ctrl-C.

    It has the platform's API, sends events to the integrations installed there, and shows all of it on a page.
    """
    # Only this command needs it, and the others shall start quickly.
    from contact_sync.testing.sandbox import DeliveryRules, SandboxPlatform

    rules = DeliveryRules(attempts=8, backoff=0.5, longest_wait=30.0)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with SandboxPlatform(
            port=port, token=token, echo=echo, strict=not lenient, placement=placement, delivery=rules
        ) as platform:
            hint = click.style("(open it in a browser)", dim=True)
            click.echo(f"{click.style('Sandbox platform', bold=True)}  {platform.url}  {hint}")
            click.echo(f"{click.style('Token', bold=True)}             {platform.token}")
            click.echo("\nStart your integration with\n")
            click.echo(f"  export BOTMATIC_BASE_URL={platform.url}\n")
            if webhook is not None:
                delivery = platform.install(webhook, timeout=0)
                with contextlib.suppress(TimeoutError):
                    platform.wait_for(lambda: delivery.attempts, _PATIENCE)
                if delivery.state == "delivered":
                    click.secho("Installed.", fg="green")
                else:
                    click.secho("The webhook does not accept the installation yet; it is asked again.", fg="yellow")
            click.secho("Ctrl-C stops it.", dim=True)
            threading.Event().wait()
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        return


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
