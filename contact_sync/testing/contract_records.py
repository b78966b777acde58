"""`ConsumerContract`: creating, reading, updating and deleting."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from .contract_applies import needs
from .contract_probe import Probe, said
from .paths import value_at

THREADS: Final = 8
READS: Final = 3

TEXTS: Final = {
    "leading zeros": "0612",
    "digits": "75001",
    "twenty digits": "12345678901234567890",
    "a number with an exponent": "1e5",
    "true": "true",
    "null": "null",
    "accents": "Zoë Müller-Łukasiewicz",
    "emoji": "👩‍🚀 ok",
    "quotes and backslash": """a "b" 'c' \\d""",
    "markup": "<b>A &amp; B</b>",
}

TELL_NOT_FOUND: Final = (
    "Answer Result.failed(NOT_FOUND) for it, whichever way the CRM says so: a 404, a 403, a 200 with an error inside, "
    "an empty answer"
)


class RecordTests:
    """One record at a time."""

    @needs("create")
    def test_create_answers_with_an_id(self, probe: Probe) -> None:
        """Creating a contact answers with the new record's id, which no other record has."""
        first, second = probe.create(), probe.create()
        assert first.id != second.id, f"create_contact gave two records the same id, {first.id!r}"

    def test_get_gives_back_what_was_created(self, probe: Probe) -> None:
        """Reading a contact gives every field that was sent, under the same names, and the id."""
        id, sent = probe.record()
        contact = probe.read(id)
        lost = probe.lost(sent, contact)
        assert not lost, f"get_contact has to give back what the record was created with; {'; '.join(lost)}"
        field = probe.declared.id_field
        assert probe.id_of(contact) == id, (
            f"get_contact({id!r}) gave a contact whose {field!r} is {value_at(contact, field)!r}; it has to hold the "
            "record's id, as create_contact answers with it (is id_field declared as the CRM calls it?)"
        )

    @needs("records")
    @pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
    def test_text_survives(self, probe: Probe, text: str) -> None:
        """Text comes back as the same text, be it created or updated."""
        ids = {"create_contact": probe.record(text=text).id}
        if probe.declared.can_update:
            ids["update_contact"] = probe.record().id
            result = probe.ask("update_contact", probe.change(ids["update_contact"], text=text))
            assert result.success, f"update_contact with the text {text!r} {said(result)}"
        for method, id in ids.items():
            found = value_at(probe.read(id), probe.declared.text_field)
            assert found == text, (
                f"{method} was given the text {text!r}, get_contact gives {found!r}; keep text as it is"
            )

    @needs("create")
    def test_create_leaves_its_argument_alone(self, probe: Probe) -> None:
        """The contact that a create is given is the caller's: the call does not change it."""
        _assert_left_alone(probe, "create_contact", probe.contact())

    @needs("update")
    def test_update_leaves_its_argument_alone(self, probe: Probe) -> None:
        """The contact that an update is given is the caller's: the call does not change it."""
        _assert_left_alone(probe, "update_contact", probe.change(probe.record().id, text="Changed"))

    @needs("update")
    def test_update_changes_only_what_it_is_given(self, probe: Probe) -> None:
        """An update with one field changes that field and keeps the others."""
        id, sent = probe.record()
        result = probe.ask("update_contact", probe.change(id, text="Changed"))
        assert result.success, f"update_contact of a record that is there {said(result)}"
        contact = probe.read(id)
        field = probe.declared.text_field
        assert value_at(contact, field) == "Changed", (
            f"after update_contact {field!r} has to be 'Changed', but it is {value_at(contact, field)!r}"
        )
        lost = probe.lost(sent, contact, but=field)
        assert not lost, (
            "update_contact has to keep the fields that it is not given (most APIs: PATCH in place of PUT); "
            + "; ".join(lost)
        )

    @needs("update")
    def test_update_writes_every_field_it_is_given(self, probe: Probe) -> None:
        """An update with a whole contact writes all of it."""
        id = probe.record().id
        contact = probe.contact()
        result = probe.ask("update_contact", probe.change(id, contact))
        assert result.success, f"update_contact with a whole contact {said(result)}"
        lost = probe.lost(contact, probe.read(id))
        assert not lost, f"update_contact did not write every field that it was given; {'; '.join(lost)}"

    @needs("update", "records")
    def test_an_edit_back_to_what_was_is_written(self, probe: Probe) -> None:
        """A value that was written before, and then another one, is written again."""
        id, _ = probe.record(text="At first")
        for text in ("Once", "Twice", "Once", "At first"):
            result = probe.ask("update_contact", probe.change(id, text=text))
            assert result.success, f"update_contact {said(result)}"
            found = value_at(probe.read(id), probe.declared.text_field)
            assert found == text, (
                f"update_contact was given {text!r}, which the record has had before, and it is {found!r}; send every "
                "update: what was sent last is not what the CRM has"
            )

    @needs("update", "records")
    def test_none_clears_a_field(self, probe: Probe) -> None:
        """The `clear_value` in an update empties that field, and keeps the others; where nothing can be cleared, a
        `None` is refused or leaves it."""
        id, sent = probe.record(text="To be cleared")
        field = probe.declared.text_field
        result = probe.ask("update_contact", probe.change(id, text=None))
        contact = probe.read(id)
        found = value_at(contact, field)
        if probe.clears:
            given = repr(probe.consumer.clear_value)
            assert result.success, f"update_contact with {given} for {field!r}, to clear it, {said(result)}"
            assert found is None or found == "", (
                f"update_contact was given {given} for {field!r}, and it is {found!r} now; that has to clear the "
                "field, so that it reads None, '' or is absent (clear_value says what it is given for that)"
            )
        else:
            assert found == value_at(sent, field), (
                f"clear_value is CANNOT_CLEAR, and {field!r} is {found!r} after update_contact with None for it; where "
                "fields cannot be emptied, they keep their values"
            )
        lost = probe.lost(sent, contact, but=field)
        assert not lost, f"update_contact with a cleared field has to keep the other fields; {'; '.join(lost)}"

    def test_get_of_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Reading a record that does not exist is NOT_FOUND."""
        for id in probe.missing():
            result = probe.ask("get_contact", id)
            assert result.not_found, f"get_contact of a record that does not exist {said(result)}. {TELL_NOT_FOUND}"

    @needs("update")
    def test_update_of_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Updating a record that does not exist is NOT_FOUND, and creates nothing."""
        for id in probe.missing():
            result = probe.ask("update_contact", probe.change(id, text="Changed"))
            assert result.not_found, (
                f"update_contact of a record that does not exist {said(result)}. {TELL_NOT_FOUND}; where the CRM "
                "says nothing, or creates the record, look first"
            )
            again = probe.ask("get_contact", id)
            assert again.not_found, f"update_contact created a record that did not exist: get_contact {said(again)}"

    @needs("delete")
    def test_delete_of_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Deleting a record that does not exist, or a second time, is NOT_FOUND."""
        for id in probe.missing():
            result = probe.ask("delete_contact", id)
            assert result.not_found, (
                f"delete_contact of a record that does not exist {said(result)}. {TELL_NOT_FOUND}; where the CRM says "
                "nothing, look first"
            )

    @needs("delete", "records")
    def test_a_deleted_record_is_gone(self, probe: Probe) -> None:
        """A deleted record can neither be read nor found by its e-mail address."""
        id, sent = probe.record()
        other = probe.record()
        result = probe.ask("delete_contact", id)
        assert result.success, f"delete_contact of a record that is there {said(result)}"
        read = probe.ask("get_contact", id)
        assert not read.success, "delete_contact answered success, but get_contact still gives the record"
        email = value_at(sent, probe.declared.email_field)
        found = probe.settled(lambda: probe.ask("get_contact_by_email", email), lambda it: not it.success)
        assert not found.success, "delete_contact answered success, but get_contact_by_email still finds the record"
        assert probe.read(other.id), "another record is as it was"

    @needs("create", "update", "delete")
    def test_calls_from_several_threads_do_not_meet(self, probe: Probe) -> None:
        """Eight threads that work on contacts of their own each see only their own."""

        def work(n: int) -> list[str]:
            id, sent = probe.create(text=f"Thread {n}")
            wrong = probe.lost(sent, probe.read(id))
            result = probe.ask("update_contact", probe.change(id, text=f"Thread {n}, changed"))
            if not result.success:
                wrong.append(f"update_contact {said(result)}")
            contact: Any = probe.read(id)
            wrong += probe.lost(probe.change(id, text=f"Thread {n}, changed"), contact)
            deleted = probe.ask("delete_contact", id)
            return wrong if deleted.success else [*wrong, f"delete_contact {said(deleted)}"]

        _assert_apart(probe, work)

    def test_reads_from_several_threads_do_not_meet(self, probe: Probe) -> None:
        """Eight threads that read contacts of their own each get only their own."""
        records = probe.records(THREADS)

        def work(n: int) -> list[str]:
            id, sent = records[n % len(records)]
            return [line for _ in range(READS) for line in probe.lost(sent, probe.read(id))]

        _assert_apart(probe, work)


def _assert_left_alone(probe: Probe, method: str, contact: dict[str, Any]) -> None:
    __tracebackhide__ = True
    before = copy.deepcopy(contact)
    result = probe.ask(method, contact)
    assert result.success, f"{method} {said(result)}"
    assert contact == before, f"{method} changed its argument; work on a copy (dict(contact))"


def _assert_apart(probe: Probe, work: Callable[[int], list[str]]) -> None:
    """Let several threads work at once. Each says what went wrong."""
    __tracebackhide__ = True
    start = threading.Barrier(THREADS)

    def begin(n: int) -> list[str]:
        start.wait(probe.declared.time_limit)
        return work(n)

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = [line for lines in pool.map(begin, range(THREADS)) for line in lines]
    assert not wrong, (
        "calls come from several threads at once and must not share a contact, a cursor or a client that is not made "
        f"for it, be it get_contact or a write; {'; '.join(wrong)}"
    )
