"""The servers of the tests: they answer, can be broken, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers import Database, Valkey, ValkeyCluster, ValkeyTLS, plain_client, run_valkey


def test_valkey_is_empty_for_each_test(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        assert client.dbsize() == 0
        client.set("left", "over")
    valkey.flush()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.dbsize() == 0


def test_valkey_behind_tls_answers_those_alone_who_trust_it(valkey_tls: ValkeyTLS) -> None:
    with redis.Redis.from_url(valkey_tls.url) as client:
        assert client.ping() is True
    with redis.Redis.from_url(valkey_tls.bare_url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_the_cluster_has_three_masters_that_share_all_slots(valkey_cluster: ValkeyCluster) -> None:
    with redis.RedisCluster.from_url(valkey_cluster.url) as client:
        for number in range(20):
            client.set(f"key {number}", number)
        assert len(client.get_primaries()) == 3
    counts = []
    for node in valkey_cluster.nodes:
        with plain_client(node.port) as client:
            counts.append(client.dbsize())
    assert sum(counts) == 20
    assert all(counts)


def test_postgresql_gives_an_empty_database(postgresql: Database) -> None:
    with psycopg.connect(postgresql.dsn) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        assert rows.fetchone() == (0,)


def test_a_private_server_can_hang_and_be_restarted(private_valkey: Valkey) -> None:
    client = redis.Redis(port=private_valkey.port, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
    with private_valkey.frozen(), pytest.raises(redis.TimeoutError):
        client.ping()
    private_valkey.stop()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    private_valkey.start()
    assert client.ping() is True
    client.close()


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(Exception, match="no-such-option"), run_valkey("--no-such-option", "1"):
        pass


def test_a_server_dies_with_a_killed_test_process() -> None:
    program = "from tests.servers import run_valkey\nwith run_valkey() as s: print(s.port, flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    with process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while _answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        with plain_client(port) as client:
            client.ping()
    except redis.ConnectionError:
        return False
    return True
