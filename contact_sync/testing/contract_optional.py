"""`ConsumerContract`: what a consumer may do beyond its six methods, and then has to do right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync.consumer import ExternalAPIConsumer, offers, pages
from contact_sync.results import Result, to_result
from contact_sync.sides import hits

from .contract_applies import needs
from .contract_batches import BatchTests
from .contract_probe import PAGE, Probe, said
from .paths import leaves, put, value_at


class OptionalTests(BatchTests):
    """Updates of single fields, records that are given back, searches by any field, archiving, and batch calls."""

    @needs("update")
    def test_each_field_can_be_updated_alone(self, probe: Probe) -> None:
        """An update with any one field writes it and keeps the others, as the sync does with `partial_updates`."""
        for path, value in leaves(probe.contact()):
            id, sent = probe.record()
            change = probe.change(id)
            put(change, path, value)
            result = probe.ask("update_contact", change)
            name = ".".join(path)
            assert result.success, f"update_contact with {name!r} alone {said(result)}"
            put(sent, path, value)
            lost = probe.lost(sent, probe.read(id))
            assert not lost, (
                f"update_contact with {name!r} alone has to write that field and keep the others: send the CRM what is "
                f"in the argument, and no field that is not; {'; '.join(lost)}"
            )

    @needs("create")
    def test_a_record_that_a_create_gives_back_is_whole(self, probe: Probe) -> None:
        """If a create answers with a `contact`, that is the record as the CRM has it, with its id."""
        contact = probe.contact()
        result = probe.ask("create_contact", contact)
        assert result.success, f"create_contact {said(result)}"
        _assert_given_back(probe, "create_contact", result, str(result.id), contact)

    @needs("update")
    def test_a_record_that_an_update_gives_back_is_whole(self, probe: Probe) -> None:
        """If an update answers with a `contact`, that is the record as the CRM has it, with its id."""
        id, sent = probe.record()
        result = probe.ask("update_contact", probe.change(id, text="Changed"))
        assert result.success, f"update_contact {said(result)}"
        put(sent, probe.declared.text_field, "Changed")
        _assert_given_back(probe, "update_contact", result, id, sent)

    def test_find_contact_agrees_with_the_look_up_by_email(self, probe: Probe) -> None:
        """Found by the field of its e-mail address, a contact is the same as found by the address."""
        id, sent = probe.record()
        probe.record()
        field = probe.declared.email_field
        email = value_at(sent, field)
        wanted = probe.settled(lambda: probe.ask("get_contact_by_email", email), lambda it: it.success)
        found = probe.settled(lambda: probe.ask("find_contact", field, email), lambda it: it.success)
        assert found.success, (
            f"find_contact({field!r}, …) has to find what get_contact_by_email finds, but it {said(found)}; for that "
            "field, ask get_contact_by_email"
        )
        ids = [sorted(str(probe.id_of(one)) for one in hits(result)) for result in (found, wanted)]
        assert ids[0] == ids[1] == [id], (
            f"find_contact({field!r}, …) gave the records {ids[0]}, and get_contact_by_email {ids[1]}; the record with "
            f"that address is {id!r}"
        )
        lost = probe.lost(sent, hits(found)[0])
        assert not lost, f"find_contact has to give the whole contact, as get_contact does; {'; '.join(lost)}"

    @needs("records")
    def test_find_contact_of_what_nobody_has_is_not_found(self, probe: Probe) -> None:
        """A value that no record has is NOT_FOUND, also if it is a part of one."""
        text = probe.address("text").replace("@", " ")
        id = probe.record(text=text).id
        found = probe.ask("find_contact", probe.declared.email_field, probe.address("unknown"))
        assert found.not_found, (
            f"find_contact with an address that no record has {said(found)}. Answer Result.failed(NOT_FOUND), also "
            "where the CRM answers with an empty list"
        )
        field = probe.declared.text_field
        for part in (text[:-1], text[1:], "*", "%", ""):
            found = probe.ask("find_contact", field, part)
            assert not found.success, (
                f"find_contact({field!r}, {part!r}) found something, though no record has that value; compare the "
                "whole value, and drop what the CRM gives beyond it"
            )
        found = probe.ask("find_contact", field, text)
        ids = [probe.id_of(one) for one in hits(found)]
        assert not found.success or ids == [id], (
            f"find_contact({field!r}, …) gave the records {ids}; the only one with that value is {id!r}"
        )

    @needs("records")
    def test_an_archived_record_is_out_of_sight(self, probe: Probe) -> None:
        """Where records can be archived, an archived one is neither read nor found nor listed."""
        id, sent = probe.record()
        other = probe.record()
        result = probe.ask("archive_contact", id)
        if _has_none(probe, result, id):
            assert probe.read(id), "it is as it was"
            return
        assert result.success, f"archive_contact of a record that is there {said(result)}"
        read = probe.ask("get_contact", id)
        assert read.not_found, f"archive_contact answered success, but get_contact {said(read)}; it has to be NOT_FOUND"
        email = value_at(sent, probe.declared.email_field)
        found = probe.settled(lambda: probe.ask("get_contact_by_email", email), lambda it: not it.success)
        assert not found.success, "archive_contact answered success, but get_contact_by_email still finds the record"
        listed = probe.settled(lambda: _listed(probe), lambda it: id not in it)
        assert id not in listed, f"archive_contact answered success, but iter_contacts still gives the record {id!r}"
        assert probe.read(other.id), "another record is as it was"

    def test_archiving_a_missing_record_is_not_found(self, probe: Probe) -> None:
        """Where records can be archived, one that does not exist is NOT_FOUND."""
        for id in probe.missing():
            result = probe.ask("archive_contact", id)
            assert result.not_found or _has_none(probe, result, id), (
                f"archive_contact of a record that does not exist {said(result)}. Answer Result.failed(NOT_FOUND) for "
                "it; where the CRM says nothing, look first"
            )


def _assert_given_back(probe: Probe, method: str, result: Result, id: str, sent: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    if result.contact is None:
        return
    assert probe.id_of(result.contact) == id, (
        f"{method} gave back a contact whose {probe.declared.id_field!r} is {probe.id_of(result.contact)!r}; give the "
        f"record that was written, {id!r}, as the CRM has it now, or none"
    )
    lost = probe.lost(sent, result.contact)
    assert not lost, (
        f"{method} gave back a contact that is not whole: give the record as the CRM has it now, or none, since the "
        f"sync compares later changes with it; {'; '.join(lost)}"
    )


def _has_none(probe: Probe, result: Result, id: str) -> bool:
    """Whether the consumer has no archive, and says so; in the words of the default, where its class has one."""
    default = to_result(ExternalAPIConsumer.archive_contact(probe.consumer, id), "archive_contact")
    return not result.success and (not offers(probe.consumer, "archive_contact") or result.error == default.error)


def _listed(probe: Probe) -> set[str | None]:
    return {probe.id_of(contact) for page in pages(probe.consumer, PAGE) for contact in page.contacts or ()}
