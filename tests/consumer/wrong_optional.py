"""Consumers that are wrong on purpose beyond the six methods, one fault each, for the suite to catch."""

from __future__ import annotations

from typing import Any

from contact_sync.consumer import ManyResults, ResultLike
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer

from .batches import Batches, each


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


class BatchSizeIsText(MemoryConsumer):
    batch_size = "10"  # type: ignore[assignment]  # the mistake that is shown here

    def __init__(self) -> None:
        super().__init__()
        del self.batch_size


class BatchesTakeLessThanSaid(Batches):
    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return Result.failed("too many") if len(contacts) > 100 else super().create_contacts(contacts)


class BatchesAnswerInAnOrderOfTheirOwn(Batches):
    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return each(super().create_contacts(contacts))[::-1]

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return super().update_contacts(sorted(contacts, key=lambda it: str(it["id"])))


class BatchesAnswerWithWhatWorked(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return [result for result in each(super().update_contacts(contacts)) if result.success]


class BatchesAnswerOnceForAll(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        super().update_contacts(contacts)
        return Result.ok()


class BatchesStopAtTheFirstFailure(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        results: list[Result] = []
        for contact in reversed(contacts):
            stopped = results and not results[-1].success
            results += [Result.failed("stopped")] if stopped else each(super().update_contacts([contact]))
        results.reverse()
        return results


class BatchesCreateWhatIsMissing(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        for contact in contacts:
            self._records.setdefault(str(contact["id"]), {"id": contact["id"]})
        return super().update_contacts(contacts)


class BatchesFailWholeAndDoSome(Batches):
    """One that is refused fails the call, when those before it are made."""

    def __init__(self) -> None:
        super().__init__(unique_email=True)

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        results = each(super().create_contacts(contacts))
        failed = [result for result in results if not result.success]
        return failed[0] if failed else results


class BatchesDropWhatIsNone(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return super().update_contacts([{k: v for k, v in it.items() if v is not None} for it in contacts])


class BatchesChangeTheirArgument(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        results = super().update_contacts(contacts)
        for contact in contacts:
            contact["id"] = int(contact["id"])
        return results


class BatchesGiveBackTheChange(Batches):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        results = each(super().update_contacts(contacts))
        return [result.with_(contact=contact) for result, contact in zip(results, contacts, strict=True)]


class BatchesOfNoneFail(Batches):
    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        if not contacts:
            raise ValueError("a batch may not be empty")
        return super().create_contacts(contacts)


class BatchesRefuseWithoutAnId(Batches):
    def __init__(self) -> None:
        super().__init__(unique_email=True)

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return [it if it.success else Result.failed("it exists") for it in each(super().create_contacts(contacts))]
