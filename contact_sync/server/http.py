"""HTTP by Granian: one worker in this process, with threads of its own, on a socket that is open already.

Granian's own command starts worker processes and opens their sockets itself. Here an app *object* is served, in the
process that made it. So Granian's thread-based server is driven from outside: it makes one worker, which is started and
stopped here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from granian import net
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MTServer

from .listener import BACKLOG

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_CONNECTIONS: Final = 1024
"""How many connections are open at once; more wait in the socket's backlog. Idle ones cost no thread.

A request has a thread of its own, made when there is need of one, so that slow bodies cannot use the threads up.
"""

Ended = Callable[[Exception | None], object]


class HTTPWorker:
    """Answers requests on a listening socket.

    Args:
        app: Any WSGI app.
        idle: Seconds after which a connection is closed that has not sent the headers of its next request.
        ended: Called when it has ended, with what it raised if it broke down.
    """

    def __init__(self, app: WSGIApplication, *, idle: float, ended: Ended) -> None:
        self._app = app
        self._ended = ended
        self._server: Any = MTServer(  # what is used of it below has no types
            "contact_sync",
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            runtime_mode=RuntimeModes.mt,
            websockets=False,
            backlog=BACKLOG,
            backpressure=MOST_CONNECTIONS,
            blocking_threads=MOST_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=round(idle * 1000)),
            log_level=LogLevels.warning,  # of its own logger
            log_dictconfig=_logging_left_alone(),
        )

    def start(self, listener: socket.socket) -> None:
        """Start to answer. The socket stays the caller's: what is used here is a duplicate."""
        # An answer may leave in two packets, and without this the second waits until the client has acknowledged the
        # first, for some 40 ms. Connections inherit it from the socket that they come in on.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server._ssp, self._server._shd = None, _duplicate(listener)
        self._worker = self._server._spawn_worker(0, self._serve, self._app)
        self._worker.inner.daemon = True  # what does not end in time must not keep the process
        self._worker.inner.start()

    def stop(self) -> None:
        """Take no new requests, and end when those under way are answered."""
        self._worker.terminate()

    def _serve(self, *args: Any) -> None:
        problem = None
        try:
            self._server._spawn_wsgi_worker(*args)
        except Exception as error:  # noqa: BLE001 - it is raised again where the server runs
            problem = error
        self._ended(problem)


def _duplicate(listener: socket.socket) -> Any:
    """A listening socket as Granian hands it to its workers, which close it."""
    holder: Any = net.SocketHolder  # type: ignore[attr-defined]  # made known for pickling there, not exported
    return holder(os.dup(listener.fileno()), False, BACKLOG)


def _logging_left_alone() -> dict[str, Any]:
    """Granian sets the whole process's logging up when it is made. Told so incrementally, it leaves all else alone."""
    return {"version": 1, "incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}
