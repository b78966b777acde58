"""The shortest integration: a table of fields, a consumer, a sync."""

import itertools
from typing import Any

from contact_sync import NOT_FOUND, ContactSync, ExternalAPIConsumer, Result, allow_any_token
from mappers import Mapping

FIELDS = [
    Mapping("id", "key", id=True),
    Mapping("email", "mail", match=True),
    Mapping("firstname", "first_name"),
    Mapping("birthdate", "born_on", type="date"),
]


class DictConsumer(ExternalAPIConsumer):
    """A CRM that is a dict; in its place, call yours."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.keys = itertools.count(1)

    def create_contact(self, contact: dict[str, Any]) -> Result:
        key = str(next(self.keys))
        self.records[key] = {**contact, "key": key}
        return Result.ok(key)

    def get_contact(self, id: str) -> Result:
        return Result.ok(contact=self.records[id]) if id in self.records else Result.failed(NOT_FOUND)

    def get_contact_by_email(self, email: str) -> Result:
        found = [record for record in list(self.records.values()) if record.get("mail") == email]
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def list_contacts(self, page: int = 1, limit: int = 30) -> Result:
        return Result.ok(contacts=list(self.records.values())[(page - 1) * limit : page * limit])

    def update_contact(self, contact: dict[str, Any]) -> Result:
        if contact["key"] not in self.records:
            return Result.failed(NOT_FOUND)
        self.records[contact["key"]].update(contact)
        return Result.ok()

    def delete_contact(self, id: str) -> Result:
        return Result.ok() if self.records.pop(id, None) else Result.failed(NOT_FOUND)


crm = DictConsumer()
# Everybody may call this one. Leave `auth` out on a real server: then only installed tokens are let in.
sync = ContactSync(crm, FIELDS, "memory://", auth=allow_any_token)
