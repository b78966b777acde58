"""A site on loopback that answers every request in one wrong way."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # several threads connect at once


class FaultySite:
    """An HTTP server on a free port of 127.0.0.1 that says the same to every request. A context manager.

    Args:
        status: The status of every answer.
        body: The body of every answer.
        headers: Further headers of every answer.
        silent: Whether it reads the request and then says nothing, until the site is closed.
        reset: Whether it reads the request and then resets the connection.
    """

    def __init__(
        self,
        status: int = 200,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        *,
        silent: bool = False,
        reset: bool = False,
    ) -> None:
        closing = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if silent:
                    closing.wait()
                elif reset:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    self.send_response(status)
                    for name, value in {"Content-Type": "text/html", **(headers or {})}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body.encode())))
                    self.end_headers()
                    self.wfile.write(body.encode())
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_PROPFIND = do_REPORT = answer

            def log_message(self, *_: object) -> None:
                """Say nothing on standard error."""

        self._closing = closing
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def closed_port() -> str:
    """A URL on 127.0.0.1 at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
