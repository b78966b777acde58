"""`python -m benchmarks.delivery_apps NAME`: serves one of the services that deliveries are measured with.

It prints its port when it serves. The environment names its store (`BENCHMARK_STORE`) and its delivery
(`BENCHMARK_DELIVERY`).
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import redis
from flask import Flask, Response, jsonify, request

from benchmarks.webhook_apps import ROWS, TOKEN, NoOp
from contact_sync import ContactSync, Result
from contact_sync.server import Server

CRM_SECONDS: Final = 0.05
BATCH: Final = 100
THREADS: Final = 8
CONTACTS: Final = 5_000


class Slow(NoOp):
    """A CRM that takes its time."""

    partial_updates = True

    def update_contact(self, contact: dict[str, Any]) -> Result:
        del contact
        time.sleep(CRM_SECONDS)
        return Result.ok()


class SlowBatches(Slow):
    """A CRM that takes the same time for many at once."""

    batch_size = BATCH

    def update_contacts(self, contacts: Sequence[dict[str, Any]]) -> list[Result]:
        time.sleep(CRM_SECONDS)
        return [Result.ok()] * len(contacts)


CRMS: Final = {"slow": Slow, "batches": SlowBatches, "quick": NoOp}


def bare(backend: str) -> Flask:
    """A Flask app that writes what it is sent to a file or to Redis, and does nothing else."""
    app = Flask(__name__)
    place = os.environ["BENCHMARK_DELIVERY"]
    client = redis.Redis.from_url(place) if backend == "redis" else None
    lock = threading.Lock()  # kinder to SQLite than a connection for each thread, whose waiting polls
    file = "" if client else place.removeprefix("sqlite:///")
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, body BLOB)")

    def to_sqlite(body: bytes) -> None:
        with lock:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO bodies (body) VALUES (?)", (body,))
            connection.execute("COMMIT")

    @app.post("/")
    def keep() -> Response:
        body = request.get_data()
        request.get_json()
        if client is None:
            to_sqlite(body)
        else:
            client.rpush("bodies", body)
        return jsonify({"success": True})

    return app


def service(crm: str) -> ContactSync:
    """A sync with pairs in it, on the store and the delivery that the environment names."""
    logging.getLogger("contact_sync").setLevel(logging.ERROR)
    sync = ContactSync(
        CRMS[crm](),
        ROWS,
        os.environ["BENCHMARK_STORE"],
        auth=lambda token: token == TOKEN,
        delivery=os.environ["BENCHMARK_DELIVERY"],
        secret_keys=["k" * 32] if os.environ.get("BENCHMARK_SEALED") else (),
    )
    who = sync.identities.of_method(TOKEN, None)
    assert not isinstance(who, Result)
    sync.abilities.batches.save_many(who[0], [(str(number), f"e{number}") for number in range(CONTACTS)])
    return sync


def main() -> None:
    """Serve, and print the port when it does; or apply what waits, and print 0 when it does."""
    kind, _, what = sys.argv[1].partition(":")
    if kind == "draining":
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        service(what).delivery.run_worker(stop, threads=THREADS, grace=5.0, ready=lambda: print(0, flush=True))
        return
    app = bare(what) if kind == "bare" else service(what).app
    server = Server(app, port=0, threads=THREADS if kind == "inline" else 32)
    server.run(started=lambda: print(server.address.rpartition(":")[2], flush=True))


if __name__ == "__main__":
    main()
