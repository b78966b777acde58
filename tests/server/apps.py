"""Small WSGI apps, and clients that see connections as they are."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from contact_sync.server import Server

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def hello(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer at once."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the body, read in the way that the path names."""
    body = environ["wsgi.input"]
    read = {
        "/readline": body.readline,
        "/readlines": lambda: b"".join(body.readlines()),
        "/iterate": lambda: b"".join(body),
    }.get(environ["PATH_INFO"], body.read)
    said = read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [said]


class Crowd:
    """An app that answers when several requests are in it at once, and knows the most that ever were."""

    def __init__(self, size: int) -> None:
        self._together = threading.Barrier(size, timeout=20)
        self._lock = threading.Lock()
        self._inside = 0
        self.most = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, with others."""
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._together.wait()
        with self._lock:
            self._inside -= 1
        return hello(environ, start_response)


class Gate:
    """An app that answers `/held` only when it is opened; everything else at once."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, perhaps later."""
        if environ["PATH_INFO"] == "/held":
            self.entered.release()
            assert self.open.wait(20)
        return hello(environ, start_response)


@contextmanager
def running(server: Server) -> Iterator[list[bool]]:
    """Run a server in a thread. Gives a list that holds what `run` returned, once it has."""
    returned: list[bool] = []
    up = threading.Event()
    thread = threading.Thread(target=lambda: returned.append(server.run(up.set)))
    thread.start()
    try:
        assert up.wait(20)
        yield returned
    finally:
        server.stop()
        thread.join(20)
    assert not thread.is_alive()


def get(address: str, path: str = "/", **headers: str) -> tuple[int, bytes]:
    """Ask on a connection of its own."""
    return _ask(address, "GET", path, None, headers)


def post(address: str, body: bytes, path: str = "/") -> tuple[int, bytes]:
    """Send JSON on a connection of its own."""
    return _ask(address, "POST", path, body, {"Content-Type": "application/json"})


def _ask(address: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class InBackground:
    """A request that somebody else waits for."""

    def __init__(self, address: str, path: str) -> None:
        self._answers: list[tuple[int, bytes]] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(get(address, path)))
        self._thread.start()

    def answer(self) -> tuple[int, bytes]:
        """Wait for its answer."""
        self._thread.join(20)
        return self._answers[0]
