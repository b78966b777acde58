"""Consumers that are wrong on purpose in what they declare of their CRM, one fault each, for the suite to catch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contact_sync.consumer import CANNOT_CLEAR, EXISTS, CRMField, RateBudget, ResultLike
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer

from .batches import Batches


def without_score(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if name != "score"}


class CannotClear(MemoryConsumer):
    """Right: its fields keep their values."""

    clear_value = CANNOT_CLEAR

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({name: value for name, value in contact.items() if value is not None})


class ClearedByText(MemoryConsumer):
    """Right: what it takes for an empty field is text."""

    clear_value = ""
    read_only_fields = ("score",)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        if None in contact.values():
            return Result.failed("null is no text")
        return super().update_contact(without_score(contact))

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().create_contact(without_score(contact))

    def list_fields(self) -> Sequence[CRMField]:
        return [CRMField("id"), CRMField("email"), CRMField("first_name"), CRMField("score", read_only=True)]


class Unique(MemoryConsumer):
    """Right: no two records have the same first name, and it says which one has it."""

    unique_keys = ("first_name",)
    rate_budget = RateBudget(100_000)

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        taken = self.with_name(contact)
        return super().create_contact(contact) if taken is None else self.refusal(taken)

    def with_name(self, contact: dict[str, Any]) -> str | None:
        name = contact.get("first_name")
        return next((id for id, record in self.records.items() if record.get("first_name") == name), None)

    def refusal(self, taken: str) -> Result:
        return Result.failed("that name is taken", id=taken)


class UniqueUnnamed(Unique):
    """Right: it does not say which one it is, and finds it."""

    def refusal(self, taken: str) -> Result:
        return Result.failed("that name is taken", reason=EXISTS)


class ClearsWhatItSaysItCannot(MemoryConsumer):
    clear_value = CANNOT_CLEAR


class TakesOtherClears(MemoryConsumer):
    clear_value = "--"


class ClearedIsAbsent(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        result = super().update_contact(contact)
        for record in self._records.values():
            for name in [name for name, value in record.items() if value is None]:
                del record[name]
        return result


class UniqueIsNotNamed(Unique):
    def refusal(self, taken: str) -> Result:
        return Result.failed("that name is taken")


class UniqueIsRetryable(Unique):
    def refusal(self, taken: str) -> Result:
        return Result.failed("that name is taken", id=taken, retryable=True)


class UniqueNamesAnother(Unique):
    def refusal(self, taken: str) -> Result:
        return Result.failed("that name is taken", id="0")


class UniqueIsMadeAllTheSame(Unique):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        taken = self.with_name(contact)
        created = MemoryConsumer.create_contact(self, contact)
        return created if taken is None else self.refusal(taken)


class UniqueIsNotUnique(MemoryConsumer):
    unique_keys = ("first_name",)


class UniqueHasNoValue(MemoryConsumer):
    unique_keys = ("vat",)


class UniqueCannotBeFound(UniqueUnnamed):
    def find_contact(self, field: str, value: str) -> ResultLike:
        return super().find_contact(field, value) if field == "email" else Result.failed(NOT_FOUND)


class ReadOnlyIsWritten(MemoryConsumer):
    read_only_fields = ("score",)


class ReadOnlyIsWrittenByCreates(MemoryConsumer):
    read_only_fields = ("score",)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact(without_score(contact))


class ReadOnlyIsWrittenByBatches(Batches):
    read_only_fields = ("score",)

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().create_contact(without_score(contact))

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact(without_score(contact))


class ListedAsReadOnlyIsWritten(MemoryConsumer):
    def list_fields(self) -> Sequence[CRMField]:
        return [CRMField("email"), CRMField("first_name"), CRMField("score", read_only=True)]


class ReadOnlyIsTheText(MemoryConsumer):
    read_only_fields = ("first_name",)


class KeysAreText(MemoryConsumer):
    unique_keys = "email"


class OmitsIsText(MemoryConsumer):
    omits_empty = "no"  # type: ignore[assignment]  # the mistake that is shown here


class LacksNothingThatIsKnown(MemoryConsumer):
    def __init__(self) -> None:
        super().__init__()
        self.lacks = ("list_changed", "merge_contact")  # type: ignore[assignment]  # the mistake that is shown here


class FieldsAreTexts(MemoryConsumer):
    def list_fields(self) -> Sequence[CRMField]:
        return ["email", "first_name"]  # type: ignore[list-item]  # the mistake that is shown here


class FieldsAreNone(MemoryConsumer):
    def list_fields(self) -> Sequence[CRMField]:
        return []


class FieldsAreLabels(MemoryConsumer):
    def list_fields(self) -> Sequence[CRMField]:
        return [CRMField("email"), CRMField("First name")]


class FieldsComeTwice(MemoryConsumer):
    def list_fields(self) -> Sequence[CRMField]:
        return [CRMField("email"), CRMField("first_name"), CRMField("email")]


class FieldsAreAllReadOnly(MemoryConsumer):
    def list_fields(self) -> Sequence[CRMField]:
        return [CRMField("email", read_only=True), CRMField("first_name")]
