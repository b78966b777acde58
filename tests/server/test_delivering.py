"""A delivery's worker that is run from outside, beside the server or alone: how it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from contact_sync import ConfigurationError, Result
from contact_sync.delivery import Delivery, Inline, Parts
from contact_sync.events import Event
from contact_sync.server import Delivering, Server, beside
from tests.server.apps import get, hello, running


class Scripted(Delivery):
    """A durable delivery whose worker does what it is told."""

    durable = True
    name = "scripted"

    def __init__(self, work: Callable[[threading.Event], bool]) -> None:
        self._work = work
        self.asked: tuple[int, float] | None = None

    def connect(self, parts: Parts) -> None:
        """Nothing is needed."""

    def submit(self, event: Event, contact: str) -> Result:
        return Result.failed("nothing is taken here")

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        self.asked = threads, grace
        if ready is not None:
            ready()
        return self._work(stop)


def until_stopped(stop: threading.Event) -> bool:
    return stop.wait(20)


def broken(stop: threading.Event) -> bool:
    raise ConfigurationError("delivery: it is set up wrongly")


def test_it_works_until_it_is_asked_to_stop_from_any_thread() -> None:
    delivery = Scripted(until_stopped)
    delivering = Delivering(delivery, threads=3, grace=5.0)
    assert delivering.run(lambda: threading.Thread(target=delivering.ask_to_stop).start()) is True
    assert delivery.asked == (3, 5.0)


def test_what_was_not_finished_in_the_time_of_grace_is_told() -> None:
    delivering = Delivering(Scripted(lambda stop: not stop.wait(20)))
    assert delivering.run(delivering.ask_to_stop) is False


def test_a_worker_that_does_not_even_end_is_left_behind() -> None:
    let_go = threading.Event()
    delivering = Delivering(Scripted(lambda stop: let_go.wait(20)), grace=-1.5)  # with the time that it may be late
    assert delivering.run(delivering.ask_to_stop) is False
    let_go.set()


def test_what_a_worker_ends_by_is_raised() -> None:
    with pytest.raises(ConfigurationError, match="it is set up wrongly"):
        Delivering(Scripted(broken)).run(lambda: None)
    with pytest.raises(RuntimeError, match="has ended by itself"):
        Delivering(Scripted(lambda stop: True)).run(lambda: None)


def test_a_server_starts_it_and_stops_it() -> None:
    seen: list[str] = []

    def work(stop: threading.Event) -> bool:
        seen.append("started")
        stopped = stop.wait(20)
        seen.append("stopped")
        return stopped

    server = Server(hello, port=0, delivering=Delivering(Scripted(work)))
    with running(server) as returned:
        assert get(server.address) == (200, b"hello")
        server.stop()
    assert (seen, returned) == (["started", "stopped"], [True])


def test_a_server_tells_that_events_were_cut_off() -> None:
    server = Server(hello, port=0, delivering=Delivering(Scripted(lambda stop: not stop.wait(20))))
    with running(server) as returned:
        server.stop()
    assert returned == [False]


def test_a_server_ends_when_events_are_delivered_no_more() -> None:
    with pytest.raises(ConfigurationError, match="it is set up wrongly"):
        Server(hello, port=0, delivering=Delivering(Scripted(broken))).run(lambda: None)


def test_beside_a_server_only_a_durable_delivery_has_something_to_do() -> None:
    assert beside(Inline(), 8) is None
    assert beside(Scripted(until_stopped), 0) is None
    assert beside(Scripted(until_stopped), 8) is not None
