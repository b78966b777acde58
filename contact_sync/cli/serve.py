"""`contact-sync serve`: the default server."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

import click

from contact_sync.integration import ContactSync
from contact_sync.server import (
    THREADS,
    WORKER_THREADS,
    Control,
    Server,
    Workers,
    beside,
    listen,
    url_of,
)

from .group import FAILED, OURS, Problem, Wrong
from .logs import Form, set_up_logging
from .output import counted, plain
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
from .stores import is_of_this_process, name_of
from .target import load_sync, sync_argument


@dataclass(frozen=True, slots=True)
class Settings:
    """How each process serves."""

    threads: int
    delivery_threads: int
    grace: float
    access_log: bool
    log_level: str
    log_form: Form


@click.command()
@sync_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port; 0 takes a free one.  [default: the port of the sync, 3000]",
)
@click.option("--workers", type=click.IntRange(1, MOST_PROCESSES), default=1, show_default=True, help="Processes.")
@click.option(
    "--threads", type=click.IntRange(1, MOST_THREADS), default=THREADS, show_default=True, help="Threads in each."
)
@click.option(
    "--delivery-threads",
    type=click.IntRange(0, MOST_THREADS),
    default=WORKER_THREADS,
    show_default=True,
    help="Threads in each that apply what waits in a durable delivery.",
)
@click.option("--no-worker", is_flag=True, help="Apply nothing here; 'contact-sync worker' does.")
@grace_option("requests under way and events in flight have")
@click.option("--access-log", is_flag=True, help="Log each request, without its query string and headers.")
@level_option
@form_option
@click.pass_context
def serve(
    context: click.Context,
    target: str,
    host: str,
    port: int | None,
    workers: int,
    threads: int,
    delivery_threads: int,
    no_worker: bool,
    grace: float,
    access_log: bool,
    log_level: str,
    log_form: Form,
) -> None:
    """Run the default server until SIGTERM or Ctrl-C.

    With a durable delivery each process also applies what waits, unless told not to.

    Stopping lets requests under way be answered and takes no new ones; events in flight are finished, and the rest is
    handed back. A second signal ends everything at once.
    """
    level = log_from(context, log_level, log_form)
    sync = load_sync(target)
    applying = delivery_threads if sync.delivery.durable and not no_worker else 0
    settings = Settings(threads, applying, grace, access_log, level, log_form)
    chosen = sync.port if port is None else port
    _ = sync.app  # what is wrong with it is said here, once, and not by every worker
    _check_applied(sync, applying)
    if workers == 1:
        server = _server(sync, settings, host, chosen)
        warn_if_away(sync, "events are answered 503")
        drained = server.run(lambda: _say(sync, server.address, workers, settings))
        sync.close()
    else:
        check_shared(sync, f"{workers} workers", "Use --workers 1")
        listener = listen(host, chosen)
        address = url_of(listener)
        warn_if_away(sync, "events are answered 503")
        sync.close()  # it was made to be looked at; the workers have their own
        drained = run_processes(
            Workers(work, (listener, target, settings), count=workers, grace=grace, listener=listener),
            lambda: _say(sync, address, workers, settings),
        )
    end(well=drained)


def work(control: Control, listener: socket.socket, target: str, settings: Settings) -> None:
    """Be one of several workers: with a sync of its own, on the socket that all share."""
    set_up_logging("error", settings.log_form)  # what there is to warn of was said once, when the parent made its sync
    try:
        sync = load_sync(target)
        server = _server(sync, settings, listener=listener)
        set_up_logging(settings.log_level, settings.log_form)
        control.on_stop(server.ask_to_stop)
        drained = server.run(control.ready)
    except (*OURS, Problem) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED)
    sync.close()
    end(well=drained)


def _server(
    sync: ContactSync,
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 0,
    listener: socket.socket | None = None,
) -> Server:
    return Server(
        sync.app,
        host,
        port,
        listener=listener,
        threads=settings.threads,
        grace=settings.grace,
        access_log=settings.access_log,
        delivering=beside(sync.delivery, settings.delivery_threads, settings.grace),
    )


def _check_applied(sync: ContactSync, delivery_threads: int) -> None:
    """See to it that somebody can apply what is stored.

    Raises:
        Wrong: Nobody can: no other process has this key store.
    """
    if sync.delivery.durable and not delivery_threads and is_of_this_process(sync.key_store):
        raise Wrong(
            f"--no-worker: the key store ({name_of(sync.key_store)}) is in memory, so no other process can apply what "
            "is stored. Leave --no-worker out, or use a store that processes share: redis://…, postgresql://… or "
            "sqlite:///pairs.db"
        )


def _say(sync: ContactSync, address: str, workers: int, settings: Settings) -> None:
    click.secho(f"contact-sync listens on {address}", bold=True, err=True)
    click.echo(f"  webhook    POST {address}{sync.endpoint}", err=True)
    if routes := routes_of(sync.app):
        click.echo(f"  health     {', '.join(routes)}", err=True)
    click.echo(f"  key store  {name_of(sync.key_store)}", err=True)
    click.echo(f"  delivery   {_delivery(sync, workers, settings)}", err=True)
    click.echo(f"  workers    {processes(workers, settings.threads)}", err=True)
    click.secho("Ctrl-C stops it.", dim=True, err=True)


def _delivery(sync: ContactSync, workers: int, settings: Settings) -> str:
    name = plain(sync.delivery.name)
    if not sync.delivery.durable:
        return name
    if not settings.delivery_threads:
        return f"{name}; 'contact-sync worker' applies what waits"
    return f"{name}, applied by {counted(settings.delivery_threads, 'thread')}{' in each' if workers > 1 else ''}"
