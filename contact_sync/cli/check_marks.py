"""The test contact of `contact-sync check --write`: how it is made, and how it is recognised."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from contact_sync.consumer import ExternalAPIConsumer
from mappers import Mapper
from mappers import Mapping as Row

from .check_consumer import may_hold_addresses

ADDRESS: Final = "contact-sync-check+{}@example.com"
TEXT: Final = "contact_sync check, may be deleted"
CHANGED: Final = "contact_sync check 2, may be deleted"


class Marks:
    """Marks a contact as a test, in the fields of a mapping that a consumer writes.

    Args:
        mapper: The table of fields.
        consumer: Whose fields they are.

    Attributes:
        address: An e-mail address that no other contact has.
        address_row: The row of the e-mail address; `None` if there is none that is written.
        text_rows: Rows of free text: all that are somebody's name, since CRMs may ask for these; else the first one.
    """

    def __init__(self, mapper: Mapper, consumer: ExternalAPIConsumer) -> None:
        self.address = ADDRESS.format(secrets.token_hex(6))
        written = [
            row
            for row in mapper.rows
            if not row.id and row.direction != "to_botmatic" and row.external not in consumer.read_only_fields
        ]
        addresses = [
            row for row in written if may_hold_addresses(row) and (row.type != "list" or _has_no_transform(row))
        ]
        addresses.sort(key=lambda row: not row.match)
        self.address_row = addresses[0] if addresses else None
        texts = [row for row in written if _is_free_text(row)]
        names = [row for row in texts if "name" in f"{row.botmatic} {row.external}".lower()]
        self.text_rows = names or texts[:1]
        self._mapper = mapper

    @property
    def where(self) -> str:
        """What to look for in the CRM, for people."""
        return repr(TEXT) if self.address_row is None else self.address

    def contact(self, text: str, *, text_alone: bool = False) -> dict[str, Any]:
        """Make the contact in the CRM's names, without an id."""
        contact: dict[str, Any] = {row.botmatic: text for row in self.text_rows}
        row = self.address_row
        if row is not None and not text_alone:
            contact[row.botmatic] = [self.address] if row.type == "list" else self.address
        return self._mapper.to_external(contact)

    def are_on(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is the test contact: it has the address, or says in a field that it may be deleted."""
        return self._has_address(record) or any(row.read(record, "ext") in (TEXT, CHANGED) for row in self.text_rows)

    def lost(self, record: Mapping[str, Any], text: str) -> list[str]:
        """The fields, in the CRM's names, in which a record does not have what was written."""
        lost = [row.external for row in self.text_rows if row.read(record, "ext") != text]
        if self.address_row is not None and not self._has_address(record):
            lost.append(self.address_row.external)
        return lost

    def _has_address(self, record: Mapping[str, Any]) -> bool:
        row = self.address_row
        if row is None:
            return False
        value = row.read(record, "ext")
        if row.type in ("text", "email"):
            return isinstance(value, str) and value.strip().casefold() == self.address
        return row.same_match(value, self.address, "ext")


def _is_free_text(row: Row) -> bool:
    is_text = row.type == "text" and row.platform_type == "text" and not row.match and not may_hold_addresses(row)
    return is_text and _has_no_transform(row)


def _has_no_transform(row: Row) -> bool:
    return row.transform is None and row.to_botmatic is None and row.to_external is None
