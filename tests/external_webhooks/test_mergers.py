"""Records that have become one. CRMs tell of it in various ways, and of the former records as deleted besides."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from contact_sync.consumer import ResultLike
from contact_sync.delivery.inbox import Inbox
from contact_sync.testing import MemoryConsumer
from tests.delivery.test_through_the_webhook import settle
from tests.external_webhooks.helpers import (
    ANA,
    KEYS,
    CrmWorld,
    crm_world,
    hubspot_event,
    hubspot_webhooks,
    paired,
)
from tests.sync.helpers import INSTALLATION, crm_with

BOB = {"ref": "e2", "email_address": "bob@example.org", "first_name": "Bob"}


class Leading(MemoryConsumer):
    """A CRM that leads from the ids of former records to the one that they are a part of."""

    def __init__(self, *records: dict[str, Any]) -> None:
        super().__init__(records, id_field="ref", email_field="email_address")
        self._parts: dict[str, str] = {}

    def get_contact(self, id: str) -> ResultLike:
        return super().get_contact(self._parts.get(id, id))

    def merge(self, winner: str, *losers: str) -> None:
        """Make one record of several: of the winner's, or a new one with what the first loser has."""
        first = self._records[winner if winner in self._records else losers[0]]
        self._keep({**copy.deepcopy(first), "ref": winner}, winner)
        for loser in losers:
            del self._records[loser]
            self._parts[loser] = winner


@pytest.mark.parametrize("what", ["deleted", "updated"])
def test_a_record_that_lives_on_as_another_one_was_merged(what: str) -> None:
    """Some CRMs lead from the id of a merged record to the winner, and tell of the loser as of any other."""
    records = Leading(ANA, BOB)
    crm = crm_world(crm=records)
    crm.tell("created")
    records.merge("e2", "e1")
    said = crm.tell(what)
    assert said["success"], said
    assert paired(crm, "e2") == "501"
    assert list(crm.contacts) == ["501"]


def test_a_merged_record_leaves_its_contact_to_the_winner() -> None:
    crm = crm_world(crm=crm_with(ANA, {"ref": "e2", "email_address": "a@example.org"}))
    crm.tell("created", "e1")
    assert crm.tell("merged", "e1", into="e2") == {"success": True, "id": "501", "action": "updated"}
    assert paired(crm, "e2") == "501"
    assert crm.tell("deleted", "e1")["action"] == "skipped"
    assert crm.tell("restored", "e1")["action"] == "skipped"
    assert list(crm.contacts) == ["501"]


def test_a_merger_into_nothing_is_a_failure(crm: CrmWorld) -> None:
    assert "merged into" in crm.tell("merged")["error"]


def test_a_merger_of_records_without_a_contact_makes_none() -> None:
    """Until there is news of the winner."""
    records = Leading(ANA, BOB)
    crm = crm_world(crm=records)
    records.merge("e2", "e1")
    assert crm.tell("merged", "e1", into="e2")["action"] == "unchanged"
    assert crm.contacts == {}
    assert crm.tell("updated", "e2")["action"] == "created"


def test_the_winner_of_a_merger_that_cannot_be_read_is_read_when_it_is_told_again() -> None:
    records = Leading(ANA, BOB)
    crm = crm_world(crm=records)
    crm.tell("created")
    records.merge("e2", "e1")
    records.update_contact({"ref": "e2", "first_name": "Bea"})
    records.fail_next(ConnectionError(), "get_contact")
    assert crm.post({"type": "contact.merged", "data": {"id": "e1", "into": "e2"}}).status_code == 503
    assert crm.tell("merged", "e1", into="e2")["success"]
    assert crm.contacts == {"501": {"email": "bob@example.org", "firstname": "Bea"}}


# HubSpot: a merger tells of each record that it has ended as deleted, too


def hubspot_tells(winner: str, losers: Sequence[str]) -> list[dict[str, Any]]:
    """What HubSpot tells of a merger: first the merger, then the deletions."""
    ids = {"primaryObjectId": "e1", "mergedObjectIds": ["e2"], "newObjectId": winner}
    merger = hubspot_event("contact.merge", winner, **ids)
    return [merger, *(hubspot_event("contact.deletion", loser) for loser in losers)]


def in_every_order(winner: str, losers: Sequence[str]) -> list[Any]:
    told = itertools.permutations(hubspot_tells(winner, losers))
    return [pytest.param(winner, losers, list(events), id=_named(events)) for events in told]


