"""A server that misbehaves on purpose: it speaks raw bytes, as each test tells it to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket, threading.Event], object]
"""What is done with a connection once a request has been read; the event is set when the server stops."""


class RawServer:
    """Accepts connections on loopback; the nth request is answered by the nth behaviour, later ones by the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.ended = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := _read_request(connection):
                with self._lock:
                    self.requests.append(request)
                    number = len(self.requests) - 1
                behaviour = self._behaviours[min(number, len(self._behaviours) - 1)]
                if behaviour(connection, self._stopping) is not KEEP_OPEN:
                    break
        self.ended.release()


KEEP_OPEN = object()
"""Returned by a behaviour that leaves the connection to the next request."""


@contextmanager
def raw_server(*behaviours: Behaviour) -> Iterator[RawServer]:
    server = RawServer(*behaviours)
    try:
        yield server
    finally:
        server.close()


def answering(data: bytes) -> Behaviour:
    """Send these bytes and close."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(data)

    return behave


def answering_json(status: str, body: bytes, *headers: str) -> Behaviour:
    """Send a whole answer and keep the connection."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    data = "\r\n".join(lines).encode() + body

    def behave(connection: socket.socket, stopping: threading.Event) -> object:
        connection.sendall(data)
        return KEEP_OPEN

    return behave


def dripping(head: bytes, drop: bytes) -> Behaviour:
    """Send `head`, then `drop` again and again, with a breath in between, for ever."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(head)
        while not stopping.wait(0.02):
            connection.sendall(drop)

    return behave


def hang(connection: socket.socket, stopping: threading.Event) -> None:
    """Never answer."""
    stopping.wait(30)


def reset(connection: socket.socket, stopping: threading.Event) -> None:
    """Close so hard that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65_536)
        if not block:
            return b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
