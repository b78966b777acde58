"""What stories of both sides have found in the sync, each told by itself."""

from __future__ import annotations

from contact_sync.testing import MemoryConsumer
from tests.sync.helpers import TOKEN, World, crm_with, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana", "phone": "0612"}


def made(crm: MemoryConsumer) -> World:
    """A world with Ana on both sides."""
    world = make_world(crm=crm)
    world.platform.contacts["7"] = {name: value for name, value in ANA.items() if name != "id"}
    world.event("contact_created", ANA)
    return world


def test_a_full_pull_ends_the_partner_of_a_record_that_an_update_found_gone() -> None:
    """The notice of the delete got lost, and an edit on the platform came before the pull: no pair names it now."""
    world = made(crm_with({"ref": "2", "first_name": "Bea"}))
    world.crm.delete_contact(str(world.external_id("7")))
    assert world.event("contact_updated", ANA | {"firstname": "Anna"})["data"]["action"] == "skipped"
    assert "7" in world.platform.contacts
    assert world.sync.pull_changes(TOKEN, full=True).deleted == 1
    assert "7" not in world.platform.contacts
    assert world.sync.pull_changes(TOKEN, full=True).deleted == 0


def test_what_the_platform_had_before_our_write_is_an_edit_again_once_it_has_told_of_a_newer_one() -> None:
    """Its edit, and our write over it, are told of in their order; then somebody sets what was there at first."""
    world = made(crm_with(partial_updates=True))
    world.event("contact_updated", ANA | {"phone": None})
    world.crm.update_contact({"ref": "1", "phone_number": "0713"})
    assert world.sync.update_contact(world.crm.records["1"], TOKEN).action == "updated"
    for phone in ("0712", "0713"):  # an edit from before our write, and the news of our write
        world.event("contact_updated", ANA | {"phone": phone})
    assert world.event("contact_updated", ANA | {"phone": None})["data"]["action"] == "updated"
    assert world.crm.records["1"]["phone_number"] is None
