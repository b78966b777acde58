"""What HubSpot, Slack and the recommended payload of Standard Webhooks tell of."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.external_webhooks import (
    Challenge,
    ExternalEvent,
    ExternalRequest,
    Reader,
    Unreadable,
    read_hubspot,
    read_slack,
    read_standard,
)
from contact_sync.external_webhooks.request import gathered
from tests.external_webhooks.helpers import PORTAL, hubspot_event


def read(reader: Reader, body: object) -> list[tuple[Any, ...]]:
    """What a reader gives, as (kind, id, into, account)."""
    said = reader(ExternalRequest({}, json.dumps(body).encode()))
    assert not isinstance(said, Challenge)
    return [(event.kind, event.id, event.into, event.account) for event in said]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
hubspots = st.fixed_dictionaries(
    {},
    optional={
        "subscriptionType": st.sampled_from(["contact.creation", "contact.merge", "object.merge", "contact."])
        | anything,
        "objectTypeId": st.just("0-1") | anything,
        "objectId": anything,
        "occurredAt": st.just(10**400) | anything,
        "primaryObjectId": anything,
        "mergedObjectIds": anything,
        "newObjectId": anything,
        "portalId": anything,
    },
)
others = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["contact.merged", "url_verification", "app_rate_limited"]) | anything,
        "data": anything,
        "challenge": anything,
        "team_id": anything,
        "event": st.fixed_dictionaries({"type": st.just("user_change"), "user": anything | hubspots}) | anything,
    },
)


@given(st.lists(hubspots | anything, max_size=4) | others | anything)
def test_whatever_a_body_holds_it_is_read_or_it_is_unreadable(body: Any) -> None:
    request = ExternalRequest({}, json.dumps(body).encode())
    for reader in (read_hubspot, read_slack, read_standard):
        try:
            said = reader(request)
            assert isinstance(said, Challenge) or isinstance(gathered(said), list)
        except Unreadable:
            continue


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("contact.creation", "created"),
        ("contact.propertyChange", "updated"),
        ("contact.deletion", "deleted"),
        ("contact.privacyDeletion", "deleted"),
        ("contact.restore", "restored"),
        ("object.creation", "created"),
        ("object.propertyChange", "updated"),
        ("object.deletion", "deleted"),
        ("object.restore", "restored"),
    ],
)
def test_hubspots_events_of_contacts_in_either_form(what: str, kind: str) -> None:
    event = hubspot_event(what, 123, objectTypeId="0-1")
    assert read(read_hubspot, [event]) == [(kind, 123, None, str(PORTAL))]
    assert read(read_hubspot, event) == [(kind, 123, None, str(PORTAL))]


@pytest.mark.parametrize(
    "event",
    [
        hubspot_event("deal.creation", 1),
        hubspot_event("object.creation", 1, objectTypeId="0-3"),
        hubspot_event("object.creation", 1),
        hubspot_event("contact.associationChange", 1),
        hubspot_event("conversation.creation", 1),
        hubspot_event("contact", 1),
        {"objectId": 1},
        {"subscriptionType": None},
        {},
        5,
        None,
        ["contact.creation"],
    ],
)
def test_what_hubspot_tells_of_others_is_left_out(event: Any) -> None:
    assert read(read_hubspot, [event]) == []


def test_a_merger_at_hubspot() -> None:
    """Of several into one."""
    event = hubspot_event("contact.merge", 9, primaryObjectId=1, mergedObjectIds=[2, 3], newObjectId=1)
    account = str(PORTAL)
    assert read(read_hubspot, [event]) == [
        ("merged", 2, 1, account),
        ("merged", 3, 1, account),
    ]


def test_a_merger_at_hubspot_that_names_no_losers_is_a_change_of_the_winner() -> None:
    event = hubspot_event("contact.merge", 1, primaryObjectId=1, newObjectId=1)
    assert read(read_hubspot, [event]) == [("updated", 1, None, str(PORTAL))]


def test_a_merger_that_makes_a_record_of_its_own() -> None:
    event = hubspot_event("object.merge", 9, objectTypeId="0-1", primaryObjectId=1, mergedObjectIds=[2], newObjectId=9)
    assert [(kind, id, into) for kind, id, into, _ in read(read_hubspot, [event])] == [
        ("merged", 2, 9),
        ("merged", 1, 9),
    ]


def test_mergers_at_hubspot_come_before_what_else_is_told() -> None:
    merger = hubspot_event("contact.merge", 9, primaryObjectId=1, newObjectId=9, occurredAt=2)
    told = [hubspot_event("contact.creation", 9, occurredAt=1), merger]
    assert [(kind, id) for kind, id, *_ in read(read_hubspot, told)] == [("merged", 1), ("created", 9)]


def test_hubspots_events_are_put_in_the_order_in_which_they_happened() -> None:
    events = [
        hubspot_event("contact.restore", 1, occurredAt=3),
        hubspot_event("contact.deletion", 1, occurredAt=2),
        hubspot_event("contact.propertyChange", 1, occurredAt=1),
        hubspot_event("contact.creation", 1, occurredAt="soon"),
    ]
    assert [kind for kind, *_ in read(read_hubspot, events)] == ["created", "updated", "deleted", "restored"]


def test_slacks_events_of_members() -> None:
    """Who is deactivated counts as deleted."""

    def told(event: dict[str, Any], **more: Any) -> list[tuple[Any, ...]]:
        return read(read_slack, {"type": "event_callback", "team_id": "T1", "event": event, **more})

    user = {"id": "U1", "team_id": "T1", "deleted": False}
    assert told({"type": "team_join", "user": user}) == [("created", "U1", None, "T1")]
    assert told({"type": "user_change", "user": user}) == [("updated", "U1", None, "T1")]
    assert told({"type": "user_change", "user": {**user, "deleted": True}}) == [("deleted", "U1", None, "T1")]
    assert told({"type": "user_change", "user": user}, team_id=None) == [("updated", "U1", None, None)]
    assert told({"type": "message", "user": "U1"}) == []
    assert told({"type": "reaction_added", "user": user}) == []
    assert read(read_slack, {"type": "event_callback", "event": None}) == []


def test_slacks_word_that_it_holds_events_back_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert read(read_slack, {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1518467820}) == []
    assert "app_rate_limited" in caplog.text


def test_the_payload_that_standard_webhooks_recommends() -> None:
    """What it tells of stands in `data`, or beside the type."""
    for what in ("created", "updated", "deleted", "restored"):
        body = {"type": f"contact.{what}", "timestamp": "2022-11-03T20:26:10.344522Z", "data": {"id": "1f81eb52"}}
        assert read(read_standard, body) == [(what, "1f81eb52", None, None)]
    assert read(read_standard, {"type": "contact.updated", "id": 5}) == [("updated", 5, None, None)]
    assert read(read_standard, {"type": "contact.merged", "data": {"id": 5, "into": 6}}) == [("merged", 5, 6, None)]


def test_the_news_of_a_record_are_one_unless_something_else_stands_between() -> None:
    def events(*told: tuple[Any, Any]) -> list[tuple[str, Any]]:
        return [(event.kind, event.id) for event in gathered(ExternalEvent(kind, id) for kind, id in told)]

    assert events(("updated", 1), ("created", 1), ("updated", "1")) == [("created", 1)]
    assert events(("updated", 1), ("updated", 2), ("updated", 1)) == [("updated", 1), ("updated", 2)]
    assert events(("updated", 1), ("deleted", 1), ("updated", 1)) == [("updated", 1), ("deleted", 1), ("updated", 1)]
    assert events(("deleted", 1), ("deleted", 1)) == [("deleted", 1), ("deleted", 1)]


def test_what_is_told_whole_is_not_made_one_and_accounts_are_apart() -> None:
    told = [ExternalEvent("updated", 1, {"a": 1}), ExternalEvent("updated", 1, {"a": 2}), ExternalEvent("updated", 1)]
    assert gathered(told) == told
    told = [ExternalEvent("updated", 1, account="a"), ExternalEvent("updated", 1, account="b")]
    assert gathered(told) == told
