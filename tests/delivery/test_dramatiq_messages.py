"""Messages of Dramatiq only say that something is due: any broker brings them, and none has to arrive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import dramatiq.broker
import pytest
from dramatiq.brokers.stub import StubBroker

from contact_sync.delivery import Retries, State
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.errors import ConfigurationError
from contact_sync.results import Result
from contact_sync.testing.delivery import Stage
from contact_sync.testing.delivery.stage import PATIENCE, Gate, wait_until
from tests.servers import Valkey

QUICK = Retries(first=0.05, longest=0.2)


class LosingBroker(StubBroker):
    """A broker that refuses, or takes a message and never brings it."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = 0
        self.loses = 0
        self.tried = 0

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        self.tried += 1
        if self.refuses:
            self.refuses -= 1
            raise OSError("the broker is away")
        if self.loses:
            self.loses -= 1
            return message
        return super().enqueue(message, delay=delay)


@pytest.fixture
def make_stage(valkey: Valkey) -> Iterator[Callable[..., Stage]]:
    """Makes deliveries on the same server."""
    made: list[DramatiqDelivery] = []

    def make(broker: dramatiq.Broker | None = None) -> Stage:
        made.append(DramatiqDelivery(valkey.url, broker=broker, retries=QUICK, lease_seconds=1.0))
        return Stage(made[-1])

    yield make
    for delivery in made:
        delivery.close()


def test_messages_go_by_the_broker_that_is_given(make_stage: Callable[..., Stage]) -> None:
    """One for a contact that has nothing waiting, and it says nothing of it; also when it is tried again."""
    broker = StubBroker()
    stage = make_stage(broker=broker)
    stage.answers["7"] = [Result.failed("away", retryable=True)]
    stage.accepted("7", {"email": "ana@example.org"}, token="tok")
    stage.accepted("7", "y")
    stage.accepted("8", "z")
    queue = broker.queues["contact_sync"]
    assert queue.qsize() == 2
    assert not any(secret in message for message in queue.queue for secret in (b"ana", b"tok-"))
    stage.settle()
    assert [one.says for one in stage.applied if one.contact == "8"] == [("z",)]
    assert len(stage.says("7")) == 4


def test_dramatiqs_global_broker_is_left_alone(make_stage: Callable[..., Stage]) -> None:
    """A user may have their own."""
    before = dramatiq.broker.global_broker
    stage = make_stage()
    stage.accepted("7", "x")
    stage.settle()
    assert dramatiq.broker.global_broker is before


@pytest.mark.parametrize("how", ["refuses", "loses"])
def test_a_message_that_is_lost_is_sent_again_by_the_workers(make_stage: Callable[..., Stage], how: str) -> None:
    """What is stored is accepted, whatever becomes of its message."""
    broker = LosingBroker()
    stage = make_stage(broker=broker)
    setattr(broker, how, 1)
    id = stage.accepted("7", "x")
    assert broker.queues["contact_sync"].qsize() == 0
    stage.settle()
    assert stage.state(id) is State.APPLIED


def test_messages_that_a_broker_forgets_are_sent_again(make_stage: Callable[..., Stage]) -> None:
    """It lost all that it had, while everything is in the mailboxes."""
    broker = StubBroker()
    stage = make_stage(broker=broker)
    ids = [stage.accepted(f"c{n}", n) for n in range(300)]
    broker.flush_all()
    stage.settle()
    assert {stage.state(id) for id in ids} == {State.APPLIED}


def test_a_broker_that_is_away_is_not_asked_for_every_event(make_stage: Callable[..., Stage]) -> None:
    """Nobody waits for it meanwhile."""
    broker = LosingBroker()
    stage = make_stage(broker=broker)
    broker.refuses = 1_000
    for n in range(20):
        stage.accepted(f"c{n}", n)
    assert broker.tried == 1


def test_several_workers_of_a_process_end_one_by_one(make_stage: Callable[..., Stage]) -> None:
    """Of one delivery; what the first leaves, the other does."""
    stage = make_stage()
    with stage.working() as end_first, stage.working():
        stage.accepted("7", "x")
        stage.wait_settled()
        assert end_first() is True
        stage.accepted("7", "y")
        stage.wait_settled()
    assert stage.says("7") == ["x", "y"]
    stage.accepted("7", "z")
    stage.settle()
    assert stage.says("7") == ["x", "y", "z"]


def test_a_delivery_that_worked_before_leaves_nothing_on_its_broker(make_stage: Callable[..., Stage]) -> None:
    """However often it works."""
    broker = StubBroker()
    stage = make_stage(broker=broker)
    before = list(broker.middleware)
    for n in range(3):
        stage.accepted("7", n)
        stage.settle()
    assert broker.middleware == before
    assert stage.says("7") == [0, 1, 2]


