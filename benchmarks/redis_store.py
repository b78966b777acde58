"""What the store on Redis takes and how it leaves: bytes a pair and a baseline, and an uninstall in a full database.

Beside the bytes stand two plain text keys a pair, which is the Node library's layout. Beside the longest stall that
another client sees during an uninstall stands the longest that it sees while nothing happens: on a machine that does
other work as well, the system's scheduler is the larger part of both. The smallest of several rounds is given, since
what else the machine does only adds; a busy one still cannot be judged by it.

The server frees an uninstalled hash in a thread of its own. The binary from pip uses the C library's allocator, which
gives memory back to the system while it holds a lock, and then the stall is as long as that takes; servers are mostly
built with jemalloc, which does not. So it is measured twice: as it is, and with that one habit switched off.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import redis
from rich.console import Console

from benchmarks.report import Figure, Report, show
from contact_sync.baselines import Baseline, Key, Names
from key_stores import RedisKeyStore
from mappers.words import SIDES
from tests.servers import Valkey, plain_client, run_valkey

INSTALLATION: Final = "token:0123456789abcdef0123456789abcd"
BATCH: Final = 2_000
ROUNDS: Final = 7
RATIO_AIM: Final = 0.65
FIELDS: Final = 11
FIELD_AIM: Final = 12.0
STALL_AIM: Final = 5.0
AFTERWARDS: Final = 0.3
"""Seconds after an uninstall that still count: memory is given back in the background."""
PACE: Final = 0.0002
"""Seconds between two questions of the other client, so that it does not itself take the processor."""


def run(*, quick: bool = False, pairs: int = 200_000, others: int = 1_000_000) -> Report:
    """Measure both on Valkey servers of this process.

    Args:
        quick: A tenth of the sizes.
        pairs: How many pairs are stored for the bytes; half as many are uninstalled.
        others: How many other keys the database holds meanwhile.
    """
    if quick:
        pairs, others = pairs // 10, others // 10
    texts, hashes, with_baselines = _bytes_a_pair(pairs)
    field = (with_baselines - hashes) / FIELDS
    as_it_is, version = _uninstalls(pairs // 2, others)
    with _memory_is_kept():
        rounds, _ = _uninstalls(pairs // 2, others)
    stall, quiet = _stalls(rounds)
    glibc_stall, glibc_quiet = _stalls(as_it_is)
    return Report(
        "the store on Redis",
        (
            Figure("a pair", hashes, "bytes", texts, "two text keys", "at most 0.65", hashes / texts <= RATIO_AIM),
            Figure("a field of its baseline", field, "bytes", aim="at most 12", met=field <= FIELD_AIM),
            Figure(f"uninstall of {pairs // 2:,} pairs: the call", min(round.call for round in rounds), "ms"),
            Figure("… in the server", min(round.server for round in rounds), "ms"),
            Figure("… longest stall of another client", stall, "ms", quiet, "idle", "at most 5", stall <= STALL_AIM),
            Figure("… the same, allocator as pip has it", glibc_stall, "ms", glibc_quiet, "idle"),
        ),
        (
            f"Valkey {version}; {pairs:,} pairs: installation of {len(INSTALLATION)} characters, ids of 24 and 9",
            f"baselines of {FIELDS} fields in which the sides agree; a field's share of all that they add",
            f"{others:,} other keys in the database during an uninstall; best of {ROUNDS} rounds",
        ),
    )


def _uninstalls(count: int, others: int) -> tuple[list[_Round], str]:
    with run_valkey() as server:
        version = _fill(server, others)
        return [_uninstall(server, count) for _ in range(ROUNDS)], version


def _stalls(rounds: list[_Round]) -> tuple[float, float]:
    return min(round.stall for round in rounds), min(round.quiet for round in rounds)


@contextmanager
def _memory_is_kept() -> Iterator[None]:
    """Start servers whose allocator keeps what is freed (glibc: no trimming), as jemalloc does for a while."""
    os.environ["MALLOC_TRIM_THRESHOLD_"] = str(1 << 40)
    try:
        yield
    finally:
        del os.environ["MALLOC_TRIM_THRESHOLD_"]


def _pairs(count: int) -> list[tuple[str, str]]:
    chance = random.Random(1)
    return [(f"{chance.getrandbits(96):024x}", str(100_000_000 + 7 * number)) for number in range(count)]


def _bytes_a_pair(count: int) -> tuple[float, float, float]:
    """Of two text keys a pair, of the store, and of the store once every pair has a baseline."""
    pairs = _pairs(count)
    with run_valkey() as server, plain_client(server.port) as client:
        empty = _used(client)
        for start in range(0, count, BATCH):
            some = pairs[start : start + BATCH]
            client.mset({f"{INSTALLATION}:b:{b}": e for b, e in some} | {f"{INSTALLATION}:e:{e}": b for b, e in some})
        texts = _used(client) - empty
    with run_valkey() as server, plain_client(server.port) as client:
        empty = _used(client)
        _save(server, pairs)
        hashes = _used(client) - empty
        _save_baselines(server, pairs)
        with_baselines = _used(client) - empty
    return texts / count, hashes / count, with_baselines / count


def _used(client: redis.Redis) -> int:
    time.sleep(0.3)  # tables that grow finish moving
    return int(client.info("memory")["used_memory"])


def _save(server: Valkey, pairs: list[tuple[str, str]]) -> None:
    store = RedisKeyStore(server.url)
    for start in range(0, len(pairs), BATCH):
        store.save_many(INSTALLATION, pairs[start : start + BATCH])
    store.close()


def _save_baselines(server: Valkey, pairs: list[tuple[str, str]]) -> None:
    store = RedisKeyStore(server.url)
    names, keys = Names([f"field {number}=field_{number}" for number in range(FIELDS)]), [Key(b"k" * 32)]
    for start in range(0, len(pairs), BATCH):
        some = pairs[start : start + BATCH]
        store.save_baselines(INSTALLATION, [(*pair, _baseline(names, keys, *pair)) for pair in some])
    store.close()


def _baseline(names: Names, keys: list[Key], botmatic_id: str, external_id: str) -> bytes:
    """Make the baseline of a pair whose sides agree in all fields, long after anything was written."""
    baseline = Baseline(names, keys, botmatic_id, external_id)
    for number in range(FIELDS):
        for side in SIDES:
            baseline.agree(f"field {number}=field_{number}", side, f"value {number}")
    packed = baseline.pack(time.time(), 0.0)
    assert packed is not None
    return packed


def _fill(server: Valkey, others: int) -> str:
    """Put other keys into the database, and give the server's version."""
    with plain_client(server.port) as client:
        client.config_set("slowlog-log-slower-than", "0")
        client.execute_command("DEBUG", "POPULATE", others, "other", 50)
        about = client.info("server")
    return str(about.get("valkey_version", about["redis_version"]))


