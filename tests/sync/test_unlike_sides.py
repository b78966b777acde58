"""Sides that can do less than others: stores without baselines, full updates, searches by nothing but an address."""

from __future__ import annotations

from typing import Any

from contact_sync import ExternalAPIConsumer, mark
from contact_sync.testing import MemoryConsumer
from key_stores import MemoryKeyStore
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import INSTALLATION, ROWS, TOKEN, World, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana", "phone": "0612"}


class ByEmailAlone(MemoryConsumer):
    """A CRM that finds nothing but e-mail addresses."""

    find_contact = ExternalAPIConsumer.find_contact


def paired_world(**options: Any) -> World:
    """A world with Ana on both sides."""
    world = make_world(**options)
    world.platform.contacts["7"] = {name: value for name, value in ANA.items() if name != "id"}
    assert world.event("contact_created", ANA)["data"]["action"] == "created"
    return world


def test_without_baselines_no_policy_keeps_an_edit_from_travelling() -> None:
    """Who changed what is not known then, so the last write wins, as before."""
    world = paired_world(store=FiveMethods(MemoryKeyStore()), conflicts="external")
    answer = world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]
    assert (answer["action"], "conflicts" in answer) == ("updated", False)
    assert world.crm.records["1"]["first_name"] == "Anna"
    assert world.platform.contacts["7"]["firstname"] == "Ana"


def test_a_full_update_leaves_out_what_was_seen_to_be_edited_in_the_crm() -> None:
    world = paired_world(conflicts="external")
    world.crm.update_contact({"ref": "1", "phone_number": "0700"})
    world.event("contact_updated", ANA | {"firstname": "Anna"})
    assert world.crm.records["1"]["phone_number"] == "0700"
    assert world.sync.update_contact(world.crm.records["1"], TOKEN).action == "updated"
    assert world.platform.contacts["7"]["phone"] == "0700"


def test_an_adoption_fills_a_blank_also_where_empty_values_are_ignored() -> None:
    mapper = Mapper(ROWS, on_empty="ignore")
    record = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}
    world = make_world(mapper=mapper, crm=MemoryConsumer([record], id_field="ref", email_field="email_address"))
    world.platform.contacts["7"] = {}
    assert world.event("contact_created", ANA | {"phone": ""})["data"]["action"] == "adopted"
    assert world.platform.contacts["7"]["phone"] == "0612"


def test_a_create_in_doubt_is_waited_for_where_the_crm_cannot_be_searched_for_what_it_has() -> None:
    mapper = Mapper([Row("id", "ref", id=True), Row("phone", "phone_number", match=True)])
    world = make_world(mapper=mapper, crm=ByEmailAlone(id_field="ref"))
    world.platform.contacts["7"] = {}
    world.crm.fail_next(TimeoutError(), "create_contact", after=True)
    event = {"event": "contact_created", "data": {"id": 7, "phone": "0612"}}
    assert world.post(event).status_code == 503
    assert world.post(event).status_code == 503
    assert world.sync.create_contact(world.crm.records["1"], TOKEN).action == "adopted"
    assert world.post(event).get_json()["data"]["action"] == "unchanged"
    assert set(world.crm.records) == {"1"}


def test_a_create_in_doubt_is_recognised_by_a_number_that_the_crm_writes_its_own_way() -> None:
    mapper = Mapper([Row("id", "ref", id=True), Row("phone", "phone_number", type="phone", region="FR")])
    world = make_world(mapper=mapper)
    world.platform.contacts["7"] = {}
    world.crm.fail_next(TimeoutError(), "create_contact", after=True)
    world.post({"event": "contact_created", "data": {"id": 7, "phone": "06 12 34 56 78"}})
    told = {"ref": "1", "phone_number": "+33612345678"}
    world.crm.update_contact(told)
    assert world.sync.create_contact(told, TOKEN).action == "adopted"
    assert world.store.get_botmatic_id(INSTALLATION, "1") == "7"


def test_a_contact_that_may_have_been_made_of_a_record_deleted_since_is_held() -> None:
    world = make_world()
    record = {"ref": "1", "email_address": "ana@example.org"}

    def lose(token: str, contact: Any) -> Any:
        made = world.platform._create(contact)
        return made.with_(success=False, error="no answer", id=None, retryable=True, in_doubt=True)

    world.platform.create_contact = lose  # type: ignore[method-assign] # the answer gets lost
    assert world.sync.create_contact(record, TOKEN).in_doubt
    assert world.sync.delete_contact("1", TOKEN).not_found
    (id,) = world.platform.contacts
    assert world.event("contact_created", {"id": id, "email": "ana@example.org"})["data"]["action"] == "held"
    assert list(world.platform.contacts) == [id]
    assert world.crm.records == {}


def test_what_is_marked_or_merged_stays_away_when_tombstones_have_ended() -> None:
    world = paired_world(tombstone_seconds=0.001, deletes={"to_external": mark(first_name="gone")})
    world.event("contact_deleted", {"id": 7})
    assert world.sync.import_all(TOKEN).skipped == 1
    assert world.store.get_botmatic_id(INSTALLATION, "1") is None


def test_an_adoption_fills_a_blank_by_a_row_that_travels_to_the_platform_alone() -> None:
    rows = [*ROWS[:3], Row("phone", "phone_number", direction="to_botmatic")]
    record = {"ref": "e1", "email_address": "ana@example.org", "phone_number": "0612"}
    phones: list[dict[str, Any]] = [{}, {"phone": ""}, {"phone": "0700"}, {"phone": 0}]
    for phone in phones:
        crm = MemoryConsumer([record], id_field="ref", email_field="email_address")
        world = make_world(mapper=Mapper(rows), crm=crm)
        world.platform.contacts["7"] = dict(phone)
        event = {"id": 7, "email": "ana@example.org"} | phone
        assert world.event("contact_created", event)["data"]["action"] == "adopted"
        told = phone.get("phone", "")
        assert world.platform.contacts["7"]["phone"] == ("0612" if told == "" else told)
        assert crm.records["e1"]["phone_number"] == "0612"
