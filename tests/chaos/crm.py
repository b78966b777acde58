"""A CRM over HTTP that fails a part of its calls, some after they have written, and keeps a journal."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from tests.chaos.ports import lasting_port
from tests.chaos.stories import Shown, filled
from tests.sync.http_crm import QuietServer

FAILURES: Final[tuple[tuple[int, dict[str, str]], ...]] = (
    (500, {}),
    (503, {"Retry-After": "0.5"}),
    (429, {"Retry-After": "1"}),
    (0, {}),
)
"""How a call fails: with a status and headers, or (0) with a connection that breaks."""

Kind = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Written:
    """A write that was made, be it answered or not.

    Attributes:
        at: When (seconds since the epoch).
        ref: The record.
        kind: What it was.
        shown: What the record shows since.
    """

    at: float
    ref: str
    kind: Kind
    shown: Shown


class CRM:
    """The CRM. Use it with `with`. It does not mind records that are alike: who makes one twice has two.

    Args:
        failing: Which part of the calls fails, half of the writes among them after they were made.
        seed: Of the chance.

    Attributes:
        journal: All writes, by the customer's code, in order.
        records: What it holds, by id.
        calls: How many calls came, by method.
        failed: How many failed, by `before` and `after` (the write).
        platform_calls: How many calls came for the platform, which shares the address.
    """

    def __init__(self, failing: float, seed: int) -> None:
        self.journal: dict[str, list[Written]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.platform_calls = 0
        self._failing = failing
        self._chance = random.Random(f"{seed}:crm")
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._port = lasting_port()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections for a while; those that are open break, whatever they are in the midst of."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop()

    # What it does

    def fate(self, method: str) -> tuple[Literal["before", "after"] | None, int, dict[str, str]]:
        """Decide how a call ends: whether it fails, before or after what it does, and how."""
        with self._lock:
            self.calls[method] += 1
            if self._chance.random() >= self._failing:
                return None, 200, {}
            status, headers = self._chance.choice(FAILURES)
            late = method != "GET" and status != 429 and self._chance.random() < 0.67
            self.failed["after" if late else "before"] += 1
            return "after" if late else "before", status, headers

    def find(self, wanted: dict[str, str]) -> list[dict[str, Any]]:
        """Find records by fields."""
        with self._lock:
            return [record for record in self.records.values() if all(record.get(k) == v for k, v in wanted.items())]

    def create(self, contact: dict[str, Any]) -> dict[str, Any]:
        """Create a record, whatever is there already."""
        with self._lock:
            ref = f"r{next(self._numbers)}"
            return self._write("create", ref, {"customer_code": "?"} | contact | {"ref": ref})

    def update(self, contact: dict[str, Any]) -> dict[str, Any] | None:
        """Write the fields that are given; `None` if there is no such record."""
        with self._lock:
            record = self.records.get(contact["ref"])
            return None if record is None else self._write("update", contact["ref"], record | contact)

    def delete(self, ref: str) -> dict[str, Any] | None:
        """Delete a record; `None` if there is no such record."""
        with self._lock:
            record = self.records.pop(ref, None)
            if record is not None:
                self._note("delete", record, None)
            return record

    def _write(self, kind: Kind, ref: str, record: dict[str, Any]) -> dict[str, Any]:
        self.records[ref] = record
        self._note(kind, record, filled(record))
        return record

    def _note(self, kind: Kind, record: dict[str, Any], shown: Shown) -> None:
        written = Written(time.time(), record["ref"], kind, shown)
        self.journal.setdefault(record["customer_code"], []).append(written)

    # How it is reached

    def took(self, connection: socket.socket, *, gone: bool) -> None:
        """Take note of a connection that is open, or has ended."""
        with self._lock:
            (self._connections.discard if gone else self._connections.add)(connection)

    def _start(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="crm", daemon=True).start()

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Server(QuietServer):
    block_on_close = False  # it breaks connections itself


def _handler(crm: CRM) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            crm.took(self.connection, gone=False)

        def finish(self) -> None:
            crm.took(self.connection, gone=True)
            super().finish()

        def do_GET(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def do_PATCH(self) -> None:
            self._do()

        def do_DELETE(self) -> None:
            self._do()

        def _do(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            if parts.path != "/contacts":
                crm.platform_calls += 1
                self._answer(200, {"success": True}, {})
                return
            fails, status, headers = crm.fate(self.command)
            if fails == "before":
                self._answer(status, None, headers)
                return
            done = self._done(dict(parse_qsl(parts.query)), body)
            if fails == "after":
                self._answer(status, None, headers)
            else:
                self._answer(404 if done is None else 200, done, {})

        def _done(self, query: dict[str, str], body: dict[str, Any]) -> object:
            if self.command == "POST":
                return crm.create(body)
            if self.command == "PATCH":
                return crm.update(body)
            return crm.delete(query["ref"]) if self.command == "DELETE" else crm.find(query)

        def _answer(self, status: int, value: object, headers: dict[str, str]) -> None:
            if not status:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, header in headers.items():
                self.send_header(name, header)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
