"""How contacts are found: by addresses and unique values at once, by other values once the search knows."""

from __future__ import annotations

import pytest

from contact_sync.consumers.hubspot import HubSpotConsumer

from .conftest import Connect
from .double import HubSpotDouble


def test_an_address_is_found_at_once_while_the_search_lags(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    hubspot.portal.lagging = True
    id = consumer.create_contact({"email": "ana@example.com", "company": "Acme"}).id
    assert consumer.get_contact_by_email("ANA@example.com").id == id
    assert consumer.find_contact("email", "ana@example.com").id == id
    assert consumer.find_contact("company", "Acme").not_found
    hubspot.portal.catch_up()
    assert consumer.find_contact("company", "Acme").id == id


def test_a_further_address_finds_its_contact(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """Such as one that came from a merged record."""
    ana, bea = (str(consumer.create_contact({"email": f"{name}@example.com"}).id) for name in ("ana", "bea"))
    merged = str(hubspot.portal.merge(ana, bea).id)
    for address in ("ana@example.com", "bea@example.com"):
        found = consumer.get_contact_by_email(address)
        assert (found.id, (found.contact or {})["email"]) == (merged, "ana@example.com")
        assert "hs_additional_emails" not in (found.contact or {})
    refused = consumer.create_contact({"email": "bea@example.com"})
    assert (refused.success, refused.id) == (False, merged)


def test_a_record_that_does_not_have_the_address_is_dropped(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else HubSpot may take an address for."""
    contact = hubspot.portal.create({"email": "ana@example.com"})
    contact.properties["hs_additional_emails"] = "other@example.com"
    assert consumer.get_contact_by_email("other@example.com").success
    monkeypatch.setattr(hubspot.portal, "by_address", lambda _: contact)
    assert consumer.get_contact_by_email("bea@example.com").not_found


def test_what_is_no_address_is_nobodys_and_makes_no_call(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    for text in ("", "ana", "ana@", "@", "a b@example.com", "x" * 400 + "@example.com"):
        assert consumer.get_contact_by_email(text).not_found
        assert consumer.find_contact("email", text).not_found
    assert hubspot.calls == []


def test_a_unique_value_is_found_at_once_if_it_is_declared(hubspot: HubSpotDouble, connect: Connect) -> None:
    hubspot.portal.lagging = True
    consumer = connect(unique_keys=("email", "customer_no"))
    id = consumer.create_contact({"email": "ana@example.com", "customer_no": "K/17 #2"}).id
    assert consumer.find_contact("customer_no", "K/17 #2").id == id
    assert consumer.find_contact("customer_no", "K/17").not_found
    assert consumer.find_contact("customer_no", "..").not_found
    assert [call.method for call in hubspot.calls] == ["POST", "GET", "GET"]


def test_all_that_have_a_value_are_given_and_none_that_has_more(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    for n in range(205):
        hubspot.portal.create({"firstname": f"{n}", "company": "Acme"})
    hubspot.portal.create({"firstname": "Eve", "company": "Acme Ltd"})
    found = consumer.find_contact("company", "acme")
    assert len(found.contacts or ()) == 205
    assert {contact["company"] for contact in found.contacts or ()} == {"Acme"}
    assert hubspot.paths() == ["POST /search"] * 2


def test_a_phone_number_is_found_however_it_is_written_where_hubspot_can_read_it(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    id = consumer.create_contact({"firstname": "Ana", "phone": "06 12 34 56 78"}).id
    assert consumer.find_contact("phone", "+33612345678").id == id
    assert consumer.find_contact("phone", "06 12 34 56 78").id == id
    assert consumer.find_contact("phone", "+33612345679").not_found


def test_an_id_finds_its_record(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    id = str(consumer.create_contact({"email": "ana@example.com"}).id)
    assert consumer.find_contact("id", id).id == id


def test_a_property_that_the_account_does_not_have_cannot_be_searched(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    """It is a failure, and not as if nobody had that value."""
    found = consumer.find_contact("favourite_colour", "green")
    assert found.error == ("HubSpot refuses this (HTTP 400, VALIDATION_ERROR); favourite_colour: PROPERTY_DOESNT_EXIST")
