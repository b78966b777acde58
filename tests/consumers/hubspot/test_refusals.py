"""What HubSpot's errors become: for now or for good, named so that it can be mended, and never with a value in them."""

from __future__ import annotations

import json
import time

import pytest
import requests

from contact_sync.consumer import ask, ask_many
from contact_sync.consumers.http import UnreadableAnswer
from contact_sync.consumers.hubspot import HubSpotConsumer

from .conftest import Connect
from .double import EXPIRED, READ, TOKEN, HubSpotDouble

ANA = {"email": "ana@example.com", "firstname": "Ana"}


@pytest.mark.parametrize(
    ("answer", "headers", "seconds"),
    [
        ("429_ten_secondly", {}, 10),
        ("429_ten_secondly", {"Retry-After": "3"}, 3),
        ("429_secondly", {}, 1),
        ("423_locked", {}, 2),
        ("423_locked", {"Retry-After": "5"}, 5),
        ("477_moving", {}, 3600),
    ],
)
def test_what_passes_is_retryable_and_says_when(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, answer: str, headers: dict[str, str], seconds: float
) -> None:
    hubspot.answer_next(answer, headers=headers)
    result = ask(consumer, "create_contact", ANA)
    assert (result.success, result.retryable, result.retry_after, result.in_doubt) == (False, True, seconds, False)


def test_after_the_daily_limit_it_is_tried_at_the_next_hour(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """It ends at midnight of the account's time zone, which HubSpot does not tell."""
    hubspot.answer_next("429_daily")
    result = ask(consumer, "get_contact", "1")
    assert (result.retryable, "daily limit" in str(result.error)) == (True, True)
    at = time.time() + (result.retry_after or 0)
    assert abs(at - round(at / 3600) * 3600) < 60


def test_the_limit_of_ten_seconds_is_kept_by_the_double(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    hubspot.calls_left = 1
    assert consumer.create_contact(ANA).success
    assert consumer.get_contact("1").retry_after == 10


def test_a_budget_keeps_the_calls_below_the_limit(connect: Connect) -> None:
    """By default it is the least that every account takes."""
    assert HubSpotConsumer(TOKEN, properties=["email"]).rate_budget is not None
    budget = HubSpotConsumer(TOKEN, properties=["email"]).rate_budget
    assert budget is not None
    assert (budget.calls, budget.per) == (100, 10)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (EXPIRED, "HubSpot's token has expired (HTTP 401); give the consumer an auth that renews it"),
        ("unknown", "HubSpot does not take the token (HTTP 401)"),
    ],
)
def test_a_refused_token_is_a_failure_for_good_that_does_not_show_it(connect: Connect, token: str, said: str) -> None:
    result = ask(connect(token=token), "create_contact", ANA)
    assert str(result.error).startswith(said)
    assert (result.retryable, token in str(result.error).split()) == (False, False)


