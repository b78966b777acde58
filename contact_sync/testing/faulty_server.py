"""Sites on loopback that answer wrongly: all requests, or one on its way to a CRM."""

from __future__ import annotations

import http.client
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

Trouble = Literal["lost request", "lost answer", "503"]
"""What happens to a request on a `TroubledLine`: the CRM never gets it; it does, and its answer is not handed on; or
somebody else answers 503. Where something is lost, the consumer waits."""

HTML: Final = "<!doctype html><title>Sorry</title><p>We are down for maintenance."

_HOP_BY_HOP: Final = frozenset(("connection", "content-length", "host", "keep-alive", "transfer-encoding"))
_NOT_ASKED_FOR: Final = _HOP_BY_HOP | {"accept-encoding"}  # what is compressed cannot be read here


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # several threads connect at once


class _Site:
    """An HTTP server on a free port of 127.0.0.1. A context manager.

    Attributes:
        url: Where it is.
        requests: How many requests came.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._numbers = itertools.count(1)
        self._closing = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                site.requests = number = next(site._numbers)
                site._answer(self, number, body)
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_PROPFIND = do_REPORT = answer

            def log_message(self, *_: object) -> None:
                """Say nothing on standard error."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _answer(self, request: BaseHTTPRequestHandler, number: int, body: bytes) -> None:
        raise NotImplementedError

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


class FaultySite(_Site):
    """A site that says the same to every request.

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
        super().__init__()
        self._status, self._body, self._silent, self._reset = status, body, silent, reset
        self._headers = {"Content-Type": "text/html", **(headers or {})}

    def _answer(self, request: BaseHTTPRequestHandler, number: int, body: bytes) -> None:  # noqa: ARG002 - all the same
        if self._silent:
            self._closing.wait()
        elif self._reset:
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            _say(request, self._status, list(self._headers.items()), self._body.encode())


class TroubledLine(_Site):
    """The line to a CRM: a site that hands every request on to it, but for one to which something happens.

    The CRM's own address is replaced by this site's in what it answers, so that links to next pages lead here, too.

    Args:
        crm: The base URL of the CRM.
        trouble: What happens.
        at: To which request, from 1.
        patience: For how many seconds nothing is said where something is lost, at the most.
    """

    def __init__(self, crm: str, trouble: Trouble | None = None, at: int = 1, patience: float = 30.0) -> None:
        super().__init__()
        there = urlsplit(crm)
        self._host, self._secure = there.netloc.rpartition("@")[2], there.scheme == "https"
        self._trouble, self._at, self._patience = trouble, at, patience
        self._here, self._there = self.url, f"{there.scheme}://{self._host}"
        self.url += there.path.rstrip("/")

    def _answer(self, request: BaseHTTPRequestHandler, number: int, body: bytes) -> None:
        trouble = self._trouble if number == self._at else None
        if trouble == "503":
            _say(request, 503, [("Content-Type", "text/html")], HTML.encode())
            return
        if trouble != "lost request":
            status, headers, answer = self._handed_on(request, body)
        if trouble is None:
            _say(request, status, headers, answer)
        else:
            self._closing.wait(self._patience)

    def _handed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the CRM answers to a request."""
        there, here = self._there, self._here
        opened: Callable[..., http.client.HTTPConnection] = (
            http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        )
        connection = opened(self._host, timeout=self._patience)
        try:
            connection.putrequest(request.command, request.path, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in _NOT_ASKED_FOR:
                    connection.putheader(name, value.replace(here, there))
            sent = body.replace(here.encode(), there.encode())
            if sent or request.headers.get("Content-Length") is not None:
                connection.putheader("Content-Length", str(len(sent)))
            connection.endheaders(sent or None)
            answer = connection.getresponse()
            headers = [
                (name, value.replace(there, here))
                for name, value in answer.getheaders()
                if name.lower() not in _HOP_BY_HOP
            ]
            return answer.status, headers, answer.read().replace(there.encode(), here.encode())
        finally:
            connection.close()


def _say(request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    request.send_response_only(status)
    for name, value in headers:
        request.send_header(name, value)
    if status != http.HTTPStatus.NO_CONTENT:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def closed_port() -> str:
    """A URL on 127.0.0.1 at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