def test_spare_threads_take_the_place_of_those_that_wait_for_a_slow_crm(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if all of Dramatiq's threads wait."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.shares.SLOW_SECONDS", 0.2)
    stage = make_stage()
    gate = Gate()
    for contact in ("slow1", "slow2"):
        stage.answers[contact] = [gate]
    with stage.working(2):
        for contact in ("slow1", "slow2"):
            stage.accepted(contact, 1)
        wait_until(lambda: len(stage.at_work) == 2, "both threads to be at work")
        for n in range(10):
            stage.accepted(f"c{n}", n)
        wait_until(lambda: len(stage.applied) == 10, "the others to be applied")
        gate.open.set()
        stage.wait_settled()
    assert len(stage.applied) == 12


def test_a_spare_thread_is_waited_for_when_the_worker_is_stopped(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finishes what it is at; or is cut off, and its events come again."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.shares.SLOW_SECONDS", 0.1)
    stage = make_stage()
    gates = [Gate(), Gate()]
    with stage.working(1, grace=0.3) as end:
        for n, gate in enumerate(gates):
            stage.answers[f"c{n}"] = [gate]
            stage.accepted(f"c{n}", n)
            gate.wait()
        gates[0].open.set()
        assert end() is False
    other = make_stage()
    other.settle()
    assert (stage.says("c0"), other.says("c1")) == ([0], [1])
    gates[1].open.set()
    running = threading.enumerate
    wait_until(lambda: not any(one.name == "contact-sync-spare" for one in running()), "the spare thread to end")


class Connection:
    """A connection that is lost when the test says so."""

    def __init__(self) -> None:
        self.kept = 0
        self.lost = False

    def process_data_events(self) -> None:
        self.kept += 1
        if self.lost:
            raise OSError("the connection was reset")


class ConnectingBroker(StubBroker):
    """A broker that keeps a connection for each thread that sends, as RabbitMQ's does."""

    def __init__(self) -> None:
        super().__init__()
        self.connected: dict[str, Connection] = {}
        self.works = threading.Event()
        self.works.set()

    @property
    def connection(self) -> Connection:
        return self.connected.setdefault(threading.current_thread().name, Connection())

    @connection.deleter
    def connection(self) -> None:
        self.connected.pop(threading.current_thread().name, None)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        assert self.connection is not None
        assert self.works.wait(PATIENCE), "nobody had the broker work again"
        return super().enqueue(message, delay=delay)


def test_one_thread_of_a_process_connects_to_a_broker_whose_connections_belong_to_threads(
    make_stage: Callable[..., Stage],
) -> None:
    """Not those that accept, apply, or sweep. What Dramatiq's own threads open is closed when they end."""
    broker = ConnectingBroker()
    stage = make_stage(broker=broker)
    stage.answers["7"] = [Result.failed("away", retryable=True)]
    stage.accepted("7", "x")
    wait_until(lambda: broker.queues["contact_sync"].qsize() == 1, "the message")
    broker.flush_all()
    stage.settle()
    assert len(stage.says("7")) == 2
    assert set(broker.connected) == {"contact-sync-post"}
    stage.delivery.close()
    assert not broker.connected
    stage.accepted("8", "y")
    wait_until(lambda: bool(broker.connected), "a delivery that was closed to be used again")


def test_nobody_waits_for_a_broker_that_hangs(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those who accept events, more than messages may wait, nor who closes the delivery."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.postman.MOST_UNSENT", 10)
    monkeypatch.setattr("contact_sync.delivery.dramatiq.postman.CLOSE_SECONDS", 0.05)
    broker = ConnectingBroker()
    broker.works.clear()
    stage = make_stage(broker=broker)
    ids = [stage.accepted("first", 0)]
    wait_until(lambda: bool(broker.connected), "the first message to be under way")
    stage.delivery.close()
    ids += [stage.accepted(f"c{n}", n) for n in range(30)]
    stage.delivery.close()
    assert set(broker.connected) == {"contact-sync-post"}
    assert broker.queues["contact_sync"].qsize() == 0
    broker.works.set()
    stage.settle()
    assert {stage.state(id) for id in ids} == {State.APPLIED}


def test_the_connection_is_kept_while_nothing_is_sent(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is lost is opened again for the next message, and not before."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.postman.IDLE_SECONDS", 0.01)
    broker = ConnectingBroker()
    stage = make_stage(broker=broker)
    for n in range(2):
        stage.accepted(f"c{n}", n)
        wait_until(lambda: any(one.kept > 2 for one in list(broker.connected.values())), "the connection to be kept")
        broker.connected["contact-sync-post"].lost = True
        wait_until(lambda: not broker.connected, "the lost connection to be closed")
    assert broker.queues["contact_sync"].qsize() == 2


class ClingingBroker(StubBroker):
    """A broker whose consumers cannot be closed for now, as RabbitMQ's when it hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.works = threading.Event()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> dramatiq.Consumer:
        consumer = super().consume(queue_name, prefetch, timeout)
        closed: Any = consumer
        closed.close = lambda: self.works.wait(PATIENCE)
        return consumer


def test_a_worker_ends_although_its_broker_hangs(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After its time of grace and a little more; what was in flight is finished."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.working.CLOSE_SECONDS", 0.05)
    broker = ClingingBroker()
    stage = make_stage(broker=broker)
    id = stage.accepted("7", "x")
    with stage.working(grace=0.5) as end:
        stage.wait_settled()
        assert end() is True
    assert stage.state(id) is State.APPLIED
    assert "The broker does not let Dramatiq's worker go" in caplog.text
    broker.works.set()


def test_a_broker_serves_one_delivery(valkey: Valkey) -> None:
    """And has to be one."""
    broker = StubBroker()
    DramatiqDelivery(valkey.url, broker=broker).close()
    with pytest.raises(ConfigurationError, match="give each a broker of its own"):
        DramatiqDelivery(valkey.url, broker=broker)
    with pytest.raises(ConfigurationError, match=r"expected a dramatiq\.Broker, got str"):
        DramatiqDelivery(valkey.url, broker="redis://localhost")  # type: ignore[arg-type]