@dataclass(frozen=True)
class _Round:
    """Milliseconds."""

    call: float
    server: float
    stall: float
    quiet: float


def _uninstall(server: Valkey, count: int) -> _Round:
    _save(server, _pairs(count))
    store = RedisKeyStore(server.url)
    store.delete_all_ids("another")  # connects, and teaches the server the script
    time.sleep(AFTERWARDS)
    with plain_client(server.port) as client, _probe(server.port) as probe:
        before = time.monotonic()
        time.sleep(2 * AFTERWARDS)
        client.slowlog_reset()
        start = time.monotonic()
        store.delete_all_ids(INSTALLATION)
        end = time.monotonic()
        slow = [entry for entry in client.slowlog_get(1000) if bytes(entry["command"]).startswith(b"EVALSHA")]
        time.sleep(AFTERWARDS)
        probe.send((before, start, end + AFTERWARDS))
        quiet, stall = probe.recv()
    store.close()
    return _Round(1000 * (end - start), slow[0]["duration"] / 1000, 1000 * stall, 1000 * quiet)


@contextmanager
def _probe(port: int) -> Iterator[Connection]:
    """Another client, in a process of its own, that asks something small without a pause.

    Yields:
        A connection to it: send three moments, and it ends and gives the longest wait between the first two and
        between the last two.
    """
    context = multiprocessing.get_context("fork")  # so that it is at work at once
    here, there = context.Pipe()
    process = context.Process(target=_ask, args=(port, there), daemon=True)
    process.start()
    here.recv()
    yield here
    process.join()


def _ask(port: int, line: Connection) -> None:
    waits: list[tuple[float, float]] = []
    with socket.create_connection(("127.0.0.1", port)) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.send("ready")
        while not line.poll():
            for _ in range(50):
                asked = time.monotonic()
                server.sendall(b"GET other:1\r\n")
                server.recv(1000)
                waits.append((asked, time.monotonic() - asked))
                time.sleep(PACE)
    first, second, third = line.recv()
    longest = [
        max((wait for asked, wait in waits if asked <= until and asked + wait >= since), default=0.0)
        for since, until in ((first, second), (second, third))
    ]
    line.send(longest)


if __name__ == "__main__":
    console = Console()
    with console.status("measuring the store on Redis"):
        report = run()
    show([report], console)
