"""What a CRM makes of the fields that it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from contact_sync.testing.paths import steps

from .quirks import Quirks

Record = dict[str, Any]


def writer(quirks: Quirks, email_field: str, phone_fields: Collection[str]) -> Callable[[Mapping[str, Any]], Record]:
    """Make the function that turns a record as it was sent into one as the CRM keeps it."""
    email, phones = steps(email_field), {steps(field) for field in phone_fields}
    cleared = "" if quirks.clears == "empty" else None

    def kept(value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, str) and quirks.trims:
            value = value.strip()
        if isinstance(value, str) and quirks.normalises:
            value = value.lower() if path == email else _phone(value) if path in phones else value
        if value is None or value == "":
            return cleared
        return keep(value, path) if isinstance(value, Mapping) else value

    def keep(record: Mapping[str, Any], above: tuple[str, ...] = ()) -> Record:
        fields = {name: kept(value, (*above, name)) for name, value in record.items()}
        if quirks.clears == "absent":
            return {name: value for name, value in fields.items() if value is not None}
        return fields

    return keep


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Record:
    """The old record with the new one's fields, also of the objects inside."""
    both = dict(old)
    for name, value in new.items():
        before = both.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = merged(before, value)
        both[name] = value
    return both


def filled(record: Mapping[str, Any], other: Mapping[str, Any]) -> Record:
    """A record whose blanks are filled from another one."""
    both = dict(record)
    for name, value in other.items():
        mine = both.get(name)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            both[name] = filled(mine, value)
        elif mine is None or mine == "":
            both[name] = value
    return both


def blanked(record: Mapping[str, Any]) -> Record:
    """A record with nothing in its fields."""
    return {name: blanked(value) if isinstance(value, Mapping) else None for name, value in record.items()}


def _phone(text: str) -> str:
    digits = re.sub(r"[^0-9]", "", text)
    international = text.strip().startswith(("+", "00"))
    return f"+{digits.removeprefix('00')}" if international else digits or text
