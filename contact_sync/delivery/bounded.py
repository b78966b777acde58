"""Calls that may hang, made in other threads, so that nobody waits for them for longer than is right.

A call cannot be broken off. It goes on until it ends by itself, and so many at the most may hang at once.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

MOST_LATE: Final = 64
"""How many calls may go on for which nobody waits any more. Then no more are made until one of them ends."""

IDLE_SECONDS: Final = 60.0
"""For how long a thread without anything to do is kept."""


class Late(Exception):
    """A call has not ended in time. It goes on."""


class TooManyLate(Exception):
    """Too many calls have not ended in time and still go on; this one was not made."""


class Bounded:
    """Makes calls in threads of its own, each with the context (`contextvars`) of who asked for it."""

    def __init__(self) -> None:
        self._begin_anew()

    def call(self, do: Callable[[], T], seconds: float) -> T:
        """Make a call, and give what it gave.

        Args:
            do: The call. What it raises is raised.
            seconds: For how long to wait for it.

        Raises:
            Late: It has not ended by then.
            TooManyLate: It was not made.
        """
        if self._process != os.getpid():
            self._begin_anew()  # threads do not come along when a process forks, and locks come along as they are
        if self._late >= MOST_LATE:
            raise TooManyLate
        call = _Call(do)
        self._have_made(call)
        if not call.ended.acquire(timeout=seconds):
            with self._lock:
                if not call.is_over:
                    call.is_late = True
                    self._late += 1
                    raise Late
        return cast(T, call.outcome())

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._idle = 0
        self._late = 0

    def _have_made(self, call: _Call) -> None:
        with self._lock:
            spare = self._idle > 0
            self._idle -= spare
        if spare:
            self._calls.put(call)
            return
        try:
            threading.Thread(target=self._work, args=(call,), name="contact-sync-bounded", daemon=True).start()
        except RuntimeError:  # no more threads for now
            self._make(call)

    def _work(self, call: _Call) -> None:
        while True:
            self._make(call)
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

    def _make(self, call: _Call) -> None:
        call.make()
        with self._lock:
            call.is_over = True
            self._late -= call.is_late
        call.ended.release()


class _Call:
    """A call, and what came of it."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self._do = do
        self._context = contextvars.copy_context()
        self._result: Any = None
        self._error: BaseException | None = None
        self.ended = threading.Lock()
        self.ended.acquire()
        self.is_over = False
        self.is_late = False

    def make(self) -> None:
        try:
            self._result = self._context.run(self._do)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._error = error

    def outcome(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result
