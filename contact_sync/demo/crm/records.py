"""The CRM's contacts, in memory."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from typing import Any, Final

FIRST_ID: Final = 1001

EMPTY: Final[Mapping[str, Any]] = {
    "properties": {"given_name": None, "family_name": None, "email": None, "phone": None},
    "address": {"street": None, "postcode": None, "city": None, "country": None},
    "born_on": None,
    "customer_since": None,
    "last_seen_at": None,
    "opted_in": None,
    "order_count": None,
    "balance_cents": None,
    "tags": [],
    "preferences": None,
    "notes": None,
}
"""A contact without anything. `properties` and `address` are groups, in which each field is written by itself."""


class NoSuchRecord(LookupError):
    """There is no contact with that number."""


class Records:
    """The contacts by number, for several threads. What goes in and comes out is a copy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[int, dict[str, Any]] = {}
        self._next_id = FIRST_ID

    def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a new contact, and give it a number."""
        with self._lock:
            record = {"id": self._next_id} | _changed(EMPTY, fields)
            self._by_id[self._next_id] = record
            self._next_id += 1
            return copy.deepcopy(record)

    def get(self, id: int) -> dict[str, Any]:
        """Read a contact."""
        with self._lock:
            return copy.deepcopy(self._found(id))

    def change(self, id: int, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Write the fields that are given, and leave the others."""
        with self._lock:
            self._by_id[id] = _changed(self._found(id), fields)
            return copy.deepcopy(self._by_id[id])

    def remove(self, id: int) -> None:
        """Forget a contact. Its number is never given again."""
        with self._lock:
            self._found(id)
            del self._by_id[id]

    def page(self, page: int, limit: int, email: str | None = None) -> tuple[list[dict[str, Any]], int]:
        """Read a page of contacts, by number, and how many there are in all. Capitals in an e-mail do not count."""
        with self._lock:
            fitting = [record for record in self._by_id.values() if email is None or _has_email(record, email)]
            return copy.deepcopy(fitting[(page - 1) * limit : page * limit]), len(fitting)

    def _found(self, id: int) -> dict[str, Any]:
        try:
            return self._by_id[id]
        except KeyError:
            raise NoSuchRecord(id) from None


def _changed(record: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(dict(record))
    for name, value in copy.deepcopy(dict(fields)).items():
        is_group = isinstance(EMPTY[name], dict)
        changed[name] = changed[name] | (value or {}) if is_group else value
    return changed


def _has_email(record: Mapping[str, Any], email: str) -> bool:
    own = record["properties"]["email"]
    return isinstance(own, str) and own.strip().casefold() == email.strip().casefold()
