"""`contact-sync check --write`: one marked contact is created, read, found, changed and deleted again.

Only a record that has the marks is ever changed or deleted: an id alone is not believed, since what is looked for are
consumers that are wrong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contact_sync.consumer import ExternalAPIConsumer, ask, offers
from contact_sync.results import Result
from contact_sync.sides import hits
from mappers import Mapper

from .check_marks import CHANGED, TEXT, Marks
from .check_search import PAUSE, Search
from .findings import Finding, State
from .output import counted, milliseconds, plain, spoken

_INDEX_SECONDS: Final = 10.0
"""How long a CRM's search may take to know a new record."""

_METHODS: Final = {
    "create": "create_contact",
    "read": "get_contact",
    "find": "get_contact_by_email",
    "update": "update_contact",
    "delete": "delete_contact",
}


class Trial:
    """Tries a consumer out with one contact, and takes that away again.

    Args:
        consumer: What is tried out.
        mapper: The table of fields, from which the contact is made.
        timeout: How long a step may take, in seconds.

    Attributes:
        left: What may still be in the CRM, in words for people. Final after `clean_up`.
    """

    def __init__(self, consumer: ExternalAPIConsumer, mapper: Mapper, timeout: float) -> None:
        self._consumer = consumer
        self._mapper = mapper
        self._kind = type(consumer).__name__
        self._timeout = timeout
        self._marks = Marks(mapper, consumer)
        self._search = Search(consumer, mapper, self._marks, min(_INDEX_SECONDS, timeout * 0.6))
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._id: str | None = None
        self._id_unknown = False  # a create was asked for, and has given no id
        self._in_doubt = False  # nor an answer that it was refused
        self._is_ours = False
        self._is_foreign = False
        self.left: list[str] = []

    def steps(self) -> Iterator[Finding]:
        """Create, read, find, change and delete the contact. A step that fails does not keep the next from being tried,
        unless there is nothing to try it with."""
        try:
            for step in (self._create, self._read, self._find, self._update, self._delete):
                if self._stopping.is_set():
                    return
                yield from step()
        finally:
            self._over.set()

    def stop(self) -> None:
        """Let the step that is under way be the last one, and wait for it as long as a step may take."""
        self._stopping.set()
        self._over.wait(self._timeout)

    def clean_up(self) -> Iterator[Finding]:
        """Delete what the steps have left. Nothing is found where they have left nothing.

        A create that failed is looked for whatever it said: it may have written, and failed on the answer.
        """
        if self._id is None and not self._id_unknown:
            return
        self.left = [f"look for {self._marks.where}"]
        if self._id is not None and self._is_marked(self._id):
            ids: list[str | None] = [self._id]
        else:
            marked = self._search.marked()
            if not marked:
                yield self._not_found(was_searched=marked is not None)
                return
            ids = list(dict.fromkeys(map(self._mapper.external_id, marked)))
        records = [f"record {plain(id)}" for id in ids if id is not None]
        self.left = records if None not in ids else [*self.left, *records]
        for id in ids:
            yield self._tidied(id)

    # The steps

    def _create(self) -> Iterator[Finding]:
        why = self._why_not()
        if why is not None:
            yield Finding("try", "skipped", *why)
            return
        contact = self._marks.contact(TEXT)
        self._id_unknown = self._in_doubt = True  # until there is an answer: the command may be stopped before
        began = time.perf_counter()
        result = ask(self._consumer, "create_contact", contact)
        took = milliseconds(began)
        self._in_doubt = result.in_doubt or (result.success and result.id is None)
        if result.success and result.id is not None:
            self._id = result.id
            self._id_unknown = False
            yield Finding("try create", "ok", f"record {plain(result.id)}, in {took}")
        elif result.success:
            remedy = f"Let {self._kind}.create_contact answer with the new record's id: Result.ok(id)"
            yield Finding("try create", "fail", "it succeeded without an id", remedy)
        else:
            remedy = (
                "Try again later"
                if result.retryable
                else "Repair create_contact; what the CRM asks of a new record has to be in the mapping"
            )
            yield self._failed("create", result, remedy)

    def _read(self) -> Iterator[Finding]:
        if self._id is None:
            return
        began = time.perf_counter()
        result = ask(self._consumer, "get_contact", self._id)
        took = milliseconds(began)
        if not result.success or result.contact is None:
            yield self._failed("read", result, f"Repair {self._kind}.get_contact, or the id that create_contact gives")
            return
        self._is_ours = self._marks.are_on(result.contact)
        own = self._mapper.external_id(result.contact)
        if not self._is_ours:
            self._is_foreign = True
            detail = (
                f"record {plain(self._id)} is not the one that was created: it has neither its address nor its text"
            )
            remedy = "Repair the id that create_contact gives, or what get_contact reads. That record is not touched"
            yield Finding("try read", "fail", detail, remedy)
        elif own != self._id:
            said = "no id" if own is None else f"the id {plain(own)}"
            where = f"the record has {said} in {self._mapper.external_id_key!r}"
            detail = f"{where}, where create_contact gave {plain(self._id)}"
            yield Finding("try read", "fail", detail, "Correct the id row of the mapping, or the id that is given")
        else:
            yield self._kept("read", result.contact, TEXT, took)

    def _find(self) -> Iterator[Finding]:
        row = self._marks.address_row
        if self._id is None or self._is_foreign:
            return
        if row is None:
            yield Finding("try find", "skipped", "the mapping has no row of an e-mail address that is written")
            return
        result, waited = self._search.find(row.external, self._stopping.wait)
        method = "find_contact" if offers(self._consumer, "find_contact") else "get_contact_by_email"
        records = hits(result)
        if not result.success:
            again = f"; it was asked for {spoken(waited)}" if result.not_found else ""
            remedy = f"Repair {self._kind}.{method}; '+' in an address has to be quoted. A search may lag behind"
            yield self._failed("find", result, remedy, f"{self._kind}.{method}", again)
        elif len(records) != 1 or not self._marks.are_on(records[0]):
            detail = f"{self._kind}.{method} gave {counted(len(records), 'record')} for an address that one alone has"
            yield Finding("try find", "fail", detail, "Compare the whole address, and give those that have it")
        else:
            self._is_ours = self._is_ours or self._mapper.external_id(records[0]) == self._id
            lag = f", {spoken(waited)} after it was created" if waited > PAUSE else ""
            yield Finding("try find", "ok", f"by {row.botmatic}, with {method}{lag}")

    def _update(self) -> Iterator[Finding]:
        if self._id is None or not self._is_ours:
            return
        if not self._consumer.can_update or not self._marks.text_rows:
            cannot = not self._consumer.can_update
            why = "records cannot be changed (can_update)" if cannot else "the mapping has no free text to change"
            yield Finding("try update", "skipped", why)
            return
        change = self._marks.contact(CHANGED, text_alone=self._consumer.partial_updates is True)
        payload = self._mapper.with_external_id(change, self._id)
        began = time.perf_counter()
        result = ask(self._consumer, "update_contact", payload)
        took = milliseconds(began)
        if not result.success:
            yield self._failed("update", result, f"Repair {self._kind}.update_contact")
            return
        read = ask(self._consumer, "get_contact", self._id)
        if read.contact is None:
            yield self._failed("update", read, f"Repair {self._kind}.get_contact", "then get_contact")
            return
        yield self._kept("update", read.contact, CHANGED, took)

    def _delete(self) -> Iterator[Finding]:
        if self._id is None or not self._is_ours:
            return
        began = time.perf_counter()
        result = ask(self._consumer, self._way_out, self._id)
        took = milliseconds(began)
        if not result.success:
            yield self._failed("delete", result, f"Repair {self._kind}.{self._way_out}")
            return
        id, self._id = self._id, None
        read = ask(self._consumer, "get_contact", id)
        if read.not_found:
            done = "deleted" if self._consumer.can_delete else "archived"
            yield Finding("try delete", "ok", f"record {plain(id)} is {done}, in {took}")
        elif read.success:
            self._id = id
            detail = f"{self._way_out} succeeded, and get_contact still gives record {plain(id)}"
            yield Finding("try delete", "fail", detail, f"Repair {self._kind}.{self._way_out}")
        else:
            yield self._failed("delete", read, "Answer NOT_FOUND for what is gone", "then get_contact")

    # What they share

    def _why_not(self) -> tuple[str, str] | None:
        """Why nothing can be tried, and what to do about it."""
        if not self._consumer.can_create:
            return "records cannot be created (can_create)", ""
        if not self._way_out:
            return "records cannot be deleted (can_delete), so none is created", "Create and delete one by hand"
        if self._marks.address_row is None and not self._marks.text_rows:
            remedy = "Map an e-mail address or a field of free text"
            return "the mapping has no field in which a contact could be marked as a test", remedy
        return None

    @property
    def _way_out(self) -> str:
        """The method that takes a record away; empty if there is none."""
        if self._consumer.can_delete:
            return "delete_contact"
        return "archive_contact" if offers(self._consumer, "archive_contact") else ""

    def _kept(self, step: str, record: Mapping[str, Any], text: str, took: str) -> Finding:
        """Say whether a record has what was written."""
        lost = self._marks.lost(record, text)
        state: State = "ok" if not lost else "fail" if step == "update" else "warn"
        if not lost:
            return Finding(f"try {step}", state, f"record {plain(self._id)} is as it was written, in {took}")
        detail = f"record {plain(self._id)} does not have what was written to {', '.join(map(plain, lost))}"
        return Finding(f"try {step}", state, detail, "Correct those rows of the mapping, or what is sent to the CRM")

    def _is_marked(self, id: str) -> bool:
        """Whether a record is seen to be the test contact."""
        if self._is_ours or self._is_foreign:
            return self._is_ours
        record = ask(self._consumer, "get_contact", id).contact
        return record is not None and self._marks.are_on(record)

    def _not_found(self, *, was_searched: bool) -> Finding:
        """Say that no test contact was found, and what may be there all the same."""
        remedy = f"Look in the CRM for {self._marks.where}"
        if self._id is not None:
            detail = f"record {plain(self._id)} does not show that it is the test contact, so it was NOT deleted"
            return Finding("try clean-up", "fail", detail, f"{remedy}, and delete it")
        how = "none is found by its address" if was_searched else "it cannot be looked for by an address"
        if self._in_doubt or not was_searched:
            return Finding("try clean-up", "warn", f"nobody knows whether a contact was made; {how}", remedy)
        if not self._search.finds_others():
            detail = f"{how}, but no other record is either, as far as was seen: the search may not work"
            return Finding("try clean-up", "warn", detail, remedy)
        self.left = []
        return Finding("try clean-up", "ok", f"no contact was made: {how}, as others are by theirs")

    def _tidied(self, id: str | None) -> Finding:
        """Delete a record that has the marks, and see that it is gone."""
        if id is None:
            detail = f"the test contact is there, and has no usable id in {self._mapper.external_id_key!r}"
            remedy = f"Look in the CRM for {self._marks.where}, and delete it"
            return Finding("try clean-up", "fail", detail, remedy)
        result = ask(self._consumer, self._way_out, id)
        # That there is no such record is believed of an id that was tried before, not of one that a search gave.
        why = "" if result.success or (result.not_found and id == self._id) else f": {result.error}"
        if not why:
            record = ask(self._consumer, "get_contact", id).contact
            if record is not None and self._marks.are_on(record):
                why = f": {self._way_out} succeeded, and get_contact still gives it"
        if why:
            detail = f"the test contact, record {plain(id)}, could NOT be deleted{why}"
            return Finding("try clean-up", "fail", detail, f"Delete record {plain(id)} in the CRM by hand")
        self.left.remove(f"record {plain(id)}")
        return Finding("try clean-up", "ok", f"record {plain(id)} was deleted")

    def _failed(self, step: str, result: Result, remedy: str, method: str = "", more: str = "") -> Finding:
        said = result.error or f"{step} succeeded without a contact"
        where = "" if self._kind in said else f"{method or f'{self._kind}.{_METHODS[step]}'}: "
        return Finding(f"try {step}", "fail", f"{where}{said}{more}", remedy)
