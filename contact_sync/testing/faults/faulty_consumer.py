"""Any consumer, with a CRM in which things go wrong as a script says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, get_args

from contact_sync.consumer import (
    PAGE_SIZE,
    Ability,
    Changes,
    CRMField,
    CursorExpired,
    ExternalAPIConsumer,
    ManyResults,
    ResultLike,
    offers,
)
from contact_sync.results import Result, to_result
from contact_sync.testing.paths import put, value_at

from .script import WRITES, Crash, Fault, FaultScript

T = TypeVar("T")

_DECLARED: Final = (
    "partial_updates",
    "omits_empty",
    "batch_size",
    "can_create",
    "can_update",
    "can_delete",
    "clear_value",
    "unique_keys",
    "read_only_fields",
    "rate_budget",
)


@dataclass(frozen=True, slots=True)
class ConsumerCall:
    """A call that was made of a consumer.

    Attributes:
        method: Which method.
        ids: The records that were written, if it wrote.
        fault: What went wrong with it, if anything was made to.
    """

    method: str
    ids: tuple[str, ...] = ()
    fault: str | None = None

    @property
    def wrote(self) -> int:
        """How many records were written, be it that the answer got lost."""
        return len(self.ids)


class FaultyConsumer(ExternalAPIConsumer):
    """Wraps a consumer: the same abilities, the same answers, and the faults of a script. It writes every call down.

    Without a script nothing goes wrong: then it is a record of what was called.

    Args:
        consumer: What is wrapped.
        script: What goes wrong.
        id_field: The path of a contact's id, for ids that come again.
        page_size: Cuts the pages of walks down to so many records, so that a few make several pages.
        between_pages: What happens when the pages shift: a function that lets records come and go.
        on_write: Is told the method and the id of each record that was written.

    Attributes:
        script: What goes wrong; may be replaced.
        calls: Every call so far.
        reused: The ids that have come again.
    """

    def __init__(
        self,
        consumer: ExternalAPIConsumer,
        script: FaultScript | None = None,
        *,
        id_field: str = "id",
        page_size: int | None = None,
        between_pages: Callable[[], object] | None = None,
        on_write: Callable[[str, str], object] | None = None,
    ) -> None:
        self.script = script or FaultScript()
        self.calls: list[ConsumerCall] = []
        self.reused: set[str] = set()
        self._consumer = consumer
        self._id_field = id_field
        self._page_size = page_size
        self._between_pages = between_pages
        self._on_write = on_write
        self._freed: list[str] = []  # ids of deleted records, which may come again
        self._outer: dict[str, str] = {}  # an id of the CRM → the one that it is seen under
        self._inner: dict[str, str] = {}
        self._cursors: list[str | None] = [None]
        for name in _DECLARED:
            setattr(self, name, getattr(consumer, name))
        self.lacks: Sequence[Ability] = [name for name in get_args(Ability) if not offers(consumer, name)]

    def __repr__(self) -> str:
        return f"<FaultyConsumer around {type(self._consumer).__name__}, {len(self.calls)} calls, {self.script!r}>"

    @property
    def writes(self) -> int:
        """How many records were written so far."""
        return sum(call.wrote for call in self.calls)

    def seen_as(self, id: str) -> str:
        """The id under which a record of the CRM is seen. A new one may be given an old id, by the script."""
        if id not in self._outer and self._freed:
            fault = self.script.take("create_contact")
            if fault is not None and fault.kind == "an old id again":
                self._reuse(id)
        return self._outer.get(id, id)

    def known_as(self, id: str) -> str:
        """The id of a record in the CRM itself."""
        return self._inner.get(id, id)

    # Writes

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self._written("create_contact", lambda: self._consumer.create_contact(contact))

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        change = self._with_id(contact, self._inner)
        return self._written("update_contact", lambda: self._consumer.update_contact(change), self._id_of(contact))

    def delete_contact(self, id: str) -> ResultLike:
        return self._written("delete_contact", lambda: self._consumer.delete_contact(self._inner.get(id, id)), id)

    def archive_contact(self, id: str) -> ResultLike:
        return self._written("archive_contact", lambda: self._consumer.archive_contact(self._inner.get(id, id)), id)

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return self._written_many("create_contacts", lambda: self._consumer.create_contacts(contacts), None)

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        changes = [self._with_id(contact, self._inner) for contact in contacts]
        ids = [self._id_of(contact) for contact in contacts]
        return self._written_many("update_contacts", lambda: self._consumer.update_contacts(changes), ids)

    # Reads

    def get_contact(self, id: str) -> ResultLike:
        return self._read("get_contact", lambda: self._consumer.get_contact(self._inner.get(id, id)))

    def get_contact_by_email(self, email: str) -> ResultLike:
        return self._read("get_contact_by_email", lambda: self._consumer.get_contact_by_email(email))

    def find_contact(self, field: str, value: str) -> ResultLike:
        return self._read("find_contact", lambda: self._consumer.find_contact(field, value))

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        return self._read("list_contacts", lambda: self._consumer.list_contacts(page, limit))

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        size = page_size if self._page_size is None else min(page_size, self._page_size)
        if "iter_contacts" in self.lacks:
            yield from super().iter_contacts(size)
            return
        walk = self._consumer.iter_contacts(size)
        while True:
            page = self._read("iter_contacts", lambda: next(walk, None) or Result.ok(contacts=()))
            result = to_result(page, "iter_contacts")
            if result.success and not result.contacts:
                return
            yield result

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        fault = self._begin("list_changed")
        if fault is not None and fault.kind == "the cursor has expired":
            raise CursorExpired("by the script")
        if fault is not None and fault.kind == "an older cursor" and cursor in self._cursors:
            cursor = self._cursors[max(0, self._cursors.index(cursor) - 1)]
        for page in self._consumer.list_changed(cursor):
            if isinstance(page, Changes):
                self._cursors.append(page.cursor)
                page = replace(
                    page,
                    contacts=[self._with_id(contact, self._outer) for contact in page.contacts],
                    deleted=[self._outer.get(id, id) for id in page.deleted if id not in self._inner],
                )
            yield page
            if fault is not None and fault.kind == "the pages shift" and self._between_pages is not None:
                self._between_pages()
                fault = None  # once: a walk has to end

    def list_fields(self) -> Sequence[CRMField]:
        return self._consumer.list_fields()

    def close(self) -> None:
        self._consumer.close()

    # How a call goes

    def _begin(self, method: str) -> Fault | None:
        """Let a call go wrong before it does anything; the fault of another kind that it has, if it has one."""
        fault = self.script.take(method)
        if fault is not None and fault.kind != "time-out after the write" and fault.error is not None:
            self.calls.append(ConsumerCall(method, fault=str(fault)))
            raise fault.error
        if method not in WRITES:
            self.calls.append(ConsumerCall(method, fault=None if fault is None else str(fault)))
        return fault

    def _read(self, method: str, read: Callable[[], ResultLike]) -> ResultLike:
        fault = self._begin(method)
        if fault is not None and fault.kind == "the pages shift" and self._between_pages is not None:
            self._between_pages()
        return self._seen(read())

    def _written(self, method: str, write: Callable[[], ResultLike], id: str | None = None) -> ResultLike:
        fault = self._begin(method)
        answer = write()
        result = to_result(answer, method)
        if result.success:
            written = id or result.id
            if method == "create_contact" and fault is not None and fault.kind == "an old id again" and written:
                self._reuse(written)
            self._wrote(method, [self._outer.get(str(written), str(written))], fault)
        else:
            self.calls.append(ConsumerCall(method, fault=None if fault is None else str(fault)))
        self._end(fault)
        return self._seen(answer)

    def _written_many(
        self, method: str, write: Callable[[], ManyResults], ids: Sequence[str | None] | None
    ) -> ManyResults:
        fault = self._begin(method)
        answer = write()
        results = [] if isinstance(answer, Result | Mapping) else [to_result(each, method) for each in answer]
        written = [
            id or result.id for id, result in zip(ids or [None] * len(results), results, strict=False) if result.success
        ]
        self._wrote(method, [self._outer.get(str(id), str(id)) for id in written], fault)
        self._end(fault)
        return self._seen(answer) if isinstance(answer, Result | Mapping) else [self._seen(each) for each in answer]

    def _wrote(self, method: str, ids: Sequence[str], fault: Fault | None) -> None:
        self.calls.append(ConsumerCall(method, tuple(ids), None if fault is None else str(fault)))
        for id in ids:
            if method == "delete_contact":
                self.deleted(id)
                self.free(id)
            if self._on_write is not None:
                self._on_write(method, id)

    def _end(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.kind == "crash after the create":
            raise Crash
        if fault.kind == "time-out after the write" and fault.error is not None:
            raise fault.error

    # Ids that come again

    def deleted(self, id: str) -> None:
        """Take note that somebody else deleted a record."""
        self._outer.pop(self._inner.pop(id, id), None)

    def free(self, id: str) -> None:
        """Let the id of a deleted record come again, from now on.

        Before its delete was told of, nobody could see that another record has it.
        """
        self._freed.append(id)

    def _reuse(self, id: str) -> None:
        if self._freed and self._freed[0] != id:
            old = self._freed.pop(0)
            self._outer[id], self._inner[old] = old, id
            self.reused.add(old)

    def _seen(self, answer: ResultLike) -> ResultLike:
        if not self._outer:
            return answer
        result = to_result(answer, "the consumer")
        one = None if result.contact is None else self._with_id(result.contact, self._outer)
        many = None if result.contacts is None else [self._with_id(each, self._outer) for each in result.contacts]
        id = None if result.id is None else self._outer.get(result.id, result.id)
        return result.with_(contact=one, contacts=many, id=id)

    def _with_id(self, contact: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        id = self._id_of(contact)
        if id is None or id not in names:
            return dict(contact)
        changed = copy.deepcopy(dict(contact))
        put(changed, self._id_field, names[id])
        return changed

    def _id_of(self, contact: Mapping[str, Any]) -> str | None:
        id = value_at(contact, self._id_field)
        return None if id is None else str(id)
