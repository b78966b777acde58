"""Dramatiq's delivery while Redis hangs, dies, comes back, refuses, or does not bring its answer back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from contact_sync.delivery import Backlog, Retries, State
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.errors import DeliveryUnavailable
from contact_sync.results import Result
from contact_sync.testing.delivery import Stage
from contact_sync.testing.delivery.stage import Gate, wait_until
from tests.relay import Relay
from tests.servers import Valkey, plain_client

LEASE: Final = 0.5
QUICK: Final = Retries(first=0.05, longest=0.2)


@pytest.fixture
def stage(private_valkey: Valkey) -> Iterator[Stage]:
    """A delivery that does not wait long for its server."""
    delivery = DramatiqDelivery(f"{private_valkey.url}?socket_timeout=0.3", lease_seconds=LEASE, retries=QUICK)
    yield Stage(delivery)
    delivery.close()


def refused(stage: Stage) -> bool:
    """Whether an event is refused for now, and everything else says so."""
    result = stage.submit("7", "refused")
    if result.success:
        return False
    assert result.retryable
    assert not result.queued
    assert stage.delivery.unready()
    return True


def test_a_server_that_hangs_refuses_for_now(stage: Stage, private_valkey: Valkey) -> None:
    """After the time-out. What it had taken is there when it goes on."""
    id = stage.accepted("7", "x")
    with private_valkey.frozen():
        assert refused(stage)
        with pytest.raises(DeliveryUnavailable, match="did not answer in time"):
            stage.delivery.backlog()
    assert stage.delivery.unready() is None
    assert stage.state(id) is State.WAITING


def test_a_server_that_is_gone_refuses_until_it_is_back(stage: Stage, private_valkey: Valkey) -> None:
    """A worker survives it, and goes on by itself."""
    with stage.working():
        stage.accepted("7", "before")
        stage.wait_settled()
        private_valkey.stop()
        assert refused(stage)
        private_valkey.start()
        wait_until(lambda: not refused(stage), "the server to take events again")
        wait_until(lambda: "refused" in stage.says("7"), "the worker to go on")


def test_a_worker_that_starts_before_its_server_waits_for_it(
    stage: Stage, private_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so."""
    private_valkey.stop()
    with stage.working():
        wait_until(lambda: "cannot reach what it works on, and waits" in caplog.text, "the worker to say so")
        private_valkey.start()
        wait_until(lambda: not refused(stage), "the server to take events")
        stage.wait_settled()
    assert set(stage.says("7")) == {"refused"}


def test_what_was_applied_while_the_server_hung_is_not_applied_again(stage: Stage, private_valkey: Valkey) -> None:
    """The worker waits until it can settle it, although its lease has ended."""
    gate = Gate()
    stage.answers["7"] = [gate]
    ids = [stage.accepted("7", "x"), stage.accepted("8", "y")]
    with stage.working():
        gate.wait()
        with private_valkey.frozen():
            gate.open.set()
            wait_until(lambda: stage.says("7") == ["x"], "it to be applied")
            time.sleep(1.2 * LEASE)  # nobody can be asked whether it has ended
        stage.wait_settled()
    assert (stage.says("7"), stage.record(ids[0]).tries) == (["x"], 1)
    assert stage.state(ids[1]) is State.APPLIED


def test_a_server_without_memory_takes_nothing_and_loses_nothing(stage: Stage, private_valkey: Valkey) -> None:
    """Nothing is done by halves. Dead letters can be dropped, which makes room."""
    stage.answers["7"] = [Result.failed("no such field")]
    dead = stage.accepted("7", "dead")
    stage.settle()
    gate = Gate()
    stage.answers["8"] = [gate]
    ids = [stage.accepted("8", "x"), stage.accepted("9", "y")]
    with plain_client(private_valkey.port) as client, stage.working(1):
        gate.wait()
        client.config_set("maxmemory", "1")
        assert refused(stage)
        gate.open.set()
        wait_until(lambda: stage.says("8") == ["x"], "it to be applied")
        with pytest.raises(DeliveryUnavailable, match="at the moment"):
            stage.delivery.replay(dead)
        assert stage.state(dead) is State.FAILED
        assert stage.delivery.drop(dead).success
        client.config_set("maxmemory", "0")
        stage.wait_settled()
    assert [stage.state(id) for id in ids] == [State.APPLIED] * 2
    assert stage.delivery.backlog() == Backlog()
    assert stage.says("8") == ["x"]


