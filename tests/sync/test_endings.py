"""What ends a pair: deletes by policy, records that are gone, mergers, and being forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import NOT_FOUND, ConfigurationError, Result, mark
from contact_sync.testing import MemoryConsumer
from key_stores import Bury, KeyStore, MemoryKeyStore
from tests.sync.helpers import INSTALLATION, TOKEN, World, crm_with, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


class Archiving(MemoryConsumer):
    """A CRM that can put records away."""

    def archive_contact(self, id: str) -> Any:
        result = self.update_contact({"ref": id, "archived": True})
        assert isinstance(result, Result)
        return result


def paired_world(**options: Any) -> World:
    """Ana on both sides: contact 7 and record 1."""
    crm = options.pop("crm", None) or Archiving(id_field="ref", email_field="email_address")
    world = make_world(crm=crm, **options)
    world.platform.contacts["7"] = {"email": "ana@example.org", "firstname": "Ana"}
    world.event("contact_created", ANA)
    world.crm.calls.clear()
    world.platform.calls.clear()
    return world


def deleted_on_the_platform(world: World) -> dict[str, Any]:
    answer: dict[str, Any] = world.event("contact_deleted", {"id": 7})["data"]
    return answer


# Deletes


def test_a_delete_deletes_unless_something_else_is_said_both_ways() -> None:
    world = paired_world()
    assert deleted_on_the_platform(world) == {"success": True, "id": "1", "action": "deleted"}
    assert world.crm.records == {}
    world = paired_world()
    assert world.sync.delete_contact("1", TOKEN) == Result.ok("7", action="deleted")
    assert world.platform.contacts == {}


def test_a_delete_may_archive_the_record() -> None:
    world = paired_world(deletes={"to_external": "archive"})
    assert deleted_on_the_platform(world) == {
        "success": True,
        "id": "1",
        "action": "deleted",
        "reason": "it is archived",
    }
    assert world.crm.records["1"]["archived"] is True
    assert world.external_id("7") is None
    assert world.sync.create_contact(world.crm.records["1"], TOKEN).action == "skipped"


def test_a_consumer_that_cannot_archive_says_so_and_the_pair_stays() -> None:
    world = paired_world(crm=MemoryConsumer(id_field="ref", email_field="email_address"), deletes="ignore")
    other = make_world(crm=world.crm, store=world.store, deletes={"to_external": "archive"})
    answer = deleted_on_the_platform(other)
    assert answer["error"].startswith("MemoryConsumer has no archive_contact")
    assert world.external_id("7") == "1"


def test_a_delete_may_mark_the_other_side_both_ways() -> None:
    world = paired_world(deletes={"to_external": mark(status="gone"), "to_botmatic": mark(state="left")})
    assert deleted_on_the_platform(world) == {
        "success": True,
        "id": "1",
        "action": "updated",
        "reason": "it is marked as deleted",
    }
    assert world.crm.records["1"] == {
        "ref": "1",
        "email_address": "ana@example.org",
        "first_name": "Ana",
        "status": "gone",
    }
    assert world.external_id("7") is None
    world.platform.contacts["8"] = {}
    world.pair("8", "2")
    assert world.sync.delete_contact("2", TOKEN).action == "updated"
    assert world.platform.contacts["8"] == {"state": "left"}


def test_a_record_that_was_to_be_marked_and_is_gone_is_not_said_to_be_marked() -> None:
    world = paired_world(deletes=mark(status="gone"))
    world.crm.delete_contact("1")
    assert deleted_on_the_platform(world) == {"success": True, "id": "1", "action": "deleted"}


@pytest.mark.parametrize(("policy", "pair"), [("unlink", None), ("ignore", "1")])
def test_a_delete_may_unpair_or_do_nothing(policy: Any, pair: str | None) -> None:
    world = paired_world(deletes={"to_external": policy})
    answer = deleted_on_the_platform(world)
    assert (answer["action"], answer["reason"].startswith("deletes do not travel; the record 1")) == ("skipped", True)
    assert list(world.crm.records) == ["1"]
    assert world.crm.calls == []
    assert world.external_id("7") == pair


def test_a_record_that_was_unpaired_may_be_paired_again_and_the_deleted_contact_does_not_come_back() -> None:
    world = paired_world(deletes="unlink")
    deleted_on_the_platform(world)
    assert world.event("contact_updated", ANA)["data"]["action"] == "skipped"
    assert world.sync.create_contact(world.crm.records["1"], TOKEN).action == "created"


def test_a_policy_of_one_direction_leaves_the_other_one_as_it_is() -> None:
    world = paired_world(deletes={"to_external": "ignore"})
    assert world.sync.delete_contact("1", TOKEN).action == "deleted"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"deletes": "destroy"}, "deletes: expected one of delete, archive, unlink, ignore, or mark(field=value), got"),
        ({"deletes": 5}, "deletes: expected one of delete, archive, unlink, ignore, or mark(field=value), got int"),
        ({"deletes": mark()}, "deletes: mark() names no field"),
        ({"deletes": {"to_crm": "delete"}}, "deletes: expected one of to_botmatic, to_external, got 'to_crm'"),
        ({"deletes": "archive"}, "deletes: the platform has no archive"),
        ({"deletes": {"to_botmatic": "archive"}}, "deletes: the platform has no archive"),
        ({"missing": "ignore"}, "missing: expected one of tombstone, unlink, recreate, got 'ignore'"),
        ({"tombstone_seconds": 0}, "tombstone_seconds: expected seconds, more than 0"),
        ({"tombstone_seconds": True}, "tombstone_seconds: expected seconds, more than 0"),
    ],
)
def test_a_policy_that_there_is_not_is_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        make_world(**option)
    assert str(error.value).startswith(message)


def test_a_mark_does_not_show_its_values() -> None:
    assert "very-secret" not in repr(mark(reason="very-secret"))


def test_tombstones_stay_for_as_long_as_is_said() -> None:
    seconds: list[float] = []

    class Noting(MemoryKeyStore):
        def record(self, integration_id: Any, leases: Any, owner: str, writes: Any = (), **options: Any) -> bool:
            seconds.extend(write.seconds for write in writes if isinstance(write, Bury))
            return super().record(integration_id, leases, owner, writes, **options)

    world = paired_world(store=Noting(), tombstone_seconds=90)
    deleted_on_the_platform(world)
    world.event("contact_deleted", {"id": 99})
    assert seconds == [90.0, 90.0]


@pytest.mark.parametrize("late", ["contact_created", "contact_updated"])
def test_nothing_late_brings_a_deleted_contact_back_whichever_side_deleted_it(store: KeyStore, late: str) -> None:
    world = paired_world(store=store)
    record = world.crm.records["1"]
    world.sync.delete_contact("1", TOKEN)
    world.crm.delete_contact("1")
    assert world.event(late, ANA)["data"]["action"] == "skipped"
    assert world.sync.create_contact(record, TOKEN).action == "skipped"
    assert (world.platform.contacts, world.crm.records) == ({}, {})


# A record that turns out to be gone


def edited(world: World) -> dict[str, Any]:
    answer: dict[str, Any] = world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]
    return answer


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("tombstone", "the paired record 1 is gone; it counts as deleted"),
        ("unlink", "the paired record 1 is gone; the contact is unpaired and counts as new from now on"),
    ],
)
def test_a_record_that_is_gone_ends_its_pair(store: KeyStore, policy: Any, reason: str) -> None:
    world = paired_world(store=store, missing=policy)
    world.crm.delete_contact("1")
    assert edited(world) == {"success": True, "action": "skipped", "reason": reason}
    assert world.external_id("7") is None
    assert edited(world)["action"] == ("skipped" if policy == "tombstone" else "created")


def test_a_record_that_is_gone_may_be_made_again(store: KeyStore) -> None:
    world = paired_world(store=store, missing="recreate")
    world.crm.delete_contact("1")
    assert edited(world) == {"success": True, "id": "2", "action": "created"}
    assert world.external_id("7") == "2"


def test_a_contact_that_is_gone_from_the_platform_may_be_made_again_also_in_a_batch() -> None:
    world = paired_world(missing="recreate")
    for name in ("Anna", "Annie"):
        world.platform.contacts.clear()
        world.crm.update_contact({"ref": "1", "first_name": name})
        record = world.crm.records["1"]
        one_by_one = name == "Anna"
        (result,) = (
            [world.sync.update_contact(record, TOKEN)] if one_by_one else world.sync.update_contacts([record], TOKEN)
        )
        assert result.action == "created"
        assert world.store.get_botmatic_id(INSTALLATION, "1") == result.id
    assert [contact["firstname"] for contact in world.platform.contacts.values()] == ["Annie"]


def test_the_news_of_a_delete_that_comes_after_an_update_found_the_record_gone_is_passed_on() -> None:
    world = paired_world()
    world.crm.delete_contact("1")
    edited(world)
    assert world.sync.delete_contact("1", TOKEN).action == "deleted"
    assert world.platform.contacts == {}
    assert world.sync.delete_contact("1", TOKEN).error == NOT_FOUND


def test_the_news_of_a_delete_is_not_passed_on_to_one_that_is_gone_by_itself() -> None:
    world = paired_world()
    world.crm.delete_contact("1")
    edited(world)
    deleted_on_the_platform(world)
    world.platform.contacts.clear()
    assert world.sync.delete_contact("1", TOKEN).error == NOT_FOUND
    assert world.platform.calls == []


def test_a_delete_that_is_told_of_twice_takes_one_contact_along_and_no_former_one() -> None:
    """A record that was away for a while, and was adopted by another contact since."""
    world = make_world(crm=crm_with({"ref": "1", "email_address": "ana@example.org"}))
    assert world.sync.create_contact(world.crm.records["1"], TOKEN).id == "501"
    away = Result.failed(NOT_FOUND)
    world.crm.fail_next(away, method="update_contact")
    assert world.event("contact_updated", {"id": 501, "firstname": "Ana"})["data"]["action"] == "skipped"
    world.platform.contacts["7"] = {"email": "ana@example.org"}
    assert world.event("contact_created", {"id": 7, "email": "ana@example.org"})["data"]["action"] == "adopted"
    world.crm.delete_contact("1")
    assert world.sync.delete_contact("1", TOKEN) == Result.ok("7", action="deleted")
    assert world.sync.delete_contact("1", TOKEN).error == NOT_FOUND
    assert list(world.platform.contacts) == ["501"]


# Being forgotten


def test_a_forgotten_contact_leaves_nothing_and_counts_as_new(store: KeyStore) -> None:
    world = paired_world(store=store, secret_keys=["k" * 40])
    assert world.sync.forget(7, TOKEN, side="botmatic") == Result.ok("7", action="deleted")
    assert world.external_id("7") is None
    assert (list(world.crm.records), list(world.platform.contacts)) == (["1"], ["7"])
    assert world.event("contact_updated", ANA)["data"]["action"] == "adopted"


def test_a_deleted_contact_that_is_forgotten_may_come_back(store: KeyStore) -> None:
    world = paired_world(store=store)
    deleted_on_the_platform(world)
    assert world.sync.forget("7", TOKEN, side="botmatic").action == "deleted"
    assert world.event("contact_updated", ANA)["data"]["action"] == "created"


def test_forgetting_takes_what_was_held_and_whom_it_was_merged_into() -> None:
    world = make_world(secret_keys=["k" * 40], unmatched="hold")
    world.event("contact_created", {"id": 8, "firstname": "Bea"})
    store = world.store
    assert isinstance(store, MemoryKeyStore)
    world.sync.merge_contacts(8, 9, TOKEN, side="botmatic")
    world.sync.forget({"id": 8}, TOKEN, side="botmatic")
    assert store.get_records(INSTALLATION) == {}


def test_forgetting_what_is_not_known_changes_nothing() -> None:
    world = paired_world()
    assert world.sync.forget("5", TOKEN).action == "unchanged"
    assert not world.sync.forget({"first_name": "nobody"}, TOKEN).success
    assert world.external_id("7") == "1"
