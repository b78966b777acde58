"""The steps that only a sync with a memory passes: it knows what both sides last agreed on, and so who changed what."""

from __future__ import annotations

from typing import Any

from contact_sync.delivery import State
from contact_sync.demo.integration.app import OWN_NAME
from contact_sync.testing.sandbox import Delivery

from .tools import MOST_EVENTS, at_rest, crm_record, expect, known, must, must_be, settled, until
from .world import World


def echo_stopped(world: World) -> str:
    """Edit a contact in the CRM. The platform tells of what was written there, and that goes no further."""
    at_rest(world)
    crm_id, id = known(world, "thorunn@example.org")
    told, written, asked = len(_told(world, id)), _writes(world, id), world.crm_calls.count(OWN_NAME)
    world.desk.update_contact({"id": crm_id, "order_count": 7})
    until(world, lambda: len(_told(world, id)) > told, "the platform tells of what was written")
    expect(settled(world, _told(world, id)[told]), "unchanged")
    must_be(world.platform.contacts[id], "orders", 7)
    must(_writes(world, id) == written + 1, "the edit was written to the platform more than once")
    must(world.crm_calls.count(OWN_NAME) == asked, "the CRM was called for what it had said itself")
    applied = world.inbox.events(states=[State.APPLIED], limit=MOST_EVENTS)
    saved = sum(record.action == "unchanged" for record in applied)
    return f"unchanged, no call; {saved} calls saved so far"


def cleared(world: World) -> str:
    """Clear a field on each side; it is empty on the other, and nothing else is written."""
    crm_id, id = known(world, "thorunn@example.org")
    before = crm_record(world, crm_id)
    must(before["address"]["street"] and before["address"]["city"], "the contact has no address that could be cleared")
    event = _edit(world, id, {"city": None})
    expect(settled(world, event), "updated")
    record = crm_record(world, crm_id)
    must(record == before | {"address": before["address"] | {"city": None}}, "not the city alone was cleared")
    expect(settled(world, world.platform.redeliver(event)), "unchanged")
    world.desk.update_contact({"id": crm_id, "address": {"street": None}})
    until(world, lambda: not world.platform.contacts[id].get("street"), "the street is cleared on the platform")
    must(not world.platform.contacts[id].get("city"), "the city has come back to the platform")
    return "empty on the other side, both ways"


def conflict(world: World) -> str:
    """Let both sides change one field before either hears of the other: the field's policy says who wins."""
    at_rest(world)
    crm_id, id = known(world, "ivy@example.com")
    world.notices.hold()
    try:
        world.desk.update_contact({"id": crm_id, "properties": {"phone": "+1 202-555-0142"}})
        edit = _edit(world, id, {"phone": "+1 202-555-0177", "city": "Tórshavn"})
        expect(settled(world, edit), "updated")
    finally:
        world.notices.let_go()
    contact, record = world.platform.contacts[id], crm_record(world, crm_id)
    must_be(contact, "phone", "+1 202-555-0142")
    must(record["properties"]["phone"] == "+1 202-555-0142", "the CRM lost its phone number, though it wins")
    must(record["address"]["city"] == "Tórshavn", "what was edited on the platform alone is not in the CRM")
    said = f"phone of CRM contact {crm_id}, won by external"
    must(world.service.has_said(said), "the listener on_conflict was not told")
    return "phone: CRM wins on both; 1 reported"


def _edit(world: World, id: str, fields: dict[str, Any]) -> Delivery:
    """Edit a contact on the platform. The event that tells of it."""
    told = len(_told(world, id))
    world.platform.update_contact(id, fields)
    return _told(world, id)[told]


def _told(world: World, id: str) -> list[Delivery]:
    """The updates of a contact that the platform has told of, oldest first."""
    updates = (delivery for delivery in world.platform.deliveries if delivery.name == "contact_updated")
    return [delivery for delivery in updates if delivery.contact_id == id]


def _writes(world: World, id: str) -> int:
    """How often the platform's API was called to update a contact."""
    return sum((call.operation, call.id) == ("update_contact", id) for call in world.platform.calls)
