"""The forms of both sides: which fields a contact has there, under what names, and what is written into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from contact_sync.demo.integration.fields import CONTACTS
from mappers import MappingValueError

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
_FREE_DAYS: Final = ("customer_since",)
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


def misfit(side: Literal["platform", "crm"], fields: Mapping[str, Any]) -> str | None:
    """What is written on a side and cannot be carried to the other, though the side itself takes it.

    Returns:
        The field, a colon, and what is expected there; `None` if all can be carried.
    """
    try:
        if side == "platform":
            CONTACTS.to_external(fields)
        else:  # the CRM looks at its other fields itself
            CONTACTS.to_botmatic({name: fields[name] for name in _FREE_DAYS if name in fields})
    except MappingValueError as error:
        if error.field in _FREE_DAYS:
            return f"{error.field}: a day such as 2018-02-09 is expected"
        return f"{error.field}: {str(error).partition(': ')[2]}"
    return None
