"""Contacts as HubSpot has them, and as the sync has them: flat, the record's id beside its properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contact_sync.consumers.http import UnreadableAnswer
from contact_sync.errors import ContactSyncError

ID: Final = "id"
"""The key of a contact that holds the record's id, as text. HubSpot calls it the Record ID, or `hs_object_id`."""

EMAIL_PROPERTY: Final = "email"
OTHER_ADDRESSES: Final = "hs_additional_emails"
"""The property that holds a contact's further e-mail addresses, with semicolons between them. They are unique, too:
https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide"""

MERGED: Final = ("hs_merged_object_ids", "hs_calculated_merged_vids")
"""The properties that name the records that have become a part of this one: `51;52` and `51:1470000000000;52:…`."""

_RECORD_ID: Final = re.compile(r"[1-9][0-9]{0,18}")
_LEADING_ID: Final = re.compile(r"\s*([1-9][0-9]{0,18})(?![0-9])")


class UnfitValue(ContactSyncError):
    """A value cannot be written to HubSpot, whose properties are text. The message names the property alone."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of HubSpot's.

    Attributes:
        id: Its id.
        properties: Those that the answer has. A property that is asked for and empty is `None`; one that is not
            defined is left out. Left out of `repr`.
        archived: Whether it is in the recycling bin.
        new: Whether an upsert has created it.
        trace: The `objectWriteTraceId` of what it was written with, where HubSpot gives it back.
    """

    id: str
    properties: Mapping[str, Any] = field(repr=False)
    archived: bool = False
    new: bool = False
    trace: str | None = None


def is_record_id(id: str) -> bool:
    """Whether a text has the form of a record's id: a number, as all of HubSpot's are."""
    return _RECORD_ID.fullmatch(id) is not None


def record_of(data: object) -> Record:
    """Read a record from an answer.

    Raises:
        UnreadableAnswer: There is none.
    """
    if isinstance(data, Mapping):
        id, properties = data.get("id"), data.get("properties")
        if isinstance(id, int) and not isinstance(id, bool):
            id = str(id)
        if isinstance(id, str) and is_record_id(id) and isinstance(properties, Mapping):
            trace = data.get("objectWriteTraceId")
            return Record(
                id,
                properties,
                archived=data.get("archived") is True,
                new=data.get("new") is True,
                trace=trace if isinstance(trace, str) else None,
            )
    raise UnreadableAnswer("HubSpot's answer holds no contact")


def contact_of(record: Record, properties: Iterable[str]) -> dict[str, Any]:
    """Make a contact of a record: its id, and those of the properties that the record tells of."""
    told = {name: record.properties[name] for name in properties if name in record.properties}
    return {**told, ID: record.id}


def is_whole(record: Record, properties: Iterable[str]) -> bool:
    """Whether a record tells of all of the properties. What a write gives back mostly does not."""
    return all(name in record.properties for name in properties)


def written(contact: Mapping[str, Any]) -> dict[str, str]:
    """Write out what a contact has besides its id: HubSpot's properties are text, and `""` clears one.

    Raises:
        UnfitValue: A value is a list, an object or the like.
    """
    return {name: _text(name, value) for name, value in contact.items() if name != ID}


def email_key(email: object) -> str | None:
    """An address as HubSpot tells addresses apart: it keeps them in lower case. `None` if there is none."""
    return email.strip().casefold() or None if isinstance(email, str) else None


def addresses_of(record: Record) -> set[str]:
    """All e-mail addresses of a record, in lower case."""
    texts = [record.properties.get(EMAIL_PROPERTY), *str(record.properties.get(OTHER_ADDRESSES) or "").split(";")]
    return {key for text in texts if (key := email_key(text)) is not None}


def merged_into(record: Record) -> list[str]:
    """The ids of the records that have become a part of a record."""
    ids: dict[str, None] = {}
    for name in MERGED:
        for part in str(record.properties.get(name) or "").split(";"):
            found = _LEADING_ID.match(part)
            if found is not None and found[1] != record.id:
                ids[found[1]] = None
    return list(ids)


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise UnfitValue(
        f"the property {name!r} was given {type(value).__name__}, and HubSpot's properties are text; let the mapping "
        "write it as text (to_external)"
    )
