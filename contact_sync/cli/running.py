"""What commands that run until they are stopped have in common: their options, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from contact_sync.metrics import counting_together
from contact_sync.server import GRACE_SECONDS, HEALTH, METRICS, Workers

from .group import FAILED, Problem
from .logs import FORMS, LEVELS, Form, set_up_logging

if TYPE_CHECKING:
    from flask import Flask

F = TypeVar("F", bound=Callable[..., Any])

MOST_PROCESSES: Final = 64
MOST_THREADS: Final = 512

level_option = click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What is logged."
)
form_option = click.option(
    "--log-format",
    "log_form",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="Lines of text, or a JSON object a line.",
)


def grace_option(what: str) -> Callable[[F], F]:
    """Make the option for the seconds that something has when the command is stopped."""
    return click.option(
        "--grace",
        type=click.FloatRange(0, 3600),
        default=GRACE_SECONDS,
        show_default=True,
        help=f"Seconds that {what} when it is stopped.",
    )


def log_from(context: click.Context, level: str, form: Form) -> str:
    """Set logging up as the options say. Gives the level that counts: `--debug` comes first."""
    level = "debug" if (context.obj or {}).get("debug") else level
    set_up_logging(level, form)
    return level


def run_processes(workers: Workers, say: Callable[[], object]) -> bool:
    """Run several processes until the command is stopped. Whether all that was under way then was finished.

    Their metrics are counted together.

    Args:
        workers: The processes.
        say: Called when all of them work.

    Raises:
        Problem: One did not come up.
    """
    came_up: list[bool] = []

    def all_work() -> None:
        came_up.append(True)
        say()

    with counting_together():
        finished = workers.run(all_work)
    if not finished and not came_up:
        raise Problem("a worker did not come up; what it said is above")
    return finished


def routes_of(app: Flask) -> list[str]:
    """Name the routes that an app has for people and load balancers; an app of the user's may have none of ours."""
    return [
        *(HEALTH if "readyz" in app.view_functions else ()),
        *([METRICS] if "metrics" in app.view_functions else ()),
    ]


def end(*, well: bool) -> None:
    """End the process at once if something was cut off: a thread that hangs in somebody's code would keep it."""
    if not well:
        sys.stderr.flush()
        os._exit(FAILED)


def processes(count: int, threads: int) -> str:
    """Say how many processes there are, with how many threads."""
    named = "1 process" if count == 1 else f"{count} processes"
    return f"{named}, {threads} thread{'' if threads == 1 else 's'}{' in each' if count > 1 else ''}"
