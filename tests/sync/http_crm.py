"""A CRM over HTTP in the test process, which notes every write, and the program that two worker processes run on it."""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

TOKEN: Final = "hush-hush"

VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "firstname": ("Ana", "Bea", "Çem", ""),
    "lastname": ("Lima", "Ng", None),
    "score": (0, 1, 2.5, None),
}
"""Few values, so that they come back: then it shows whether an older state was written over a later one."""

EXTERNAL: Final = {
    "email": "mail",
    "code": "customer_code",
    "firstname": "first_name",
    "lastname": "last_name",
    "score": "points",
}
"""What the CRM calls each field."""

PATIENCE: Final = 60.0

PROGRAM: Final = """
import os
import threading

import requests

from contact_sync import NOT_FOUND, ContactSync, ExternalAPIConsumer, Result
from mappers import Mapping

FIELDS = [
    Mapping("id", "ref", id=True),
    Mapping("email", "mail", match=True),
    Mapping("code", "customer_code"),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("score", "points", type="number"),
]
CRM = os.environ["CRM_URL"]
local = threading.local()


def call(method, path, **arguments):
    if not hasattr(local, "http"):
        local.http = requests.Session()
        local.http.headers["X-Worker"] = str(os.getpid())
    answer = local.http.request(method, CRM + path, timeout=60, **arguments)
    answer.raise_for_status()
    return answer.json()


class Consumer(ExternalAPIConsumer):
    partial_updates = os.environ.get("WRITES") != "all fields"

    def create_contact(self, contact):
        return Result.ok(call("POST", "/", json=contact)["ref"])

    def get_contact(self, id):
        found = call("GET", "/", params={"ref": id})
        return Result.ok(contact=found[0]) if found else Result.failed(NOT_FOUND)

    def get_contact_by_email(self, email):
        found = call("GET", "/", params={"mail": email})
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def list_contacts(self, page=1, limit=30):
        return Result.ok(contacts=call("GET", "/") if page == 1 else [])

    def update_contact(self, contact):
        return Result.ok(contact=call("PATCH", "/", json=contact))

    def delete_contact(self, id):
        return Result.failed(NOT_FOUND)


sync = ContactSync(
    Consumer(), FIELDS, os.environ["STORE"], auth=lambda token: token == "hush-hush", secret_keys=["k" * 40]
)


@sync.on_event("who")
def who(event):
    return {"worker": os.getpid()}
"""


class HTTPCrm:
    """The CRM. Use it with `with`. `/stop/<worker>` is answered when `let_go` is set.

    Attributes:
        records: What it holds, by id.
        writes: How often a customer's record was written, by the customer's code.
        writers: The worker processes that have written.
        refuse_every: Every how many-th update is refused with a 503; 0 for none.
        refused: How many were.
        stopped: Released once for each request that waits for `let_go`.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.writes: Counter[str] = Counter()
        self.writers: set[int] = set()
        self.refuse_every = 0
        self.refused = 0
        self.stopped = threading.Semaphore(0)
        self.let_go = threading.Event()
        self._numbers = itertools.count(1)
        self._updates = itertools.count(1)
        self._lock = threading.Lock()
        self._server = QuietServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def create(self, contact: dict[str, Any], worker: int) -> dict[str, Any]:
        """Create a record, whatever is there already."""
        with self._lock:
            ref = f"r{next(self._numbers)}"
            self.records[ref] = {}
            return self._write(ref, contact, worker)

    def update(self, contact: dict[str, Any], worker: int) -> dict[str, Any] | None:
        """Write the fields that are given; `None` if that is refused."""
        with self._lock:
            if self.refuse_every and next(self._updates) % self.refuse_every == 0:
                self.refused += 1
                return None
            return self._write(contact["ref"], contact, worker)

    def find(self, wanted: dict[str, str]) -> list[dict[str, Any]]:
        """Find records by fields."""
        with self._lock:
            return [record for record in self.records.values() if all(record.get(k) == v for k, v in wanted.items())]

    def _write(self, ref: str, contact: dict[str, Any], worker: int) -> dict[str, Any]:
        self.records[ref] = record = self.records[ref] | contact | {"ref": ref}
        self.writes[record["customer_code"]] += 1
        self.writers.add(worker)
        return record

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class QuietServer(ThreadingHTTPServer):
    """A server whose clients may be gone before they are answered."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may be gone, since services are stopped."""


def _handler(crm: HTTPCrm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/stop":
                crm.stopped.release()
                crm.let_go.wait(PATIENCE)
            self._answer(crm.find({name: values[0] for name, values in parse_qs(parts.query).items()}))

        def do_POST(self) -> None:
            self._answer(crm.create(self._body(), int(self.headers["X-Worker"])))

        def do_PATCH(self) -> None:
            self._answer(crm.update(self._body(), int(self.headers["X-Worker"])))

        def _body(self) -> dict[str, Any]:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return body

        def _answer(self, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(503 if value is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


class Line:
    """A connection of the platform's to the webhook, which stays open: one worker is at its other end."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
        self.send("who", {})
        self.worker: int = self.answer()[1]["worker"]

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Send an event, and do not wait for the answer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        self._connection.request("POST", "/", json.dumps({"event": event, "data": data}), headers)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Wait for the answer: its status, and what is in it."""
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        return answer.status, body["data"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def lines_to_both(address: str, count: int, most: int = 2000) -> list[tuple[Line, Line]]:
    """Open lines in twos: to one worker, and to the other."""
    by_worker: dict[int, list[Line]] = {}
    for _ in range(most):
        line = Line(address)
        mine = by_worker.setdefault(line.worker, [])
        if len(mine) < count:
            mine.append(line)
        else:
            line.close()
        if len(by_worker) == 2 and all(len(lines) == count for lines in by_worker.values()):
            one, other = by_worker.values()
            return list(zip(one, other, strict=True))
    raise AssertionError(f"of {most} connections, too few went to one of two workers")
