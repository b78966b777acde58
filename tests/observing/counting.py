"""A process that counts, and tells what is counted, as it is told to. Started afresh, as workers are."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

from contact_sync.delivery import Backlog
from contact_sync.metrics import open_metrics
from contact_sync.observing import observers
from tests.observing.helpers import Read

PATIENCE: Final = 60.0
THREADS: Final = 4


def _run(connection: Connection[Any, Any]) -> None:
    metrics, again = open_metrics(lambda: Backlog(waiting=9, failed=2)), open_metrics()
    assert metrics is not None
    assert again is not None
    while (asked := connection.recv()) is not None:
        if isinstance(asked, int):
            threads = [threading.Thread(target=_count, args=(asked,)) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            connection.send(b"")
        else:
            connection.send(metrics()[0])


def _count(times: int) -> None:
    for _ in range(times):
        observers.event_accepted("contact_updated")
        observers.event_settled("contact_updated", "updated", 0.25)
        observers.event_retried("somebody's own")


class Counting:
    """The process, as its parent sees it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self.process = context.Process(target=_run, args=(there,))
        self.process.start()
        there.close()

    def begin(self, times: int) -> None:
        """Let each of its threads count so many events."""
        self._here.send(times)

    def answer(self) -> bytes:
        """Wait for what it has to say."""
        assert self._here.poll(PATIENCE)
        said: bytes = self._here.recv()
        return said

    def scrape(self) -> Read:
        """Read what it says of all."""
        self._here.send("scrape")
        return Read(self.answer())

    def kill(self) -> None:
        """End it as an impatient system does."""
        self.process.kill()
        self.process.join(PATIENCE)

    def end(self) -> None:
        """Let it end by itself."""
        if self.process.is_alive():
            self._here.send(None)
            self.process.join(PATIENCE)
        self._here.close()


@contextmanager
def counting(processes: int) -> Iterator[list[Counting]]:
    """Run several of them."""
    running = [Counting() for _ in range(processes)]
    try:
        yield running
    finally:
        for one in running:
            one.end()
