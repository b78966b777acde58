"""Any WSGI app as a real HTTP server on loopback, in threads of this process. For development and tests."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import WSGIRequestHandler, make_server

from contact_sync.errors import ConfigurationError


class LoopbackServer:
    """Serves a WSGI app on 127.0.0.1 until closed. Use it with `with`, or `start` and `close`.

    Args:
        app: The WSGI app.
        port: The port; 0 takes a free one.
    """

    def __init__(self, app: Any, port: int = 0) -> None:  # a WSGI app has no handy type
        self._app = app
        self._wanted_port = port
        self._server: Any = None  # werkzeug's class is private
        self._thread: threading.Thread | None = None
        self.port = port

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Listen. Does nothing if it does already.

        Raises:
            ConfigurationError: The port is taken, or may not be used.
        """
        if self._server is not None:
            return self
        wanted = self._wanted_port
        if not 0 <= wanted <= 65_535:
            raise ConfigurationError(f"a port must be from 0 to 65535, not {wanted}")
        try:
            listener = socket.create_server(("127.0.0.1", wanted))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on port {wanted} of 127.0.0.1 ({error.strerror}); choose another, or 0 for a free one"
            ) from error
        # Bound here, because werkzeug ends the process when a port is taken.
        with listener:
            self.port = listener.getsockname()[1]
            self._server = make_server(
                "127.0.0.1", self.port, self._app, threaded=True, request_handler=_Handler, fd=listener.fileno()
            )
        self._server.daemon_threads = False  # so that closing waits for what is being answered
        self._server.connections = _Connections()
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name=f"loopback-{self.port}", daemon=True
        )
        self._thread.start()
        return self

    def close(self, grace: float = 5.0) -> None:
        """Stop listening, let requests in progress end for `grace` seconds, then cut them off. May be called twice."""
        server, self._server = self._server, None
        if server is None:
            return
        cut = threading.Timer(grace, server.connections.cut_all)
        cut.start()
        server.connections.cut_idle()
        server.shutdown()
        if self._thread is not None:
            self._thread.join()
        cut.cancel()
        cut.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Connections:
    """The open connections: idle until their request line has come, then busy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        self._closing = False

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._idle.add(connection)
            if self._closing:
                _cut(connection)

    def begun(self, connection: socket.socket) -> None:
        with self._lock:
            self._idle.discard(connection)
            self._busy.add(connection)

    def ended(self, connection: socket.socket) -> None:
        with self._lock:
            self._idle.discard(connection)
            self._busy.discard(connection)

    def cut_idle(self) -> None:
        """Cut what a browser has opened ahead of need; also all that comes from now on."""
        with self._lock:
            self._closing = True
            for connection in self._idle:
                _cut(connection)

    def cut_all(self) -> None:
        with self._lock:
            for connection in self._idle | self._busy:
                _cut(connection)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


class _Handler(WSGIRequestHandler):
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self._connections.opened(self.connection)

    def parse_request(self) -> bool:
        self._connections.begun(self.connection)
        return super().parse_request()

    def finish(self) -> None:
        self._connections.ended(self.connection)
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay silent: addresses of settings pages hold tokens."""

    @property
    def _connections(self) -> _Connections:
        connections = self.server.connections  # type: ignore[attr-defined]  # set by LoopbackServer.start
        assert isinstance(connections, _Connections)
        return connections
