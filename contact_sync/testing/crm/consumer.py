"""The consumer of a CRM with quirks, which evens them out as an author would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contact_sync.consumer import PAGE_SIZE, ExternalAPIConsumer, ResultLike
from contact_sync.results import NOT_FOUND, Result, to_result
from contact_sync.testing.paths import value_at
from contact_sync.testing.scripted import Scripted, found_in

from .answers import Answer, CrmError, says_missing
from .fields import Record, merged
from .notices import Notice
from .quirks import AS_ONE_WOULD_WISH, Quirks
from .server import Crm, Write


class QuirkyConsumer(Scripted, ExternalAPIConsumer):
    """A CRM in memory that has the quirks of real ones, behind a consumer that keeps the contract all the same.

    People edit its records with the methods `person_…`. What a CRM would tell of it waits as notices, one queue a
    record: take them with `take_notice`, and hand them to the sync when and as often as you like. Contacts have to be
    such as JSON can carry. Safe to call from several threads.

    Args:
        quirks: What is odd about the CRM.
        contacts: Records to begin with. They make no notices. One without an id gets one.
        id_field: The path of a contact's id.
        email_field: The path of a contact's e-mail address.
        phone_fields: The paths of phone numbers.
        careful: Whether the consumer looks before it updates or deletes, sends whole records to a CRM that `replaces`,
            and walks a cursor for `list_contacts`: what the contract asks of it. Without, what such a CRM does shows:
            a write of a missing record succeeds, unsent fields are blanked, and of pages by cursor there is only one.

    Attributes:
        calls: Every call so far as `(method, id)`, in order; also the ones that failed. Yours to clear.
        quirks: What is odd about the CRM.
    """

    def __init__(
        self,
        quirks: Quirks = AS_ONE_WOULD_WISH,
        contacts: Iterable[Mapping[str, Any]] = (),
        *,
        id_field: str = "id",
        email_field: str = "email",
        phone_fields: Iterable[str] = ("phone",),
        careful: bool = True,
    ) -> None:
        super().__init__()
        self.quirks = quirks
        self.partial_updates = quirks.partial
        self.omits_empty = quirks.clears == "absent"
        self._id_field = id_field
        self._email_field = email_field
        self._careful = careful
        self._crm = Crm(quirks, id_field, email_field, tuple(phone_fields), self._lock)
        self._admitted = 0
        for contact in contacts:
            self._crm.add(contact, self._id_of(contact))

    # What the CRM holds and has to tell

    @property
    def records(self) -> dict[str, Record]:
        """What the CRM holds now, without what is archived, by id (text). A copy."""
        return self._crm.records()

    @property
    def archived(self) -> dict[str, Record]:
        """What was archived, by id (text). A copy."""
        return self._crm.records(archived=True)

    @property
    def writes(self) -> list[Write]:
        """What the API wrote so far, in order: calls that took effect, also if their answer got lost. A copy."""
        with self._lock:
            return list(self._crm.writes)

    def take_notice(self, id: str) -> Notice | None:
        """Take the oldest notice of a record; none if nothing waits."""
        with self._lock:
            return self._crm.notices.take(id)

    def pending(self) -> dict[str, int]:
        """How many notices wait, by record."""
        with self._lock:
            return self._crm.notices.pending()

    # What people do

    def person_create(self, contact: Mapping[str, Any]) -> str:
        """Create a record as a person does. Its id."""
        with self._lock:
            id = self._crm.add(contact, self._id_of(contact))
            self._crm.notices.tell("created", id, self._crm.there(id).record)
            return id

    def person_update(self, id: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a record as a person does; `None` clears one. What changes nothing makes no notice.

        Raises:
            LookupError: There is no such record.
        """
        with self._lock:
            if self._crm.edit(id, fields):
                self._crm.notices.tell("updated", id, self._crm.there(id).record)

    def person_delete(self, id: str) -> None:
        """Delete a record as a person does.

        Raises:
            LookupError: There is no such record.
        """
        with self._lock:
            gone = self._crm.there(id).record
            self._crm.take_out(id)
            self._crm.notices.tell("deleted", id, gone)

    def person_merge(self, loser: str, winner: str) -> None:
        """Merge a record into another as a person does: the winner's blanks are filled, the loser is gone.

        Raises:
            LookupError: One of them is not there.
            ValueError: They are the same.
        """
        if loser == winner:
            raise ValueError("a record cannot be merged into itself")
        with self._lock:
            gone, changed = self._crm.there(loser).record, self._crm.absorb(winner, loser)
            if changed:
                self._crm.notices.tell("updated", winner, self._crm.there(winner).record)
            self._crm.notices.tell("merged", loser, gone, winner)

    # The consumer

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return self._run("create_contact", None, contact, lambda: self._written(self._crm.create(contact)))

    def get_contact(self, id: str) -> ResultLike:
        def get() -> ResultLike:
            contact = self._read(id)
            return Result.failed(NOT_FOUND) if contact is None else self._ok(self._own_id(contact), contact)

        return self._run("get_contact", id, id, get)

    def get_contact_by_email(self, email: str) -> ResultLike:
        return self._run("get_contact_by_email", None, email, lambda: self._find(self._email_field, email))

    def find_contact(self, field: str, value: str) -> ResultLike:
        return self._run("find_contact", None, (field, value), lambda: self._find(field, value))

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        return self._run("list_contacts", None, (page, limit), lambda: self._page(page, limit))

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        if self.quirks.paging != "cursor":
            yield from super().iter_contacts(page_size)
            return
        cursors: list[str | None] = [None]
        while cursors:
            page = self._run("iter_contacts", None, page_size, lambda: self._behind(cursors, page_size))
            result = to_result(page, f"{type(self).__name__}.iter_contacts")
            yield result
            if not result.success:
                return

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        id = self._id_of(contact)

        def update() -> ResultLike:
            if id is None:
                return Result.failed(f"the contact has no {self._id_field!r}")
            sent = contact
            if self._careful:
                now = self._read(id)
                if now is None:
                    return Result.failed(NOT_FOUND)
                sent = merged(now, contact) if self.quirks.replaces else contact
            return self._written(self._crm.update(id, sent))

        return self._run("update_contact", id, contact, update)

    def delete_contact(self, id: str) -> ResultLike:
        def delete() -> ResultLike:
            if self._careful and self._read(id) is None:
                return Result.failed(NOT_FOUND)
            return self._written(self._crm.remove(id), id)

        return self._run("delete_contact", id, id, delete)

    def archive_contact(self, id: str) -> ResultLike:
        if not self.quirks.archives:
            return super().archive_contact(id)
        return self._run("archive_contact", id, id, lambda: self._written(self._crm.remove(id, archive=True), id))

    # Reading the CRM's answers

    def _admit(self) -> None:
        self._admitted += 1
        every, seconds = self.quirks.limit_every, self.quirks.limit_retry_after
        if every and self._admitted % every == 0:
            raise CrmError(Answer(429, headers={} if seconds is None else {"Retry-After": f"{seconds:g}"}))

    def _written(self, answer: Answer | None, id: object = None) -> ResultLike:
        if answer is None or says_missing(answer):
            return Result.failed(NOT_FOUND)
        said = answer.json() if answer.body else {}
        if answer.status == 409:
            return Result.failed("a record with that e-mail address exists already", id=said.get("id"))
        return self._ok(said.get("id", id), said.get("contact"))

    def _ok(self, id: object, contact: Mapping[str, Any] | None) -> ResultLike:
        if self.quirks.ids != "number":
            return Result.ok(id, contact=contact)
        plain = {"success": True, "id": id, "contact": contact}  # Result.ok would make text of a number
        return {name: value for name, value in plain.items() if value is not None}

    def _read(self, id: str) -> Record | None:
        answer = self._crm.read(id)
        if answer is None or says_missing(answer):
            return None
        contact: Record = answer.json()["contact"]
        return contact

    def _find(self, path: str, value: str) -> Result:
        found = found_in(self._crm.search(path, value).json()["contacts"])
        return found if found.contact is None else found.with_(id=str(self._own_id(found.contact)))

    def _page(self, page: int, limit: int) -> Result:
        if self.quirks.paging == "number":
            return Result.ok(contacts=self._crm.numbered(page, limit).json()["contacts"])
        if self.quirks.paging == "offset":
            return Result.ok(contacts=self._crm.slice((page - 1) * limit, limit).json()["contacts"])
        if page > 1 and not self._careful:
            return Result.ok(contacts=[])
        cursors: list[str | None] = [None]
        result = Result.ok(contacts=[])
        for _ in range(page):
            if not cursors:
                return Result.ok(contacts=[])
            result = self._behind(cursors, limit)
        return result

    def _behind(self, cursors: list[str | None], limit: int) -> Result:
        """Read the page behind the cursor that waits, and let the next one wait, if there is one."""
        answer = self._crm.after(cursors[0], limit).json()
        cursors[:] = [] if answer["next"] is None else [answer["next"]]
        return Result.ok(contacts=answer["contacts"])

    def _own_id(self, contact: Mapping[str, Any]) -> Any:
        return value_at(contact, self._id_field)

    def _id_of(self, contact: Mapping[str, Any]) -> str | None:
        id = self._own_id(contact)
        return None if id is None or id == "" else str(id)
