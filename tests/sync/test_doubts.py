"""What is not known for sure: creates whose answer got lost, and news that may be older than what was written since."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync import ImportReport, Result
from contact_sync import pairing as pairing_module
from contact_sync import traces as traces_module
from contact_sync.testing import MemoryConsumer
from tests.sync.helpers import TOKEN, World, crm_with, make_world

ANA = {"id": 7, "firstname": "Ana"}
MAY_BE_THERE = "it may be there already: the answer got lost when the {} was created; its news is waited for"


def ana_in_doubt(**options: Any) -> World:
    """Contact 7 was to be created in the CRM, which made record 1 and did not answer."""
    world = make_world(**options)
    world.platform.contacts["7"] = {"firstname": "Ana"}
    world.crm.fail_next(TimeoutError(), method="create_contact", after=True)
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    return world


# Creates whose answer got lost


def test_the_record_that_tells_of_itself_is_adopted_and_what_waits_for_it_is_settled() -> None:
    world = ana_in_doubt()
    answer = world.post({"event": "contact_created", "data": ANA}).get_json()["data"]
    assert (answer["error"], answer["retryable"]) == (MAY_BE_THERE.format("record"), True)
    assert 0 < answer["retry_after"] < 36
    assert world.sync.create_contact(world.crm.records["1"], TOKEN) == Result.ok("7", action="adopted")
    assert world.event("contact_created", ANA)["data"] == {"success": True, "id": "1", "action": "unchanged"}
    assert (list(world.crm.records), list(world.platform.contacts)) == (["1"], ["7"])


def test_an_update_of_the_record_alone_says_that_it_may_come_again() -> None:
    """It is in no pair yet; told for good that it is not found, it would never come."""
    world = make_world(crm=crm_with({"ref": "9", "first_name": "Zoe"}))
    world.platform.fail("create_contact", Result.failed("unreachable", retryable=True, in_doubt=True))
    assert world.sync.create_contact(world.crm.records["9"], TOKEN).retryable
    result = world.sync.update_contact(world.crm.records["9"], TOKEN)
    assert (result.error, result.retryable) == (MAY_BE_THERE.format("contact"), True)


def test_an_answer_that_cannot_be_read_leaves_it_in_doubt_whether_there_is_a_record() -> None:
    """It is a failure for good, and the next event does not make a second record."""
    world = make_world()
    world.platform.contacts["7"] = {"firstname": "Ana"}
    world.crm.fail_next(json.JSONDecodeError("cut off", "", 0), method="create_contact", after=True)
    answer = world.event("contact_created", ANA)["data"]
    assert (answer["success"], answer["in_doubt"], answer.get("retryable")) == (False, True, None)
    assert world.post({"event": "contact_updated", "data": ANA}).status_code == 503
    assert world.sync.create_contact(world.crm.records["1"], TOKEN) == Result.ok("7", action="adopted")
    assert list(world.crm.records) == ["1"]


def test_a_failure_that_is_in_no_doubt_is_tried_again_at_once() -> None:
    world = make_world()
    world.crm.fail_next(Result.failed("busy", retryable=True), method="create_contact")
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    assert world.event("contact_created", ANA)["data"]["action"] == "created"


def test_one_that_can_be_searched_for_is_found_at_once() -> None:
    world = make_world()
    world.platform.contacts["7"] = {}
    world.crm.fail_next(TimeoutError(), method="create_contact", after=True)
    contact = ANA | {"email": "ana@example.org"}
    assert world.post({"event": "contact_created", "data": contact}).status_code == 503
    assert world.event("contact_created", contact)["data"]["action"] == "adopted"


def test_a_batch_that_was_not_answered_is_waited_for_and_adopted_when_the_platform_tells() -> None:
    world = make_world(crm=crm_with({"ref": "1", "first_name": "Ana"}, {"ref": "2", "first_name": "Bea"}))
    world.platform.fail("create_contacts", Result.failed("unreachable", retryable=True, in_doubt=True))
    assert [id for id, _ in world.sync.import_all(TOKEN).failed] == ["1", "2"]
    assert world.sync.import_all(TOKEN).failed == tuple((id, MAY_BE_THERE.format("contact")) for id in ("1", "2"))
    assert world.platform.calls == ["create_contacts"]
    world.platform.contacts["7"] = {"firstname": "Ana"}
    assert world.event("contact_created", ANA)["data"] == {"success": True, "id": "1", "action": "adopted"}
    report = world.sync.import_contacts([world.crm.records["1"]], TOKEN)
    assert report == ImportReport(unchanged=1)


def test_a_record_in_doubt_that_cannot_be_read_for_now_is_adopted_later() -> None:
    world = make_world(crm=crm_with({"ref": "1", "first_name": "Ana"}))
    world.platform.contacts["7"] = {"firstname": "Ana"}
    world.platform.fail("create_contact", Result.failed("unreachable", retryable=True, in_doubt=True))
    world.sync.create_contact(world.crm.records["1"], TOKEN)
    world.crm.fail_next(ConnectionError(), method="get_contact")
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"


def test_a_record_in_doubt_that_is_gone_is_paired_so_that_the_news_of_it_is_passed_on() -> None:
    world = make_world(crm=crm_with({"ref": "1", "first_name": "Ana"}))
    world.platform.contacts["7"] = {"firstname": "Ana"}
    world.platform.fail("create_contact", Result.failed("unreachable", retryable=True, in_doubt=True))
    world.sync.create_contact(world.crm.records["1"], TOKEN)
    world.crm.delete_contact("1")
    assert world.event("contact_created", ANA)["data"]["action"] == "adopted"
    assert world.sync.delete_contact("1", TOKEN).action == "deleted"
    assert world.platform.contacts == {}


def test_one_that_has_found_another_partner_is_not_adopted_by_who_looks_like_it() -> None:
    world = ana_in_doubt()
    world.pair("7", "5")
    result = world.sync.create_contact(world.crm.records["1"], TOKEN)
    assert (result.action, result.id) == ("created", "501")


def test_what_looks_like_one_that_was_deleted_is_held_and_not_deleted() -> None:
    """It may be a record of years ago, of somebody else with the same first name, that an import lists."""
    world = make_world(crm=crm_with({"ref": "9", "first_name": "Ana"}))
    world.crm.fail_next(TimeoutError(), method="create_contact")
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    world.event("contact_deleted", {"id": 7})
    assert [id for id, _ in world.sync.import_all(TOKEN).failed] == ["9"]
    assert list(world.crm.records) == ["9"]
    [held] = world.sync.held_contacts(TOKEN)  # type: ignore[misc]
    assert held.reason == "it looks as if it was made of the contact 7, which is deleted by now"
    assert world.sync.resolve_held("9", TOKEN, create=True, side="ext").action == "created"
    assert world.sync.held_contacts(TOKEN) == []


@pytest.mark.parametrize("email", [None, "ana@example.org"])
def test_the_record_of_one_that_was_merged_before_it_told_of_itself_is_not_deleted(email: str | None) -> None:
    world = make_world()
    world.crm.fail_next(TimeoutError(), method="create_contact", after=True)
    assert world.post({"event": "contact_created", "data": ANA | {"email": email}}).status_code == 503
    world.sync.merge_contacts("7", "8", TOKEN, side="botmatic")
    result = world.sync.create_contact(world.crm.records["1"], TOKEN)
    assert result.reason == "it looks as if it was made of the contact 7, which is merged by now"
    assert list(world.crm.records) == ["1"]


def test_when_its_time_is_over_it_is_created_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pairing_module, traces_module):
        monkeypatch.setattr(module, "DOUBT_SECONDS", 0.01)
    world = ana_in_doubt()
    while (answer := world.post({"event": "contact_created", "data": ANA})).status_code == 503:
        pass
    assert answer.get_json()["data"] == {"success": True, "id": "2", "action": "created"}


# Adoptions that are to be finished


def begun(**options: Any) -> World:
    """Contact 7 is being adopted as record e1, which could not be written for now."""
    world = make_world(crm=crm_with({"ref": "e1", "email_address": "ana@example.org"}), **options)
    world.platform.contacts["7"] = {}
    world.crm.fail_next(Result.failed("locked", retryable=True), method="update_contact")
    assert world.post({"event": "contact_created", "data": WITH_EMAIL}).status_code == 503
    return world


WITH_EMAIL = ANA | {"email": "ana@example.org"}


def test_an_adoption_whose_record_is_gone_by_the_next_try_ends_as_any_pair_does() -> None:
    world = begun()
    world.crm.delete_contact("e1")
    assert world.event("contact_created", WITH_EMAIL)["data"]["reason"] == (
        "the paired record e1 is gone; it counts as deleted"
    )


def test_an_adoption_whose_record_cannot_be_read_for_now_is_finished_later() -> None:
    world = begun()
    world.crm.fail_next(TimeoutError(), method="get_contact")
    assert world.post({"event": "contact_created", "data": WITH_EMAIL}).status_code == 503
    assert world.event("contact_created", WITH_EMAIL)["data"]["action"] == "adopted"
    assert world.crm.records["e1"]["first_name"] == "Ana"


# News that may be older than what we wrote


def lately_written(crm: MemoryConsumer | None = None) -> World:
    """Ana on both sides, and the CRM's record was written to just now."""
    world = make_world(crm=crm)
    world.platform.contacts["7"] = {}
    world.event("contact_created", ANA)
    world.event("contact_updated", ANA | {"firstname": "Anna"})
    world.platform.calls.clear()
    return world