def test_a_replica_takes_nothing(stage: Stage, private_valkey: Valkey, valkey: Valkey) -> None:
    """As after a fail-over, before the client has noticed."""
    with plain_client(private_valkey.port) as client:
        client.replicaof("127.0.0.1", valkey.port)
        assert refused(stage)
        client.replicaof("NO", "ONE")
    assert not refused(stage)


@pytest.mark.parametrize("delivery_id", [None, "d-1"])
def test_an_event_whose_answer_was_lost_is_stored_once(valkey: Valkey, delivery_id: str | None) -> None:
    """It is sent again, and recognised."""
    with Relay(valkey.port) as relay:
        delivery = DramatiqDelivery(f"redis://127.0.0.1:{relay.port}")
        stage = Stage(delivery)
        stage.accepted("6", "x")  # the server knows the script from now on
        relay.lose_answer()
        id = stage.accepted("7", "x", delivery_id=delivery_id)
        assert stage.delivery.backlog().waiting == 2
        assert stage.record(id).contact == "7"
        stage.settle()
        assert stage.says("7") == ["x"]
        delivery.close()


def test_a_line_that_breaks_again_and_again_loses_nothing(valkey: Valkey) -> None:
    """Whatever was on its way: each event is applied, in its order, and few twice."""
    with Relay(valkey.port) as relay:
        delivery = DramatiqDelivery(f"redis://127.0.0.1:{relay.port}", lease_seconds=0.5, retries=QUICK)
        stage, clear = Stage(delivery), Stage(DramatiqDelivery(valkey.url))
        with stage.working():
            for n in range(100):
                clear.accepted(f"c{n % 7}", n, name="contact_deleted")
                if n % 10 == 5:
                    relay.lose_answer()
            clear.wait_settled()
        for contact in range(7):
            firsts = list(dict.fromkeys(stage.says(f"c{contact}")))
            assert firsts == list(range(contact, 100, 7))
        assert clear.delivery.backlog() == Backlog()
        clear.delivery.close()
        delivery.close()


def test_errors_and_logs_hold_no_url_and_no_value(
    private_valkey: Valkey, caplog: pytest.LogCaptureFixture, make_url: Callable[[], str]
) -> None:
    """At any level, Dramatiq's own included."""
    caplog.set_level(logging.DEBUG)
    delivery = DramatiqDelivery(make_url())
    stage = Stage(delivery)
    stage.accepted("7", {"email": "ana@example.org"}, token="tok-secret")
    with stage.working():
        stage.wait_settled()
        private_valkey.stop()
        assert stage.submit("7", {"email": "ana@example.org"}, token="tok-secret").retryable
        with pytest.raises(DeliveryUnavailable) as raised:
            delivery.events()
        wait_until(lambda: "connection error" in caplog.text, "Dramatiq to notice")
    for kept in (caplog.text, str(raised.value), str(delivery.unready()), repr(delivery), delivery.name):
        assert not any(secret in kept for secret in ("ana@example.org", "tok-secret", "hunter2"))
    delivery.close()


@pytest.fixture
def make_url(private_valkey: Valkey) -> Callable[[], str]:
    """Makes a URL with a password, which the server wants."""

    def make() -> str:
        with plain_client(private_valkey.port) as client:
            client.config_set("requirepass", "hunter2")
        return f"redis://:hunter2@127.0.0.1:{private_valkey.port}"

    return make
