"""What a consumer declares of its CRM, and what the sync makes of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from contact_sync import (
    CANNOT_CLEAR,
    EXISTS,
    NOT_FOUND,
    ConfigurationError,
    RateBudget,
    ReadOnlyConsumer,
    Result,
    mark,
)
from contact_sync.consumer import READ_ONLY, ResultLike, abilities_of, ask, pages
from contact_sync.consumer.pace import LONGEST_WAIT, Pace
from contact_sync.testing import MemoryConsumer
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import ROWS, TOKEN, MemoryPlatform, World, make_world

ADA = {"id": "b1", "email": "ada@example.org", "firstname": "Ada", "phone": "1"}


def crm_that(**declared: Any) -> MemoryConsumer:
    """A CRM in memory that declares something of itself."""
    kind = type("Declaring", (MemoryConsumer,), declared)
    crm: MemoryConsumer = kind(id_field="ref", email_field="email_address")
    return crm


def paired(crm: MemoryConsumer, **options: Any) -> World:
    """A world in which Ada is on both sides and nobody has anything to say."""
    platform = MemoryPlatform()
    platform.contacts["b1"] = {name: value for name, value in ADA.items() if name != "id"}
    world = make_world(crm=crm, platform=platform, **options)
    assert world.event("contact_created", ADA)["data"]["action"] == "created"
    return world


def edit(world: World, **fields: Any) -> dict[str, Any]:
    """Edit Ada on the platform, whose platform tells of the whole contact."""
    world.platform.contacts["b1"].update(fields)
    data: dict[str, Any] = world.event("contact_updated", {"id": "b1"} | world.platform.contacts["b1"])["data"]
    return data


def in_crm(world: World) -> dict[str, Any]:
    (record,) = world.crm.records.values()
    return record


class TestReadOnlyFields:
    def test_an_edit_of_one_stays_on_the_platform_and_is_settled(self) -> None:
        world = paired(crm_that(read_only_fields=["first_name"]))
        said = edit(world, firstname="Eve")
        assert (said["action"], said["reason"]) == ("unchanged", f"{READ_ONLY}: firstname")
        again = edit(world)
        assert (again["action"], again.get("reason")) == ("unchanged", None)
        assert [method for method, _ in world.crm.calls].count("update_contact") == 0

    def test_the_other_fields_of_the_edit_are_written(self) -> None:
        world = paired(crm_that(read_only_fields=["first_name"], partial_updates=True))
        said = edit(world, firstname="Eve", phone="2")
        assert (said["action"], said["reason"]) == ("updated", f"{READ_ONLY}: firstname")
        assert in_crm(world)["phone_number"] == "2"
        assert "first_name" not in in_crm(world)  # nor was it when the record was created

    def test_it_is_not_sent_along_with_other_fields(self) -> None:
        world = paired(crm_that(read_only_fields=["first_name"]))
        edit(world, phone="2")
        assert "first_name" not in in_crm(world)

    def test_what_lies_in_one_is_read_only_too(self) -> None:
        rows = [*ROWS[:2], Row("firstname", "name.first"), Row("phone", "phone_number")]
        world = paired(crm_that(read_only_fields=["name"]), mapper=Mapper(rows))
        assert edit(world, firstname="Eve", phone="2")["reason"] == f"{READ_ONLY}: firstname"
        assert "name" not in in_crm(world)

    def test_the_crms_own_edits_of_it_travel(self) -> None:
        world = paired(crm_that(read_only_fields=["first_name"]))
        edit(world, firstname="Eve")
        world.crm.update_contact({"ref": "1", "first_name": "Computed"})
        result = world.sync.update_contact(in_crm(world), TOKEN)
        assert result.action == "updated"
        assert world.platform.contacts["b1"]["firstname"] == "Computed"

    def test_with_error_the_event_fails_and_names_the_field(self) -> None:
        world = paired(crm_that(read_only_fields=["first_name"]), read_only="error")
        said = edit(world, firstname="Eve", phone="2")
        assert said["error"] == f"{READ_ONLY}: firstname"
        assert in_crm(world)["phone_number"] == "2"
        assert edit(world)["action"] == "unchanged"

    def test_with_revert_the_platform_gets_the_crms_value_back(self) -> None:
        crm = crm_that(read_only_fields=["first_name"])
        world = paired(crm, read_only="revert")
        crm.update_contact({"ref": "1", "first_name": "Computed"})
        said = edit(world, firstname="Eve")
        assert said["action"] == "updated"
        assert world.platform.contacts["b1"]["firstname"] == "Computed"
        writes = [method for method, _ in crm.calls if method == "update_contact"]
        assert len(writes) == 1  # the CRM's own
        assert edit(world)["action"] == "unchanged"

    @pytest.mark.parametrize("read_only", ["ignore", "revert"])
    def test_whoever_else_wins_conflicts_the_crm_keeps_what_it_computes(self, read_only: Any) -> None:
        crm = crm_that(read_only_fields=["first_name"])
        world = paired(crm, conflicts="botmatic", read_only=read_only)
        edit(world, firstname="Eve")
        world.crm.update_contact({"ref": "1", "first_name": "Computed"})
        result = world.sync.update_contact(in_crm(world), TOKEN)
        assert result.action == "updated"
        assert world.platform.contacts["b1"]["firstname"] == "Computed"
        assert [method for method, _ in crm.calls].count("update_contact") == 1  # the CRM's own

    def test_an_adopted_record_fills_the_platform_and_is_not_written(self) -> None:
        crm = crm_that(read_only_fields=["first_name", "phone_number"])
        crm.create_contact({"email_address": "ada@example.org", "first_name": "Computed"})
        platform = MemoryPlatform()
        platform.contacts["b1"] = {}
        world = make_world(crm=crm, platform=platform)
        assert world.event("contact_created", ADA)["data"]["action"] == "adopted"
        assert platform.contacts["b1"]["firstname"] == "Computed"
        assert not [method for method, _ in crm.calls if method == "update_contact"]


class TestAReadOnlyCRM:
    def crm(self) -> MemoryConsumer:
        crm = crm_that(can_create=False, can_update=False, can_delete=False)
        crm.create_contact({"email_address": "ada@example.org", "first_name": "Ada"})
        crm.calls.clear()
        return crm

    def world(self, **options: Any) -> World:
        world = make_world(crm=self.crm(), **options)
        world.sync.import_all(TOKEN)
        (id,) = world.platform.contacts
        world.platform.contacts["b1"] = world.platform.contacts.pop(id)
        world.pair("b1", "1")
        return world

    def test_whoever_is_found_nowhere_is_skipped(self) -> None:
        world = self.world()
        said = world.event("contact_created", {"id": "b2", "email": "eve@example.org"})["data"]
        assert (said["action"], said["success"]) == ("skipped", True)
        assert len(world.crm.records) == 1

    def test_with_error_whoever_is_found_nowhere_fails(self) -> None:
        world = self.world(read_only="error")
        said = world.event("contact_created", {"id": "b2", "email": "eve@example.org"})["data"]
        assert "nothing can be created there" in said["error"]

    def test_whoever_is_found_is_adopted(self) -> None:
        world = make_world(crm=self.crm())
        world.platform.contacts["b7"] = {}
        said = world.event("contact_created", {"id": "b7", "email": "ada@example.org", "phone": "1"})["data"]
        assert said["action"] == "adopted"
        assert world.platform.contacts["b7"]["firstname"] == "Ada"

    def test_no_edit_is_written(self) -> None:
        world = self.world()
        said = world.event("contact_updated", {"id": "b1", "firstname": "Eve", "email": "eve@example.org"})["data"]
        assert said["action"] == "unchanged"
        assert {method for method, _ in world.crm.calls} <= {"list_contacts", "get_contact"}

    def test_a_contact_deleted_on_the_platform_does_not_come_back(self) -> None:
        world = self.world()
        del world.platform.contacts["b1"]
        said = world.event("contact_deleted", {"contact_id": "b1"})["data"]
        assert (said["action"], said["success"]) == ("skipped", True)
        assert world.sync.import_all(TOKEN).skipped == 1
        assert world.platform.contacts == {}

    def test_with_revert_a_deleted_contact_comes_back_with_the_next_news(self) -> None:
        world = self.world(read_only="revert")
        del world.platform.contacts["b1"]
        world.event("contact_deleted", {"contact_id": "b1"})
        assert world.sync.import_all(TOKEN).created == 1

    def test_with_error_a_delete_fails_and_names_the_record(self) -> None:
        world = self.world(read_only="error")
        said = world.event("contact_deleted", {"contact_id": "b1"})["data"]
        assert "the record 1 stays" in said["error"]

    def test_nothing_is_marked_either(self) -> None:
        world = self.world(deletes=mark(status="gone"))
        del world.platform.contacts["b1"]
        assert world.event("contact_deleted", {"contact_id": "b1"})["data"]["action"] == "skipped"
        assert not [method for method, _ in world.crm.calls if method == "update_contact"]

    def test_nothing_is_written_by_batches_either(self, tmp_path: Path) -> None:
        crm = crm_that(can_create=False, can_update=False, can_delete=False)
        crm.batch_size = 50
        world = make_world(crm=crm, delivery=f"sqlite:///{tmp_path}/inbox.db")
        with world.sync:
            for number in range(5):
                world.event("contact_created", {"id": f"b{number}", "email": f"{number}@example.org"})
            assert world.sync.delivery.backlog().waiting == 5
            _apply_all(world)
        assert crm.records == {}
        assert not [method for method, _ in crm.calls if method.startswith(("create", "update"))]

    def test_a_consumer_of_one_needs_three_methods(self) -> None:
        class Directory(ReadOnlyConsumer):
            def get_contact(self, id: str) -> ResultLike:
                return Result.ok(contact={"ref": "7", "email_address": "ada@example.org"})

            def get_contact_by_email(self, email: str) -> ResultLike:
                return self.get_contact("7") if email == "ada@example.org" else Result.failed(NOT_FOUND)

            def list_contacts(self, page: int = 1, limit: int = 30) -> ResultLike:
                return Result.ok(contacts=[{"ref": "7"}] if page == 1 else [])

        directory = Directory()
        assert abilities_of(directory) == []
        for method, argument in (("create_contact", {}), ("update_contact", {"ref": "7"}), ("delete_contact", "7")):
            result = ask(directory, method, argument)
            assert (result.success, result.reason) == (False, READ_ONLY)
        world = make_world(consumer=directory)
        assert world.sync.import_all(TOKEN).created == 1
        world.platform.contacts["b9"] = {}
        assert world.event("contact_created", {"id": "b9", "email": "eve@example.org"})["data"]["success"]


class TestClears:
    @pytest.mark.parametrize("value", ["", "-", {"op": "clear"}])
    def test_a_field_is_cleared_by_what_the_crm_wants_for_it(self, value: object) -> None:
        crm = crm_that(clear_value=value)
        world = paired(crm)
        edit(world, firstname=None)
        assert in_crm(world)["first_name"] == value
        assert edit(world)["action"] == "unchanged"

    def test_batches_clear_in_the_same_way(self, tmp_path: Path) -> None:
        crm = crm_that(clear_value="")
        crm.batch_size = 50
        world = make_world(crm=crm, delivery=f"sqlite:///{tmp_path}/inbox.db")
        with world.sync:
            for name in ("Ada", None):
                for number in range(3):
                    contact = {"id": f"b{number}", "email": f"{number}@example.org", "firstname": name}
                    world.event("contact_updated", contact)
                _apply_all(world)
        assert [record["first_name"] for record in crm.records.values()] == [""] * 3
        assert ("update_contacts", None) in crm.calls

    def test_where_nothing_can_be_cleared_a_clear_is_settled_on_the_platform(self) -> None:
        world = paired(crm_that(clear_value=CANNOT_CLEAR))
        said = edit(world, firstname=None, phone="2")
        assert (said["action"], said["reason"]) == ("updated", f"{READ_ONLY}: firstname")
        assert (in_crm(world)["first_name"], in_crm(world)["phone_number"]) == ("Ada", "2")
        assert edit(world, firstname="Eve")["action"] == "updated"
        assert in_crm(world)["first_name"] == "Eve"

    def test_or_reverted(self) -> None:
        world = paired(crm_that(clear_value=CANNOT_CLEAR), read_only="revert")
        edit(world, firstname=None)
        assert world.platform.contacts["b1"]["firstname"] == "Ada"


class TestRecordsThatExist:
    """A create that is refused because the record exists, by a CRM that does not say which one it is."""

    def refusing(self, unique: str, **declared: Any) -> MemoryConsumer:
        def create_contact(self: MemoryConsumer, contact: dict[str, Any]) -> ResultLike:
            if any(record.get(unique) == contact.get(unique) for record in self.records.values()):
                return Result.failed("duplicate", reason=EXISTS)
            return MemoryConsumer.create_contact(self, contact)

        return crm_that(create_contact=create_contact, **declared)

    def test_it_is_found_by_a_field_that_is_unique_and_adopted(self) -> None:
        crm = self.refusing("phone_number", unique_keys=["phone_number"])
        MemoryConsumer.create_contact(crm, {"phone_number": "1", "first_name": "A."})
        world = make_world(crm=crm)
        said = world.event("contact_created", ADA)["data"]
        assert (said["action"], said["id"]) == ("adopted", "1")
        assert len(crm.records) == 1

    def test_a_record_that_has_the_unique_value_but_is_somebody_else_is_not_adopted(self) -> None:
        """What somebody says in a chat must not get them another person's record."""
        crm = self.refusing("phone_number", unique_keys=["phone_number"])
        MemoryConsumer.create_contact(crm, {"phone_number": "1", "email_address": "boss@example.org"})
        world = make_world(crm=crm)
        assert world.event("contact_created", ADA)["data"]["action"] == "held"
        assert crm.records["1"]["email_address"] == "boss@example.org"

    def test_a_search_for_the_unique_value_that_is_not_exact_finds_nobody(self) -> None:
        crm = self.refusing("phone_number", unique_keys=["phone_number"])
        MemoryConsumer.create_contact(crm, {"phone_number": "1", "first_name": "A."})
        MemoryConsumer.create_contact(crm, {"phone_number": "12"})
        crm.find_contact = lambda field, value: crm.get_contact(  # type: ignore[method-assign]
            "2" if field == "phone_number" else "nobody"
        )
        world = make_world(crm=crm)
        assert "unique_keys" in world.event("contact_created", ADA)["data"]["error"]

    def test_it_is_found_by_the_match_rows_once_it_is_there(self) -> None:
        crm = self.refusing("email_address")
        made = threading.Event()
        find = crm.get_contact_by_email

        def late(email: str) -> ResultLike:
            if made.is_set():
                return find(email)
            made.set()
            MemoryConsumer.create_contact(crm, {"email_address": email})
            return Result.failed(NOT_FOUND)

        crm.get_contact_by_email = late  # type: ignore[method-assign]
        world = make_world(crm=crm)
        assert world.event("contact_created", ADA)["data"]["action"] == "adopted"
        assert len(crm.records) == 1

    def test_a_record_that_is_somebody_else_is_not_adopted(self) -> None:
        """Another rule of the CRM's was in the way: two people with one phone number."""

        def create_contact(self: MemoryConsumer, contact: dict[str, Any]) -> ResultLike:
            return Result.failed("that phone number is taken", id="1")

        crm = crm_that(create_contact=create_contact)
        boss = {"email_address": "boss@example.org", "first_name": "Boss", "phone_number": "1"}
        MemoryConsumer.create_contact(crm, boss)
        world = make_world(crm=crm)
        said = world.event("contact_created", ADA)["data"]
        assert said["action"] == "held"
        assert "differs in 'email'" in said["reason"]
        assert crm.records["1"] == {"ref": "1"} | boss
        held = world.sync.held_contacts(TOKEN)
        assert not isinstance(held, Result)
        assert [one.candidates for one in held] == [("1",)]

    def test_what_is_not_found_is_a_failure_that_says_what_to_do(self) -> None:
        crm = self.refusing("phone_number")
        MemoryConsumer.create_contact(crm, {"phone_number": "1"})
        world = make_world(crm=crm)
        said = world.event("contact_created", ADA)["data"]
        assert "unique_keys" in said["error"]
        assert len(crm.records) == 1


