"""Within the request, as in Node: an answer of success means that the other side has it.

Unlike there, a CRM that hangs does not hang whoever sent the event: in the end it is answered that it may come again.
The call itself cannot be broken off; it ends when the CRM's client lets it.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from contact_sync.errors import ConfigurationError
from contact_sync.events import Event
from contact_sync.results import Result
from contact_sync.rules import check_seconds

from .base import Delivery, Parts

ANSWER_SECONDS: Final = 30.0
"""For how long a request waits at the most for its event to be applied."""

MOST_LATE: Final = 64
"""How many events may be applied still whose requests were answered. Then none is taken on until one of them ends."""

IDLE_SECONDS: Final = 60.0
"""For how long a thread without anything to do is kept."""

NOTHING_WAITS: Final = (
    'delivery: "inline" applies events within their request, so there is nothing for a worker to do; pass a durable '
    'one, such as delivery="sqlite:///inbox.db"'
)
HANGS: Final = (
    "events that came before are still being applied, and hang; no more are taken on until one of them ends. Give the "
    "CRM's client a time-out"
)


class Inline(Delivery):
    """Applies an event before it is answered. What fails for now is answered with 503; nothing is kept.

    An event is applied in a thread of its own, with the context of its request.

    Args:
        answer_within: After so many seconds a request is answered 503 though its event is still being applied.

    Raises:
        ConfigurationError: That is no number of seconds.
    """

    durable = False

    def __init__(self, *, answer_within: float = ANSWER_SECONDS) -> None:
        check_seconds("answer_within", answer_within)
        self._seconds = answer_within
        self._lock = threading.Lock()
        self._begin_anew()

    @property
    def name(self) -> str:
        return "inline"

    def connect(self, parts: Parts) -> None:
        self._sync = parts.sync

    def submit(self, event: Event, contact: str) -> Result:
        del contact
        if self._process != os.getpid():
            self._begin_anew()  # threads do not come along when a process forks
        if self._late >= MOST_LATE:
            return Result.failed(HANGS, retryable=True)
        call = _Call(partial(self._sync, event))
        self._have_done(call)
        if not call.ended.acquire(timeout=self._seconds):
            with self._lock:
                if not call.is_over:
                    call.is_late = True
                    self._late += 1
                    return Result.failed(
                        f"it is still being applied after {self._seconds:g} s", retryable=True, in_doubt=True
                    )
        return call.outcome()

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        del stop, threads, grace, ready
        raise ConfigurationError(NOTHING_WAITS)

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._idle = 0
        self._late = 0

    def _have_done(self, call: _Call) -> None:
        with self._lock:
            spare = self._idle > 0
            self._idle -= spare
        if spare:
            self._calls.put(call)
            return
        try:
            threading.Thread(target=self._work, args=(call,), name="contact-sync-inline", daemon=True).start()
        except RuntimeError:  # no more threads for now
            self._do(call)

    def _work(self, call: _Call) -> None:
        while True:
            self._do(call)
            with self._lock:
                self._idle += 1
            while True:
                try:
                    call = self._calls.get(timeout=IDLE_SECONDS)
                    break
                except Empty:
                    with self._lock:
                        if self._idle:
                            self._idle -= 1
                            return  # else somebody counts on this thread, and its call is on the way

    def _do(self, call: _Call) -> None:
        call.run()
        with self._lock:
            call.is_over = True
            self._late -= call.is_late
        call.ended.release()


class _Call:
    """Something that is done in another thread, in the context of this one."""

    def __init__(self, do: Callable[[], Result]) -> None:
        self._do = do
        self._context = contextvars.copy_context()
        self._result: Result | None = None
        self._error: BaseException | None = None
        self.ended = threading.Lock()
        self.ended.acquire()
        self.is_over = False
        self.is_late = False

    def run(self) -> None:
        try:
            self._result = self._context.run(self._do)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._error = error

    def outcome(self) -> Result:
        if self._error is not None:
            raise self._error
        assert self._result is not None  # noqa: S101 - it has run to its end
        return self._result