OLD = {"ref": "1", "first_name": "Ana"}


@pytest.mark.parametrize(
    ("meanwhile", "check"),
    [
        (lambda crm: crm.delete_contact("1"), lambda result: result == Result.skipped("the record is gone by now")),
        (
            lambda crm: crm.fail_next(TimeoutError(), method="get_contact"),
            lambda result: (result.success, result.retryable) == (False, True),
        ),
        (
            lambda crm: crm.fail_next(Result.failed("forbidden"), method="get_contact"),
            lambda result: result.action == "updated",
        ),
    ],
    ids=["gone", "away for now", "not to be read"],
)
def test_a_record_that_may_be_newer_than_its_news_is_read_first(
    meanwhile: Callable[[MemoryConsumer], object], check: Callable[[Result], bool]
) -> None:
    world = lately_written()
    meanwhile(world.crm)
    assert check(world.sync.update_contact(OLD, TOKEN))


def test_a_policy_that_has_to_see_a_record_that_is_gone_finds_that_out() -> None:
    world = lately_written()
    other = make_world(crm=world.crm, store=world.store, platform=world.platform, conflicts="external")
    world.crm.delete_contact("1")
    answer = other.event("contact_updated", ANA | {"firstname": "Annie"})["data"]
    assert answer["reason"] == "the paired record 1 is gone; it counts as deleted"


