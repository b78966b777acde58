"""`contact-sync serve`: the default server."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, Final

import click

from contact_sync.abilities import reach
from contact_sync.failures import translate
from contact_sync.integration import ContactSync
from contact_sync.server import GRACE_SECONDS, HEALTH, THREADS, Control, Server, Workers, listen
from key_stores import Leases, Records

from .group import FAILED, OURS, Problem, Wrong
from .logs import LEVELS, set_up_logging
from .output import plain
from .stores import is_of_this_process, name_of
from .target import load_sync, sync_argument

_MOST_WORKERS: Final = 64
_MOST_THREADS: Final = 512


@click.command()
@sync_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port; 0 takes a free one.  [default: the port of the sync, 3000]",
)
@click.option("--workers", type=click.IntRange(1, _MOST_WORKERS), default=1, show_default=True, help="Processes.")
@click.option(
    "--threads", type=click.IntRange(1, _MOST_THREADS), default=THREADS, show_default=True, help="Threads in each."
)
@click.option(
    "--grace",
    type=click.FloatRange(0, 3600),
    default=GRACE_SECONDS,
    show_default=True,
    help="Seconds that requests under way have when the server is stopped.",
)
@click.option("--access-log", is_flag=True, help="Log each request, without its query string and headers.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What is logged.")
@click.pass_context
def serve(
    context: click.Context,
    target: str,
    host: str,
    port: int | None,
    workers: int,
    threads: int,
    grace: float,
    access_log: bool,
    log_level: str,
) -> None:
    """Run the default server until SIGTERM or Ctrl-C.

    Stopping lets requests under way be answered and takes no new ones; a second signal ends everything at once.
    """
    level = "debug" if (context.obj or {}).get("debug") else log_level
    set_up_logging(level)
    sync = load_sync(target)
    settings: dict[str, Any] = {"threads": threads, "grace": grace, "access_log": access_log}
    chosen = sync.port if port is None else port
    app = sync.app  # what is wrong with it is said here, once, and not by every worker
    if workers == 1:
        server = Server(app, host, chosen, **settings)
        _warn_if_away(sync)
        drained = server.run(lambda: _say(sync, server.address, workers, threads))
        sync.close()
    else:
        _check_shared(sync, workers)
        listener = listen(host, chosen)
        _warn_if_away(sync)
        drained = _serve_with_workers(target, sync, listener, workers, level, settings)
    if not drained:
        # A thread that hangs in somebody's code would keep the process.
        sys.stderr.flush()
        os._exit(FAILED)


def _serve_with_workers(
    target: str, sync: ContactSync, listener: socket.socket, workers: int, level: str, settings: dict[str, Any]
) -> bool:
    made = Workers(work, listener, (target, level, settings), count=workers, grace=settings["grace"])
    started: list[bool] = []

    def say() -> None:
        started.append(True)
        _say(sync, made.address, workers, settings["threads"])

    sync.close()  # it was made to be looked at; the workers have their own
    drained = made.run(say)
    if not drained and not started:
        raise Problem("a worker did not come up; what it said is above")
    return drained


def work(control: Control, listener: socket.socket, target: str, level: str, settings: dict[str, Any]) -> None:
    """Be one of several workers: with a sync of its own, on the socket that all share."""
    set_up_logging("error")  # what there is to warn of was said once, when the parent made its sync
    try:
        sync = load_sync(target)
        server = Server(sync.app, listener=listener, **settings)
    except (*OURS, Problem) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED)
    set_up_logging(level)
    control.on_stop(server.ask_to_stop)
    drained = server.run(control.ready)
    sync.close()
    if not drained:
        sys.stderr.flush()
        os._exit(FAILED)


def _check_shared(sync: ContactSync, workers: int) -> None:
    """Several processes need a store and a CRM that they share.

    Raises:
        Wrong: Each would have a store of its own.
    """
    from contact_sync.testing import MemoryConsumer

    store = sync.key_store
    if is_of_this_process(store):
        raise Wrong(
            f"{workers} workers would each have a key store of their own, since this one ({name_of(store)}) is in "
            "memory: pairs would be lost and contacts made twice. Use --workers 1, or a store that processes share: "
            "redis://…, postgresql://… or sqlite:///pairs.db"
        )
    lacking = [ability.__name__ for ability in (Leases, Records) if not isinstance(store, ability)]
    if lacking:
        click.echo(
            f"Warning: {workers} workers, and {name_of(store)} has no {' and no '.join(lacking)}: they cannot see each "
            "other's, so a contact may be made twice. Use --workers 1, or add the abilities to the store.",
            err=True,
        )
    if isinstance(sync.scopes.shared, MemoryConsumer):
        click.echo(
            f"Warning: {workers} workers, and the CRM ({type(sync.scopes.shared).__name__}) is in memory: each has one "
            "of its own and sees nothing of the others'. Use --workers 1, or a consumer of a CRM that they share.",
            err=True,
        )


def _warn_if_away(sync: ContactSync) -> None:
    """Say that the store does not answer. It is served all the same: the store may come back, and nothing is lost."""
    try:
        reach(sync.abilities)
    except Exception as error:  # noqa: BLE001 - a user's store may raise anything
        said = translate(error, "the key store").error or ""
        click.echo(
            f"Warning: the key store does not answer: {plain(said)}. Until it does, events are answered 503. Start it, "
            "or correct its address and credentials; contact-sync check says more.",
            err=True,
        )


def _say(sync: ContactSync, address: str, workers: int, threads: int) -> None:
    processes = "1 process" if workers == 1 else f"{workers} processes"
    click.secho(f"contact-sync listens on {address}", bold=True, err=True)
    click.echo(f"  webhook    POST {address}{sync.endpoint}", err=True)
    if "readyz" in sync.app.view_functions:  # not on an app of the user's
        click.echo(f"  health     {', '.join(HEALTH)}", err=True)
    click.echo(f"  key store  {name_of(sync.key_store)}", err=True)
    click.echo(f"  workers    {processes}, {threads} threads {'in each' if workers > 1 else ''}".rstrip(), err=True)
    click.secho("Ctrl-C stops it.", dim=True, err=True)
