"""Bulk work: imports and updates in batches, with reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import NOT_FOUND, Change, ImportReport, Result
from contact_sync.platforms import NOTHING_DONE
from contact_sync.testing import MemoryConsumer
from key_stores import ContactRef, StoreUnavailable
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import INSTALLATION, TOKEN, World, make_world


def records(count: int, first: int = 1, name: str = "P") -> list[dict[str, Any]]:
    return [{"ref": number, "first_name": f"{name}{number}"} for number in range(first, first + count)]


@pytest.fixture
def world() -> World:
    """A world that takes what it is given for news, without asking the CRM whether it is."""
    crm = MemoryConsumer(records(250), id_field="ref", email_field="email_address")
    return make_world(crm=crm, late_seconds=0)


def test_everything_that_the_consumer_lists_is_imported_in_batches(world: World) -> None:
    report = world.sync.import_all(TOKEN)
    assert report == ImportReport(created=250)
    assert world.platform.calls == ["create_contacts"] * 3
    names = {contact["firstname"] for contact in world.platform.contacts.values()}
    assert names == {f"P{number}" for number in range(1, 251)}
    for botmatic_id, contact in world.platform.contacts.items():
        assert f"P{world.external_id(botmatic_id)}" == contact["firstname"]


def test_importing_again_makes_nothing_twice(world: World) -> None:
    world.sync.import_all(TOKEN)
    report = world.sync.import_all(TOKEN)
    assert report == ImportReport(unchanged=250)
    assert len(world.platform.contacts) == 250
    assert world.platform.calls == ["create_contacts"] * 3


def test_progress_is_told_after_each_batch(world: World) -> None:
    told: list[int] = []
    world.sync.import_all(TOKEN, progress=lambda report: told.append(report.total))
    assert told == [100, 200, 250]


def test_contacts_at_hand_are_imported_whatever_iterable_they_come_in(world: World) -> None:
    def given() -> Iterator[dict[str, Any]]:
        yield from records(3, first=1000)

    assert world.sync.import_contacts(given(), TOKEN) == ImportReport(created=3)


def test_one_bad_contact_does_not_stop_the_rest() -> None:
    mapper = Mapper([Row("id", "ref", id=True), Row("age", "age", type="number")])
    world = make_world(mapper=mapper)
    given: list[Any] = [{"ref": 1, "age": 3}, {"ref": 2, "age": "x"}, {"age": 4}, "nonsense", {"ref": 3, "age": 5}]
    report = world.sync.import_contacts(given, TOKEN)
    assert (report.success, report.created) == (False, 2)
    assert [id for id, _ in report.failed] == ["2", None, None]
    assert "age" in report.failed[0][1]


def test_a_contact_that_comes_twice_is_created_and_then_updated(world: World) -> None:
    given = [{"ref": 1000, "first_name": "Ana"}, {"ref": 1000, "first_name": "Bea"}]
    assert world.sync.import_contacts(given, TOKEN) == ImportReport(created=1, updated=1)
    assert [contact["firstname"] for contact in world.platform.contacts.values()] == ["Bea"]


def test_a_batch_that_is_refused_whole_is_written_one_by_one(world: World) -> None:
    world.platform.fail("create_contacts", Result.failed("create contacts: HTTP 422", reason=NOTHING_DONE))
    world.platform.fail("create_contact", Result.failed("create contact: HTTP 422"))
    report = world.sync.import_contacts(records(3), TOKEN)
    assert (report.created, report.failed) == (2, (("1", "create contact: HTTP 422"),))


def test_a_batch_that_fails_for_now_is_reported_and_done_by_the_next_run(world: World) -> None:
    world.platform.fail("create_contacts", Result.failed("unreachable", retryable=True))
    report = world.sync.import_all(TOKEN)
    assert (report.success, report.created, len(report.failed)) == (False, 150, 100)
    assert world.platform.calls.count("create_contact") == 0
    report = world.sync.import_all(TOKEN)
    assert report == ImportReport(created=100, unchanged=150)


def test_a_page_that_cannot_be_read_ends_the_import_and_says_so(world: World) -> None:
    world.crm.fail_next(Result.ok(contacts=records(100)), method="list_contacts")
    world.crm.fail_next(TimeoutError(), method="list_contacts")
    report = world.sync.import_all(TOKEN)
    assert (report.success, report.error, report.created) == (
        False,
        "MemoryConsumer.list_contacts raised TimeoutError",
        100,
    )


def test_a_walk_of_the_users_own_that_raises_ends_the_import_and_says_so() -> None:
    class Crm(MemoryConsumer):
        def iter_contacts(self, page_size: int = 30) -> Iterator[Result]:
            yield Result.ok(contacts=records(2))
            raise ConnectionError

    world = make_world(crm=Crm(id_field="ref"))
    report = world.sync.import_all(TOKEN)
    assert (report.success, report.error, report.created) == (False, "Crm.iter_contacts raised ConnectionError", 2)


def test_a_contact_that_was_deleted_not_long_ago_is_skipped(world: World) -> None:
    world.sync.import_all(TOKEN)
    world.sync.delete_contact(7, TOKEN)
    report = world.sync.import_all(TOKEN)
    assert report == ImportReport(unchanged=249, skipped=1)


def test_a_store_that_is_away_fails_the_batch_and_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("the key store cannot be reached")

    monkeypatch.setattr(world.store, "claim", away)
    report = world.sync.import_contacts(records(2), TOKEN)
    assert report.failed == (
        ("1", "the key store cannot be reached"),
        ("2", "the key store cannot be reached"),
    )
    assert world.platform.calls == []


def test_an_answer_without_an_id_is_a_failure_of_that_contact(world: World) -> None:
    world.platform.fail("create_contacts", Result.ok())
    report = world.sync.import_contacts(records(1), TOKEN)
    assert report.failed == (("1", "the contact was created, but the answer has no id to pair it with"),)


def test_update_contacts_answers_for_each_in_order(world: World) -> None:
    world.platform.contacts = {"b1": {}, "b3": {}}
    world.pair("b1", "1")
    world.pair("b3", "3")
    world.pair("b4", "4")
    contacts = [*records(4), {"first_name": "nobody"}]
    results = world.sync.update_contacts(contacts, TOKEN)
    assert [result.action or result.error for result in results] == [
        "updated",
        NOT_FOUND,
        "updated",
        "skipped",
        "the contact has no usable id: text that is not empty, or a whole number",
    ]
    assert world.platform.calls == ["update_contacts"]
    assert world.platform.contacts["b3"] == {"firstname": "P3"}


def test_middleware_sees_every_contact_of_a_batch_and_can_stop_one(world: World) -> None:
    @world.sync.middleware("send")
    def no_p2(change: Change, next: Any) -> Result:
        if change.contact["first_name"] == "P2":
            return Result.skipped("not this one")
        result: Result = next()
        assert result.action == "batched"
        return result

    @world.sync.middleware("format")
    def shout(change: Change, payload: dict[str, Any], next: Any) -> Result:
        payload["firstname"] += "!"
        answer: Result = next()
        return answer

    report = world.sync.import_contacts(records(3), TOKEN)
    assert report == ImportReport(created=2, skipped=1)
    assert [contact["firstname"] for contact in world.platform.contacts.values()] == ["P1!", "P3!"]
    world.platform.contacts["b2"] = {}
    world.pair("b2", "2")
    report = world.sync.import_contacts([{"ref": 1, "first_name": "P1?"}, {"ref": 2, "first_name": "P2"}], TOKEN)
    assert report == ImportReport(updated=1, skipped=1)
    assert world.platform.contacts["b2"] == {}


def test_an_import_waits_for_nobody_but_the_contacts_it_holds(world: World) -> None:
    """A batch claims its contacts: whoever works on one of them is waited for, others are not."""
    seen: list[bool] = []
    create = world.platform.create_contacts

    def look(token: str, contacts: Any) -> list[Result]:
        claims: Any = world.store
        seen.extend(
            claims.claim(INSTALLATION, [ContactRef(external_id=id)], "other", 1) is not None for id in ("1", "999")
        )
        return create(token, contacts)

    world.platform.create_contacts = look  # type: ignore[method-assign] # a double that looks around
    world.sync.import_contacts(records(2), TOKEN)
    assert seen == [False, True]


def test_an_id_that_no_key_store_takes_fails_alone(world: World) -> None:
    odd = {"ref": "\ud800", "first_name": "half a character"}
    first, second = records(2)
    report = world.sync.import_contacts([first, odd, second], TOKEN)
    assert report.created == 2
    assert report.failed == (("\ud800", "the id has a lone surrogate, which is no character"),)
    results = world.sync.update_contacts([first, odd], TOKEN)
    assert [result.success for result in results] == [True, False]
