"""Imports when things go wrong: what was done before counts, and nothing is made twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import NOT_FOUND, Change, ImportReport, Result
from contact_sync import pairing as pairing_module
from contact_sync.platforms import NOTHING_DONE
from contact_sync.testing import MemoryConsumer
from key_stores import Claimed, ContactRef, MemoryKeyStore, StoreUnavailable
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import INSTALLATION, TOKEN, MemoryPlatform, World, make_world
from tests.sync.test_imports import records


@pytest.fixture
def world() -> World:
    """A world that takes what it is given for news, without asking the CRM whether it is."""
    return make_world(late_seconds=0)


def test_an_iterable_that_raises_ends_the_import_after_what_it_gave(world: World) -> None:
    def given() -> Iterator[dict[str, Any]]:
        yield from records(150)
        raise OSError("disk of ana@example.org")

    report = world.sync.import_contacts(given(), TOKEN)
    assert report == ImportReport(success=False, error="what was given to import raised OSError", created=150)
    assert len(world.platform.contacts) == 150
    assert world.sync.import_contacts(records(160), TOKEN) == ImportReport(created=10, unchanged=150)


@pytest.mark.parametrize("given", [None, 5])
def test_what_cannot_be_walked_over_is_a_failed_report(world: World, given: Any) -> None:
    report = world.sync.import_contacts(given, TOKEN)
    assert (report.success, report.error) == (False, "what was given to import raised TypeError")


def test_a_progress_function_that_raises_ends_the_import_after_its_batch(world: World) -> None:
    told: list[ImportReport] = []

    def progress(report: ImportReport) -> None:
        told.append(report)
        raise BrokenPipeError

    report = world.sync.import_contacts(records(250), TOKEN, progress=progress)
    assert report == ImportReport(success=False, error="the progress function raised BrokenPipeError", created=100)
    assert told == [ImportReport(created=100)]
    assert len(world.platform.contacts) == 100


def test_an_interrupt_goes_through_and_gives_the_claims_back(world: World) -> None:
    def progress(report: ImportReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.sync.import_contacts(records(1), TOKEN, progress=progress)
    assert world.sync.import_contacts(records(1), TOKEN) == ImportReport(unchanged=1)


@pytest.mark.parametrize(
    "error",
    [
        "create contacts: the answer (HTTP 201) is not a JSON object",
        "create contacts: the answer is larger than 8000000 bytes",
        "create contacts: the platform answered HTTP 200, expected 201",
        "something else",
    ],
)
def test_a_batch_that_may_have_been_written_is_not_written_again(world: World, error: str) -> None:
    """Its contacts may be there already; created one by one, they would be there twice."""
    world.platform.fail("create_contacts", Result.failed(error))
    report = world.sync.import_contacts(records(3), TOKEN)
    assert report.failed == tuple((str(number), error) for number in (1, 2, 3))
    assert report.error is None
    assert world.platform.calls == ["create_contacts", "validate_token"]


def test_updates_that_were_turned_down_together_are_repeated_one_by_one(world: World) -> None:
    world.sync.import_contacts(records(3), TOKEN)
    world.platform.fail("update_contacts", Result.failed("update contacts: HTTP 422", reason=NOTHING_DONE))
    world.platform.fail("update_contact", Result.failed("this one"))
    report = world.sync.import_contacts(records(3, name="Q"), TOKEN)
    assert (report.updated, report.failed) == (2, (("1", "this one"),))


def test_updates_that_failed_together_for_any_other_reason_are_not_repeated(world: World) -> None:
    world.sync.import_contacts(records(3), TOKEN)
    world.platform.fail("update_contacts", Result.failed("something else"))
    report = world.sync.import_contacts(records(3, name="Q"), TOKEN)
    assert report.failed == tuple((str(number), "something else") for number in (1, 2, 3))
    assert "update_contact" not in world.platform.calls


def revoke_token(world: World) -> None:
    """From now on the platform refuses every call."""
    world.platform.tokens.clear()
    for method in ("create_contacts", "update_contacts", "update_contact", "create_contact"):
        world.platform.fail(method, Result.failed("the platform refused the token (HTTP 401)"), 1000)
    world.platform.calls.clear()


def test_a_token_that_is_refused_ends_an_import_after_one_batch() -> None:
    world = make_world(auth=lambda token: True, late_seconds=0)
    world.sync.import_contacts(records(250), TOKEN)
    revoke_token(world)
    for first, method in ((1, "update_contacts"), (1001, "create_contacts")):
        world.platform.calls.clear()
        report = world.sync.import_contacts(records(250, first, "Q"), TOKEN)
        assert (report.success, report.error) == (False, "the token was refused")
        assert len(report.failed) == report.total == 100
        assert world.platform.calls == [method, "validate_token"]


def test_a_token_that_is_refused_ends_updates_of_many_with_a_result_for_each() -> None:
    world = make_world(auth=lambda token: True, late_seconds=0)
    world.sync.import_contacts(records(250), TOKEN)
    revoke_token(world)
    results = world.sync.update_contacts(records(250, name="Q"), TOKEN)
    assert world.platform.calls == ["update_contacts", "validate_token"]
    assert [result.error for result in results] == [
        *["the platform refused the token (HTTP 401)"] * 100,
        *["the token was refused"] * 150,
    ]


@pytest.mark.parametrize(
    "answer", [Result.ok(), Result.failed("unreachable", retryable=True), ConnectionError()], ids=str
)
def test_unless_the_platform_refuses_the_token_an_import_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    def validate(_: str) -> Result:
        if isinstance(answer, Exception):
            raise answer
        result: Result = answer
        return result

    monkeypatch.setattr(world.platform, "validate_token", validate)
    world.platform.fail("create_contacts", Result.failed("something else"))
    report = world.sync.import_contacts(records(250), TOKEN)
    assert (report.error, report.created, len(report.failed)) == (None, 150, 100)


def test_a_platform_that_is_away_for_three_batches_in_a_row_ends_an_import(world: World) -> None:
    world.platform.fail("create_contacts", Result.failed("unreachable", retryable=True), 1000)
    told: list[int] = []
    report = world.sync.import_contacts(records(1000), TOKEN, progress=lambda report: told.append(report.total))
    assert (report.success, report.total, len(report.failed)) == (False, 300, 300)
    assert report.error == "3 batches in a row failed for now, the last with: unreachable"
    assert told == [100, 200, 300]
    assert world.platform.calls == ["create_contacts"] * 3


def test_a_platform_that_is_away_now_and_then_ends_no_import(world: World) -> None:
    away, back = [Result.failed("unreachable", retryable=True)] * 2, [Result.ok("500")]
    world.platform.faults["create_contacts"] = [*away, *back, *away]
    report = world.sync.import_contacts(records(600), TOKEN)
    assert report.error is None
    assert (report.total, world.platform.calls) == (600, ["create_contacts"] * 6)


def test_contacts_that_cannot_be_sent_do_not_make_the_platform_be_asked_about_the_token(world: World) -> None:
    report = world.sync.import_contacts([{"first_name": "nobody"}] * 250, TOKEN)
    assert (report.error, len(report.failed), world.platform.calls) == (None, 250, [])


@pytest.mark.parametrize("given", [None, 5])
def test_updates_of_what_is_no_list_are_one_failed_result(world: World, given: Any) -> None:
    (result,) = world.sync.update_contacts(given, TOKEN)
    assert (result.success, result.error) == (False, "what was given to update raised TypeError")


def test_contacts_that_exist_on_the_platform_already_are_adopted(world: World) -> None:
    """It says so for each contact, with the id."""
    world.platform.contacts["b1"] = {"firstname": "old", "phone": "0612"}
    world.platform.fail("create_contacts", Result.failed("it exists already", id="b1"))
    given = [{"ref": "1", "first_name": "Ana", "phone_number": ""}]
    assert world.sync.import_contacts(given, TOKEN) == ImportReport(updated=1)
    assert world.external_id("b1") == "1"
    assert world.platform.contacts["b1"] == {"firstname": "Ana", "phone": "0612"}


def test_of_two_records_that_the_platform_takes_for_one_contact_the_second_fails(world: World) -> None:
    world.platform.contacts["b1"] = {}
    world.platform.fail("create_contacts", Result.failed("it exists already", id="b1"))
    report = world.sync.import_contacts(records(2), TOKEN)
    assert (report.updated, report.failed) == (1, (("2", "ambiguous match"),))
    assert world.external_id("b1") == "1"


def test_an_adoption_that_breaks_fails_that_contact_alone() -> None:
    class Store(MemoryKeyStore):
        def claim(self, integration_id: Any, contacts: Any, *args: Any) -> Claimed | None:
            if contacts[0].botmatic_id == "b1":
                raise StoreUnavailable("the key store cannot be reached")
            return super().claim(integration_id, contacts, *args)

    world = make_world(store=Store())
    world.platform.contacts["b2"] = {}
    world.platform.faults["create_contacts"] = [Result.failed("it exists already", id="b1")]
    report = world.sync.import_contacts(records(1), TOKEN)
    assert report.failed == (("1", "the key store cannot be reached"),)


def test_one_contact_that_somebody_else_works_on_does_not_stop_the_others(world: World) -> None:
    world.sync.engine.claims._wait = 0.0
    claims: Any = world.store
    assert claims.claim(INSTALLATION, [ContactRef(external_id="2")], "somebody", 60)
    report = world.sync.import_contacts(records(3), TOKEN)
    assert report.created == 2
    assert report.failed == (("2", "another request is working on this contact; try again later"),)


@pytest.fixture
def unsaved(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], World]:
    """A world whose store fails to save pairs, in a way of its own."""
    monkeypatch.setattr(pairing_module, "RECORD_PAUSES", (0.0,))

    def make(outcome: Any) -> World:
        class Store(MemoryKeyStore):
            def save_ids(self, integration_id: Any, botmatic_id: Any, external_id: Any) -> bool:
                if isinstance(outcome, Exception):
                    raise outcome
                saved: bool = outcome
                return saved

        return make_world(store=FiveMethods(Store()))

    return make


@pytest.mark.parametrize(
    ("outcome", "error", "retryable"),
    [
        (StoreUnavailable("the key store cannot be reached"), "the key store cannot be reached", True),
        (ConnectionError(), "saving a pair raised ConnectionError", True),
        (False, "the key store answered that it did not save a pair", False),
    ],
)
def test_pairs_that_cannot_be_saved_are_failures_that_name_the_contacts_and_so_does_the_log(
    unsaved: Callable[[Any], World], outcome: Any, error: str, retryable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    world = unsaved(outcome)
    result = world.sync.create_contact({"ref": "9"}, TOKEN)
    assert (result.id, result.error, result.retryable) == ("501", error, retryable)
    assert result.reason == "the contact 501 exists, but the pair could not be saved"
    report = world.sync.import_contacts(records(2), TOKEN)
    assert report.failed == (("1", error), ("2", error))
    for pair in ("'501' and external '9'", "'502' and external '1'", "'503' and external '2'"):
        assert f"The pair of Botmatic {pair} could not be saved" in caplog.text


def test_an_id_that_can_be_in_no_pair_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world()
    world.crm.fail_next(Result.ok("\ud800"), method="create_contact")
    answer = world.event("contact_created", {"id": 7, "firstname": "Ana"})["data"]
    assert (answer["success"], answer["error"]) == (
        False,
        "the external id has a lone surrogate, which is no character",
    )
    assert caplog.text.count("could not be saved") == 1


def test_a_record_whose_create_was_not_answered_is_adopted_by_an_import_and_not_made_a_second_contact() -> None:
    world = make_world()
    world.platform.contacts["7"] = {"firstname": "Ana"}
    world.crm.fail_next(TimeoutError(), method="create_contact", after=True)
    assert world.post({"event": "contact_created", "data": {"id": 7, "firstname": "Ana"}}).status_code == 503
    assert world.sync.import_all(TOKEN) == ImportReport(updated=1)
    assert list(world.platform.contacts) == ["7"]
    assert world.external_id("7") == "1"


# Large ones


def test_a_large_import_is_all_there_and_may_run_while_events_come() -> None:
    crm = MemoryConsumer(id_field="ref", email_field="email_address")
    for number in range(2_000):
        crm.create_contact({"email_address": f"p{number}@example.org"})
    world = make_world(crm=crm)
    done = threading.Event()

    def events(name: str) -> int:
        number = 0
        while not done.is_set() and number < 300:
            world.platform.contacts[f"{name}-{number}"] = {}
            contact = {"id": f"{name}-{number}", "email": f"{name}.{number}@example.org"}
            assert world.event("contact_created", contact)["data"]["action"] == "created"
            number += 1
        return number

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(events, name) for name in ("a", "b")]
        # Records that the events make meanwhile are listed, too; they are paired already, or soon.
        report = world.sync.import_all(TOKEN)
        done.set()
        new = sum(future.result() for future in running)
    assert report.failed == ()
    assert report.created == 2_000
    assert len(world.platform.contacts) == len(crm.records) == 2_000 + new


def test_updates_of_many_are_answered_one_for_one_however_odd_they_are() -> None:
    world = make_world(late_seconds=0)
    world.sync.import_contacts(records(120), TOKEN)
    odd: list[Any] = [None, 5, "text", [], {}, {"ref": None}, {"ref": True}, {"ref": 1.5}, {"ref": [1]}, {"ref": "999"}]
    given = [*records(60, name="Q"), *odd, *records(60, first=61), {"ref": 60, "first_name": "again"}]
    results = world.sync.update_contacts(given, TOKEN)
    assert len(results) == len(given)
    assert [result.action for result in results[:60]] == ["updated"] * 60
    assert [result.error == NOT_FOUND for result in results[60:70]] == [False] * 9 + [True]
    assert not any(result.success for result in results[60:70])
    assert [result.action for result in results[70:]] == ["unchanged"] * 60 + ["updated"]
    contact = world.platform.contacts[str(results[59].id)]
    assert contact["firstname"] == "again"


def test_a_platform_that_gives_too_few_results_fails_the_batch() -> None:
    class Short(MemoryPlatform):
        def create_contacts(self, token: str, contacts: Any) -> list[Result]:
            return []

    report = make_world(platform=Short()).sync.import_contacts(records(2), TOKEN)
    error = "the platform gave 0 results for 2 contacts"
    assert report.failed == (("1", error), ("2", error))


def test_middleware_that_answers_for_a_contact_of_a_batch_without_an_action_has_skipped_it(world: World) -> None:
    def stop(change: Change, next: Any) -> Result:
        return Result.ok()

    world.sync.middleware("send", stop)
    assert world.sync.import_contacts(records(2), TOKEN) == ImportReport(skipped=2)