def _named(events: Sequence[dict[str, Any]]) -> str:
    return "-".join(f"{event['subscriptionType'].removeprefix('contact.')}-{event['objectId']}" for event in events)


MERGERS = in_every_order("e3", ["e1", "e2"]) + in_every_order("e1", ["e2"])


@pytest.mark.parametrize("at_once", [True, False], ids=["one-request", "several"])
@pytest.mark.parametrize("paired_before", ["e1", "e2"])
@pytest.mark.parametrize(("winner", "losers", "events"), MERGERS)
def test_a_merger_at_hubspot_keeps_the_contact_and_gives_it_to_the_winner(
    winner: str, losers: list[str], events: list[dict[str, Any]], paired_before: str, at_once: bool
) -> None:
    """Whether the news of the deletions come before that of the merger or after, whether the winner is new, and
    whichever of the records had a contact."""
    records = Leading(ANA, BOB)
    crm = crm_world(hubspot_webhooks(), crm=records)
    assert crm.hubspot([hubspot_event("contact.creation", paired_before)]).status_code == 200
    records.merge(winner, *losers)
    for request in [events] if at_once else [[event] for event in events]:
        answer = crm.hubspot(request)
        assert (answer.status_code, answer.get_json()["success"]) == (200, True), answer.get_json()
    assert list(crm.contacts) == ["501"]
    assert paired(crm, winner) == "501"
    assert "delete_contact" not in crm.world.platform.calls
    assert crm.contacts["501"]["firstname"] == records.records[winner]["first_name"]
    records.update_contact({"ref": winner, "first_name": "Cleo"})
    crm.hubspot([hubspot_event("contact.propertyChange", winner)])
    assert crm.contacts["501"]["firstname"] == "Cleo"


def test_what_hubspot_tells_of_the_winner_with_a_merger_makes_no_contact_beside_the_losers() -> None:
    """Though that comes first."""
    records = Leading(ANA, BOB)
    crm = crm_world(hubspot_webhooks(), crm=records)
    crm.hubspot([hubspot_event("contact.creation", "e2")])
    records.merge("e3", "e1", "e2")
    news = [hubspot_event(f"contact.{what}", "e3", occurredAt=1) for what in ("creation", "propertyChange")]
    assert crm.hubspot([*news, *hubspot_tells("e3", ["e1", "e2"])]).get_json()["success"]
    assert list(crm.contacts) == ["501"]
    assert paired(crm, "e3") == "501"


@pytest.mark.parametrize(("winner", "losers", "events"), MERGERS)
def test_where_both_had_a_contact_the_winner_has_one_and_none_is_deleted(
    winner: str, losers: list[str], events: list[dict[str, Any]]
) -> None:
    """The other one stays, and is not synced any more."""
    records = Leading(ANA, BOB)
    crm = crm_world(hubspot_webhooks(), crm=records)
    crm.hubspot([hubspot_event("contact.creation", id) for id in ("e1", "e2")])
    records.merge(winner, *losers)
    for event in events:
        assert crm.hubspot([event]).status_code == 200
    assert list(crm.contacts) == ["501", "502"]
    assert paired(crm, winner) in crm.contacts
    assert [crm.world.store.get_botmatic_id(INSTALLATION, loser) for loser in losers] == [None] * len(losers)
    assert "delete_contact" not in crm.world.platform.calls


@pytest.mark.parametrize("paired_before", ["e1", "e2"])
@pytest.mark.parametrize("way", [1, -1], ids=["merger-first", "deletions-first"])
def test_a_merger_comes_through_the_storage_in_either_order(inbox: Inbox, way: int, paired_before: str) -> None:
    """Where events of different records are applied side by side."""
    records = Leading(ANA, BOB)
    crm = crm_world(hubspot_webhooks(), crm=records, delivery=inbox, secret_keys=KEYS)
    crm.hubspot([hubspot_event("contact.creation", paired_before)])
    settle(crm.world.sync)
    records.merge("e3", "e1", "e2")
    events = hubspot_tells("e3", ["e1", "e2"])
    for event in events[::way]:
        crm.hubspot([event])
        settle(crm.world.sync)
    assert list(crm.contacts) == ["501"]
    assert paired(crm, "e3") == "501"
    assert crm.contacts["501"]["firstname"] == records.records["e3"]["first_name"]
    assert inbox.failed() == []
