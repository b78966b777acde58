"""The program of a user, which all processes run: a consumer for the CRM double, a table of fields, and the sync."""

from __future__ import annotations

import os
import threading
from typing import Any, Final

import requests

from contact_sync import NOT_FOUND, ContactSync, ExternalAPIConsumer, Result
from contact_sync.delivery import Delivery, Retries
from mappers import Mapping

TOKEN: Final = "hush-hush"

FIELDS: Final = [
    Mapping("id", "ref", id=True),
    Mapping("email", "mail", match=True),
    Mapping("code", "customer_code", match=True),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("score", "points", type="number"),
]

_local: Final = threading.local()


class Consumer(ExternalAPIConsumer):
    """The CRM double's consumer. It finds records by every field, so that one in doubt is found again."""

    partial_updates = True

    def create_contact(self, contact: dict[str, Any]) -> Result:
        made = _call("POST", json=contact)
        return Result.ok(made["ref"], contact=made)

    def get_contact(self, id: str) -> Result:
        return _one(_call("GET", params={"ref": id}))

    def get_contact_by_email(self, email: str) -> Result:
        return self.find_contact("mail", email)

    def find_contact(self, field: str, value: str) -> Result:
        found = _call("GET", params={field: value})
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def list_contacts(self, page: int = 1, limit: int = 30) -> Result:
        del limit
        return Result.ok(contacts=_call("GET") if page == 1 else [])

    def update_contact(self, contact: dict[str, Any]) -> Result:
        written = _call("PATCH", json=contact)
        return Result.failed(NOT_FOUND) if written is None else Result.ok(contact=written)

    def delete_contact(self, id: str) -> Result:
        return Result.failed(NOT_FOUND) if _call("DELETE", params={"ref": id}) is None else Result.ok(id)


def make() -> ContactSync:
    """Make the sync that the environment describes. `CRM_URL` is also where the platform is."""
    return ContactSync(
        Consumer(),
        FIELDS,
        os.environ["PAIRS"],
        auth=lambda token: token == TOKEN,
        secret_keys=["k" * 40],
        delivery=_delivery(os.environ["DELIVERY"], Retries(first=0.2, longest=2.0)),
        delivery_id="header:X-Delivery-Id" if os.environ["IDS"] == "yes" else None,
    )


def _delivery(url: str, retries: Retries) -> Delivery:
    if url.startswith("dramatiq+"):
        from contact_sync.delivery.dramatiq import DramatiqDelivery

        return DramatiqDelivery(url.removeprefix("dramatiq+"), retries=retries)
    from contact_sync.delivery.inbox import Inbox

    return Inbox(url, retries=retries)


def _call(method: str, **arguments: Any) -> Any:
    if not hasattr(_local, "http"):
        _local.http = requests.Session()
    answer = _local.http.request(method, f"{os.environ['CRM_URL']}/contacts", timeout=10, **arguments)
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.json()


def _one(found: list[dict[str, Any]]) -> Result:
    return Result.ok(contact=found[0]) if found else Result.failed(NOT_FOUND)
