"""An in-memory CRM for tests: a correct consumer whose calls can be read and whose faults can be scripted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from contact_sync.consumer import (
    PAGE_SIZE,
    Ability,
    Changes,
    CursorExpired,
    ExternalAPIConsumer,
    ManyResults,
    ResultLike,
)
from contact_sync.results import NOT_FOUND, Result

from .crm.fields import merged
from .paths import steps, value_at
from .scripted import Scripted, found_in


class MemoryConsumer(Scripted, ExternalAPIConsumer):
    """A CRM in memory, for tests of what is built on a consumer. Safe to call from several threads.

    It gives ids by itself (`"1"`, `"2"`, …), keeps what is not sent in an update, stores `None` for a cleared field,
    and finds e-mail addresses whatever their case. It finds other fields of a record by their exact text.

    Args:
        contacts: Records to begin with. One without an id gets one.
        id_field: The key of a contact that holds its id.
        email_field: The key of a contact that holds its e-mail address.
        unique_email: Whether a second record with an e-mail address is refused, with the first one's id.
        partial_updates: Whether updates are to hold the changed fields alone.
        batch_size: How many records a batch call takes; one with more is turned down. A batch call is one of `calls`.
        tells_changes: Whether it has `list_changed`: created, changed and deleted records, in pages of 30 changes.

    Attributes:
        calls: Every call so far as `(method, id)`, in order; also the ones that failed. Yours to clear.
    """

    def __init__(
        self,
        contacts: Iterable[Mapping[str, Any]] = (),
        *,
        id_field: str = "id",
        email_field: str = "email",
        unique_email: bool = False,
        partial_updates: bool = False,
        batch_size: int = 1,
        tells_changes: bool = False,
    ) -> None:
        super().__init__()
        self.id_field = id_field
        self.email_field = email_field
        self.unique_email = unique_email
        self.partial_updates = partial_updates
        self.batch_size = batch_size
        if not tells_changes and type(self).list_changed is MemoryConsumer.list_changed:
            absent: list[Ability] = ["list_changed"]
            self.lacks = absent
        self._records: dict[str, dict[str, Any]] = {}
        self._journal: list[str] = []  # the ids of what was created, changed and deleted, in order
        self._last_id = 0
        for contact in contacts:
            given = contact.get(id_field)
            self._keep(contact, None if given is None or given == "" else str(given))

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """What the CRM holds now, by id. A copy."""
        with self._lock:
            return copy.deepcopy(self._records)

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self._run("create_contact", None, contact, lambda: self._create(contact))

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return self._run("create_contacts", None, contacts, lambda: self._each(contacts, self._create))

    def get_contact(self, id: str) -> ResultLike:
        def get() -> Result:
            if id not in self._records:
                return Result.failed(NOT_FOUND)
            return Result.ok(id, contact=copy.deepcopy(self._records[id]))

        return self._run("get_contact", id, id, get)

    def get_contact_by_email(self, email: str) -> ResultLike:
        def find() -> Result:
            found = self._with_email(email)
            result = found_in([copy.deepcopy(self._records[id]) for id in found])
            return result.with_(id=found[0]) if len(found) == 1 else result

        return self._run("get_contact_by_email", None, email, find)

    def find_contact(self, field: str, value: str) -> ResultLike:
        if steps(field) == (self.email_field,):
            return self.get_contact_by_email(value)

        def find() -> Result:
            found = [record for record in self._records.values() if value != "" and value_at(record, field) == value]
            return found_in(copy.deepcopy(found))

        return self._run("find_contact", None, (field, value), find)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        def read() -> Result:
            everything = list(self._records.values())
            return Result.ok(contacts=copy.deepcopy(everything[(page - 1) * limit : page * limit]))

        return self._run("list_contacts", None, (page, limit), read)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self._run("update_contact", self._id_of(contact), contact, lambda: self._update(contact))

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return self._run("update_contacts", None, contacts, lambda: self._each(contacts, self._update))

    def delete_contact(self, id: str) -> ResultLike:
        def delete() -> Result:
            if self._records.pop(id, None) is None:
                return Result.failed(NOT_FOUND)
            self._journal.append(id)
            return Result.ok(id)

        return self._run("delete_contact", id, id, delete)

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        if "list_changed" in self.lacks:
            yield from super().list_changed(cursor)
            return
        more = True
        while more:
            page = self._run("list_changed", None, cursor, partial(self._changes_since, cursor))
            yield page
            more = isinstance(page, Changes) and int(page.cursor) < len(self._journal)
            cursor = page.cursor if more else cursor

    def _changes_since(self, cursor: str | None) -> Changes:
        begin = int(cursor) if cursor is not None and cursor.isdecimal() else 0
        if cursor is not None and not (cursor.isdecimal() and begin <= len(self._journal)):
            raise CursorExpired("this CRM has given no such cursor")
        end = min(begin + PAGE_SIZE, len(self._journal))
        told = dict.fromkeys(self._journal[begin:end])
        return Changes(
            cursor=str(end),
            contacts=[copy.deepcopy(self._records[id]) for id in told if id in self._records],
            deleted=[id for id in told if id not in self._records],
        )

    def _create(self, contact: Mapping[str, Any]) -> Result:
        taken = self._with_email(contact.get(self.email_field)) if self.unique_email else []
        if taken:
            return Result.failed("a record with that e-mail address exists already", id=taken[0])
        return Result.ok(self._keep(contact, None))

    def _update(self, contact: Mapping[str, Any]) -> Result:
        id = self._id_of(contact)
        if id is None:
            return Result.failed(f"the contact has no {self.id_field!r}")
        if id not in self._records:
            return Result.failed(NOT_FOUND)
        others = [other for other in self._with_email(contact.get(self.email_field)) if other != id]
        if self.unique_email and others:
            return Result.failed("another record has that e-mail address", id=others[0])
        self._records[id] = merged(self._records[id], copy.deepcopy(dict(contact))) | {self.id_field: id}
        self._journal.append(id)
        return Result.ok(id)

    def _each(self, contacts: list[dict[str, Any]], act: Callable[[Mapping[str, Any]], Result]) -> ManyResults:
        if len(contacts) > self.batch_size:
            return Result.failed(f"a batch holds at most {self.batch_size} records, not {len(contacts)}")
        return [act(contact) for contact in contacts]

    def _id_of(self, contact: Mapping[str, Any]) -> str | None:
        given = contact.get(self.id_field)
        return None if given is None else str(given)

    def _keep(self, contact: Mapping[str, Any], id: str | None) -> str:
        while id is None:
            self._last_id += 1
            if str(self._last_id) not in self._records:
                id = str(self._last_id)
        self._records[id] = copy.deepcopy(dict(contact)) | {self.id_field: id}
        self._journal.append(id)
        return id

    def _with_email(self, email: object) -> list[str]:
        if not isinstance(email, str) or email == "":
            return []
        wanted = email.casefold()
        return [
            id for id, record in self._records.items() if str(record.get(self.email_field) or "").casefold() == wanted
        ]
