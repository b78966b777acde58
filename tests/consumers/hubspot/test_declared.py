"""What the consumer is told and tells: arguments, properties, and the fields of an account."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumer import CRMField, ask
from contact_sync.consumers.auth import BearerAuth
from contact_sync.consumers.hubspot import READ_ONLY_PROPERTIES, HubSpotConsumer, fields_of
from contact_sync.errors import ConfigurationError, ContactSyncError
from mappers import Mapper, Mapping

from .conftest import Connect
from .double import TOKEN, HubSpotDouble

ROWS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", match=True),
    Mapping("firstname", "firstname"),
    Mapping("fullname", "firstname", direction="to_botmatic"),
]


def test_a_mapping_names_the_properties_that_it_needs() -> None:
    assert fields_of(Mapper(ROWS[:3])) == fields_of(ROWS) == ["email", "firstname"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "give either a token or an auth"),
        ({"token": TOKEN, "auth": BearerAuth("other")}, "give either a token or an auth"),
        ({"token": "two words"}, "token"),
        ({"token": TOKEN, "properties": []}, "properties: none"),
        ({"token": TOKEN, "properties": ["id"]}, "properties: none"),
        ({"token": TOKEN, "properties": "email"}, "properties: expected"),
        ({"token": TOKEN, "properties": ["e,mail"]}, "properties: a name"),
        ({"token": TOKEN, "properties": [None]}, "properties: a name"),
        ({"token": TOKEN, "version": "v2"}, "version"),
        ({"token": TOKEN, "version": "../v3"}, "version"),
        ({"token": TOKEN, "delete": "erase"}, "delete"),
        ({"token": TOKEN, "base_url": "api.hubapi.com"}, "base_url"),
    ],
)
def test_a_wrong_argument_is_named_and_no_token_shown(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        HubSpotConsumer(**{"properties": ["email"], **arguments})
    assert said in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_a_consumer_does_not_show_its_token(consumer: HubSpotConsumer) -> None:
    assert TOKEN not in repr(consumer)


def test_the_fields_of_an_account_are_told(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    fields = {field.name: field for field in consumer.list_fields()}
    assert fields["id"] == CRMField("id", "string", read_only=True, unique=True, label="Record ID")
    assert fields["email"] == CRMField("email", "string", unique=True, label="Email")
    assert fields["born_on"] == CRMField("born_on", "date", label="Born on")
    assert fields["customer_no"] == CRMField("customer_no", "string", unique=True, label="Customer number")
    assert [fields[name].read_only for name in ("createdate", "score_twice", "hs_lead_status")] == [True, True, False]


def test_what_is_known_to_be_read_only_is_what_hubspot_refuses(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    assert consumer.read_only_fields == READ_ONLY_PROPERTIES
    refused = [field.name for field in consumer.list_fields() if field.read_only and field.name in READ_ONLY_PROPERTIES]
    assert "createdate" in refused
    for name in refused:
        result = ask(consumer, "create_contact", {"firstname": "Ana", name: "1"})
        assert result.error == f"HubSpot refuses this (HTTP 400, VALIDATION_ERROR); {name}: READ_ONLY_VALUE"


def test_fields_that_cannot_be_told_say_which_scope_is_missing(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    hubspot.scopes = set()
    with pytest.raises(ContactSyncError, match=r"crm\.objects\.contacts\.read"):
        consumer.list_fields()


def test_fields_that_cannot_be_told_for_now_raise_what_may_be_tried_again(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    hubspot.answer_next("429_ten_secondly")
    result = ask(consumer, "list_fields")
    assert result.retryable


def test_a_dated_version_has_paths_of_its_own(hubspot: HubSpotDouble, connect: Connect) -> None:
    consumer = connect(version="2026-03")
    id = str(consumer.create_contact({"email": "ana@example.com"}).id)
    assert consumer.get_contact(id).success
    assert consumer.find_contact("email", "ana@example.com").id == id
    assert consumer.update_contacts([{"id": id, "firstname": "Ana"}, {"id": "1", "firstname": "Bea"}])
    assert [one["id"] for page in consumer.iter_contacts() for one in page.contacts or ()] == [id]
    assert len(consumer.list_fields()) > 1
    assert consumer.delete_contact(id).success
    assert {call.version for call in hubspot.calls} == {"2026-03"}