def test_a_missing_scope_is_named(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    hubspot.scopes = {READ}
    said = "the token lacks a scope (HTTP 403); HubSpot asks for crm.objects.contacts.write"
    assert ask(consumer, "create_contact", ANA).error == said
    assert consumer.get_contact("1").not_found
    hubspot.answer_next("403_scopes_in_context", scope="crm.objects.contacts.write")
    assert ask(consumer, "create_contact", ANA).error == said
    hubspot.answer_next("403_scopes_in_context", scope="Ana <ana@example.com>")
    assert "ana@example.com" not in str(ask(consumer, "create_contact", ANA).error)


def test_what_is_wrong_with_a_contact_names_properties_and_never_values(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    contact = {"email": "no-address", "points": "secret-points", "createdate": "2020-01-01", "colour": "secret-green"}
    result = ask(consumer, "create_contact", contact)
    assert result.error == (
        "HubSpot refuses this (HTTP 400, VALIDATION_ERROR); colour: PROPERTY_DOESNT_EXIST; "
        "createdate: READ_ONLY_VALUE; email: INVALID_EMAIL; points: INVALID_NUMBER"
    )


def test_properties_are_read_out_of_a_message_where_hubspot_lists_them_nowhere_else(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    listed = [{"isValid": False, "message": "x", "error": "INVALID_EMAIL", "name": "email"}, {"name": "somebody"}, 7]
    for message in (f"Property values were not valid: {json.dumps(listed)}", "not valid: [{broken]", "[{}] [{]"):
        hubspot.answer_next("400_validation", message=message, errors=[])
    said = [ask(consumer, "create_contact", ANA).error for _ in range(3)]
    plain = "HubSpot refuses this (HTTP 400, VALIDATION_ERROR)"
    assert said == [f"{plain}; email: INVALID_EMAIL", plain, plain]


@pytest.mark.parametrize("category", ["RATE_LIMITS", "INTERNAL_ERROR"])
def test_what_a_batch_says_of_the_moment_is_retryable_for_its_contact(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, category: str
) -> None:
    entry = {"status": "error", "category": category, "message": "x", "context": {"objectWriteTraceId": ["0"]}}
    hubspot.say_next(207, {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [entry]})
    (result,) = ask_many(consumer, "create_contacts", [ANA])
    assert (result.success, result.retryable, result.retry_after) == (False, True, 10)


def test_a_refusal_that_says_nothing_is_a_failure_that_says_where_to_look(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    said = {
        400: "HubSpot refuses this (HTTP 400)",
        403: "HubSpot refuses this to the token (HTTP 403); check the scopes of its app or key",
        404: "HubSpot does not know this address (HTTP 404); check base_url and version",
        414: "HubSpot refuses this (HTTP 414)",
    }
    for status, error in said.items():
        bodies: list[object] = [None, "<html>", [], {"category": 7, "errors": 7, "message": None, "context": []}]
        for body in bodies:
            hubspot.say_next(status, body)
            assert ask(consumer, "create_contact", ANA).error == error


def test_a_failed_hubspot_leaves_a_create_in_doubt(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    for status in (500, 502, 503, 504, 524):
        hubspot.say_next(status, "<html>")
        result = ask(consumer, "create_contact", ANA)
        assert (result.retryable, result.in_doubt) == (True, True)


@pytest.mark.parametrize("body", [[], {}, {"results": {}}, {"results": [7]}, {"results": [{"id": "x"}]}])
def test_an_answer_that_cannot_be_read_is_a_failure_and_never_an_empty_one(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, body: object
) -> None:
    hubspot.say_next(200, body, 3)
    results = [
        ask(consumer, "list_contacts"),
        ask(consumer, "find_contact", "company", "Acme"),
        ask_many(consumer, "create_contacts", [ANA])[0],
    ]
    for result in results:
        assert (result.success, result.not_found) == (False, False)
        assert str(result.error).startswith("HubSpot's answer")


def test_an_answer_without_properties_is_not_an_account_without_any(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    hubspot.say_next(200, {})
    with pytest.raises(UnreadableAnswer):
        consumer.list_fields()


def test_the_entity_of_a_created_contact_may_be_wrapped(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """As the description of v3 has it; and an id may be a number."""
    entity = {"id": 17, "properties": {"email": "ana@example.com"}}
    hubspot.say_next(201, {"createdResourceId": "17", "entity": entity, "location": "x"})
    assert consumer.create_contact(ANA).contact == {"id": "17", "email": "ana@example.com"}


def test_an_update_to_an_address_that_is_taken_names_the_other_record(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    ana = consumer.create_contact(ANA)
    bea = consumer.create_contact({"email": "bea@example.com"})
    result = consumer.update_contact({"id": bea.id, "email": "ana@example.com"})
    assert (result.success, result.id, "ana@" in str(result.error)) == (False, ana.id, False)


def test_an_address_below_which_there_is_no_hubspot_is_no_missing_record(
    hubspot: HubSpotDouble, connect: Connect
) -> None:
    consumer = connect(base_url=f"{hubspot.url}/elsewhere")
    for method, given in (("get_contact", "1"), ("delete_contact", "1"), ("get_contact_by_email", "ana@example.com")):
        result = ask(consumer, method, given)
        assert result.error == "HubSpot does not know this address (HTTP 404); check base_url and version"


def test_an_authorization_is_renewed_when_its_token_has_run_out(hubspot: HubSpotDouble, connect: Connect) -> None:
    class Renewing(requests.auth.AuthBase):
        token = EXPIRED

        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {self.token}"
            return request

        def renew(self, refused: requests.PreparedRequest) -> bool:
            self.token = TOKEN
            return True

    assert connect(auth=Renewing()).create_contact(ANA).success
