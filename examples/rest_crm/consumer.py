"""The contacts of a Kinto collection."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from contact_sync import NOT_FOUND, ExternalAPIConsumer, Result
from contact_sync.consumers.http import is_same_origin

RECORD_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LONGEST_PAUSE: Final = 300
NO_RECORD: Final = 110  # Kinto's error number, beside the 404


@dataclass(frozen=True)
class Reply:
    """What came back: a failure, or the `data` of a successful answer."""

    failure: Result | None = None
    data: Any = None
    status: int = 200
    next_page: str | None = None


class KintoConsumer(ExternalAPIConsumer):
    """Keeps contacts in a Kinto collection. Safe to call from several threads.

    Args:
        server: The server's address with its version (`https://kinto.example.com/v1`).
        auth: Name and password of the account that it works with.
        bucket: The bucket of the collection.
        collection: The collection of the contacts.
        timeout: The seconds to wait for a connection, and for each piece of an answer.
    """

    def __init__(
        self,
        server: str,
        auth: tuple[str, str],
        *,
        bucket: str = "crm",
        collection: str = "contacts",
        timeout: tuple[float, float] = (3.05, 10.0),
    ) -> None:
        self._records = f"{server.rstrip('/')}/buckets/{bucket}/collections/{collection}/records"
        self._timeout = timeout
        self._pause_until = 0.0
        self._session = requests.Session()
        self._session.auth = auth
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=32))

    def create_contact(self, contact: dict[str, Any]) -> Result:
        reply = self._call("POST", self._records, {"data": contact})
        if reply.failure is not None:
            return reply.failure
        created = _record(reply.data)
        if reply.status == 200 and created.success:
            # Kinto gives the record that has the id, and leaves it as it is.
            return Result.failed("a record with that id exists", id=created.id)
        return created

    def get_contact(self, id: str) -> Result:
        reply = self._call_record("GET", id)
        return reply.failure or _record(reply.data)

    def get_contact_by_email(self, email: str) -> Result:
        # Kinto reads a filter's value as JSON where it can: in quotes, even the address "123" stays text.
        reply = self._call("GET", self._records, params={"email": json.dumps(email)})
        page = reply.failure or _page(reply.data)
        return Result.failed(NOT_FOUND) if page.success and not page.contacts else page

    def list_contacts(self, page: int = 1, limit: int = 30) -> Result:
        """Kinto's pages have no numbers, so the ones before are read as well. Imports use `iter_contacts`."""
        for number, result in enumerate(self.iter_contacts(limit), 1):
            if number == page or not result.success:
                return result
        return Result.ok(contacts=[])

    def update_contact(self, contact: dict[str, Any]) -> Result:
        changes = {name: value for name, value in contact.items() if name != "id"}
        reply = self._call_record("PATCH", contact["id"], {"data": changes})
        return reply.failure or _record(reply.data)

    def delete_contact(self, id: str) -> Result:
        reply = self._call_record("DELETE", id)
        return reply.failure or Result.ok(id)

    def iter_contacts(self, page_size: int = 30) -> Iterator[Result]:
        # By id, since a record that is edited meanwhile keeps its place: Kinto's own order is by time of change.
        reply = self._call("GET", self._records, params={"_limit": str(page_size), "_sort": "id"})
        while True:
            page = reply.failure or _page(reply.data)
            yield page
            if not page.success or reply.next_page is None:
                return
            if not is_same_origin(reply.next_page, self._records):
                yield Result.failed("the link to the next page leads to another server; it is not followed")
                return
            reply = self._call("GET", reply.next_page)

    def close(self) -> None:
        self._session.close()

    def _call_record(self, method: str, id: str, body: object = None) -> Reply:
        if not RECORD_ID.fullmatch(id):
            return Reply(Result.failed(NOT_FOUND))  # and nothing that could change the path gets into it
        return self._call(method, f"{self._records}/{id}", body)

    def _call(self, method: str, url: str, body: object = None, params: dict[str, str] | None = None) -> Reply:
        """Call Kinto. What `requests` raises is left to the caller of the consumer, who knows what is temporary."""
        pause = self._pause_until - time.monotonic()
        if pause > 0:
            return Reply(Result.failed("Kinto asked for a pause", retryable=True, retry_after=pause))
        response = self._session.request(
            method, url, json=body, params=params, timeout=self._timeout, allow_redirects=False
        )
        self._heed_backoff(response.headers.get("Backoff"))
        status = response.status_code
        if status == 404 and _names_a_record(response):
            return Reply(Result.failed(NOT_FOUND))
        if status in (409, 412):
            return Reply(Result.failed(f"the record was changed by somebody else (HTTP {status})", retryable=True))
        if 300 <= status < 400:
            return Reply(Result.failed(f"Kinto redirects (HTTP {status}); give its final address"))
        response.raise_for_status()
        answer = response.json()
        data = answer.get("data") if isinstance(answer, dict) else None
        return Reply(data=data, status=status, next_page=response.headers.get("Next-Page"))

    def _heed_backoff(self, seconds: str | None) -> None:
        """Kinto may ask for a pause with any answer, also a successful one."""
        if seconds is not None and seconds.isdecimal():
            self._pause_until = time.monotonic() + min(int(seconds), LONGEST_PAUSE)


def _record(data: object) -> Result:
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        return Result.failed("Kinto's answer holds no record")
    return Result.ok(data["id"], contact=data)


def _page(data: object) -> Result:
    if not isinstance(data, list):
        return Result.failed("Kinto's answer holds no records")
    return Result.ok(contacts=data)


def _names_a_record(response: requests.Response) -> bool:
    """Whether it is the record that is missing. A 404 also comes from a wrong address, or without the collection."""
    try:
        error = response.json()
    except ValueError:
        return False
    details = error.get("details") if isinstance(error, dict) else None
    return isinstance(details, dict) and error.get("errno") == NO_RECORD and details.get("resource_name") == "record"
