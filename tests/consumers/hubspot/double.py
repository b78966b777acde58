"""HubSpot's contacts API on loopback: a real HTTP server before a `Portal`, for v3 and for dated versions.

It speaks as HubSpot's descriptions say, and where those are silent as recorded answers do: results of batches come in
an order of their own, writes give back what was written and little else, searches can lag, and limits are kept.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from .payloads import payload
from .portal import Contact, Portal, Refused, as_written

TOKEN = "pat-eu1-00000000-made-up-for-tests"
EXPIRED = "an-access-token-that-has-expired"
READ, WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"

_PATH = re.compile(r"/crm/(?:(v3)/(objects|properties)|(objects|properties)/(20[0-9]{2}-[0-9]{2}))/contacts(/.*)?")

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Call:
    """A request that was made."""

    version: str
    method: str
    path: str
    body: Any


class HubSpotDouble:
    """The server. A context manager.

    Attributes:
        portal: The account behind it.
        calls: Every request so far. Yours to clear.
        scopes: What the token may do.
        calls_left: How many more calls the limit of ten seconds takes; `None` for all.
    """

    def __init__(self) -> None:
        self.portal = Portal()
        self.calls: list[Call] = []
        self.scopes = {READ, WRITE, "crm.schemas.contacts.read"}
        self.tokens = {TOKEN}
        self.calls_left: int | None = None
        self._scripted: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def empty(self) -> None:
        """Begin anew."""
        self.portal = Portal()
        self.calls, self._scripted, self.calls_left = [], [], None
        self.scopes = {READ, WRITE, "crm.schemas.contacts.read"}
        self.tokens = {TOKEN}

    def answer_next(
        self, name: str, times: int = 1, *, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> None:
        """Answer the next calls with a payload, and do nothing of what they ask for."""
        answer = payload(name, **fields)
        self.say_next(answer["status"], answer["body"], times, headers={**answer["headers"], **(headers or {})})

    def say_next(self, status: int, body: Any, times: int = 1, *, headers: Mapping[str, str] | None = None) -> None:
        """Answer the next calls with whatever is given."""
        self._scripted += [{"status": status, "headers": dict(headers or {}), "body": body}] * times

    def paths(self) -> list[str]:
        """What was called so far: `POST /batch/create`, without the beginning of the address and ids as they are."""
        return [f"{call.method} {call.path}" for call in self.calls]

    def serve(
        self, method: str, target: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[int, dict[str, str], Any]:
        """Answer a request: status, headers, and what is to be written as JSON, or as it is if it is text."""
        url = urlsplit(target)
        found = _PATH.fullmatch(url.path)
        date = {"Date": format_datetime(self.portal.now, usegmt=True)}
        if found is None:
            return 404, date, "<html><head><title>Error 404 Not Found</title></head></html>"
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        version, kind, rest = found[1] or found[4], found[2] or found[3], found[5] or ""
        with self._lock:
            try:
                body = json.loads(data) if data else None
                self.calls.append(Call(version, method, rest or "/", body))
                status, answer = self._answer(method, kind, rest, query, body, headers)
            except Refused as refused:
                status, answer = refused.answer["status"], refused.answer["body"]
                return status, date | refused.answer["headers"], answer
        told = {} if rest == "/search" else {"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Remaining": "99"}
        return status, date | told, answer

    def _answer(
        self, method: str, kind: str, rest: str, query: dict[str, str], body: Any, headers: Mapping[str, str]
    ) -> Answer:
        self._let_in(method, rest, headers)
        if kind == "properties":
            return 200, payload("properties")
        routes: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", ""): lambda: self._list(query),
            ("POST", ""): lambda: (201, self._told(self.portal.create(body["properties"]), "created", body)),
            ("POST", "/search"): lambda: self._search(body),
            ("POST", "/merge"): lambda: self._merge(body),
            ("POST", "/gdpr-delete"): lambda: self._erase(body),
            ("POST", "/batch/create"): lambda: self._batch(body, self._create_one, each=True),
            ("POST", "/batch/upsert"): lambda: self._batch(body, self._upsert_one, each=True),
            ("POST", "/batch/update"): lambda: self._batch(body, self._update_one, each=False),
        }
        route = routes.get((method, rest))
        if route is not None:
            return route()
        id = unquote(rest[1:])
        if "/" in rest[1:]:
            raise Refused("404_record")
        if method == "GET":
            contact = self.portal.find(id, query.get("idProperty"))
            return 200, self._read(contact, query.get("properties", "email,firstname,lastname").split(","))
        if method == "PATCH":
            return 200, self._told(self.portal.update(id, body["properties"]), "updated", body)
        if method == "DELETE":
            self.portal.archive(id)
            return 204, None
        raise Refused("400_invalid_input", message="this method is not supported")

    def _let_in(self, method: str, rest: str, headers: Mapping[str, str]) -> None:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token == EXPIRED:
            raise Refused("401_expired")
        if token not in self.tokens:
            raise Refused("401_unknown")
        scope = READ if method == "GET" or rest == "/search" else WRITE
        if scope not in self.scopes:
            raise Refused("403_scopes", scope=scope)
        if self._scripted:
            raise Refused("", answer=self._scripted.pop(0))
        if self.calls_left is not None:
            if self.calls_left == 0:
                raise Refused("429_ten_secondly")
            self.calls_left -= 1

    def _read(self, contact: Contact, names: list[str]) -> dict[str, Any]:
        return as_written(names, contact, "", list(self.portal.definitions))

    def _told(self, contact: Contact, template: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A write is answered with what was written, not with the record."""
        return as_written(list(body["properties"]), contact, template, list(self.portal.definitions))

    def _list(self, query: dict[str, str]) -> Answer:
        contacts, after = self.portal.page(int(query.get("limit", "10")), query.get("after"))
        names = query.get("properties", "email,firstname,lastname").split(",")
        answer: dict[str, Any] = {"results": [self._read(one, names) for one in contacts]}
        if after is not None:
            answer["paging"] = {"next": {"after": after, "link": f"https://api.hubapi.com/contacts?after={after}"}}
        return 200, answer

    def _search(self, body: Mapping[str, Any]) -> Answer:
        total, contacts, after = self.portal.search(body)
        names = body.get("properties") or ["email", "firstname", "lastname"]
        answer: dict[str, Any] = {"total": total, "results": [self._read(one, names) for one in contacts]}
        return 200, answer | ({"paging": {"next": {"after": after}}} if after is not None else {})

    def _merge(self, body: Mapping[str, Any]) -> Answer:
        merged = self.portal.merge(body["primaryObjectId"], body["objectIdToMerge"])
        return 200, self._read(merged, ["email", "firstname", "lastname"])

    def _erase(self, body: Mapping[str, Any]) -> Answer:
        self.portal.erase(body["objectId"])
        return 204, None

    def _batch(
        self, body: Mapping[str, Any], write: Callable[[Mapping[str, Any]], dict[str, Any] | None], *, each: bool
    ) -> Answer:
        """Write many. Where all have traces of their own, one that fails stops the others only if not `each`."""
        inputs = body["inputs"]
        if not 1 <= len(inputs) <= 100:
            raise Refused("400_invalid_input", message=f"there are {len(inputs)} inputs, not 1 to 100")
        ids = [str(one["id"]) for one in inputs if "id" in one]
        twice = sorted({id for id in ids if ids.count(id) > 1})
        if twice:
            raise Refused("400_duplicate_ids", ids=", ".join(twice))
        traces = [one.get("objectWriteTraceId") for one in inputs]
        traced = None not in traces and len(set(traces)) == len(traces)
        before = dict(self.portal.contacts)
        results, errors = [], []
        for one in inputs:
            try:
                result = write(one)
            except Refused as refused:
                missing = refused.name == "404_record"
                if not traced or not (each or missing):
                    self.portal.contacts = before
                    raise
                errors.append(_entry(refused, one))
                continue
            if result is not None:
                trace = {"objectWriteTraceId": one["objectWriteTraceId"]} if self.portal.tells_traces else {}
                results.append(result | trace)
        answer: dict[str, Any] = {"status": "COMPLETE", "results": results[::-1]}
        if errors:
            return 207, answer | {"numErrors": len(errors), "errors": errors}
        return 201 if write == self._create_one else 200, answer

    def _create_one(self, one: Mapping[str, Any]) -> dict[str, Any]:
        return self._told(self.portal.create(one["properties"]), "created", one)

    def _update_one(self, one: Mapping[str, Any]) -> dict[str, Any] | None:
        if int(one["id"]) in self.portal.former:
            return None  # a record that was merged is left out without a word
        return self._told(self.portal.update(one["id"], one["properties"]), "updated", one)

    def _upsert_one(self, one: Mapping[str, Any]) -> dict[str, Any]:
        properties = {**one["properties"], one["idProperty"]: one["id"]}
        try:
            there = self.portal.find(one["id"], one["idProperty"])
        except Refused:
            return self._told(self.portal.create(properties), "created", {"properties": properties}) | {"new": True}
        written = self.portal.update(str(there.id), properties)
        return self._told(written, "updated", {"properties": properties}) | {"new": False}


def _entry(refused: Refused, one: Mapping[str, Any]) -> Any:
    """What the 207 of a batch says of an input that was refused."""
    trace, body = one["objectWriteTraceId"], refused.answer["body"]
    if refused.name == "404_record":
        return payload("207_not_found", trace=trace, id=one["id"])
    if refused.name == "409_contact":
        return payload("207_conflict", trace=trace, id=body["message"].rpartition(" ")[2])
    return payload("207_validation", trace=trace, message=body["message"], errors=body.get("errors", []))


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True


def _handler(double: HubSpotDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, answer = double.serve(self.command, self.path, dict(self.headers), data)
            body = b"" if answer is None else (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response_only(status)
            kind = "text/html" if isinstance(answer, str) else "application/json;charset=utf-8"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    return Handler
