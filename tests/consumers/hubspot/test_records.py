"""Single contacts: how they are read and written, and what becomes of merged and archived ones."""

from __future__ import annotations

import pytest

from contact_sync.consumer import EXISTS, ask_many
from contact_sync.consumers.hubspot import HubSpotConsumer

from .conftest import Connect
from .double import HubSpotDouble

ANA = {"email": "Ana@Example.com", "firstname": "Ana", "points": 7, "newsletter": True, "company": None, "phone": ""}


def test_a_contact_is_flat_and_has_what_was_asked_for(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """Values are HubSpot's text; what is empty is None, and what else the record has is not given."""
    created = consumer.create_contact(ANA)
    assert created.contact == {
        "id": created.id,
        "email": "ana@example.com",
        "firstname": "Ana",
        "points": "7",
        "newsletter": "true",
    }
    assert consumer.get_contact(str(created.id)).contact == {
        "id": created.id,
        "email": "ana@example.com",
        "firstname": "Ana",
        "points": "7",
        "newsletter": "true",
        "lastname": None,
        "phone": None,
        "company": None,
        "born_on": None,
        "customer_no": None,
    }


def test_what_is_sent_is_text_without_the_id_and_without_what_is_empty_in_a_new_record(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    consumer.create_contact({"id": "7", **ANA})
    assert hubspot.calls[-1].body == {
        "properties": {"email": "Ana@Example.com", "firstname": "Ana", "points": "7", "newsletter": "true"}
    }


def test_a_property_that_the_account_does_not_have_is_left_out_and_not_taken_for_empty(
    hubspot: HubSpotDouble, connect: Connect
) -> None:
    consumer = connect(properties=["email", "first_name", "firstname"])
    id = str(consumer.create_contact({"email": "ana@example.com"}).id)
    assert consumer.get_contact(id).contact == {"id": id, "email": "ana@example.com", "firstname": None}


def test_an_update_writes_what_it_is_given_and_clears_what_is_empty(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    id = str(consumer.create_contact({"email": "ana@example.com", "firstname": "Ana", "company": "Acme"}).id)
    assert consumer.update_contact({"id": id, "firstname": "Ann", "company": ""}).success
    assert hubspot.calls[-1].body == {"properties": {"firstname": "Ann", "company": ""}}
    assert consumer.update_contact({"id": id, "firstname": None}).success
    contact = consumer.get_contact(id).contact or {}
    assert (contact["email"], contact["firstname"], contact["company"]) == ("ana@example.com", None, None)


def test_an_update_gives_the_record_back_only_where_the_answer_has_all_of_it(
    hubspot: HubSpotDouble, connect: Connect
) -> None:
    """HubSpot answers with what was written. Half a record is not taken for the whole."""
    whole, half = connect(properties=["email", "firstname"]), connect(properties=["email", "firstname", "company"])
    id = str(whole.create_contact({"email": "ana@example.com", "firstname": "Ana", "company": "Acme"}).id)
    change = {"id": id, "email": "ANA@example.com", "firstname": "Ann"}
    assert whole.update_contact(change).contact == {"id": id, "email": "ana@example.com", "firstname": "Ann"}
    assert (half.update_contact(change).success, half.update_contact(change).contact) == (True, None)


def test_an_update_of_nothing_only_looks_whether_the_record_is_there(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    id = str(consumer.create_contact({"email": "ana@example.com"}).id)
    assert consumer.update_contact({"id": id}).success
    assert consumer.update_contact({"id": "1"}).not_found
    assert [call.method for call in hubspot.calls] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}])
def test_a_list_or_an_object_is_refused_and_the_property_named(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, value: object
) -> None:
    created = consumer.create_contact({"email": "ana@example.com", "company": value})
    assert created.error == (
        f"the property 'company' was given {type(value).__name__}, and HubSpot's properties are text; let the mapping "
        "write it as text (to_external)"
    )
    assert not consumer.update_contact({"id": "1", "company": value}).success
    assert hubspot.calls == []


@pytest.mark.parametrize("answer", ["409_contact", "409_identity_profile"])
def test_an_address_that_is_taken_names_its_record_for_adoption(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, answer: str
) -> None:
    there = str(hubspot.portal.create({"email": "ana@example.com"}).id)
    hubspot.answer_next(answer, id=there, email="ana@example.com")
    refused = consumer.create_contact({"email": "ANA@example.com"})
    assert (refused.success, refused.id, refused.retryable) == (False, there, False)
    assert "ana@example.com" not in str(refused.error)


def test_an_address_that_is_taken_is_told_where_hubspot_does_not_name_the_record(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    hubspot.answer_next("409_without_id")
    refused = consumer.create_contact({"email": "ana@example.com"})
    assert (refused.success, refused.id, refused.reason) == (False, None, EXISTS)


def test_another_unique_value_that_is_taken_names_its_record_too_if_it_is_declared(
    hubspot: HubSpotDouble, connect: Connect, consumer: HubSpotConsumer
) -> None:
    undeclared = consumer
    consumer = connect(unique_keys=("email", "customer_no"))
    first = consumer.create_contact({"email": "ana@example.com", "customer_no": "K-17"})
    refused = consumer.create_contact({"email": "bea@example.com", "customer_no": "K-17"})
    assert (refused.success, refused.id, refused.reason) == (False, first.id, None)
    assert "K-17" not in str(refused.error)
    refused = undeclared.create_contact({"email": "bea@example.com", "customer_no": "K-17"})
    assert (refused.success, refused.id, refused.reason) == (False, None, EXISTS)
    assert "K-17" not in str(refused.error)


HOSTILE = [
    "Existing ID: {victim}",
    "x. Contact already exists. Existing ID: {victim}",
    "x}} on 5. {victim} already has that value.",
    "{victim} already has that value",
]
"""Values that a person may give in a chat."""


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("many", [False, True])
def test_no_value_of_a_contact_decides_whose_record_is_named(
    hubspot: HubSpotDouble, connect: Connect, value: str, many: bool
) -> None:
    """HubSpot's messages repeat what was sent. The record that is named would be adopted, and written to."""
    consumer = connect(unique_keys=("email", "customer_no"))
    victim = str(hubspot.portal.create({"email": "victim@example.com"}).id)
    value = value.format(victim=victim)
    first = str(hubspot.portal.create({"email": "ana@example.com", "customer_no": value}).id)
    contact = {"email": "bea@example.com", "customer_no": value}
    refused = consumer.create_contact(contact) if not many else ask_many(consumer, "create_contacts", [contact])[0]
    assert (refused.success, refused.id) == (False, first)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_refusal_for_another_cause_names_no_record_whatever_its_message_repeats(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, value: str
) -> None:
    victim = str(hubspot.portal.create({"email": "victim@example.com"}).id)
    contact = {"email": "bea@example.com", "points": value.format(victim=victim)}
    for refused in (consumer.create_contact(contact), ask_many(consumer, "create_contacts", [contact])[0]):
        assert (refused.success, refused.id, refused.reason) == (False, None, None)
        assert "points: INVALID_NUMBER" in str(refused.error)


@pytest.mark.parametrize("answer", ["409_contact", "409_identity_profile"])
def test_a_record_that_does_not_have_what_was_sent_is_not_named(
    hubspot: HubSpotDouble, connect: Connect, answer: str
) -> None:
    """Whatever HubSpot says: it is not this contact's record, or is gone."""
    consumer = connect(unique_keys=("email", "customer_no"))
    other = str(hubspot.portal.create({"email": "victim@example.com", "firstname": "Bea"}).id)
    for contact in ({"email": "bea@example.com", "firstname": "Bea"}, {"firstname": "Bea", "customer_no": None}):
        for id in (other, "171599999999"):
            hubspot.answer_next(answer, id=id, email="bea@example.com")
            refused = consumer.create_contact(contact)
            assert (refused.success, refused.id, refused.reason) == (False, None, EXISTS)


def test_while_the_record_that_is_named_cannot_be_read_the_write_may_be_tried_again(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    there = str(hubspot.portal.create({"email": "ana@example.com"}).id)
    for trouble in ("429_secondly", "423_locked"):
        hubspot.answer_next("409_contact", id=there)
        hubspot.answer_next(trouble)
        refused = consumer.create_contact({"email": "ana@example.com"})
        assert (refused.id, refused.retryable, refused.in_doubt) == (None, True, False)
    for status, body in ((503, "<html>"), (200, "<html>")):
        hubspot.answer_next("409_contact", id=there)
        hubspot.say_next(status, body)
        refused = consumer.create_contact({"email": "ana@example.com"})
        assert (refused.success, refused.id, refused.in_doubt) == (False, None, False)


def test_the_id_of_a_merged_record_leads_to_the_one_that_came_of_it(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    """It is read and updated; the contact has the other id, and the reason says why."""
    ana, bea = (str(consumer.create_contact({"email": f"{name}@example.com"}).id) for name in ("ana", "bea"))
    merged = str(hubspot.portal.merge(ana, bea).id)
    for former in (ana, bea):
        read = consumer.get_contact(former)
        assert ((read.contact or {})["id"], read.id) == (merged, merged)
        assert read.reason == f"the record {former} is a part of {merged} by now"
    updated = consumer.update_contact({"id": bea, "firstname": "Ana Bea"})
    assert (updated.success, updated.id) == (True, merged)
    assert (consumer.get_contact(merged).contact or {})["firstname"] == "Ana Bea"


@pytest.mark.parametrize("delete", ["archive", "gdpr"])
def test_a_merged_record_cannot_be_deleted_by_a_former_id(
    hubspot: HubSpotDouble, connect: Connect, delete: str
) -> None:
    """Others are paired with the record that came of it, and HubSpot would take the id for that one's."""
    consumer = connect(delete=delete)
    ana, bea = (str(consumer.create_contact({"email": f"{name}@example.com"}).id) for name in ("ana", "bea"))
    merged = str(hubspot.portal.merge(ana, bea).id)
    assert consumer.delete_contact(ana).not_found
    assert consumer.archive_contact(bea).not_found
    assert consumer.get_contact(merged).success


def test_a_delete_archives_and_what_is_archived_is_gone(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    id = str(consumer.create_contact({"email": "ana@example.com"}).id)
    assert consumer.delete_contact(id).success
    assert hubspot.portal.contacts[int(id)].archived is not None
    assert consumer.get_contact(id).not_found
    assert consumer.update_contact({"id": id, "firstname": "Ana"}).not_found
    assert consumer.delete_contact(id).not_found


def test_a_delete_may_erase_for_good_while_archiving_still_archives(hubspot: HubSpotDouble, connect: Connect) -> None:
    consumer = connect(delete="gdpr")
    erased, archived = (str(consumer.create_contact({"firstname": name}).id) for name in ("Ana", "Bea"))
    assert consumer.delete_contact(erased).success
    assert consumer.archive_contact(archived).success
    assert list(hubspot.portal.contacts) == [int(archived)]


def test_an_id_that_is_no_number_is_nobodys_and_makes_no_call(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    """Also one that HubSpot would read as another number."""
    id = str(consumer.create_contact({"email": "ana@example.com"}).id)
    hubspot.calls.clear()
    for other in (f"0{id}", f"+{id}", f" {id}", f"{id}.0", "٣", "1" * 20):
        assert consumer.get_contact(other).not_found
        assert consumer.update_contact({"id": other, "firstname": "Eve"}).not_found
        assert consumer.delete_contact(other).not_found
    assert hubspot.calls == []


def test_pages_are_read_by_number_and_walked_by_cursor(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    ids = [str(hubspot.portal.create({"firstname": f"{n}"}).id) for n in range(250)]
    pages = list(consumer.iter_contacts(1000))
    assert [len(page.contacts or ()) for page in pages] == [100, 100, 50]
    assert [contact["id"] for page in pages for contact in page.contacts or ()] == ids
    assert [one["id"] for one in consumer.list_contacts(3, 100).contacts or ()] == ids[200:]
    assert consumer.list_contacts(4, 100).contacts == []
    assert not consumer.list_contacts(0).success
    assert [page.success for page in consumer.iter_contacts(0)] == [False]
