"""`Server`: any WSGI app on an address, in this process, until it is stopped."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from contact_sync.errors import ConfigurationError

from .access_log import AccessLog
from .delivering import GRACE_SECONDS, Delivering
from .listener import listen, url_of
from .signals import Bell
from .turns import Turns

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)

THREADS: Final = 32
"""A request mostly waits for the CRM; a thread that waits costs little."""

IDLE_SECONDS: Final = 75.0
"""Longer than the minute for which most proxies keep idle connections: it is for them to close first."""


class Server:
    """Serves a WSGI app in this process, with several threads. It listens from the moment that it is made.

    Args:
        app: Any WSGI app.
        host: The address to listen on.
        port: The port; 0 lets the system choose.
        listener: A socket that listens already, in place of host and port. It is closed here in the end.
        threads: How many requests the app works on at once; more wait. Those that wait for a body do not count.
        grace: For how many seconds requests under way may go on when it is stopped.
        idle: For how many seconds a connection may be open without sending the headers of a request.
        access_log: Whether each request is logged, at level INFO.
        delivering: What applies events beside it. It is started and stopped with the server.

    Raises:
        ConfigurationError: The address cannot be listened on, or Granian is not installed.
    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str = "127.0.0.1",
        port: int = 3000,
        *,
        listener: socket.socket | None = None,
        threads: int = THREADS,
        grace: float = GRACE_SECONDS,
        idle: float = IDLE_SECONDS,
        access_log: bool = False,
        delivering: Delivering | None = None,
    ) -> None:
        try:
            from .http import HTTPWorker
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "granian":
                raise
            raise ConfigurationError(
                "the default server needs the package 'granian'; pip install 'contact-sync[server]', or mount "
                "sync.blueprint on an app of your own"
            ) from None
        self._listener = listen(host, port) if listener is None else listener
        self.address: Final = url_of(self._listener)
        self._grace = grace
        self._delivering = delivering
        self._ended = threading.Event()
        self._stopped = False
        self._worker_is_gone = False
        self._problem: Exception | None = None
        self._bell = Bell()
        self._lock = threading.Lock()
        self._runs_in: int | None = None
        self._signals = 0
        self._worker = HTTPWorker(
            Turns(AccessLog(app) if access_log else app, threads),
            idle=idle,
            ended=self._worker_ended,
        )

    def run(self, started: Callable[[], object] | None = None) -> bool:
        """Serve until it is stopped: by `stop`, SIGTERM or Ctrl-C. What is under way by then is still finished.

        A second signal ends the process at once. Signals are heard in the main thread alone; elsewhere, call `stop`.

        Args:
            started: Called when it serves. Left out: one line on stderr says where it listens.

        Returns:
            Whether all requests under way were answered, and all events in flight settled, in the time of grace.

        Raises:
            RuntimeError: It was run before, or Granian broke down.
            Exception: What the delivery's worker ended by, if it has.
        """
        with self._lock:
            if self._runs_in is not None:
                raise RuntimeError("a Server runs once; make another one")
            self._runs_in = threading.get_ident()
        try:
            with self._bell.hearing_signals(self._hear):
                return self._stopped or self._serve(started or self._say_where)
        finally:
            self._close()
            self._ended.set()

    def stop(self) -> None:
        """Stop it, from any thread. Returns when `run` is about to return. May be called twice, or before `run`."""
        with self._lock:
            self.ask_to_stop()
            if self._runs_in is None:
                self._close()
        if self._runs_in not in (None, threading.get_ident()):
            self._ended.wait()

    def ask_to_stop(self) -> None:
        """Let `run` end, without waiting for it."""
        self._stopped = True
        self._bell.ring()

    def _serve(self, started: Callable[[], object]) -> bool:
        self._worker.start(self._listener)
        if self._delivering is not None:
            self._delivering.start(self._bell.ring)
        try:
            started()
            self._bell.wait_until(lambda: self._stopped or self._worker_is_gone or self._delivers_no_more)
            if self._worker_is_gone:
                raise RuntimeError("Granian's worker has ended by itself") from self._problem
        finally:
            self._listener.close()  # from here on, new connections are refused
            self._worker.stop()
            drained = self._wait_for_what_is_under_way()
        if not drained:
            log.warning("Requests that were under way for more than %.0f s were cut off", self._grace)
        return drained if self._delivering is None else self._delivering.ended_well() and drained

    @property
    def _delivers_no_more(self) -> bool:
        return self._delivering is not None and self._delivering.is_over

    def _wait_for_what_is_under_way(self) -> bool:
        """Wait for requests, and for events at the same time. Whether all requests were answered."""
        if self._delivering is not None:
            self._delivering.ask_to_stop()
        began = time.monotonic()
        drained = self._bell.wait_until(lambda: self._worker_is_gone, self._grace)
        if self._delivering is not None:
            left = began + self._delivering.patience - time.monotonic()
            self._bell.wait_until(lambda: self._delivers_no_more, max(0.0, left))
        return drained

    def _say_where(self) -> None:
        print(f"Listening on {self.address} (Ctrl-C stops it)", file=sys.stderr, flush=True)

    def _close(self) -> None:
        self._listener.close()
        self._bell.close()

    def _hear(self, number: int) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + number)
        self.ask_to_stop()

    def _worker_ended(self, problem: Exception | None) -> None:
        self._problem = problem
        self._worker_is_gone = True
        self._bell.ring()
