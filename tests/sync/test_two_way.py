"""Both ways with a memory: echoes stop, clears travel, and only what has changed is written."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import Conflict, ConflictReport, Result
from contact_sync.testing import MemoryConsumer
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import INSTALLATION, ROWS, TOKEN, World, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana", "phone": "0612"}


def partial_world(**options: Any) -> World:
    """A world whose CRM takes the changed fields alone, with Ana on both sides."""
    crm = MemoryConsumer(id_field="ref", email_field="email_address", partial_updates=True)
    world = make_world(crm=crm, **options)
    world.platform.contacts["7"] = {name: value for name, value in ANA.items() if name != "id"}
    assert world.event("contact_created", ANA)["data"] == {"success": True, "id": "1", "action": "created"}
    world.crm.calls.clear()
    world.platform.calls.clear()
    return world


def record(**changes: Any) -> dict[str, Any]:
    """Ana as the CRM has her."""
    return {"ref": "1", "email_address": "ana@example.org", "first_name": "Ana", "phone_number": "0612"} | changes


def edit_in_crm(world: World, **changes: Any) -> Result:
    """Edit Ana in the CRM, which tells of it."""
    world.crm.update_contact({"ref": "1"} | changes)
    return world.sync.update_contact(world.crm.records["1"], TOKEN)


def test_an_echo_makes_no_call() -> None:
    world = partial_world()
    assert world.event("contact_updated", ANA)["data"] == {"success": True, "id": "1", "action": "unchanged"}
    assert world.sync.update_contact(record(), TOKEN).action == "unchanged"
    assert (world.crm.calls, world.platform.calls) == ([], [])


def test_an_edit_writes_what_has_changed_alone() -> None:
    world = partial_world()
    written: list[dict[str, Any]] = []
    world.crm.before("update_contact", lambda contact: written.append(dict(contact)))
    assert world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]["action"] == "updated"
    assert written == [{"ref": "1", "first_name": "Anna"}]


def test_a_consumer_without_partial_updates_gets_all_that_the_contact_has() -> None:
    world = make_world()
    world.event("contact_created", ANA)
    written: list[dict[str, Any]] = []
    world.crm.before("update_contact", lambda contact: written.append(dict(contact)))
    world.event("contact_updated", ANA | {"firstname": "Anna", "phone": ""})
    assert written == [{"ref": "1", "email_address": "ana@example.org", "first_name": "Anna", "phone_number": None}]


def test_a_cleared_field_clears_on_the_other_side_both_ways() -> None:
    world = partial_world()
    world.event("contact_updated", ANA | {"phone": ""})
    assert world.crm.records["1"]["phone_number"] is None
    assert edit_in_crm(world, first_name=None).action == "updated"
    assert world.platform.contacts["7"]["firstname"] is None


def test_a_field_that_is_absent_is_not_cleared() -> None:
    world = partial_world()
    assert world.event("contact_updated", {"id": 7, "firstname": "Ana"})["data"]["action"] == "unchanged"
    assert world.crm.records["1"]["phone_number"] == "0612"


@pytest.mark.parametrize("value", [0, False, "0"])
def test_zero_and_false_are_values(value: Any) -> None:
    world = partial_world()
    world.event("contact_updated", ANA | {"phone": value})
    assert world.crm.records["1"]["phone_number"] == value
    assert world.event("contact_updated", ANA | {"phone": value})["data"]["action"] == "unchanged"


def test_both_sides_edits_of_different_fields_both_stay() -> None:
    world = partial_world()
    world.crm.update_contact({"ref": "1", "phone_number": "0700"})
    world.event("contact_updated", ANA | {"firstname": "Anna"})
    assert world.crm.records["1"] == record(first_name="Anna", phone_number="0700")
    told = world.crm.records["1"]
    assert world.sync.update_contact(told, TOKEN).action == "updated"
    assert world.platform.contacts["7"]["phone"] == "0700"


def test_what_the_crm_made_of_a_value_is_what_later_notices_are_compared_with() -> None:
    class Tidy(MemoryConsumer):
        """A CRM that writes phone numbers its own way, and says so."""

        partial_updates = True

        def update_contact(self, contact: dict[str, Any]) -> Any:
            if "phone_number" in contact:
                contact = contact | {"phone_number": f"+33 {contact['phone_number']}"}
            result = super().update_contact(contact)
            assert isinstance(result, Result)
            return result.with_(contact=self.records[contact["ref"]])

    world = make_world(crm=Tidy(id_field="ref", email_field="email_address"))
    world.platform.contacts["7"] = {}
    world.event("contact_created", ANA)
    world.event("contact_updated", ANA | {"phone": "0700"})
    assert world.crm.records["1"]["phone_number"] == "+33 0700"
    world.platform.calls.clear()
    assert world.sync.update_contact(world.crm.records["1"], TOKEN).action == "unchanged"
    assert world.event("contact_updated", ANA | {"phone": "0700"})["data"]["action"] == "unchanged"
    assert world.platform.calls == []


def test_what_the_platform_tells_late_of_a_field_that_we_wrote_since_is_no_edit() -> None:
    """The platform's event was on its way when the CRM's edit was written to the platform."""
    world = partial_world()
    assert edit_in_crm(world, phone_number="0700").action == "updated"
    late = ANA | {"firstname": "Anna"}  # with the old phone
    assert world.event("contact_updated", late)["data"]["action"] == "updated"
    assert world.crm.records["1"] == record(first_name="Anna", phone_number="0700")
    assert world.event("contact_updated", late)["data"] == {
        "success": True,
        "id": "1",
        "action": "unchanged",
        "reason": "it is older than what was written there since",
    }
    # The platform tells of what we wrote; from then on, the old value is an edit back.
    assert world.event("contact_updated", ANA | {"firstname": "Anna", "phone": "0700"})["data"]["action"] == "unchanged"
    assert world.event("contact_updated", late)["data"]["action"] == "updated"
    assert world.crm.records["1"] == record(first_name="Anna")


def test_a_notice_of_the_crm_that_is_older_than_our_write_is_checked_with_the_crm() -> None:
    world = partial_world()
    old = world.crm.records["1"]
    world.event("contact_updated", ANA | {"firstname": "Anna"})
    world.crm.calls.clear()
    assert world.sync.update_contact(old, TOKEN).action == "unchanged"
    assert [call.method for call in world.crm.calls] == ["get_contact"]
    assert world.platform.contacts["7"]["firstname"] == "Ana"  # the double is not edited by its own event


def test_an_edit_back_is_an_edit() -> None:
    world = partial_world()
    for name in ("Anna", "Ana", "Anna"):
        assert world.event("contact_updated", ANA | {"firstname": name})["data"]["action"] == "updated"
        assert world.crm.records["1"]["first_name"] == name


def test_a_pair_without_a_baseline_is_filled_and_never_cleared() -> None:
    """As after moving over from Node."""
    world = make_world(crm=MemoryConsumer([record()], id_field="ref", email_field="email_address"))
    world.pair("7", "1")
    world.event("contact_updated", ANA | {"phone": "", "firstname": "Anna"})
    assert world.crm.records["1"] == record(first_name="Anna")


# Conflicts


def conflicting(**options: Any) -> World:
    """A world in which both sides have changed the first name, and the platform tells of it."""
    world = partial_world(**options)
    world.crm.update_contact({"ref": "1", "first_name": "Annie"})
    world.platform.contacts["7"]["firstname"] = "Anna"
    world.crm.calls.clear()
    return world


EDITED = ANA | {"firstname": "Anna"}


def test_the_last_write_wins_unless_something_else_is_said_and_reads_nothing_first() -> None:
    world = conflicting()
    assert world.event("contact_updated", EDITED)["data"]["action"] == "updated"
    assert world.crm.records["1"]["first_name"] == "Anna"
    assert [call.method for call in world.crm.calls] == ["update_contact"]


@pytest.mark.parametrize(("policy", "name"), [("botmatic", "Anna"), ("external", "Annie")])
def test_a_side_wins_and_the_other_one_takes_its_value(policy: Any, name: str) -> None:
    world = conflicting(conflicts=policy)
    reports: list[ConflictReport] = []
    world.sync.on_conflict(reports.append)
    answer = world.event("contact_updated", EDITED)["data"]
    assert (answer["action"], answer["conflicts"]) == ("updated", ["firstname"])
    assert world.crm.records["1"]["first_name"] == name
    assert world.platform.contacts["7"]["firstname"] == name
    assert reports == [ConflictReport({"firstname": policy}, "7", "1", INSTALLATION)]
    assert world.sync.conflict_count == 1
    now = ANA | {"firstname": name}
    assert world.event("contact_updated", now)["data"]["action"] == "unchanged"


def test_a_function_decides_and_sees_both_values() -> None:
    seen: list[Conflict] = []

    def longest(conflict: Conflict) -> Any:
        seen.append(conflict)
        return "botmatic" if len(conflict.botmatic) > len(conflict.external) else "external"

    world = conflicting(conflicts=longest)
    world.event("contact_updated", EDITED)
    assert world.platform.contacts["7"]["firstname"] == "Annie"
    assert seen == [Conflict("firstname", "Anna", "Annie", "botmatic", INSTALLATION)]
    assert "Anna" not in repr(seen)


def test_a_row_has_a_policy_of_its_own() -> None:
    rows = [Row("firstname", "first_name", conflict="external") if row.botmatic == "firstname" else row for row in ROWS]
    world = conflicting(mapper=Mapper(rows), conflicts="botmatic")
    world.event("contact_updated", EDITED | {"phone": "0700"})
    assert world.crm.records["1"] == record(first_name="Annie", phone_number="0700")


def test_both_sides_that_changed_to_the_same_have_no_conflict() -> None:
    world = conflicting(conflicts="external")
    assert world.event("contact_updated", ANA | {"firstname": "Annie"})["data"] == {
        "success": True,
        "id": "1",
        "action": "unchanged",
    }
    assert world.sync.conflict_count == 0


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda conflict: "mine", "the conflict function gave str for the field 'firstname'"),
        (lambda conflict: 1 / 0, "the conflict function raised ZeroDivisionError for the field 'firstname'"),
    ],
)
def test_a_function_that_does_not_decide_is_a_failure_that_names_the_field(function: Any, error: str) -> None:
    world = conflicting(conflicts=function)
    answer = world.event("contact_updated", EDITED)["data"]
    assert answer["success"] is False
    assert answer["error"].startswith(error)
    assert world.crm.records["1"]["first_name"] == "Annie"


def test_a_listener_that_raises_changes_nothing() -> None:
    world = conflicting(conflicts="external")
    world.sync.on_conflict(lambda report: 1 / 0)
    assert world.event("contact_updated", EDITED)["data"]["action"] == "updated"


def test_a_policy_that_cannot_read_the_crm_for_now_fails_for_now() -> None:
    world = conflicting(conflicts="external")
    world.crm.fail_next(TimeoutError(), method="get_contact")
    assert world.post({"event": "contact_updated", "data": EDITED}).status_code == 503
    assert world.event("contact_updated", EDITED)["data"]["action"] == "updated"
