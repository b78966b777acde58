"""A consumer that only reads, right and wrong in each way, one fault each, for the suite to catch."""

from __future__ import annotations

from typing import Any

from contact_sync.consumer import PAGE_SIZE, ReadOnlyConsumer, ResultLike
from contact_sync.results import Result
from contact_sync.testing import MemoryConsumer


class Directory(ReadOnlyConsumer):
    """Right: reads what others write into a CRM in memory."""

    def __init__(self, crm: MemoryConsumer) -> None:
        self.crm = crm

    def get_contact(self, id: str) -> ResultLike:
        return self.crm.get_contact(id)

    def get_contact_by_email(self, email: str) -> ResultLike:
        return self.crm.get_contact_by_email(email)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        return self.crm.list_contacts(page, limit)


class CreatesAndRefuses(Directory):
    def create_contact(self, contact: dict[str, Any]) -> Result:
        self.crm.create_contact(contact)
        return super().create_contact(contact)


class CreatesAllTheSame(Directory):
    def create_contact(self, contact: dict[str, Any]) -> Result:
        result = self.crm.create_contact(contact)
        assert isinstance(result, Result)
        return result


class ChangesAndRefuses(Directory):
    def update_contact(self, contact: dict[str, Any]) -> Result:
        self.crm.update_contact(contact)
        return super().update_contact(contact)


class UpdatesDoNothing(Directory):
    def update_contact(self, contact: dict[str, Any]) -> Result:
        return Result.ok(contact["id"])


class RefusesWithoutTheReason(Directory):
    def update_contact(self, contact: dict[str, Any]) -> Result:
        return Result.failed("this is a directory")


class RefusesForNow(Directory):
    def delete_contact(self, id: str) -> Result:
        return super().delete_contact(id).with_(retryable=True)


class DeletesAndRefuses(Directory):
    def delete_contact(self, id: str) -> Result:
        self.crm.delete_contact(id)
        return super().delete_contact(id)


class SaysThatItCanUpdate(Directory):
    can_update = True


class GivesTheFirst(Directory):
    def get_contact(self, id: str) -> ResultLike:
        found = self.crm.get_contact(id)
        assert isinstance(found, Result)
        return found.with_(contact=next(iter(self.crm.records.values()))) if found.success else found
