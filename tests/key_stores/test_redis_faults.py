"""Redis that fails: it hangs, dies, comes back, refuses. What is raised, and that nothing is done twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator

import pytest
import redis

from key_stores import KeyStoreError, RedisKeyStore, StoreUnavailable
from key_stores.testing.pairs import pairs_in
from key_stores.testing.tombstones import wait_until
from tests.relay import Relay
from tests.servers import Valkey, plain_client, run_valkey

IDS = {"b": ["b1", "b2", "b3"], "e": ["e1", "e2", "e3"]}


@pytest.fixture
def relay(valkey: Valkey) -> Iterator[Relay]:
    """A line to the server that can be broken."""
    with Relay(valkey.port) as relay:
        yield relay


@pytest.fixture
def store(relay: Relay) -> Iterator[RedisKeyStore]:
    """A store at the end of that line, which does not wait long."""
    store = RedisKeyStore(f"redis://127.0.0.1:{relay.port}?socket_timeout=0.3")
    yield store
    store.close()


def test_a_server_that_hangs_is_unavailable(private_valkey: Valkey) -> None:
    """After the time-out of an answer, and without trying again."""
    store = RedisKeyStore(f"{private_valkey.url}?socket_timeout=0.1")
    store.save_ids("i", "b1", "e1")
    with private_valkey.frozen(), pytest.raises(StoreUnavailable, match="did not answer in time"):
        store.get_external_id("i", "b1")
    assert store.get_external_id("i", "b1") == "e1"
    store.close()


def test_a_server_that_comes_back_is_used_again(private_valkey: Valkey) -> None:
    """Its scripts are gone with it; nobody notices."""
    store = RedisKeyStore(private_valkey.url)
    store.save_ids("i", "b1", "e1")
    private_valkey.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.save_ids("i", "b2", "e2")
    private_valkey.start()
    assert store.save_ids("i", "b2", "e2") is True
    assert store.get_external_id("i", "b1") is None
    store.close()


def test_a_lost_connection_is_tried_again(store: RedisKeyStore, relay: Relay) -> None:
    """For what may be done twice."""
    store.save_ids("i", "b1", "e1")
    relay.lose_answer()
    assert store.get_external_id("i", "b1") == "e1"
    relay.lose_answer()
    assert store.save_ids("i", "b2", "e2") is True
    relay.lose_answer()
    assert store.acquire_leases("i", ["a"], "me", 60) is True
    assert relay.connections == 4


@pytest.mark.parametrize("method", ["delete_ids", "bury_ids", "delete_record"])
def test_what_would_answer_otherwise_the_second_time_is_not_sent_again(
    store: RedisKeyStore, relay: Relay, method: str
) -> None:
    """It took effect, and its answer was lost: `False` would be a lie, so nothing is answered."""
    calls: dict[str, Callable[[], bool]] = {
        "delete_ids": lambda: store.delete_ids("i", "b1", "e1"),
        "bury_ids": lambda: store.bury_ids("i", "b1", "e1", 60),
        "delete_record": lambda: store.delete_record("i", "name"),
    }
    calls[method]()  # the server knows the script from now on
    store.save_ids("i", "b1", "e1")
    store.put_record("i", "name", "value")
    relay.lose_answer()
    with pytest.raises(StoreUnavailable):
        calls[method]()
    assert (store.get_external_id("i", "b1"), store.get_record("i", "name")).count(None) == 1


def test_a_line_that_is_cut_in_a_walk_is_said(store: RedisKeyStore, relay: Relay) -> None:
    """The walk does not end as if it had come to its end."""
    store.save_many("i", [(n, n) for n in range(3000)])
    walk = store.iter_pairs("i")
    next(walk)
    relay.cut()
    with pytest.raises(StoreUnavailable):
        list(walk)


def test_a_given_client_decides_itself_about_trying_again(valkey: Valkey, relay: Relay) -> None:
    """The store adds nothing to its policy."""
    with plain_client(relay.port) as client:
        store = RedisKeyStore(client)
        store.save_ids("i", "b1", "e1")
        relay.lose_answer()
        with pytest.raises(StoreUnavailable):
            store.get_external_id("i", "b1")
        assert store.get_external_id("i", "b1") == "e1"


def test_a_server_without_memory_is_unavailable_and_saves_nothing(private_valkey: Valkey) -> None:
    """Reading goes on. Nothing is saved by halves."""
    store = RedisKeyStore(private_valkey.url)
    store.save_ids("i", "b1", "e1")
    store.save_ids("i", "b2", "e2")
    with plain_client(private_valkey.port) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="cannot do this at the moment"):
            store.save_ids("i", "b3", "e3")
        assert pairs_in(store, "i", IDS["b"], IDS["e"]) == {("b1", "e1"), ("b2", "e2")}
        store.save_ids("i", "b1", "e2")  # takes no more memory than it gives back, so the server lets it pass, whole
        assert pairs_in(store, "i", IDS["b"], IDS["e"]) == {("b1", "e2")}
        client.config_set("maxmemory", "0")
    assert store.save_ids("i", "b3", "e3") is True
    store.close()


def test_a_replica_is_unavailable_for_writes(private_valkey: Valkey, valkey: Valkey) -> None:
    """As after a fail-over, before the client has noticed."""
    store = RedisKeyStore(private_valkey.url)
    store.ping()
    with plain_client(private_valkey.port) as client:
        client.replicaof("127.0.0.1", valkey.port)
    with pytest.raises(StoreUnavailable):
        store.save_ids("i", "b1", "e1")
    store.close()


def test_a_server_busy_with_a_script_is_unavailable(private_valkey: Valkey) -> None:
    """Somebody else's script that does not end."""
    store = RedisKeyStore(private_valkey.url)
    store.ping()
    with (
        plain_client(private_valkey.port) as killer,
        socket.create_connection(("127.0.0.1", private_valkey.port)) as it,
    ):
        killer.config_set("busy-reply-threshold", "1")
        it.sendall(b"EVAL 'while true do end' 0\r\n")
        wait_until(lambda: _is_unavailable(store), "that the server notices how long the script takes")
        killer.script_kill()
        wait_until(lambda: not _is_unavailable(store), "the end of the script")
    store.close()


def _is_unavailable(store: RedisKeyStore) -> bool:
    try:
        store.get_external_id("i", "b1")
    except StoreUnavailable:
        return True
    return False


def test_a_wrong_password_is_said_without_it() -> None:
    """Nor is it logged, at any level."""
    with run_valkey("--requirepass", "right") as server:
        store = RedisKeyStore(f"redis://:hunter2@127.0.0.1:{server.port}")
        with pytest.raises(StoreUnavailable, match="refuses the user name or password") as raised:
            store.ping()
        assert "hunter2" not in repr(raised.value.__cause__)
        store.close()
        allowed = RedisKeyStore(f"redis://:right@127.0.0.1:{server.port}")
        allowed.ping()
        allowed.close()


def test_an_error_names_its_kind_and_nothing_that_was_stored(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """A key of another type than ours stands in the way."""
    caplog.set_level(logging.DEBUG)
    store = RedisKeyStore(valkey.url)
    store.save_ids("i", "b1", "e1")
    with plain_client(valkey.port) as client:
        for key in client.scan_iter():
            client.set(key, "something else")
    with pytest.raises(KeyStoreError, match="Redis answered with an error") as raised:
        store.save_ids("i", "secret botmatic", "secret external")
    assert not isinstance(raised.value, StoreUnavailable)
    assert isinstance(raised.value.__cause__, redis.ResponseError)
    assert "secret" not in str(raised.value)
    assert "secret" not in caplog.text
    store.close()