def test_in_a_crm_that_leaves_empty_fields_out_an_absent_field_is_a_clear() -> None:
    class Sparse(MemoryConsumer):
        omits_empty = True

    world = make_world(crm=Sparse(id_field="ref", email_field="email_address"))
    world.platform.contacts["7"] = {"firstname": "Ana", "phone": "0612"}
    world.event("contact_created", ANA | {"phone": "0612"})
    world.crm.update_contact({"ref": "1", "phone_number": None})
    assert world.sync.update_contact({"ref": "1", "first_name": "Ana"}, TOKEN).action == "updated"
    assert world.platform.contacts["7"]["phone"] is None


@pytest.mark.parametrize("blank", [{"phone": ""}, {}], ids=["told of as empty", "not told of"])
def test_an_event_that_was_on_its_way_when_its_contact_was_adopted_clears_nothing(blank: dict[str, Any]) -> None:
    """It was sent before the platform had what the adoption filled in there."""
    record = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}
    world = make_world(crm=crm_with(record))
    world.platform.contacts["7"] = {}
    assert world.event("contact_created", WITH_EMAIL | blank)["data"]["action"] == "adopted"
    assert world.platform.contacts["7"] == {"phone": "0612"}
    late = WITH_EMAIL | {"firstname": "Anna", "phone": ""}
    assert world.event("contact_updated", late)["data"]["action"] == "updated"
    assert world.crm.records["e1"] == record | {"first_name": "Anna"}
    # The platform tells of what was filled in; an empty phone is a clear from then on.
    world.event("contact_updated", late | {"phone": "0612"})
    world.event("contact_updated", late)
    assert world.crm.records["e1"]["phone_number"] is None
