"""`ConsumerContract`: creating, reading, updating and deleting."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from .contract_probe import Probe, said
from .paths import value_at

THREADS: Final = 8

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

    def test_create_answers_with_an_id(self, probe: Probe) -> None:
        """Creating a contact answers with the new record's id, which no other record has."""
        first, second = probe.create(), probe.create()
        assert first.id != second.id, f"create_contact gave two records the same id, {first.id!r}"

    def test_get_gives_back_what_was_created(self, probe: Probe) -> None:
        """Reading a contact gives every field that was sent, under the same names, and the id."""
        id, sent = probe.create()
        contact = probe.read(id)
        lost = probe.lost(sent, contact)
        assert not lost, f"get_contact has to give back what create_contact was given; {'; '.join(lost)}"
        field = probe.declared.id_field
        assert probe.id_of(contact) == id, (
            f"get_contact({id!r}) gave a contact whose {field!r} is {value_at(contact, field)!r}; it has to hold the "
            "id that create_contact answered with (is id_field declared as the CRM calls it?)"
        )

    @pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
    def test_text_survives(self, probe: Probe, text: str) -> None:
        """Text comes back as the same text, be it created or updated."""
        created, updated = probe.create(text=text).id, probe.create().id
        result = probe.ask("update_contact", probe.change(updated, text=text))
        assert result.success, f"update_contact with the text {text!r} {said(result)}"
        for method, id in (("create_contact", created), ("update_contact", updated)):
            found = value_at(probe.read(id), probe.declared.text_field)
            assert found == text, (
                f"{method} was given the text {text!r}, get_contact gives {found!r}; keep text as it is"
            )

    @pytest.mark.parametrize("method", ["create_contact", "update_contact"])
    def test_arguments_are_left_alone(self, probe: Probe, method: str) -> None:
        """The contact that a call is given is the caller's: the call does not change it."""
        id = probe.create().id
        contact = probe.contact() if method == "create_contact" else probe.change(id, text="Changed")
        before = copy.deepcopy(contact)
        result = probe.ask(method, contact)
        assert result.success, f"{method} {said(result)}"
        assert contact == before, f"{method} changed its argument; work on a copy (dict(contact))"

    def test_update_changes_only_what_it_is_given(self, probe: Probe) -> None:
        """An update with one field changes that field and keeps the others."""
        id, sent = probe.create()
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

    def test_update_writes_every_field_it_is_given(self, probe: Probe) -> None:
        """An update with a whole contact writes all of it."""
        id = probe.create().id
        contact = probe.contact()
        result = probe.ask("update_contact", probe.change(id, contact))
        assert result.success, f"update_contact with a whole contact {said(result)}"
        lost = probe.lost(contact, probe.read(id))
        assert not lost, f"update_contact did not write every field that it was given; {'; '.join(lost)}"

    def test_none_clears_a_field(self, probe: Probe) -> None:
        """A `None` in an update empties that field, and keeps the others."""
        id, sent = probe.create(text="To be cleared")
        result = probe.ask("update_contact", probe.change(id, text=None))
        assert result.success, f"update_contact with a None {said(result)}"
        contact = probe.read(id)
        field = probe.declared.text_field
        found = value_at(contact, field)
        assert found is None or found == "", (
            f"update_contact was given None for {field!r}, and it is {found!r} now; None has to clear the field, so "
            "that it reads None, '' or is absent"
        )
        lost = probe.lost(sent, contact, but=field)
        assert not lost, f"update_contact with a None has to keep the other fields; {'; '.join(lost)}"

    def test_get_of_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Reading a record that does not exist is NOT_FOUND."""
        for id in _missing(probe):
            result = probe.ask("get_contact", id)
            assert result.not_found, f"get_contact of a record that does not exist {said(result)}. {TELL_NOT_FOUND}"

    def test_update_of_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Updating a record that does not exist is NOT_FOUND, and creates nothing."""
        for id in _missing(probe):
            result = probe.ask("update_contact", probe.change(id, text="Changed"))
            assert result.not_found, (
                f"update_contact of a record that does not exist {said(result)}. {TELL_NOT_FOUND}; where the CRM "
                "says nothing, or creates the record, look first"
            )
            again = probe.ask("get_contact", id)
            assert again.not_found, f"update_contact created a record that did not exist: get_contact {said(again)}"

    def test_delete_of_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Deleting a record that does not exist, or a second time, is NOT_FOUND."""
        for id in _missing(probe):
            result = probe.ask("delete_contact", id)
            assert result.not_found, (
                f"delete_contact of a record that does not exist {said(result)}. {TELL_NOT_FOUND}; where the CRM says "
                "nothing, look first"
            )

    def test_a_deleted_record_is_gone(self, probe: Probe) -> None:
        """A deleted record can neither be read nor found by its e-mail address."""
        id, sent = probe.create()
        other = probe.create()
        result = probe.ask("delete_contact", id)
        assert result.success, f"delete_contact of a record that is there {said(result)}"
        read = probe.ask("get_contact", id)
        assert not read.success, "delete_contact answered success, but get_contact still gives the record"
        email = value_at(sent, probe.declared.email_field)
        found = probe.settled(lambda: probe.ask("get_contact_by_email", email), lambda it: not it.success)
        assert not found.success, "delete_contact answered success, but get_contact_by_email still finds the record"
        assert probe.read(other.id), "another record is as it was"

    def test_calls_from_several_threads_do_not_meet(self, probe: Probe) -> None:
        """Eight threads that work on contacts of their own each see only their own."""
        start = threading.Barrier(THREADS)

        def work(n: int) -> list[str]:
            start.wait(probe.declared.time_limit)
            id, sent = probe.create(text=f"Thread {n}")
            wrong = probe.lost(sent, probe.read(id))
            result = probe.ask("update_contact", probe.change(id, text=f"Thread {n}, changed"))
            if not result.success:
                wrong.append(f"update_contact {said(result)}")
            contact: Any = probe.read(id)
            wrong += probe.lost(probe.change(id, text=f"Thread {n}, changed"), contact)
            deleted = probe.ask("delete_contact", id)
            return wrong if deleted.success else [*wrong, f"delete_contact {said(deleted)}"]

        with ThreadPoolExecutor(THREADS) as pool:
            wrong = [line for lines in pool.map(work, range(THREADS)) for line in lines]
        assert not wrong, (
            "calls come from several threads at once and must not share a contact, a cursor or a client that is not "
            f"made for it; {'; '.join(wrong)}"
        )


def _missing(probe: Probe) -> list[str]:
    never = probe.declared.missing_id
    return [probe.gone()] if never is None else [probe.gone(), never]
