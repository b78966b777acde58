"""A CRM over HTTP in the test process, slow enough for races, and the program that syncs with it."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

CREATE_SECONDS = 0.05

CONSUMER = """
import os
import threading
import time

import requests

from contact_sync import NOT_FOUND, ContactSync, ExternalAPIConsumer, Result
from mappers import Mapping

FIELDS = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True), Mapping("firstname", "first_name")]


class HTTPConsumer(ExternalAPIConsumer):
    url = os.environ["CRM_URL"]

    def create_contact(self, contact):
        answer = requests.post(self.url, json=contact, headers={"X-Worker": str(os.getpid())}, timeout=60)
        answer.raise_for_status()
        return Result.ok(answer.json()["ref"])

    def get_contact(self, id):
        return Result.failed(NOT_FOUND)

    def get_contact_by_email(self, email):
        found = requests.get(self.url, params={"mail": email}, timeout=30).json()
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def list_contacts(self, page=1, limit=30):
        return Result.ok(contacts=[])

    def update_contact(self, contact):
        requests.patch(self.url, json=contact, headers={"X-Worker": str(os.getpid())}, timeout=30)
        return Result.ok()

    def delete_contact(self, id):
        return Result.ok()
"""

PROGRAM = f"""{CONSUMER}
sync = ContactSync(HTTPConsumer(), FIELDS, os.environ["STORE"], auth=lambda token: token == "hush-hush")


@sync.on_event("who")
def who(event):
    time.sleep(0.05)
    return {{"worker": os.getpid(), "threads": threading.active_count()}}


@sync.on_event("slow")
def slow(event):
    requests.get(sync.scopes.shared.url + "/held", timeout=60)
    return {{"slow": "done"}}
"""

DURABLE = (
    CONSUMER
    + """
from contact_sync.delivery import Retries
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.delivery.inbox import Inbox

url = os.environ["DELIVERY"]
lease = float(os.environ.get("LEASE", "20"))
kind = DramatiqDelivery if url.startswith("redis:") else Inbox
delivery = kind(url, lease_seconds=lease, retries=Retries(first=0.1, longest=0.2))
sync = ContactSync(
    HTTPConsumer(), FIELDS, os.environ["STORE"], delivery=delivery, secret_keys=["k" * 32], auth=lambda token: True
)


@sync.on_event("slow")
def slow(event):
    requests.get(sync.scopes.shared.url + "/held", timeout=60)
    return {"slow": "done"}
"""
)
"""A program that stores events first. What is in flight when a worker dies is taken over after `LEASE` seconds."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may be gone, since tests kill them."""


class CRM:
    """The CRM. Use it with `with`; `/held` answers, and whoever is called `held` is created, when `let_go` is set.

    Attributes:
        records: What it holds, by id.
        writers: The worker processes that have written.
        entered: Released once for each request that is held.
        refusing: The HTTP status with which an address is not taken.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.writers: set[str] = set()
        self.updates = 0
        self.refusing: dict[str, int] = {}
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def create(self, contact: dict[str, Any], worker: str) -> str:
        """Create a record, whatever is there already; it takes a while."""
        time.sleep(CREATE_SECONDS)
        if contact.get("first_name") == "held":
            self.hold()
        with self._lock:
            self.writers.add(worker)
            ref = f"r{len(self.records) + 1}"
            self.records[ref] = contact | {"ref": ref}
        return ref

    def hold(self) -> None:
        """Wait until `let_go` is set."""
        self.entered.release()
        self.let_go.wait(60)

    def update(self, contact: dict[str, Any], worker: str) -> None:
        """Update a record."""
        with self._lock:
            self.writers.add(worker)
            self.updates += 1
            self.records[contact["ref"]] |= contact

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


def _handler(crm: CRM) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/held":
                crm.hold()
            wanted = parse_qs(urlsplit(self.path).query).get("mail")
            self._answer([record for record in list(crm.records.values()) if [record.get("mail")] == wanted])

        def do_POST(self) -> None:
            contact = self._body()
            status = crm.refusing.get(contact.get("mail", ""))
            if status is not None:
                self._answer({}, status)
            else:
                self._answer({"ref": crm.create(contact, self.headers["X-Worker"])})

        def do_PATCH(self) -> None:
            crm.update(self._body(), self.headers["X-Worker"])
            self._answer({})

        def _body(self) -> dict[str, Any]:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return body

        def _answer(self, value: object, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
