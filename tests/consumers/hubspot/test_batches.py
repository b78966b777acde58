"""Many contacts with one call: every result is the right one's, whatever HubSpot leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumer import TURNED_DOWN, ask_many
from contact_sync.consumers.hubspot import HubSpotConsumer
from contact_sync.consumers.hubspot.batches import Input
from contact_sync.results import Result

from .conftest import Connect
from .double import HubSpotDouble


def people(*names: str) -> list[dict[str, Any]]:
    return [{"email": f"{name}@Example.com", "firstname": name.title()} for name in names]


def names_of(consumer: HubSpotConsumer, results: list[Result]) -> list[Any]:
    """The first names of the records that results name."""
    return [(consumer.get_contact(str(result.id)).contact or {}).get("firstname") for result in results]


@pytest.mark.parametrize("tells_traces", [False, True])
def test_results_are_told_apart_though_hubspot_gives_them_in_another_order(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, tells_traces: bool
) -> None:
    hubspot.portal.tells_traces = tells_traces
    created = ask_many(consumer, "create_contacts", people("ana", "bea", "cleo"))
    assert [one["objectWriteTraceId"] for one in hubspot.calls[-1].body["inputs"]] == ["0", "1", "2"]
    assert names_of(consumer, created) == ["Ana", "Bea", "Cleo"]
    assert [(one.contact or {})["email"] for one in created] == [f"{n}@example.com" for n in ("ana", "bea", "cleo")]
    hubspot.calls.clear()
    updated = ask_many(consumer, "update_contacts", [{"id": one.id, "firstname": f"New {one.id}"} for one in created])
    assert hubspot.paths() == ["POST /batch/update"]
    assert [one.id for one in updated] == [one.id for one in created]
    assert names_of(consumer, updated) == [f"New {one.id}" for one in created]


def test_one_that_is_refused_does_not_stop_the_others(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """An address that is taken names its record; what else is wrong names the property."""
    there = hubspot.portal.create({"email": "bea@example.com"})
    contacts = people("ana", "bea", "cleo", "dora")
    contacts[2]["points"] = "many"
    results = ask_many(consumer, "create_contacts", contacts)
    assert hubspot.paths() == ["POST /batch/create", f"GET /{there.id}"]
    assert [result.success for result in results] == [True, False, False, True]
    assert results[1].id == str(there.id)
    assert results[2].error == "HubSpot refuses this (in a batch, VALIDATION_ERROR); points: INVALID_NUMBER"
    assert names_of(consumer, [results[0], results[3]]) == ["Ana", "Dora"]


def test_contacts_without_an_address_of_their_own_are_created_one_by_one(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    """One address in two contacts is a conflict of the second, with the id of the first."""
    contacts = [*people("ana", "bea"), {"firstname": "Cleo"}, {"firstname": "Dora", "email": "ANA@example.com"}]
    results = ask_many(consumer, "create_contacts", contacts)
    assert hubspot.paths() == ["POST /batch/create", "POST /", "POST /", f"GET /{results[0].id}"]
    assert [result.success for result in results] == [True, True, True, False]
    assert results[3].id == results[0].id
    assert names_of(consumer, results[:3]) == ["Ana", "Bea", "Cleo"]


def test_a_value_that_cannot_be_written_is_the_failure_of_its_contact_alone(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    contacts = people("ana", "bea")
    contacts[0]["company"] = ["a", "list"]
    results = ask_many(consumer, "create_contacts", contacts)
    assert [result.success for result in results] == [False, True]
    assert "'company'" in str(results[0].error)


def test_missing_merged_and_repeated_records_of_an_update_each_get_their_own_result(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    """HubSpot leaves merged records out without a word, and refuses a batch that names one twice."""
    ana, bea, cleo = (str(hubspot.portal.create(one).id) for one in people("ana", "bea", "cleo"))
    merged = str(hubspot.portal.merge(bea, cleo).id)
    changes = [
        {"id": ana, "company": "One"},
        {"id": "171599999999", "company": "Two"},
        {"id": cleo, "company": "Three"},
        {"id": ana, "firstname": "Ann"},
        {"id": "x/../1", "company": "Four"},
        {"id": ana},
    ]
    results = ask_many(consumer, "update_contacts", changes)
    assert [result.success for result in results] == [True, False, True, True, False, True]
    assert [results[1].not_found, results[4].not_found] == [True, True]
    assert (results[2].id, results[2].reason) == (merged, f"the record {cleo} is a part of {merged} by now")
    assert (consumer.get_contact(merged).contact or {})["company"] == "Three"
    contact = consumer.get_contact(ana).contact or {}
    assert (contact["company"], contact["firstname"]) == ("One", "Ann")


def test_a_batch_that_is_turned_down_whole_says_so_and_each_may_be_sent_alone(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    ids = [str(hubspot.portal.create(one).id) for one in people("ana", "bea")]
    results = ask_many(consumer, "update_contacts", [{"id": id, "points": "many"} for id in ids])
    assert [result.reason for result in results] == [TURNED_DOWN, TURNED_DOWN]
    assert results[0].error == "HubSpot refuses this (HTTP 400, VALIDATION_ERROR); points: INVALID_NUMBER"
    hubspot.answer_next("409_contact", id=ids[0])
    results = ask_many(consumer, "create_contacts", people("cleo", "dora"))
    assert [(result.reason, result.id) for result in results] == [(TURNED_DOWN, None)] * 2


@pytest.mark.parametrize("answer", ["401_unknown", "403_scopes", "429_daily", "423_locked"])
def test_what_is_refused_for_all_is_not_tried_one_by_one(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer, answer: str
) -> None:
    hubspot.answer_next(answer, scope="crm.objects.contacts.write")
    results = ask_many(consumer, "create_contacts", [*people("ana", "bea"), {"firstname": "Cleo"}])
    assert len(hubspot.calls) == 1
    assert [(result.success, result.reason) for result in results] == [(False, None)] * 3


def test_what_is_shown_of_a_contact_in_a_batch_holds_no_value() -> None:
    assert repr(Input(3, "ana@example.com", {"firstname": "Ana"})) == "Input(place=3)"


def test_more_than_a_hundred_are_refused_and_none_are_no_call(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    many = people(*(f"c{n}" for n in range(101)))
    assert "100" in str(ask_many(consumer, "create_contacts", many)[0].error)
    assert consumer.create_contacts([]) == consumer.update_contacts([]) == []
    assert hubspot.calls == []


def test_an_upsert_writes_over_what_is_there_and_creates_the_rest(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    there = hubspot.portal.create({"email": "bea@example.com", "firstname": "Beatrice"})
    contacts: list[dict[str, Any]] = [*people(*(f"c{n}" for n in range(100))), *people("bea")]
    contacts += [{"firstname": "Nobody"}, {"email": "dora@example.com", "points": "many"}]
    contacts += [{"id": "7", "email": "eva@example.com", "company": ["a", "list"]}]
    results = consumer.upsert_contacts(contacts)
    assert hubspot.paths() == ["POST /batch/upsert"] * 2
    assert {result.action for result in results[:100]} == {"created"}
    assert (results[100].action, results[100].id) == ("updated", str(there.id))
    assert names_of(consumer, [results[0], results[100]]) == ["C0", "Bea"]
    assert "e-mail address" in str(results[101].error)
    assert "points: INVALID_NUMBER" in str(results[102].error)
    assert "'company'" in str(results[103].error)


def test_an_upsert_that_hubspot_does_not_answer_is_in_doubt_and_does_not_stop_the_next(
    hubspot: HubSpotDouble, consumer: HubSpotConsumer
) -> None:
    hubspot.answer_next("429_ten_secondly")
    results = consumer.upsert_contacts(people(*(f"c{n}" for n in range(101))))
    assert [result.retryable for result in results] == [True] * 100 + [False]
    assert results[100].action == "created"


def test_an_upsert_that_is_turned_down_whole_names_no_record(hubspot: HubSpotDouble, consumer: HubSpotConsumer) -> None:
    """Nobody knows whose it is."""
    hubspot.answer_next("409_contact", id=str(hubspot.portal.create({"email": "ana@example.com"}).id))
    results = consumer.upsert_contacts(people("ana", "bea"))
    assert [(result.success, result.id) for result in results] == [(False, None)] * 2


def test_an_upsert_to_a_hubspot_that_is_away_is_a_failure_of_each(connect: Connect) -> None:
    results = connect(base_url="http://127.0.0.1:1").upsert_contacts(people("ana", "bea"))
    assert [(result.success, result.retryable) for result in results] == [(False, True)] * 2
