"""Contacts that were merged on one side: the winner gets the loser's partner, and nothing is deleted for it."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import NOT_FOUND, Result, mark
from key_stores import KeyStore
from tests.sync.helpers import INSTALLATION, TOKEN, World, crm_with, make_world


def record(ref: str, name: str = "Ana") -> dict[str, Any]:
    return {"ref": ref, "email_address": f"{name.casefold()}@example.org", "first_name": name}


def merged_world(*paired: str, **options: Any) -> World:
    """A CRM with records 1, 2 and 3, of which some are paired with contacts 501, 502 …"""
    world = make_world(crm=crm_with(record("1"), record("2", "Bea"), record("3", "Zoe")), **options)
    for ref in paired:
        assert world.sync.create_contact(world.crm.records[ref], TOKEN).action == "created"
    world.platform.calls.clear()
    return world


def partner(world: World, ref: str) -> str | None:
    return world.store.get_botmatic_id(INSTALLATION, ref)


def merged_into(ref: str) -> Result:
    return Result.skipped(f"it was merged into the record {ref}")


def test_the_winner_gets_the_losers_contact_if_it_has_none(store: KeyStore) -> None:
    world = merged_world("1", store=store)
    assert world.sync.merge_contacts("1", "2", TOKEN) == Result.ok("501", action="updated")
    assert (partner(world, "1"), partner(world, "2")) == (None, "501")
    assert world.platform.calls == []
    assert world.sync.update_contact(world.crm.records["2"], TOKEN).action == "updated"
    assert world.platform.contacts["501"]["firstname"] == "Bea"


def test_if_both_are_paired_the_winner_keeps_its_own_and_the_losers_stays_unsynced(store: KeyStore) -> None:
    world = merged_world("1", "2", store=store)
    result = world.sync.merge_contacts(1, 2, TOKEN)
    assert result == Result.ok("502", action="updated", reason="the contact 501 stays, and is not synced any more")
    assert (partner(world, "1"), partner(world, "2")) == (None, "502")
    assert sorted(world.platform.contacts) == ["501", "502"]
    late = world.event("contact_updated", {"id": "501", "firstname": "Anna"})["data"]
    assert late == {"success": True, "action": "skipped", "reason": "it was merged into the contact 502"}
    gone = world.event("contact_deleted", {"id": "501"})["data"]
    assert gone["action"] == "skipped"
    assert len(world.crm.records) == 3


def test_if_only_the_winner_is_paired_nothing_changes(store: KeyStore) -> None:
    world = merged_world("2", store=store)
    result = world.sync.merge_contacts("1", "2", TOKEN)
    assert result == Result.ok("501", action="unchanged", reason="the record 1 was not paired")
    assert partner(world, "2") == "501"


def test_if_none_is_paired_the_loser_stays_away_all_the_same(store: KeyStore) -> None:
    world = merged_world(store=store)
    assert world.sync.merge_contacts("1", "2", TOKEN).action == "unchanged"
    assert world.sync.create_contact(record("1"), TOKEN) == merged_into("2")
    assert world.sync.create_contact(record("2", "Bea"), TOKEN).action == "created"


def test_what_comes_late_of_the_loser_is_skipped_with_the_reason_and_its_delete_deletes_nothing() -> None:
    world = merged_world("1", "2")
    world.sync.merge_contacts("1", "2", TOKEN)
    assert world.sync.create_contact(record("1"), TOKEN) == merged_into("2")
    report = world.sync.import_contacts([record("1"), record("2", "Bea")], TOKEN)
    assert (report.skipped, report.unchanged) == (1, 1)
    assert world.sync.delete_contact("1", TOKEN) == merged_into("2")
    assert sorted(world.platform.contacts) == ["501", "502"]
    assert world.platform.calls == []


def test_an_update_of_the_loser_is_skipped_and_says_what_became_of_it() -> None:
    world = merged_world("1", "2")
    world.sync.merge_contacts("1", "2", TOKEN)
    assert world.sync.update_contact(record("1", "Late"), TOKEN) == merged_into("2")
    assert world.sync.update_contacts([record("1", "Late")], TOKEN) == [merged_into("2")]
    assert world.sync.update_contact(record("3", "Late"), TOKEN).error == NOT_FOUND


@pytest.mark.parametrize("order", [[("1", "2"), ("2", "3")], [("2", "3"), ("1", "2")]], ids=["as it was", "late"])
def test_chains_are_followed_to_their_end(order: list[tuple[str, str]]) -> None:
    world = merged_world("1")
    for loser, winner in order:
        assert world.sync.merge_contacts(loser, winner, TOKEN).success
    assert [partner(world, ref) for ref in ("1", "2", "3")] == [None, None, "501"]
    assert world.sync.create_contact(record("1"), TOKEN) == merged_into("3")


@pytest.mark.parametrize(("loser", "winner"), [("1", "1"), (1, "1"), ("2", "1")])
def test_nothing_is_merged_into_itself_be_it_by_way_of_others(loser: Any, winner: str) -> None:
    world = merged_world("1", "2")
    world.sync.merge_contacts("1", "2", TOKEN)
    result = world.sync.merge_contacts(loser, winner, TOKEN)
    if (loser, winner) == ("2", "1"):
        assert result.error == "the record cannot be merged into itself, be it by way of others"
    assert partner(world, "2") == "502"


def test_a_merger_that_is_told_of_twice_changes_nothing_more() -> None:
    world = merged_world("1")
    for action in ("updated", "unchanged"):
        assert world.sync.merge_contacts("1", "2", TOKEN).action == action
    assert partner(world, "2") == "501"


def test_a_winner_that_was_deleted_meanwhile_takes_the_losers_contact_along() -> None:
    world = merged_world("1", "2")
    world.crm.delete_contact("2")
    world.sync.delete_contact("2", TOKEN)
    assert world.sync.merge_contacts("1", "2", TOKEN) == Result.ok("501", action="deleted")
    assert world.platform.contacts == {}
    assert partner(world, "1") is None


@pytest.mark.parametrize("deletes", ["delete", mark(status="left")])
def test_a_winner_that_lost_its_contact_and_is_there_takes_no_other_contact_along(deletes: Any) -> None:
    """Its tombstone comes from the contact that was deleted on the platform; nobody has deleted the loser's."""
    world = merged_world("1", "2", deletes={"to_external": deletes})
    del world.platform.contacts["502"]
    if deletes == "delete":  # an update finds the contact gone
        world.crm.update_contact({"ref": "2", "first_name": "Bee"})
        assert world.sync.update_contact(world.crm.records["2"], TOKEN).action == "skipped"
    else:
        assert world.event("contact_deleted", {"id": 502})["data"]["action"] == "updated"
    world.crm.delete_contact("1")
    result = world.sync.merge_contacts("1", "2", TOKEN)
    stays = "the contact 501 stays, and is not synced any more"
    assert result == Result.ok("501", action="updated", reason=f"the record 2 counts as deleted; {stays}")
    assert list(world.platform.contacts) == ["501"]
    assert (partner(world, "1"), partner(world, "2")) == (None, None)