class TestRateBudget:
    def test_calls_beyond_it_wait_for_their_turn(self) -> None:
        pace = Pace(RateBudget(2, per=1.0))
        assert [pace.take(10.0), pace.take(10.0)] == [0.0, 0.0]
        assert pace.take(10.0) == pytest.approx(1.0)
        assert pace.take(10.5) == pytest.approx(0.5)
        assert pace.take(10.5) == pytest.approx(1.5)
        assert pace.take(13.0) == 0.0

    def test_a_turn_that_is_too_far_is_not_taken(self) -> None:
        pace = Pace(RateBudget(1, per=60.0))
        assert pace.take(0.0) == 0.0
        assert pace.take(1.0) == pytest.approx(59.0)
        assert pace.take(58.5) == pytest.approx(1.5)

    def test_a_call_whose_turn_is_far_fails_and_says_when(self) -> None:
        crm = crm_that(rate_budget=RateBudget(1, per=600))
        assert ask(crm, "get_contact", "1").not_found
        result = ask(crm, "get_contact", "1")
        assert result.retryable
        assert result.retry_after is not None
        assert LONGEST_WAIT < result.retry_after <= 600
        assert len(crm.calls) == 1

    def test_an_event_beyond_it_is_answered_503_with_the_time(self) -> None:
        crm = crm_that(rate_budget=RateBudget(1, per=600))
        world = make_world(crm=crm)
        ask(crm, "get_contact", "1")
        response = world.post({"event": "contact_created", "data": ADA})
        assert response.status_code == 503
        assert 500 < int(response.headers["Retry-After"]) <= 600
        assert crm.records == {}

    def test_an_event_that_has_begun_comes_to_its_end(self) -> None:
        """Each of its calls waits for its turn; were it to fail half-way, it would begin anew each time."""
        world = make_world(crm=crm_that(rate_budget=RateBudget(1, per=0.4)))
        assert world.event("contact_created", ADA)["data"]["action"] == "created"
        assert [method for method, _ in world.crm.calls] == ["get_contact_by_email", "create_contact"]

    def test_bulk_work_waits_as_long_as_it_takes(self) -> None:
        crm = crm_that(rate_budget=RateBudget(1, per=2.2))  # longer than the first call of an event waits
        crm.create_contact({"first_name": "Ada"})
        world = make_world(crm=crm)
        world.pair("b7", "7")
        world.platform.contacts["b7"] = {"firstname": "Gone"}
        report = world.sync.pull_changes(TOKEN, full=True)
        assert (report.error, report.created, report.deleted) == (None, 1, 1)

    def test_a_walk_waits_as_long_as_it_takes(self) -> None:
        crm = crm_that(rate_budget=RateBudget(2, per=0.2))
        for number in range(5):
            crm.create_contact({"first_name": str(number)})
        walked = [len(page.contacts or ()) for page in pages(crm, 1)]
        assert walked == [1] * 5

    @pytest.mark.parametrize(("calls", "per"), [(0, 1), (-1, 1), (1, 0), (True, 1), ("9", 1), (1, float("inf"))])
    def test_a_budget_of_nothing_is_refused(self, calls: Any, per: Any) -> None:
        with pytest.raises(ConfigurationError, match="above 0"):
            RateBudget(calls, per=per)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"can_create": "no"}, "can_create: expected True or False, got str"),
        ({"read_only_fields": "email"}, r"read_only_fields: expected a list of names, got str"),
        ({"unique_keys": [""]}, "unique_keys: each name is text"),
        ({"lacks": ["list_contacts"]}, "lacks: 'list_contacts' is no optional method"),
        ({"rate_budget": 100}, r"rate_budget: expected a RateBudget, got int"),
        ({"partial_updates": "yes"}, "partial_updates: expected True or False, got str"),
        ({"batch_size": 0}, "batch_size: expected how many records"),
        ({"batch_size": "100"}, "batch_size: expected how many records"),
        ({"clear_value": object()}, "clear_value: expected None, text, or what else JSON can carry"),
        ({"read_only_fields": ["a..b"]}, r"the field 'a\.\.b' is no path"),
    ],
)
def test_a_wrong_declaration_is_said_when_the_sync_is_made(declared: dict[str, Any], said: str) -> None:
    crm = crm_that()
    for name, value in declared.items():
        setattr(crm, name, value)
    with pytest.raises(ConfigurationError, match=said):
        make_world(crm=crm)
    per_tenant = make_world(consumer=lambda auth: crm)
    assert "Declaring" in per_tenant.event("contact_created", ADA)["data"]["error"]


def test_read_only_takes_one_of_three_words() -> None:
    with pytest.raises(ConfigurationError, match="read_only: expected one of ignore, error, revert"):
        make_world(read_only="refuse")


def _apply_all(world: World) -> None:
    """Have a worker apply what waits."""
    stop = threading.Event()
    worker = threading.Thread(target=world.sync.run_worker, args=(stop,), kwargs={"threads": 1})
    worker.start()
    try:
        for _ in range(1000):
            backlog = world.sync.delivery.backlog()
            if not backlog.waiting and not backlog.in_flight:
                return
            stop.wait(0.01)
        pytest.fail("what waits was not applied")
    finally:
        stop.set()
        worker.join()
