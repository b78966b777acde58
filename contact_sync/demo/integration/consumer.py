"""How the CRM is reached."""

from __future__ import annotations

from typing import Any

import requests

from contact_sync import NOT_FOUND, ExternalAPIConsumer, Result


class CrmConsumer(ExternalAPIConsumer):
    """The CRM's contacts, by its REST API.

    A status that is not expected is raised; the library makes a failed result of it, one that may be tried again for
    time-outs, lost connections, 429 and 5xx.

    Args:
        url: Where the CRM is.
        key: An API key.
        timeout: Seconds to wait for an answer.
    """

    partial_updates = True  # what is not sent stays as it is

    def __init__(self, url: str, key: str, *, timeout: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {key}"

    def create_contact(self, contact: dict[str, Any]) -> Result:
        """Create a record."""
        return Result.ok(self._call("POST", "/api/contacts", json=contact)["id"])

    def get_contact(self, id: str) -> Result:
        """Read a record."""
        record = self._call("GET", f"/api/contacts/{id}") if _is_id(id) else None
        return Result.failed(NOT_FOUND) if record is None else Result.ok(record["id"], contact=record)

    def get_contact_by_email(self, email: str) -> Result:
        """Find records by e-mail address. This CRM lets several have the same."""
        found = self._call("GET", "/api/contacts", params={"email": email})["contacts"]
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def list_contacts(self, page: int = 1, limit: int = 30) -> Result:
        """Read a page of records."""
        params = {"page": page, "limit": min(limit, 100)}
        return Result.ok(contacts=self._call("GET", "/api/contacts", params=params)["contacts"])

    def update_contact(self, contact: dict[str, Any]) -> Result:
        """Write a record's fields. `None` clears one."""
        id = str(contact["id"])
        fields = {name: value for name, value in contact.items() if name != "id"}
        record = self._call("PATCH", f"/api/contacts/{id}", json=fields) if _is_id(id) else None
        return Result.failed(NOT_FOUND) if record is None else Result.ok(id, contact=record)

    def delete_contact(self, id: str) -> Result:
        """Delete a record."""
        gone = self._call("DELETE", f"/api/contacts/{id}") if _is_id(id) else None
        return Result.failed(NOT_FOUND) if gone is None else Result.ok(id)

    def subscribe(self, url: str, secret: str) -> None:
        """Ask for a notice about each change, sent to an address and signed with a secret."""
        self._call("PUT", "/api/webhook", json={"url": url, "secret": secret})

    def unsubscribe(self) -> None:
        """Ask for no more notices."""
        self._call("DELETE", "/api/webhook")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        """Make a call. `None` if there is no such record."""
        answer = self._http.request(method, self._url + path, timeout=self._timeout, allow_redirects=False, **arguments)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return {} if answer.status_code == 204 else answer.json()


def _is_id(id: str) -> bool:
    """Whether this can be one of the CRM's numbers; anything else has no place in a URL."""
    return id.isascii() and id.isdecimal()
