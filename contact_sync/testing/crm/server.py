"""The CRM behind a `QuirkyConsumer`: records, people who edit them, and an API that answers as real ones do."""

from __future__ import annotations

import base64
import itertools
import json
import uuid
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contact_sync.testing.paths import put, value_at

from .answers import MISSING, Answer
from .fields import Record, blanked, filled, merged, writer
from .notices import Kind, NoticeFeed
from .quirks import Quirks


class Write(NamedTuple):
    """A write of the API that took effect: the consumer's method, the record's id as text, and what was sent."""

    method: str
    id: str
    fields: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Write({self.method!r}, {self.id!r}, {sorted(self.fields)})"


@dataclass(slots=True)
class _Row:
    number: int
    record: Record = field(repr=False)
    changed: int = 0
    archived: bool = False


class Crm:
    """Answers the API's calls, and does what people do. Safe to call from several threads."""

    def __init__(
        self,
        quirks: Quirks,
        id_field: str,
        email_field: str,
        phone_fields: Collection[str],
        lock: AbstractContextManager[Any],  # the consumer's: nobody comes between its look and its write
    ) -> None:
        self.notices = NoticeFeed()
        self.writes: list[Write] = []
        self._lock = lock
        self._quirks = quirks
        self._id_field = id_field
        self._email_field = email_field
        self._keep = writer(quirks, email_field, phone_fields)
        self._rows: dict[str, _Row] = {}
        self._numbers = itertools.count(1)
        self._moments = itertools.count(1)

    def records(self, *, archived: bool = False) -> dict[str, Record]:
        """A copy of what is there and not archived; or of what is."""
        with self._lock:
            return {id: _copy(row.record) for id, row in self._rows.items() if row.archived == archived}

    # The API

    def create(self, contact: Mapping[str, Any]) -> Answer:
        """Create a record: 201; 409 if its address has to be unique and is not."""
        with self._lock:
            taken = self._in_the_way(contact, None)
            if taken is not None:
                return taken
            id = self.add(contact, None)
            return self._written("create_contact", "created", id, contact, 201)

    def read(self, id: str) -> Answer | None:
        """Read a record."""
        with self._lock:
            row = self._row(id)
            return self._missing() if row is None else Answer.of(200, {"contact": row.record})

    def search(self, path: str, value: str) -> Answer:
        """Find records by a field's whole value: 200 with a list, which may be empty."""
        folds = path == self._email_field and not self._quirks.case_sensitive_lookup
        with self._lock:
            rows = [row.record for row in self._visible() if _same(value_at(row.record, path), value, folds)]
            return Answer.of(200, {"contacts": rows if value != "" else []})

    def numbered(self, page: int, limit: int) -> Answer:
        """Read a page by its number."""
        return self.slice((page - 1) * limit, limit)

    def slice(self, offset: int, limit: int) -> Answer:
        """Read a page by its offset."""
        with self._lock:
            rows = sorted(self._visible(), key=self._place)
            return Answer.of(200, {"contacts": [row.record for row in rows[max(offset, 0) :][: max(limit, 0)]]})

    def after(self, cursor: str | None, limit: int) -> Answer:
        """Read the page behind a cursor; the first without one. `next` is the cursor of the next page, if there is."""
        seen = 0 if cursor is None else int(base64.b64decode(cursor))
        with self._lock:
            rows = [row for row in self._visible() if row.number > seen]
            page = rows[: max(limit, 1)]
            more = base64.b64encode(str(page[-1].number).encode()).decode() if len(rows) > len(page) else None
            return Answer.of(200, {"contacts": [row.record for row in page], "next": more})

    def update(self, id: str, contact: Mapping[str, Any]) -> Answer | None:
        """Write fields of a record. What is not sent is kept, or blanked."""
        with self._lock:
            row = self._row(id)
            if row is None and self._quirks.update_missing == "not_found":
                return self._missing()
            if row is None and self._quirks.update_missing == "succeeds":
                return Answer.of(200, {})
            taken = self._in_the_way(contact, id)
            if taken is not None:
                return taken
            if row is None:
                self.add(contact, id)
                return self._written("update_contact", "created", id, contact, 200)
            kept = blanked(row.record) if self._quirks.replaces else row.record
            changed = self._set(row, merged(kept, contact))
            return self._written("update_contact", "updated" if changed else None, id, contact, 200)

    def remove(self, id: str, *, archive: bool = False) -> Answer | None:
        """Delete or archive a record: 204."""
        with self._lock:
            row = self._row(id)
            if row is not None:
                self.take_out(id, archive=archive)
                self.writes.append(Write("archive_contact" if archive else "delete_contact", id, {}))
                if self._quirks.tells_own_writes:
                    self.notices.tell("deleted", id, row.record)
            elif archive or self._quirks.delete_again == "not_found":
                return self._missing()
            return Answer(204)

    # What people do, and the API with them; the lock is held

    def add(self, contact: Mapping[str, Any], id: str | None) -> str:
        """Keep a new record. Its id, which is made up if none is given."""
        number = next(self._numbers)
        while id is None:
            id = self._new_id(number)
            if id in self._rows:
                id, number = None, next(self._numbers)
        row = _Row(number, {})
        put(row.record, self._id_field, int(id) if self._quirks.ids == "number" and id.isdecimal() else id)
        self._rows[id] = row
        self._set(row, merged(_copy(contact), row.record))
        return id

    def edit(self, id: str, fields: Mapping[str, Any]) -> bool:
        """Write fields of a record that is there, and keep the others. Whether that changed anything."""
        row = self.there(id)
        return self._set(row, merged(row.record, fields))

    def absorb(self, winner: str, loser: str) -> bool:
        """Fill a record's blanks from another one, which is taken out. Whether the first one changed."""
        row, gone = self.there(winner), self.there(loser)
        self.take_out(loser)
        return self._set(row, filled(row.record, gone.record))

    def take_out(self, id: str, *, archive: bool = False) -> None:
        """Let a record be gone, or archived."""
        if archive:
            self._rows[id].archived = True
        else:
            del self._rows[id]

    def there(self, id: str) -> _Row:
        """A record that has to be there.

        Raises:
            LookupError: It is not.
        """
        row = self._row(id)
        if row is None:
            raise LookupError("the CRM has no record of that id")
        return row

    def _row(self, id: str) -> _Row | None:
        row = self._rows.get(id)
        return None if row is None or row.archived else row

    def _visible(self) -> list[_Row]:
        return [row for row in self._rows.values() if not row.archived]

    def _place(self, row: _Row) -> int:
        return row.changed if self._quirks.pages_shift else row.number

    def _set(self, row: _Row, record: Mapping[str, Any]) -> bool:
        kept, before = self._keep(_copy(record)), row.record
        put(kept, self._id_field, value_at(before, self._id_field))  # nobody changes an id
        if kept == before and row.changed:
            return False
        row.record, row.changed = kept, next(self._moments)
        return True

    def _new_id(self, number: int) -> str:
        match self._quirks.ids:
            case "uuid":
                return str(uuid.uuid4())
            case "path":
                return f"/contacts/{number}"
            case _:
                return str(number)

    def _in_the_way(self, contact: Mapping[str, Any], id: str | None) -> Answer | None:
        email = value_at(contact, self._email_field)
        if self._quirks.unique_emails == "no" or not isinstance(email, str) or email == "":
            return None
        wanted = email.strip() if self._quirks.trims else email
        for other, row in self._rows.items():
            if other != id and not row.archived and _same(value_at(row.record, self._email_field), wanted, folds=True):
                theirs = {"id": other} if self._quirks.unique_emails == "with_id" else {}
                return Answer.of(409, {"error": "exists", **theirs})
        return None

    def _written(self, method: str, kind: Kind | None, id: str, contact: Mapping[str, Any], status: int) -> Answer:
        self.writes.append(Write(method, id, _copy(contact)))
        record = self._rows[id].record
        if kind is not None and self._quirks.tells_own_writes:
            self.notices.tell(kind, id, record)
        answer = {"id": value_at(record, self._id_field)}
        return Answer.of(status, answer | {"contact": record} if self._quirks.gives_record else answer)

    def _missing(self) -> Answer | None:
        return MISSING[self._quirks.not_found]


def _same(value: object, wanted: str, folds: bool) -> bool:
    if value is None:
        return False
    return str(value).casefold() == wanted.casefold() if folds else str(value) == wanted


def _copy(record: Mapping[str, Any]) -> Record:
    copied: Record = json.loads(json.dumps(record))  # as it comes out of a request
    return copied
