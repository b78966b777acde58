"""Several worker processes, perhaps on one listening socket, and the process that looks after them.

Workers are started afresh, not forked: each imports the program and opens its connections itself. What ties them to
their parent is a pipe. Its end is the order to stop, so they also stop when the parent is killed.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from .signals import Bell

log = logging.getLogger(__name__)

SHORT_LIFE: Final = 10.0
"""A worker that ends sooner than this, in seconds, is not replaced at once: its next one would end as well."""

LONGEST_PAUSE: Final = 30.0

LATE: Final = 5.0
"""For how many seconds a worker may outlast the time of grace, in which it ends by itself."""

_READY: Final = "ready"


class Control:
    """What ties a worker to the process that looks after it. Its function receives one."""

    def __init__(self, connection: Connection[str, str]) -> None:
        self._connection = connection

    def ready(self) -> None:
        """Say that it works."""
        with contextlib.suppress(OSError):  # the parent is gone, and `on_stop` tells of that
            self._connection.send(_READY)

    def on_stop(self, stop: Callable[[], object]) -> None:
        """Have a function called, in a thread of its own, when the worker is to stop or its parent is gone."""

        def listen() -> None:
            wait([self._connection])  # nothing is ever sent: it is readable when the other end is closed
            stop()

        threading.Thread(target=listen, name="stop-listener", daemon=True).start()


Work = Callable[..., None]
"""What a worker does: `work(control, *args)`. It has to be importable by name."""


@dataclass(slots=True)
class _Worker:
    number: int
    process: SpawnProcess
    connection: Connection[str, str]
    born: float
    ready: bool = False

    def hear(self) -> None:
        """Take what it said; if it said nothing and is gone, its process tells."""
        with contextlib.suppress(EOFError, OSError):
            self.ready = self.connection.recv() == _READY


class Workers:
    """Runs a function in several processes, and starts a new one where one ends.

    Args:
        work: What each of them does.
        args: The arguments for `work`; they are pickled.
        count: How many processes.
        grace: For how many seconds they may go on when they are told to stop; a little later they are killed.
        listener: A socket that they share, if they are given one. It is closed here when they are told to stop.
    """

    def __init__(
        self, work: Work, args: Sequence[Any], *, count: int, grace: float, listener: socket.socket | None = None
    ) -> None:
        self._work = work
        self._args = args
        self._listener = listener
        self._count = count
        self._grace = grace
        self._workers: list[_Worker] = []
        self._to_start: dict[int, float] = dict.fromkeys(range(1, count + 1), 0.0)
        self._short_lives = dict.fromkeys(range(1, count + 1), 0)
        self._signals = 0
        self._bell = Bell()

    def run(self, started: Callable[[], object]) -> bool:
        """Keep the workers running until SIGTERM or Ctrl-C; then let them finish what is under way.

        A second signal ends everything at once.

        Args:
            started: Called when all of them work.

        Returns:
            Whether all went well: they all came up, and all that was under way was finished in the end.
        """
        came_up = False
        with self._bell.hearing_signals(self._hear):
            try:
                came_up = self._look_after(started)
            finally:
                ended_well = self._stop()
        return came_up and ended_well

    def _look_after(self, started: Callable[[], object]) -> bool:
        all_came_up = False
        while not self._signals:
            self._start_those_due()
            self._wait()
            for worker in [worker for worker in self._workers if not worker.process.is_alive()]:
                self._bury(worker)
                if not all_came_up and not worker.ready:
                    return False  # it said why, and the others would fail in the same way
            if not all_came_up and not self._to_start and all(worker.ready for worker in self._workers):
                all_came_up = True
                started()
        return True

    def _start_those_due(self) -> None:
        now = time.monotonic()
        for number in [number for number, due in self._to_start.items() if due <= now]:
            del self._to_start[number]
            self._workers.append(self._start(number))

    def _start(self, number: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_begin, args=(self._work, there, *self._args), name=f"worker-{number}")
        process.start()
        there.close()
        log.info("Worker %d is process %s", number, process.pid)
        return _Worker(number, process, here, time.monotonic())

    def _wait(self) -> None:
        """Wait until something happens: a signal, a worker's word, a worker's end, or the time to start one."""
        silent: dict[object, _Worker] = {worker.connection: worker for worker in self._workers if not worker.ready}
        ends = [worker.process.sentinel for worker in self._workers]
        timeout = min((due - time.monotonic() for due in self._to_start.values()), default=None)
        connections = [worker.connection for worker in silent.values()]
        for happened in wait([self._bell.ear, *ends, *connections], None if timeout is None else max(0.0, timeout)):
            if happened in silent:
                silent[happened].hear()
        self._bell.silence()

    def _bury(self, worker: _Worker) -> None:
        """Take a worker off that ended by itself, and plan when another takes its place."""
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        lived = time.monotonic() - worker.born
        lives = self._short_lives[worker.number] + 1 if lived < SHORT_LIFE else 0
        self._short_lives[worker.number] = lives
        pause = min(LONGEST_PAUSE, 2.0 ** (lives - 1)) if lives else 0.0
        self._to_start[worker.number] = time.monotonic() + pause
        log.error(
            "Worker %d (process %s) has ended by itself with exit code %s",
            worker.number,
            worker.process.pid,
            worker.process.exitcode,
        )

    def _stop(self) -> bool:
        if self._listener is not None:
            self._listener.close()
        for worker in self._workers:
            worker.connection.close()
            if not worker.ready:
                worker.process.kill()
        deadline = time.monotonic() + self._grace + LATE
        while alive := [worker.process for worker in self._workers if worker.process.is_alive()]:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            wait([self._bell.ear, *(process.sentinel for process in alive)], left)
            self._bell.silence()
        for process in alive:
            process.kill()
            process.join()
        return all(worker.process.exitcode == 0 for worker in self._workers if worker.ready)

    def _hear(self, number: int) -> None:
        self._signals += 1
        if self._signals > 1:
            for worker in self._workers:
                worker.process.kill()
            os._exit(128 + number)


def _begin(work: Work, connection: Connection[str, str], *args: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
    work(Control(connection), *args)
