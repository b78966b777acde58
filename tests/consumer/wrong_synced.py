"""Consumers with which a sync goes wrong: what is wrong with them shows in a story of both sides."""

from __future__ import annotations

import itertools
from typing import Any

from contact_sync.consumer import ResultLike
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer


class Shared(MemoryConsumer):
    """A CRM that people edit by another way than the consumer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.for_others = MemoryConsumer(tells_changes=True)
        vars(self.for_others).update(_records=self._records, _journal=self._journal, _last_id=1000)


class RemembersWhatItRead(Shared):
    """Keeps records as it has read them until it writes them itself, so it does not see what people do."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, ResultLike] = {}

    def get_contact(self, id: str) -> ResultLike:
        return self.read.setdefault(id, super().get_contact(id))

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        self.read.pop(contact["id"], None)
        return super().update_contact(contact)

    def delete_contact(self, id: str) -> ResultLike:
        self.read.pop(id, None)
        return super().delete_contact(id)


class FindsNobody(Shared):
    def get_contact_by_email(self, email: str) -> ResultLike:
        return Result.failed(NOT_FOUND)


class ReadsOtherwise(Shared):
    """What it reads is never the same twice."""

    def __init__(self) -> None:
        super().__init__()
        self.times = itertools.count(1)

    def get_contact(self, id: str) -> ResultLike:
        result = super().get_contact(id)
        assert isinstance(result, Result)
        if result.contact is None:
            return result
        return result.with_(contact={**result.contact, "first_name": f"Read {next(self.times)} times"})


class ClearsNothing(Shared):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({name: value for name, value in contact.items() if value is not None})


class BlanksTheRest(Shared):
    """Says that it takes single fields, and empties the others."""

    def __init__(self) -> None:
        super().__init__(partial_updates=True)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({"email": None, "first_name": None} | contact)


class DeletesNothing(Shared):
    def delete_contact(self, id: str) -> ResultLike:
        return Result.ok(id)


class MakesWhatIsMissing(Shared):
    """An update of a record that is gone brings it back, under another id."""

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        if contact["id"] not in self.records:
            return super().create_contact({name: value for name, value in contact.items() if name != "id"})
        return super().update_contact(contact)


class TellsOfWhatItWasSent(Shared):
    """The CRM writes texts in its own way, and the consumer answers with what it sent."""

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self.answered(super().create_contact(own_way(contact)), contact)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self.answered(super().update_contact(own_way(contact)), contact)

    def answered(self, result: ResultLike, contact: dict[str, Any]) -> ResultLike:
        assert isinstance(result, Result)
        return result.with_(contact={"id": result.id, **contact}) if result.success else result


def own_way(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value}." if name == "first_name" and value else value for name, value in contact.items()}