def test_a_contact_of_the_platform_whose_record_was_gone_takes_no_other_record_along() -> None:
    world = merged_world("1", "2")
    world.crm.delete_contact("2")
    assert world.event("contact_updated", {"id": 502, "firstname": "Bee"})["data"]["action"] == "skipped"
    assert world.sync.merge_contacts("501", "502", TOKEN, side="botmatic").action == "updated"
    assert "1" in world.crm.records


def test_a_winner_that_is_marked_on_the_platform_takes_no_record_along() -> None:
    world = merged_world("1", "2", deletes={"to_botmatic": mark(status="left")})
    world.crm.delete_contact("2")
    assert world.sync.delete_contact("2", TOKEN).action == "updated"
    assert world.sync.merge_contacts("501", "502", TOKEN, side="botmatic").action == "updated"
    assert "1" in world.crm.records


def test_a_loser_that_an_update_found_gone_before_gives_its_contact_to_the_winner() -> None:
    world = merged_world("1")
    world.crm.delete_contact("1")
    late = world.event("contact_updated", {"id": "501", "firstname": "Anna"})["data"]
    assert late["reason"] == "the paired record 1 is gone; it counts as deleted"
    assert world.sync.merge_contacts("1", "2", TOKEN) == Result.ok("501", action="updated")
    assert partner(world, "2") == "501"
    assert world.sync.delete_contact("1", TOKEN) == merged_into("2")
    assert list(world.platform.contacts) == ["501"]


def test_contacts_of_the_platform_may_be_merged_too() -> None:
    world = make_world()
    for id in (7, 8):
        world.event("contact_created", {"id": id, "email": f"p{id}@example.org"})
    result = world.sync.merge_contacts(7, 8, TOKEN, side="botmatic")
    assert (result.id, result.reason) == ("2", "the record 1 stays, and is not synced any more")
    assert sorted(world.crm.records) == ["1", "2"]
    assert world.event("contact_deleted", {"id": 7})["data"]["action"] == "skipped"
    assert world.event("contact_updated", {"id": 7, "firstname": "Late"})["data"] == {
        "success": True,
        "action": "skipped",
        "reason": "it was merged into the contact 8",
    }


@pytest.mark.parametrize(("loser", "winner"), [("", "2"), ("1", None), ([], "2")])
def test_what_is_no_id_is_merged_with_nothing(loser: Any, winner: Any) -> None:
    result = merged_world("1").sync.merge_contacts(loser, winner, TOKEN)
    assert "no usable id" in str(result.error)


def test_the_pair_that_a_winner_was_given_has_no_baseline_yet_and_clears_nothing() -> None:
    world = merged_world("1")
    world.sync.merge_contacts("1", "2", TOKEN)
    world.sync.update_contact({"ref": "2", "email_address": "", "first_name": "Bea"}, TOKEN)
    assert world.platform.contacts["501"] == {"email": "ana@example.org", "firstname": "Bea"}
