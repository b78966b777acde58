"""`ConsumerContract`: batch calls, for a consumer that has them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal

from contact_sync.consumer import TURNED_DOWN, batch_size_of
from contact_sync.failures import FAULTS
from contact_sync.results import Result

from .contract_applies import needs
from .contract_probe import PAGE, Probe, said
from .paths import put, value_at

MOST: Final = 200
"""How many records the tests create with one call at the most."""

_LOOKED_AT: Final = 10

_FOR_EACH: Final = "answer with a list that holds a result for each, in the order given"


class BatchTests:
    """Several records at a time. A consumer whose `batch_size` is 1 has no batch calls and passes."""

    @needs("create")
    def test_a_batch_of_creates_is_answered_one_for_each_in_order(self, probe: Probe) -> None:
        """As many records as `batch_size` says are created at once, each as by a create of its own."""
        if _has_none(probe):
            return
        size = batch_size_of(probe.consumer)
        # Latest first: an answer in an order of the CRM's own is another one.
        contacts = [probe.contact() for _ in range(min(size, MOST))][::-1]
        results = _asked(probe, "create_contacts", contacts)
        failed = next((result for result in results if not result.success), None)
        assert failed is None, (
            f"create_contacts of {len(contacts)} contacts, as many as batch_size ({size}) allows, "
            f"{'' if failed is None else said(failed)}; {_FOR_EACH}"
        )
        ids = [result.id for result in results]
        assert None not in ids, f"create_contacts succeeded without an id; {_FOR_EACH}: Result.ok(<its id>)"
        assert len(set(ids)) == len(ids), f"create_contacts gave several records the same id; {_FOR_EACH}"
        step = max(1, len(contacts) // _LOOKED_AT)
        for contact, result in list(zip(contacts, results, strict=True))[::step]:
            lost = probe.lost(contact, probe.read(str(result.id)))
            assert not lost, f"create_contacts gave a contact the id of another one; {_FOR_EACH}; {'; '.join(lost)}"
            _assert_whole(probe, "create_contacts", result, str(result.id), contact)

    @needs("update", "records")
    def test_a_batch_of_updates_is_answered_one_for_each_in_order(self, probe: Probe) -> None:
        """Each record gets its own change, and keeps the rest."""
        if _has_none(probe):
            return
        records = [probe.record(text=f"Before {n}") for n in range(min(batch_size_of(probe.consumer), PAGE))]
        changes = [probe.change(id, text=f"After {n}") for n, (id, _) in enumerate(records)][::-1]
        results = _asked(probe, "update_contacts", changes)
        for (id, sent), result, change in zip(records, results[::-1], changes[::-1], strict=True):
            assert result.success, f"update_contacts of records that are there {said(result)}; {_FOR_EACH}"
            text = value_at(change, probe.declared.text_field)
            assert value_at(probe.read(id), probe.declared.text_field) == text, (
                f"after update_contacts the {probe.declared.text_field!r} of the record {id!r} has to be {text!r}"
            )
            put(sent, probe.declared.text_field, text)
            lost = probe.lost(sent, probe.read(id))
            assert not lost, f"update_contacts has to keep the fields that it is not given; {'; '.join(lost)}"
            _assert_whole(probe, "update_contacts", result, id, sent)

    @needs("update", "records")
    def test_a_batch_of_updates_clears_what_is_none(self, probe: Probe) -> None:
        """A `None` in one of several updates empties that field of that record alone."""
        if _has_none(probe):
            return
        (cleared, _), (changed, _) = probe.record(text="Before"), probe.record(text="Before")
        changes = [probe.change(cleared, text=None), probe.change(changed, text="After")]
        results = _asked(probe, "update_contacts", changes)
        succeeded = all(result.success for result in results[0 if probe.clears else 1 :])
        assert succeeded, f"update_contacts with a cleared field {said(results[0])}"
        field = probe.declared.text_field
        found = [value_at(probe.read(id), field) for id in (cleared, changed)]
        assert found[0] in ((None, "") if probe.clears else ("Before",)), (
            f"update_contacts was given {value_at(changes[0], field)!r} for {field!r}, and it is {found[0]!r} now; "
            "that has to clear the field (clear_value says what it is given; CANNOT_CLEAR, that the value stays)"
        )
        assert found[1] == "After", (
            f"update_contacts with a cleared field in another record has to write {field!r} of this one"
        )

    @needs("update", "records")
    def test_a_missing_record_in_a_batch_of_updates_does_not_stop_the_others(self, probe: Probe) -> None:
        """It is NOT_FOUND, and nothing is created; or the whole call is turned down, and each is then sent alone."""
        if _has_none(probe) or batch_size_of(probe.consumer) < PAGE:
            return
        (first, _), gone, (last, _) = probe.record(text="Before"), probe.missing()[0], probe.record(text="Before")
        # The missing one comes last, where no order of the CRM's own would put it.
        changes = [probe.change(id, text="After") for id in (last, first, gone)]
        results = _asked(probe, "update_contacts", changes)
        read = probe.ask("get_contact", gone)
        assert read.not_found, f"after update_contacts of a record that does not exist, get_contact {said(read)}"
        if _turned_down(results):
            return
        assert results[2].not_found, (
            f"update_contacts of three records, the last of which does not exist, {said(results[2])} for that one. "
            f"{_FOR_EACH.capitalize()}, Result.failed(NOT_FOUND) for it"
        )
        for id, result in ((last, results[0]), (first, results[1])):
            assert result.success, f"update_contacts {said(result)} for a record that is there, beside one that is not"
            assert value_at(probe.read(id), probe.declared.text_field) == "After", (
                "update_contacts answered success for a record beside one that does not exist, and did not write it"
            )

    @needs("create")
    def test_a_refused_contact_in_a_batch_of_creates_leaves_the_others_or_stops_all(self, probe: Probe) -> None:
        """Where a second record with an e-mail address is refused: it is a failure of its own, or none is created."""
        if _has_none(probe) or batch_size_of(probe.consumer) < PAGE:
            return
        email = value_at(probe.create().sent, probe.declared.email_field)
        alone = probe.ask("create_contact", probe.contact(email=email))
        if alone.success:
            return  # what else this CRM may refuse is not known here
        contacts = [probe.contact(), probe.contact(email=email), probe.contact()]
        results = _asked(probe, "create_contacts", contacts)
        if _turned_down(results):
            for contact in (contacts[0], contacts[2]):
                address = value_at(contact, probe.declared.email_field)
                look_up = partial(probe.ask, "get_contact_by_email", address)
                found = probe.settled(look_up, lambda it: it.success)
                if found.success:
                    probe.ask("delete_contact", probe.id_of(found.contact or (found.contacts or [{}])[0]))
                assert not found.success, (
                    "create_contacts answered with one failure for all, and had made some of the records: they would "
                    f"be made twice. {_FOR_EACH.capitalize()}; or make none"
                )
            return
        assert (results[1].success, results[1].id) == (False, alone.id), (
            f"create_contacts with an address that is taken {said(results[1])} for it, and create_contact "
            f"{said(alone)}; answer the same, with the id of the record that has it if that is known"
        )
        assert results[0].success, f"create_contacts {said(results[0])} for a contact beside one that is refused"
        assert results[2].success, f"create_contacts {said(results[2])} for a contact beside one that is refused"

    def test_a_batch_of_none_is_answered_with_none(self, probe: Probe) -> None:
        """Nothing to create and nothing to update is no failure."""
        if _has_none(probe):
            return
        for method in ("create_contacts", "update_contacts"):
            answer = _answer(getattr(probe.consumer, method))
            assert answer in ([], ()), f"{method} of an empty list gave {answer!r}; answer with an empty list"


def _has_none(probe: Probe) -> bool:
    """Whether a consumer says that it has no batch calls."""
    __tracebackhide__ = True
    size: object = probe.consumer.batch_size
    fits = isinstance(size, int) and not isinstance(size, bool) and size >= 1
    assert fits, (
        f"batch_size is {size!r}, for create_contacts and update_contacts; it has to be a whole number from 1, which "
        "says that there are no batch calls"
    )
    return size == 1


def _asked(
    probe: Probe, method: Literal["create_contacts", "update_contacts"], contacts: list[dict[str, Any]]
) -> list[Result]:
    """Make a batch call as the engine does. It must not change what it is given."""
    __tracebackhide__ = True
    before = copy.deepcopy(contacts)
    results = probe.ask_many(method, contacts)
    assert contacts == before, f"{method} changed its argument; work on a copy (dict(contact))"
    return results


def _answer(method: Callable[[list[dict[str, Any]]], object]) -> object:
    """What a batch method gives for no contacts, or raises."""
    try:
        return method([])
    except FAULTS as error:
        return error


def _turned_down(results: list[Result]) -> bool:
    """Whether a call failed as a whole in such a way that each is then sent alone."""
    return all(result.reason == TURNED_DOWN for result in results)


def _assert_whole(probe: Probe, method: str, result: Result, id: str, sent: Mapping[str, Any]) -> None:
    """If a result has the record, it is the right one, and all of it."""
    __tracebackhide__ = True
    if result.contact is None:
        return
    assert probe.id_of(result.contact) == id, f"{method} gave back the record of another contact; {_FOR_EACH}"
    lost = probe.lost(sent, result.contact)
    assert not lost, (
        f"{method} gave back a record that is not whole: give it as the CRM has it now, or none; {'; '.join(lost)}"
    )
