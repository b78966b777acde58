"""`contact-sync worker`: applies what waits in a durable delivery."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from contact_sync.integration import ContactSync
from contact_sync.metrics import open_metrics
from contact_sync.server import WORKER_THREADS, Control, Delivering, Server, Workers, health_app, listen, url_of

from .durable import check_durable
from .group import FAILED, OURS, Problem
from .logs import Form, set_up_logging
from .output import plain
from .running import (
    MOST_PROCESSES,
    MOST_THREADS,
    end,
    form_option,
    grace_option,
    level_option,
    log_from,
    processes,
    routes_of,
    run_processes,
)
from .sharing import check_shared, warn_if_away
from .stores import name_of
from .target import load_sync, sync_argument

if TYPE_CHECKING:
    from flask import Flask

_HEALTH_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """How each process works."""

    threads: int
    grace: float
    log_level: str
    log_form: Form


@click.command()
@sync_argument
@click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    default=WORKER_THREADS,
    show_default=True,
    help="How many events each process applies at once.",
)
@click.option(
    "--processes", "count", type=click.IntRange(1, MOST_PROCESSES), default=1, show_default=True, help="Processes."
)
@grace_option("events in flight have")
@click.option("--port", type=click.IntRange(0, 65_535), help="Answer /healthz, /readyz and /metrics on this port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="On this address; 0.0.0.0 for all.")
@level_option
@form_option
@click.pass_context
def worker(
    context: click.Context,
    target: str,
    threads: int,
    count: int,
    grace: float,
    port: int | None,
    host: str,
    log_level: str,
    log_form: Form,
) -> None:
    """Apply what waits in a durable delivery, until SIGTERM or Ctrl-C.

    `serve` does it too, unless told not to; workers of their own let the two be scaled and restarted apart. Any number
    may run. Stopping lets events in flight be finished and hands the rest back; a second signal ends everything at
    once. Exit code 1 if something was cut off: it is tried again.
    """
    settings = Settings(threads, grace, log_from(context, log_level, log_form), log_form)
    sync = load_sync(target)
    check_durable(sync, target)
    check_shared(sync, "a worker beside the process that serves", "Let 'contact-sync serve' apply the events itself")
    app = _health(sync)  # what is wrong with it is said here, once, and not by every process
    listener = None if port is None else listen(host, port)
    health = [] if listener is None else [f"{url_of(listener)} ({', '.join(routes_of(app))})"]
    warn_if_away(sync, "events wait")

    def say() -> None:
        _say(sync, target, count, threads, health)

    if count == 1:
        finished = _made(sync, app, settings, listener).run(say)
        sync.close()
    else:
        sync.close()  # it was made to be looked at; the processes have their own
        arguments = (listener, target, settings)
        finished = run_processes(Workers(work, arguments, count=count, grace=grace, listener=listener), say)
    end(well=finished)


def work(control: Control, listener: socket.socket | None, target: str, settings: Settings) -> None:
    """Be one of several processes, with a sync of its own."""
    set_up_logging("error", settings.log_form)  # what there is to warn of was said once, when the parent made its sync
    try:
        sync = load_sync(target)
        made = _made(sync, _health(sync), settings, listener)
        set_up_logging(settings.log_level, settings.log_form)
        control.on_stop(made.ask_to_stop)
        finished = made.run(control.ready)
    except (*OURS, Problem) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED)
    sync.close()
    end(well=finished)


def _health(sync: ContactSync) -> Flask:
    """Make the app that says how a process is. From then on its work is counted, also if nobody asks it there."""
    return health_app(sync.unready, open_metrics(sync.delivery.backlog))


def _made(sync: ContactSync, app: Flask, settings: Settings, listener: socket.socket | None) -> Delivering | Server:
    """Make what works: alone, or beside a small server that says how it is."""
    delivering = Delivering(sync.delivery, threads=settings.threads, grace=settings.grace)
    if listener is None:
        return delivering
    return Server(app, listener=listener, threads=_HEALTH_THREADS, grace=settings.grace, delivering=delivering)


def _say(sync: ContactSync, target: str, count: int, threads: int, health: list[str]) -> None:
    click.secho(f"contact-sync applies the events of {target}", bold=True, err=True)
    for routes in health:
        click.echo(f"  health     {routes}", err=True)
    click.echo(f"  key store  {name_of(sync.key_store)}", err=True)
    click.echo(f"  delivery   {plain(sync.delivery.name)}", err=True)
    click.echo(f"  workers    {processes(count, threads)}", err=True)
    click.secho("Ctrl-C stops it.", dim=True, err=True)
