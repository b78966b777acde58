"""A small CRM with a REST API on loopback, and a correct consumer for it to make wrong ones of."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import requests

from contact_sync.consumer import PAGE_SIZE, ExternalAPIConsumer, ResultLike
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer

UNUSABLE = ("", ".", "..")


class RestConsumer(ExternalAPIConsumer):
    """Correct: quotes, has a time-out, checks status and answers."""

    timeout: float | None = 3.0

    def __init__(self, url: str) -> None:
        self.base = f"{url}/contacts"

    def url(self, id: str) -> str:
        return f"{self.base}/{quote(id, safe='')}"

    def call(self, method: str, url: str, **arguments: Any) -> requests.Response | None:
        """The answer; none for a 404 below a record's address."""
        response = requests.request(method, url, timeout=self.timeout, **arguments)
        if response.status_code == 404 and url != self.base:
            return None
        response.raise_for_status()
        return response

    def record(self, response: requests.Response | None) -> ResultLike:
        if response is None:
            return Result.failed(NOT_FOUND)
        contact = response.json()
        if not isinstance(contact, dict) or "id" not in contact:
            return Result.failed("the answer holds no record")
        return Result.ok(contact["id"], contact=contact)

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self.record(self.call("POST", self.base, json=contact))

    def get_contact(self, id: str) -> ResultLike:
        return Result.failed(NOT_FOUND) if id in UNUSABLE else self.record(self.call("GET", self.url(id)))

    def get_contact_by_email(self, email: str) -> ResultLike:
        response = self.call("GET", self.base, params={"email": email})
        assert response is not None
        found = response.json()["contacts"]
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        response = self.call("GET", self.base, params={"page": page, "limit": limit})
        assert response is not None
        return Result.ok(contacts=response.json()["contacts"])

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        if contact["id"] in UNUSABLE:
            return Result.failed(NOT_FOUND)
        return self.record(self.call("PATCH", self.url(contact["id"]), json=contact))

    def delete_contact(self, id: str) -> ResultLike:
        if id in UNUSABLE or self.call("DELETE", self.url(id)) is None:
            return Result.failed(NOT_FOUND)
        return Result.ok(id)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # several threads connect at once


@contextmanager
def rest_crm() -> Iterator[str]:
    """Run the CRM on a free port and give its URL."""
    crm = MemoryConsumer()

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            id = unquote(url.path.removeprefix("/contacts").removeprefix("/"))
            status, answer = answer_to(crm, self.command, id, query, json.loads(body or b"{}"))
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = serve

        def log_message(self, *_: object) -> None: ...

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer_to(
    crm: MemoryConsumer, method: str, id: str, query: dict[str, str], contact: dict[str, Any]
) -> tuple[int, Any]:
    result: Any
    if id == "batch":
        written = "PATCH" if method == "PATCH" else "POST"
        answers = [answer_to(crm, written, str(it.get("id", "")), {}, it) for it in contact["contacts"]]
        return 200, {"results": [{"status": status, "record": record} for status, record in answers]}
    if method == "POST":
        result = crm.create_contact(contact)
        return 201, crm.records[result.id]
    if id == "" and method == "GET" and "email" in query:
        found = crm.get_contact_by_email(query["email"])
        assert isinstance(found, Result)
        return 200, {"contacts": list(found.contacts or ([found.contact] if found.contact else []))}
    if id == "" and method == "GET":
        result = crm.list_contacts(int(query.get("page", 1)), int(query.get("limit", 30)))
        return 200, {"contacts": result.contacts}
    if id not in crm.records:
        return 404, {"error": "no such contact"}
    if method == "DELETE":
        return 200, crm.records[id] | {"deleted": crm.delete_contact(id) is not None}
    if method == "PATCH":
        crm.update_contact(contact | {"id": id})
    return 200, crm.records[id]
