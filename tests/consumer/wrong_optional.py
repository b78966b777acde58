"""Consumers that are wrong on purpose beyond the six methods, one fault each, for the suite to catch."""

from __future__ import annotations

from typing import Any

from contact_sync.consumer import ResultLike
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer


class UpdateExpectsTheName(MemoryConsumer):
    """Builds what it sends from the fields that it knows, and takes one that is absent for one that is cleared."""

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({**contact, "first_name": contact.get("first_name")})


class PartialUpdatesIsText(MemoryConsumer):
    partial_updates = "no"  # type: ignore[assignment]  # the mistake that is shown here

    def __init__(self) -> None:
        super().__init__()
        del self.partial_updates


class CreateGivesBackWhatItWasGiven(MemoryConsumer):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        created = super().create_contact(contact)
        assert isinstance(created, Result)
        return created.with_(contact=contact)


class UpdateGivesBackTheChange(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        updated = super().update_contact(contact)
        assert isinstance(updated, Result)
        return updated.with_(contact=contact) if updated.success else updated


class FindKnowsNoEmails(MemoryConsumer):
    def find_contact(self, field: str, value: str) -> ResultLike:
        return Result.failed(NOT_FOUND) if field == "email" else super().find_contact(field, value)


class FindGivesTheNewest(MemoryConsumer):
    def find_contact(self, field: str, value: str) -> ResultLike:
        found = super().find_contact(field, value)
        assert isinstance(found, Result)
        return Result.ok(contact=list(self.records.values())[-1]) if found.success else found


class FindOfNobodyIsAnEmptyList(MemoryConsumer):
    def find_contact(self, field: str, value: str) -> ResultLike:
        found = super().find_contact(field, value)
        assert isinstance(found, Result)
        return Result.ok(contacts=[]) if found.not_found else found


class FindTakesParts(MemoryConsumer):
    def find_contact(self, field: str, value: str) -> ResultLike:
        if field == "email":
            return super().find_contact(field, value)
        found = [record for record in self.records.values() if value in str(record.get(field))]
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)


class ArchivePretends(MemoryConsumer):
    def archive_contact(self, id: str) -> ResultLike:
        return Result.ok(id) if id in self.records else Result.failed(NOT_FOUND)


class ArchiveHidesHalf(MemoryConsumer):
    """Marks the record, and forgets that lists and look-ups show marked ones."""

    def archive_contact(self, id: str) -> ResultLike:
        if id not in self.records:
            return Result.failed(NOT_FOUND)
        self._records[id]["archived"] = True
        return Result.ok(id)

    def get_contact(self, id: str) -> ResultLike:
        return Result.failed(NOT_FOUND) if self.records.get(id, {}).get("archived") else super().get_contact(id)


class ArchiveFails(MemoryConsumer):
    def archive_contact(self, id: str) -> ResultLike:
        return Result.failed("this key may not archive")


class ArchiveOfMissingSucceeds(MemoryConsumer):
    def archive_contact(self, id: str) -> ResultLike:
        super().delete_contact(id)
        return {"success": True}
