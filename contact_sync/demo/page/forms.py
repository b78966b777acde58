"""The forms of both sides: which fields a contact has there, under what names, and what is written into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contact_sync.demo.integration.fields import CONTACTS

_ROWS: Final = tuple(row for row in CONTACTS.rows if not row.id)
_CRM_KINDS: Final = {
    "last_seen_at": "number",
    "opted_in": "boolean",
    "order_count": "number",
    "balance_cents": "number",
    "tags": "json",
    "preferences": "json",
    "notes": "long",
}
_PLATFORM_KINDS: Final = {"newsletter": "boolean", "orders": "number", "balance": "number", "notes": "long"}

PLATFORM: Final = [{"name": row.botmatic, "kind": _PLATFORM_KINDS.get(row.botmatic, "text")} for row in _ROWS]
"""The platform's fields, in the order of the mapping; the CRM's stand at the same places."""

CRM: Final = [{"name": row.external, "kind": _CRM_KINDS.get(row.external, "text")} for row in _ROWS]
"""The CRM's fields, by dotted path."""


def flat(contact: Mapping[str, Any]) -> dict[str, Any]:
    """Take a CRM contact apart: its fields by dotted path."""
    fields: dict[str, Any] = {}
    for row in _ROWS:
        group, _, name = row.external.rpartition(".")
        fields[row.external] = contact[group][name] if group else contact[name]
    return fields


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Put a CRM contact together again from fields by dotted path."""
    contact: dict[str, Any] = {}
    for path, value in fields.items():
        group, _, name = path.rpartition(".")
        (contact.setdefault(group, {}) if group else contact)[name] = value
    return contact
