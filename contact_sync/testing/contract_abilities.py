"""`ConsumerContract`: what a consumer declares of its CRM, and how it refuses what it says that it cannot do."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest

from contact_sync.consumer import EXISTS, READ_ONLY, CRMField, batch_size_of, declaration_problem, offers
from contact_sync.results import Result
from contact_sync.sides import hits

from .contract_applies import needs
from .contract_probe import Probe, said
from .paths import leaves, put, steps, value_at

TELL_READ_ONLY: Final = (
    "Answer Result.failed(<why>, reason=READ_ONLY), as ReadOnlyConsumer does: it is no success, and no use to try again"
)
TELL_EXISTS: Final = (
    "Answer Result.failed(<why>, id=<the existing record's>), or Result.failed(<why>, reason=EXISTS) if the CRM does "
    "not say which one it is"
)

LISTED: Final = 5
"""How many of the fields that are read-only by `list_fields` alone are tried."""


class AbilityTests:
    """What the consumer declares."""

    def test_declarations_are_of_their_kind(self, probe: Probe) -> None:
        """What is declared is what it has to be: lists of names, a budget, yes or no."""
        problem = declaration_problem(probe.consumer)
        assert problem is None, f"what the consumer says of its update_contact and the rest is wrong: {problem}"

    @pytest.mark.parametrize("ability", ["can_create", "can_update", "can_delete"])
    def test_the_suite_knows_what_the_consumer_can(self, probe: Probe, ability: str) -> None:
        """The suite, whose tests are chosen by it, says the same as the consumer."""
        says, expected = getattr(probe.consumer, ability), getattr(probe.declared, ability)
        assert says is expected, (
            f"{probe.name}.{ability} is {says!r}, and the suite is for one in which it is {expected!r}, so the methods "
            f"of it are not tested; write {ability} = {says!r} in {type(probe.declared).__name__}, or in the consumer "
            "what create_contact, update_contact and delete_contact can do"
        )

    @needs("no create")
    def test_a_create_is_refused_where_nothing_can_be_created(self, probe: Probe) -> None:
        """It fails for good, says READ_ONLY, and makes nothing."""
        contact = probe.contact()
        _assert_refused("create_contact", probe.ask("create_contact", contact))
        found = probe.ask("get_contact_by_email", value_at(contact, probe.declared.email_field))
        assert found.not_found, f"create_contact was refused, and get_contact_by_email with its address {said(found)}"

    @needs("no update")
    def test_an_update_is_refused_where_nothing_can_be_changed(self, probe: Probe) -> None:
        """It fails for good, says READ_ONLY, and changes nothing."""
        id, _ = probe.record()
        before = probe.read(id)
        _assert_refused("update_contact", probe.ask("update_contact", probe.change(id, text="Changed")))
        assert probe.read(id) == before, "update_contact was refused, and the record has changed all the same"

    @needs("no delete")
    def test_a_delete_is_refused_where_nothing_can_be_deleted(self, probe: Probe) -> None:
        """It fails for good, says READ_ONLY, and leaves the record."""
        id, _ = probe.record()
        _assert_refused("delete_contact", probe.ask("delete_contact", id))
        assert probe.read(id), "it is as it was"

    @needs("create")
    def test_unique_keys_keep_a_second_record_out(self, probe: Probe) -> None:
        """A create with a value of a unique field that another record has fails, names that one or says EXISTS, and
        makes nothing. Where the record is not named, it can be found by the field."""
        contacts = [probe.contact(), probe.contact()]
        taken: dict[str, Any] = {key: value_at(contacts[0], key) for key in probe.consumer.unique_keys}
        missing = [key for key, value in taken.items() if value is None]
        assert not missing, (
            f"unique_keys names {missing}, of which the contacts have no value; for create_contact, let new_contact of "
            f"{type(probe.declared).__name__} give one that is different for each n, or declare no such key"
        )
        first = probe.ask("create_contact", copy.deepcopy(contacts[0]))
        assert first.success, f"create_contact {said(first)}"
        for key, value in taken.items():
            second = copy.deepcopy(contacts[1])
            put(second, key, value)
            _assert_exists(probe, key, value, probe.ask("create_contact", copy.deepcopy(second)), str(first.id))
            email = value_at(second, probe.declared.email_field)
            found = probe.ask("get_contact_by_email", email)
            there = [first.id] if key == probe.declared.email_field else []
            assert [probe.id_of(record) for record in hits(found)] == there, (
                f"create_contact with a taken {key!r} failed, and get_contact_by_email with its address {said(found)}; "
                "what is refused must not be there"
            )
        assert probe.ask("create_contact", contacts[1]).success, "create_contact with values of its own has to succeed"

    @needs("update")
    def test_read_only_fields_keep_their_values(self, probe: Probe) -> None:
        """A write of a field that cannot be written is refused, or leaves it, be it alone or in a batch."""
        declared = list(probe.consumer.read_only_fields)
        own = [name for name in (probe.declared.text_field, probe.declared.email_field) if name in declared]
        assert not own, (
            f"read_only_fields names {own}, and the suite is given it as a field for update_contact to write"
        )
        for field in _read_only(probe):
            id, _ = probe.record()
            before = value_at(probe.read(id), field)
            written = _another(before)
            change = probe.change(id)
            put(change, field, written)
            result = probe.ask("update_contact", copy.deepcopy(change))
            _assert_unwritten(probe, "update_contact", field, id, written, result)
            if batch_size_of(probe.consumer) > 1:
                other = probe.change(probe.record().id, text="Changed")
                result = probe.ask_many("update_contacts", [change, other])[0]
                _assert_unwritten(probe, "update_contacts", field, id, written, result)

    @needs("create")
    def test_read_only_fields_are_not_set_by_a_create(self, probe: Probe) -> None:
        """A create with a field that cannot be written is refused, or leaves it, be it alone or in a batch."""
        for field in _read_only(probe):
            id, _ = probe.create()
            written = _another(value_at(probe.read(id), field))
            contacts = [probe.contact(), probe.contact()]
            for contact in contacts:
                put(contact, field, written)
            results = {"create_contact": probe.ask("create_contact", contacts[0])}
            if batch_size_of(probe.consumer) > 1:
                results["create_contacts"] = probe.ask_many("create_contacts", [contacts[1], probe.contact()])[0]
            for method, result in results.items():
                if result.success:
                    _assert_unwritten(probe, method, field, str(result.id), written, result)

    @needs("update", "records")
    def test_an_empty_field_is_told_of(self, probe: Probe) -> None:
        """A field that was cleared reads as empty; where it is absent instead, `omits_empty` says so."""
        id, _ = probe.record(text="To be cleared")
        probe.ask("update_contact", probe.change(id, text=None))
        left_out = not any(path == steps(probe.declared.text_field) for path, _ in leaves(probe.read(id)))
        assert probe.consumer.omits_empty or not left_out, (
            f"get_contact leaves {probe.declared.text_field!r} out after it was cleared, so a clear in the CRM does "
            "not travel; declare omits_empty = True if the CRM's records leave empty fields out, or give it as None"
        )

    def test_the_fields_that_are_listed_are_those_of_the_contacts(self, probe: Probe) -> None:
        """`list_fields` names each field once, with those that are read and written here; or none at all."""
        fields = list(probe.consumer.list_fields())
        assert fields or not offers(probe.consumer, "list_fields"), (
            "list_fields named no field; raise if they cannot be read, or leave the method out: what is named is "
            "compared with the mapping of create_contact and update_contact"
        )
        assert all(isinstance(field, CRMField) for field in fields), (
            "list_fields has to give CRMField, for update_contact"
        )
        names = [steps(field.name) for field in fields]
        twice = sorted({".".join(name) for name in names if names.count(name) > 1})
        assert not twice, f"list_fields names {twice} more than once, for update_contact"
        written = [path for path, _ in leaves(probe.contact())] if fields else []
        lost = [".".join(path) for path in written if not any(path[: len(name)] == name for name in names)]
        assert not lost, (
            f"list_fields does not name {lost}, which create_contact and get_contact have; name each as the mapping "
            "has to write it ('properties.phone' for one in an object)"
        )
        fixed = [field.name for field in fields if field.read_only and steps(field.name) in written]
        assert not (fixed and (probe.declared.can_create or probe.declared.can_update)), (
            f"list_fields says that {fixed} cannot be written, and create_contact and update_contact are tested with it"
        )


def _assert_refused(method: str, result: Result) -> None:
    __tracebackhide__ = True
    refused = not result.success and result.reason == READ_ONLY and not result.retryable
    assert refused, (
        f"{method} {said(result)} and the reason {result.reason!r}, though the consumer says that it cannot do that. "
        f"{TELL_READ_ONLY}"
    )


def _assert_exists(probe: Probe, key: str, value: object, result: Result, id: str) -> None:
    __tracebackhide__ = True
    said_so = not result.success and not result.retryable and (result.id is not None or result.reason == EXISTS)
    assert said_so, (
        f"create_contact with a {key!r} that another record has {said(result)}; {key!r} is one of the unique_keys. "
        f"{TELL_EXISTS}"
    )
    if result.id is not None:
        assert result.id == id, (
            f"create_contact with a {key!r} that the record {id!r} has failed with the id {result.id!r}, and that one "
            "would be adopted"
        )
        return
    found = probe.settled(lambda: probe.ask("find_contact", key, str(value)), lambda it: it.success)
    assert [probe.id_of(record) for record in hits(found)] == [id], (
        f"create_contact says EXISTS and no id, so the record is looked for: find_contact({key!r}, …) {said(found)}, "
        f"and it has to give the record {id!r}"
    )


def _read_only(probe: Probe) -> list[str]:
    """The fields that cannot be written: those that are declared, and some of those that are listed as such."""
    declared = list(probe.consumer.read_only_fields)
    own = {probe.declared.id_field, probe.declared.email_field, probe.declared.text_field}
    known = {steps(name) for name in (*declared, *own)}
    known |= {path for path, _ in leaves(probe.contact())}  # another test is for these
    listed = [it for it in probe.consumer.list_fields() if isinstance(it, CRMField) and it.read_only]
    more = [field.name for field in listed if steps(field.name) not in known]
    return [name for name in declared if name not in own] + more[:LISTED]


def _assert_unwritten(probe: Probe, method: str, field: str, id: str, written: object, result: Result) -> None:
    __tracebackhide__ = True
    now = value_at(probe.read(id), field)
    assert now != written, (  # it may be another one than before, such as the time of the last change
        f"{field!r} cannot be written, by read_only_fields or list_fields, and after {method}, which "
        f"{said(result)}, it is {now!r}, as was written; leave such fields out of what is sent to the CRM, or, if it "
        "can be written, do not name it as read-only"
    )


def _another(value: object) -> object:
    """A value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7919  # far off, where the CRM counts
    return f"{value}x" if isinstance(value, str) and value else "Changed"
