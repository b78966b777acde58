"""How many requests an app works on at once, without counting those whose body is still on its way.

Granian reads a body when the app asks for it, in the app's thread, and has no time-out for that; a read can neither be
bounded nor be broken off from outside. So the threads are more than the turns: whoever waits for a body keeps a thread,
which costs little, but gives its turn to others meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

_Read = TypeVar("_Read")


class Turns:
    """Lets an app work on so many requests at once; more wait. A request has its turn until its answer begins.

    Args:
        app: Any WSGI app.
        count: How many at once.
    """

    def __init__(self, app: WSGIApplication, count: int) -> None:
        self._app = app
        self._free: SimpleQueue[None] = SimpleQueue()  # in place of a semaphore: it is made of C
        for _ in range(count):
            self._free.put(None)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the app answer when it is this request's turn."""
        if environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"):
            environ["wsgi.input"] = _Body(environ["wsgi.input"], self._free)
        self._free.get()
        try:
            return self._app(environ, start_response)
        finally:
            self._free.put(None)


class _Body:
    """A body that gives the turn away while it is waited for."""

    def __init__(self, body: InputStream, free: SimpleQueue[None]) -> None:
        self._body = body
        self._free = free

    def read(self, *size: int) -> bytes:
        return self._waiting(self._body.read, *size)

    def readline(self, *size: int) -> bytes:
        return self._waiting(self._body.readline, *size)

    def readlines(self, *hint: int) -> list[bytes]:
        return self._waiting(self._body.readlines, *hint)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _waiting(self, read: Callable[..., _Read], *arguments: int) -> _Read:
        self._free.put(None)
        try:
            return read(*arguments)
        finally:
            self._free.get()
