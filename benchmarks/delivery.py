"""What accepting an event costs, how fast events are applied, and how soon: inline, inbox, and inbox with batches."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.delivery_apps import BATCH, CONTACTS, CRM_SECONDS, THREADS
from benchmarks.delivery_backlog import claims_beside_a_backlog
from benchmarks.report import Figure, Report
from benchmarks.webhook_apps import CONTACT, TOKEN
from contact_sync.delivery import open_delivery
from contact_sync.testing.delivery import Stage
from tests.servers import run_valkey

ROUNDS: Final = 3
ACCEPTING: Final = 16
APPLYING: Final = 256
HEADERS: Final = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
_stamps: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: requests a second, and their latency in milliseconds."""

    rate: float
    p50: float
    p99: float


def run(*, quick: bool = False) -> Report:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as folder, run_valkey() as valkey:
        place = Path(folder)
        accepting = _accepting(place, valkey.url, 600 if quick else 4_000)
        applying = _applying(place, quick=quick)
        idle = _idle(f"sqlite:///{place}/idle.db", 100 if quick else 500)
        backlog = claims_beside_a_backlog(place, 50_000 if quick else 1_000_000)
    return Report(
        "deliveries",
        (
            *accepting,
            *applying,
            Figure("accepted to applied, idle, p99", idle, "ms", aim="below 100", met=idle < 100),
            *backlog,
        ),
        (
            f"accepting: {ACCEPTING} connections, one server process, best of {ROUNDS} rounds in turns",
            f"applying: {APPLYING} connections, a CRM that takes {CRM_SECONDS * 1000:.0f} ms, {THREADS} threads",
            f"batches of {BATCH}; inboxes are filled from as many connections first, as accepting takes a core itself",
            "idle: the worker is another process's, and so has to look (every 20 ms)",
        ),
    )


# Accepting


def _accepting(place: Path, valkey: str, count: int) -> list[Figure]:
    """The bare route with one SQLite commit, the inbox, and the inbox with encryption; and the same on Redis."""
    with contextlib.ExitStack() as stack:

        def serve(name: str, delivery: str, **more: str) -> int:
            environment = {"BENCHMARK_STORE": "memory://", "BENCHMARK_DELIVERY": delivery, **more}
            return stack.enter_context(serving(name, environment))

        ports = {
            "bare": serve("bare:sqlite", f"sqlite:///{place}/bare.db"),
            "inbox": serve("accepting:quick", f"sqlite:///{place}/inbox.db"),
            "sealed": serve("accepting:quick", f"sqlite:///{place}/sealed.db", BENCHMARK_SEALED="1"),
            "bare redis": serve("bare:redis", valkey),
            "dramatiq": serve("accepting:quick", f"dramatiq+{valkey}"),
        }
        loads: dict[str, list[Load]] = {name: [] for name in ports}
        for _ in range(ROUNDS):
            for name, port in ports.items():
                loads[name].append(send(port, count, ACCEPTING))
    best = {name: max(found, key=lambda load: load.rate) for name, found in loads.items()}
    figures = []
    for name, beside, label in (
        ("inbox", "bare", "accept, SQLite inbox"),
        ("sealed", "bare", "accept, SQLite inbox, encrypted"),
        ("dramatiq", "bare redis", "accept, Dramatiq on Valkey"),
    ):
        took, bare = 1000 * ACCEPTING / best[name].rate, 1000 * ACCEPTING / best[beside].rate
        figures += [
            Figure(f"{label}: rate", best[name].rate, "/s", best[beside].rate, "bare route"),
            Figure(f"{label}: a request", took, "ms", bare, "bare route", "at most 1.50", took <= 1.5 * bare),
            Figure(f"{label}: p99", best[name].p99, "ms", best[beside].p99, "bare route"),
        ]
    return figures


# Applying


def _applying(place: Path, *, quick: bool) -> list[Figure]:
    """Inline, the inbox, and the inbox with a CRM that takes many at once."""
    count = 1_500 if quick else 4_000
    many = 6_000 if quick else 30_000
    environment = {"BENCHMARK_STORE": "memory://", "BENCHMARK_DELIVERY": "inline"}
    with serving("inline:slow", environment) as port:
        inline = send(port, count, APPLYING).rate
    rates = {}
    for name, crm, number in (("inbox", "slow", count), ("batches", "batches", many)):
        url = f"sqlite:///{place}/{name}.db"
        there = environment | {"BENCHMARK_DELIVERY": url}
        with serving("accepting:quick", there) as port:
            send(port, number, APPLYING)
        with serving(f"draining:{crm}", there):
            began = time.perf_counter()
            _wait_until_applied(url)
            rates[name] = number / (time.perf_counter() - began)
    ratio = rates["batches"] / inline
    return [
        Figure("applied, inline", inline, "/s"),
        Figure("applied, inbox", rates["inbox"], "/s", inline, "inline"),
        Figure("applied, inbox with batches", rates["batches"], "/s", inline, "inline", "at least 10", ratio >= 10),
    ]


def _wait_until_applied(url: str) -> None:
    with contextlib.closing(open_delivery(url)) as delivery:
        deadline = time.monotonic() + 300
        while (backlog := delivery.backlog()).waiting + backlog.in_flight:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{backlog.waiting} events still wait; nothing was measured")
            time.sleep(0.05)


# Idle


def _idle(url: str, count: int) -> float:
    """Accepted to applied in milliseconds, at the 99th percentile, where the worker has nothing else to do."""
    accepting, working = Stage(open_delivery(url)), Stage(open_delivery(url))
    took = []
    with contextlib.closing(accepting.delivery), contextlib.closing(working.delivery), working.working(4):
        for number in range(count):
            time.sleep(random.uniform(0.005, 0.06))
            accepting.accepted(f"c{number}", number)
            began = time.perf_counter()
            while len(working.applied) <= number:
                time.sleep(0.0005)
            took.append(1000 * (time.perf_counter() - began))
    return statistics.quantiles(took, n=100)[98]


# Load


@contextlib.contextmanager
def serving(name: str, environment: dict[str, str]) -> Iterator[int]:
    """Start a server process; gives its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.delivery_apps", name],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        cwd=Path(__file__).parent.parent,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server for {name!r} did not start; what it printed says why")
        yield int(line)
    finally:
        process.terminate()
        process.wait(30)


def send(port: int, count: int, connections: int) -> Load:
    """Send edits of known contacts, each with news."""
    failures: list[str] = []
    times: list[float] = []
    stamp = next(_stamps)

    def one_connection(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for number in range(first, count, connections):
            id = number % CONTACTS
            data = {"id": id, "email": f"p{id}@example.org", **CONTACT, "lastname": f"{stamp}.{number}"}
            began = time.perf_counter()
            connection.request("POST", "/", json.dumps({"event": "contact_updated", "data": data}), HEADERS)
            answer = connection.getresponse()
            body = answer.read()
            times.append(time.perf_counter() - began)
            if answer.status != 200 or b'"error"' in body:
                failures.append(f"{answer.status} {body[:200]!r}")
                break
        connection.close()

    threads = [threading.Thread(target=one_connection, args=(first,)) for first in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if failures:
        raise RuntimeError(f"a request failed, so nothing was measured: {failures[0]}")
    cut = statistics.quantiles(times, n=100)
    return Load(count / took, 1000 * cut[49], 1000 * cut[98])
