"""What a `contact_updated` costs in CPU and wall time, beside a bare Flask route on the same server."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from benchmarks.report import Figure, Report
from benchmarks.webhook_apps import CONTACT, PAIRS, TOKEN
from tests.servers import run_valkey

CONNECTIONS: Final = 4
ROUNDS: Final = 3
HEADERS: Final = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
_OPENING: Final = frozenset({"AUTH", "CLIENT", "HELLO", "SELECT"})
_END: Final = "end-of-benchmark"
_stamps: Final = itertools.count(1)
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs, in microseconds: of the server's CPU, and from asking to answer on each connection."""

    cpu: float
    wall: float


def run(*, quick: bool = False) -> Report:
    """Measure the bare route, the webhook on the memory store, and on Redis; each the best of three rounds."""
    count = 2_000 if quick else 20_000
    with run_valkey() as valkey, contextlib.ExitStack() as stack:
        ports = {
            "bare": stack.enter_context(_serving("bare")),
            "memory": stack.enter_context(_serving("webhook", "memory://")),
            "redis": stack.enter_context(_serving("webhook", valkey.url)),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in ports}
        for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine falls on all of them
            for name, (pid, port) in ports.items():
                costs[name].append(_measure(pid, port, count))
        trips = _round_trips(valkey.url, ports["redis"][1])
        echo_trips = _round_trips(valkey.url, ports["redis"][1], edits=False)
    bare, memory, on_redis = (min(costs[name], key=lambda cost: cost.cpu) for name in ports)
    own = memory.cpu - bare.cpu
    return Report(
        "contact_updated on the default server, no-op consumer",
        (
            Figure("bare route: CPU", bare.cpu, "µs"),
            Figure("memory store: CPU", memory.cpu, "µs", bare.cpu, "bare route"),
            Figure("our own work: CPU", own, "µs", bare.cpu, "bare route", "at most 1.00", own <= bare.cpu),
            Figure("Redis store: CPU", on_redis.cpu, "µs", bare.cpu, "bare route"),
            Figure("memory store: wall", memory.wall, "µs", bare.wall, "bare route"),
            Figure("Redis store: wall", on_redis.wall, "µs", bare.wall, "bare route"),
            Figure("Redis store: round trips of an edit", trips, "a request", aim="at most 3", met=trips <= 3),
            Figure("Redis store: … of an echo", echo_trips, "a request", aim="at most 3", met=echo_trips <= 3),
        ),
        (f"{CONNECTIONS} connections, one server process, {count:,} requests a round, best of {ROUNDS} rounds",),
    )


@contextlib.contextmanager
def _serving(what: str, store: str = "") -> Iterator[tuple[int, int]]:
    """Start a server process; gives its process id and port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.webhook_apps", what],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"BENCHMARK_STORE": store},
        cwd=Path(__file__).parent.parent,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server for {what!r} did not start; what it printed says why")
        yield process.pid, int(line)
    finally:
        process.terminate()
        process.wait(10)


def _measure(pid: int, port: int, count: int) -> Cost:
    _send(port, count // 10)
    cpu = _cpu_seconds(pid)
    began = time.perf_counter()
    _send(port, count)
    wall = time.perf_counter() - began
    return Cost((_cpu_seconds(pid) - cpu) / count * 1e6, wall / count * CONNECTIONS * 1e6)


def _send(port: int, count: int, *, edits: bool = True) -> None:
    """Send updates of known contacts: edits of one field, or what was told before."""
    failures: list[str] = []
    stamp = f" {next(_stamps)}." if edits else ""  # another one each time, so that each request has news

    def one_connection(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number in range(first, count, CONNECTIONS):
            data = {"id": number % PAIRS, "email": f"p{number % PAIRS}@example.org", **CONTACT}
            data["lastname"] = f"{CONTACT['lastname']}{stamp}{number if edits else ''}"
            connection.request("POST", "/", json.dumps({"event": "contact_updated", "data": data}), HEADERS)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 or b'"error"' in body or (edits and b'"unchanged"' in body):
                failures.append(f"{answer.status} {body[:200]!r}")
                break
        connection.close()

    threads = [threading.Thread(target=one_connection, args=(first,)) for first in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"a request failed, so nothing was measured: {failures[0]}")


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process so far, of all its threads (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _round_trips(url: str, port: int, count: int = 200, *, edits: bool = True) -> float:
    """How many commands of any kind the server process sends for a request; each is a round trip.

    The store itself tells of every command. Left out are what scripts call, which makes no trip, and what opens a
    connection, once for many requests.
    """
    if not edits:
        _send(port, count, edits=False)  # told once before, it is an echo from here on
    client = redis.Redis.from_url(url)
    try:
        client.ping()  # connected, so that all it sends from here on is the end mark
        with client.monitor() as monitor:  # type: ignore[no-untyped-call] # redis gives it no types
            _send(port, count, edits=edits)
            client.echo(_END)
            told = iter(monitor.next_command, None)
            sent = itertools.takewhile(lambda command: command["command"] != f"ECHO {_END}", told)
            return sum(map(_is_of_a_request, sent)) / count
    finally:
        client.close()


def _is_of_a_request(told: Mapping[str, str]) -> bool:
    return told["client_type"] != "lua" and told["command"].partition(" ")[0].upper() not in _OPENING


if __name__ == "__main__":
    from rich.console import Console

    from benchmarks.report import show

    show([run(quick="--quick" in sys.argv)], Console())
