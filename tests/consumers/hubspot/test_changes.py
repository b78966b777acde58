"""What has changed since a cursor: everything at first, then what was modified, by HubSpot's own clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from contact_sync.consumer import Changes, CursorExpired, changes, pages
from contact_sync.consumers.hubspot import HubSpotConsumer
from contact_sync.results import Result

from .conftest import Connect
from .double import HubSpotDouble


@dataclass
class Walk:
    """What a walk told."""

    cursors: list[str] = field(default_factory=list)
    contacts: list[Any] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    failure: Result | None = None

    @property
    def ids(self) -> list[str]:
        return [contact["id"] for contact in self.contacts]


def walk(consumer: HubSpotConsumer, cursor: str | None, pages: int | None = None) -> Walk:
    """Walk from a cursor on, for so many pages at the most."""
    told = Walk()
    for page in changes(consumer, cursor):
        if isinstance(page, Changes):
            told.cursors.append(page.cursor)
            told.contacts += page.contacts
            told.merged += page.merged
        else:
            told.failure = page
        if len(told.cursors) == pages:
            break
    return told


def test_first_everything_then_what_was_modified(hubspot: HubSpotDouble, connect: Connect) -> None:
    consumer = connect(index_lag=0)
    ana, bea = (str(hubspot.portal.create({"firstname": name}).id) for name in ("Ana", "Bea"))
    hubspot.portal.wait(60)
    first = walk(consumer, None)
    assert first.ids == [ana, bea]
    hubspot.portal.wait(60)
    assert walk(consumer, first.cursors[-1]).ids == []
    hubspot.portal.update(bea, {"firstname": "Beatrice"})
    cleo = str(hubspot.portal.create({"firstname": "Cleo"}).id)
    told = walk(consumer, first.cursors[-1])
    assert [(one["id"], one["firstname"]) for one in told.contacts] == [(bea, "Beatrice"), (cleo, "Cleo")]
    assert "hs_merged_object_ids" not in told.contacts[0]


def test_a_change_that_the_search_learns_of_late_is_not_missed(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    """A walk reaches back as far as the search may lag."""
    id = str(hubspot.portal.create({"firstname": "Ana"}).id)
    hubspot.portal.wait(3600)
    cursor = walk(consumer, None).cursors[-1]
    hubspot.portal.catch_up()
    hubspot.portal.lagging = True
    hubspot.portal.update(id, {"firstname": "Ann"})
    hubspot.portal.wait(60)
    missed = walk(consumer, cursor)
    assert missed.ids == []
    hubspot.portal.catch_up()
    hubspot.portal.wait(60)
    assert walk(consumer, missed.cursors[-1]).ids == [id]


def test_times_are_those_of_hubspots_clock(hubspot: HubSpotDouble, connect: Connect) -> None:
    """However far ours is away from it."""
    hubspot.portal.wait(-86_400)
    consumer = connect(index_lag=0)
    cursor = walk(consumer, None).cursors[-1]
    hubspot.portal.wait(60)
    id = str(hubspot.portal.create({"firstname": "Ana"}).id)
    assert walk(consumer, cursor).ids == [id]


def test_without_a_time_of_hubspot_its_own_clock_has_to_do(hubspot: HubSpotDouble, connect: Connect) -> None:
    hubspot.say_next(200, {"results": []}, headers={"Date": "never"})
    before = int(time.time() * 1000)
    cursor = walk(connect(index_lag=0), None).cursors[-1]
    assert before <= int(cursor) <= int(time.time() * 1000)


def test_a_walk_goes_on_beyond_what_one_search_gives(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """A search has an end, with HubSpot at 10,000, and an import may change more than that in one moment."""
    hubspot.portal.search_window = 400
    cursor = walk(consumer, None).cursors[-1]
    moment = hubspot.portal.now
    for n in range(650):
        contact = hubspot.portal.create({"firstname": f"{n}"})
        contact.created = contact.modified = moment
    told = walk(consumer, cursor)
    assert (len(told.ids), len(set(told.ids)), told.failure) == (650, 650, None)


@pytest.mark.parametrize("full", [True, False])
def test_a_walk_that_ends_half_way_goes_on_from_its_last_page(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, full: bool
) -> None:
    start = None if full else walk(consumer, None).cursors[-1]
    ids = [str(hubspot.portal.create({"firstname": f"{n}"}).id) for n in range(450)]
    begun = walk(consumer, start, pages=2)
    rest = walk(consumer, begun.cursors[-1])
    assert begun.ids + rest.ids == ids
    assert rest.cursors[-1].isdecimal()


def test_mergers_are_told_with_the_record_that_came_of_them(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """Both records have become a part of a third one; a merger of that one tells of all."""
    ana, bea, cleo = (str(hubspot.portal.create({"firstname": name}).id) for name in ("Ana", "Bea", "Cleo"))
    cursor = walk(consumer, None).cursors[-1]
    first = str(hubspot.portal.merge(ana, bea).id)
    told = walk(consumer, cursor)
    assert (sorted(told.ids), told.merged) == (sorted([cleo, first]), [(ana, first), (bea, first)])
    second = str(hubspot.portal.merge(first, cleo).id)
    for again in (walk(consumer, told.cursors[-1]), walk(consumer, None)):
        assert again.ids == [second]
        assert sorted(again.merged) == sorted((part, second) for part in (ana, bea, cleo, first))


def test_mergers_of_former_times_are_told_by_their_own_property(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    contact = hubspot.portal.create({"firstname": "Ana"})
    contact.properties["hs_calculated_merged_vids"] = f"51:1470000000000;{contact.id}:1470000000001; 52:1470000000002;x"
    assert walk(consumer, None).merged == [("51", str(contact.id)), ("52", str(contact.id))]


def test_what_is_archived_is_not_told_and_not_in_the_list(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    id = str(hubspot.portal.create({"firstname": "Ana"}).id)
    cursor = walk(consumer, None).cursors[-1]
    hubspot.portal.archive(id)
    assert walk(consumer, cursor).ids == walk(consumer, None).ids == []


@pytest.mark.parametrize("cursor", ["", "x", "17 all", "1700000000000 since 5", "-5", "1700000000000\n"])
def test_a_cursor_of_another_kind_has_expired(consumer: HubSpotConsumer, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        list(changes(consumer, cursor))


def test_a_place_in_the_list_that_hubspot_does_not_take_has_expired(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    with pytest.raises(CursorExpired):
        list(changes(consumer, "1700000000000 all nowhere"))


@pytest.mark.parametrize("full", [True, False])
def test_a_walk_waits_where_hubspot_is_called_too_often(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, full: bool
) -> None:
    id = str(hubspot.portal.create({"firstname": "Ana"}).id)
    cursor = None if full else walk(consumer, None).cursors[-1]
    hubspot.answer_next("429_secondly", 3, headers={"Retry-After": "0.01"})
    assert walk(consumer, cursor).ids == [id]
    hubspot.answer_next("429_ten_secondly", 2, headers={"Retry-After": "0.01"})
    assert [page.success for page in pages(consumer)] == [True]


@pytest.mark.parametrize("answer", ["429_daily", "401_unknown"])
def test_a_walk_that_has_to_wait_for_long_ends_and_says_why(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, answer: str
) -> None:
    hubspot.answer_next(answer, 2)
    failure = walk(consumer, None).failure
    assert failure is not None
    assert [page.error for page in pages(consumer)] == [failure.error]
    assert failure.retryable == (answer == "429_daily")


def test_a_walk_does_not_wait_for_ever(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    hubspot.answer_next("429_secondly", 100, headers={"Retry-After": "0"})
    failure = walk(consumer, None).failure
    assert (failure is not None and failure.retryable, len(hubspot.calls)) == (True, 6)
