"""Group commit: who has to wait for the disk waits for it together."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, exc

from contact_sync.errors import DeliveryUnavailable

T = TypeVar("T")

MOST: Final = 128
"""How many pieces of work share a commit at the most."""

PATIENCE: Final = 10.0
"""How many seconds to wait for others."""

_ABOUT_ALL: Final = (exc.OperationalError, exc.TimeoutError, sqlite3.OperationalError, OSError)
"""What fails is not one piece of work, but the database."""

AWAY: Final = "the inbox did not answer in time"


class _Work:
    """A piece of work and what came of it. Its thread sleeps on `turn` until it is done, or is to lead."""

    def __init__(self, do: Callable[[Connection], Any]) -> None:
        self.do = do
        self.turn = threading.Lock()
        self.turn.acquire()
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, error: BaseException | None = None) -> None:
        self.error = error
        self.done = True


class Commits:
    """Runs pieces of work of many threads in few transactions.

    The first thread to come leads: it does what waits, in one transaction. Those who come meanwhile wait; when it is
    done, the first of them leads the next. No thread of its own is needed, and alone nobody waits for anybody.

    Args:
        transaction: Begins a transaction, which is committed if the block ends well.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self._waiting: deque[_Work] = deque()
        self._lock = threading.Lock()
        self._led = False

    def do(self, do: Callable[[Connection], T]) -> T:
        """Do a piece of work, with others, and wait until it is committed.

        Raises:
            DeliveryUnavailable: It did not come to it in time.
        """
        work = _Work(do)
        with self._lock:
            leads = not self._led
            self._led = True
            self._waiting.append(work)
        if not leads and not work.turn.acquire(timeout=PATIENCE):
            self._give_up(work)
        if not work.done:
            self._lead()
        if work.error is not None:
            raise work.error
        return cast(T, work.result)

    def _give_up(self, work: _Work) -> None:
        """Take a piece of work back, unless it is this thread's turn just now."""
        with self._lock:
            if work.turn.acquire(blocking=False):
                return
            if work in self._waiting:
                self._waiting.remove(work)
        raise DeliveryUnavailable(AWAY)

    def _lead(self) -> None:
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            self._commit(group)
        finally:
            with self._lock:
                for work in group:
                    work.turn.release()
                if self._waiting:
                    self._waiting[0].turn.release()
                else:
                    self._led = False

    def _commit(self, group: list[_Work]) -> None:
        try:
            with self._transaction() as connection:
                for work in group:
                    work.result = work.do(connection)
        except Exception as error:  # noqa: BLE001 - it is raised where the work came from
            if len(group) > 1 and not isinstance(error, _ABOUT_ALL):
                for work in group:  # one of them is at fault; it shall not fail the others
                    self._commit([work])
                return
            for work in group:
                work.finish(error)
        except BaseException:  # this thread is being ended
            for work in group:
                work.finish(DeliveryUnavailable(AWAY))
            raise
        else:
            for work in group:
                work.finish()
