"""Stories in which the proof once found the two sides apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contact_sync.testing import Quirks, SandboxPlatform
from key_stores import MemoryKeyStore
from tests.proof.host import Host
from tests.proof.world import World

NewWorld = Callable[..., World]


@pytest.fixture
def new_world(sandbox: SandboxPlatform, host: Host) -> Iterator[NewWorld]:
    made: list[World] = []

    def make(quirks: Quirks | None = None, **options: Any) -> World:
        made.append(World(sandbox, host, MemoryKeyStore(), quirks or Quirks(), **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


def end(world: World) -> None:
    world.drain()
    world.check()


def on_both_sides(world: World, **fields: Any) -> tuple[str, str]:
    """Make a person on both sides and pair the two; the CRM's own news of them still waits."""
    email = world.new_email()
    record = world.crm_create({"email": email})
    contact = world.platform_create({"email": email} | fields)
    world.drain_contact(contact)
    return contact, record


def test_a_contact_whose_create_was_not_answered_is_adopted_and_not_made_twice(new_world: NewWorld) -> None:
    world = new_world()
    world.break_platform("create_contact", effect=True)
    record = world.crm_create({"email": world.new_email(), "note": "a"})
    assert not world.deliver_notice(record)
    assert not world.deliver_notice(record)  # it is waited for the platform's own news
    end(world)
    assert len(world.workspace.contacts) == 1


@pytest.mark.parametrize("quirks", [Quirks(tells_own_writes=True), Quirks(tells_own_writes=True, partial=True)])
def test_a_record_without_an_address_whose_create_was_not_answered_is_not_made_twice(
    new_world: NewWorld, quirks: Quirks
) -> None:
    world = new_world(quirks)
    world.break_crm("create_contact", TimeoutError(), after=True)
    contact = world.platform_create({"note": "nobody can find this"})
    assert not world.deliver_event(contact)
    end(world)
    assert len(world.crm.records) == 1


def test_a_record_that_tells_of_itself_before_its_unanswered_create_is_tried_again_is_adopted(
    new_world: NewWorld,
) -> None:
    world = new_world(Quirks(tells_own_writes=True))
    world.break_crm("create_contact", TimeoutError(), after=True)
    contact = world.platform_create({"email": world.new_email()})
    assert not world.deliver_event(contact)
    (record,) = world.waiting_notices()
    assert world.deliver_notice(record)
    end(world)
    assert set(world.workspace.contacts) == {contact}


def test_a_record_that_is_gone_before_its_unanswered_create_is_cleared_up_goes_on_both_sides(
    new_world: NewWorld,
) -> None:
    world = new_world()
    world.break_platform("create_contact", effect=True)
    record = world.crm_create({"email": world.new_email()})
    world.crm_delete(record)
    assert not world.deliver_notice(record)
    end(world)
    assert world.workspace.contacts == {}


def test_a_contact_that_is_deleted_after_its_unanswered_create_was_cleared_up_is_waited_for_no_longer(
    new_world: NewWorld,
) -> None:
    world = new_world()
    world.break_platform("create_contact", effect=True)
    record = world.crm_create({"email": world.new_email()})
    assert not world.deliver_notice(record)
    (contact,) = world.waiting_events()
    world.drain_contact(contact)
    world.platform_delete(contact)
    world.drain_contact(contact)
    end(world)
    assert world.crm.records == {}


def test_an_adoption_that_took_two_tries_does_not_trust_older_news_of_the_crm(new_world: NewWorld) -> None:
    world = new_world(Quirks(partial=True))
    world.break_platform("update_contact", effect=False)
    email = world.new_email()
    record = world.crm_create({"email": email, "firstname": "Ana", "note": ""})
    contact = world.platform_create({"email": email, "note": "a"})
    world.drain_contact(contact)
    world.deliver_notice(record)  # of the record as it was before the note was written
    end(world)
    assert world.crm.records[record]["note"] == "a"


def test_a_record_that_an_update_found_gone_takes_its_contact_along_when_the_news_comes(new_world: NewWorld) -> None:
    world = new_world()
    contact, record = on_both_sides(world)
    world.crm_delete(record)
    world.platform_edit(contact, "note", "b")
    world.drain_contact(contact)
    end(world)
    assert world.workspace.contacts == {}


def test_a_contact_that_an_update_found_gone_takes_its_record_along_when_the_news_comes(new_world: NewWorld) -> None:
    world = new_world()
    contact, record = on_both_sides(world)
    world.platform_delete(contact)
    world.crm_edit(record, "note", "b")
    while record in world.waiting_notices():
        world.deliver_notice(record)
    end(world)
    assert world.crm.records == {}


def test_a_merger_into_a_record_that_is_deleted_by_then_is_a_delete(new_world: NewWorld) -> None:
    world = new_world()
    _, loser = on_both_sides(world)
    _, winner = on_both_sides(world)
    world.drain()
    world.crm_merge(loser, winner)
    world.crm_delete(winner)
    while winner in world.waiting_notices():
        world.deliver_notice(winner)
    end(world)
    assert world.workspace.contacts == {}


def test_a_merged_record_that_an_update_found_gone_gives_its_contact_to_the_winner(new_world: NewWorld) -> None:
    world = new_world()
    contact, loser = on_both_sides(world)
    world.drain()
    winner = world.crm_create({"email": world.new_email()})
    world.crm_merge(loser, winner)
    world.platform_edit(contact, "note", "b")
    world.drain_contact(contact)
    world.deliver_notice(loser)
    end(world)
    assert set(world.workspace.contacts) == {contact}


def test_a_field_that_is_cleared_in_a_crm_that_leaves_empty_fields_out_is_cleared(new_world: NewWorld) -> None:
    world = new_world(Quirks(clears="absent"))
    contact, record = on_both_sides(world, note="a")
    world.drain()
    world.crm_edit(record, "note", "")
    end(world)
    assert world.workspace.contacts[contact]["note"] is None


def test_both_sides_changed_at_once_do_not_swap_their_values_for_ever(new_world: NewWorld) -> None:
    world = new_world(Quirks(partial=True, tells_own_writes=True))
    contact, record = on_both_sides(world)
    world.drain()
    world.platform_edit(contact, "note", "here")
    world.crm_edit(record, "note", "there")
    end(world)
    assert len({world.workspace.contacts[contact]["note"], world.crm.records[record]["note"]}) == 1


def test_a_record_that_tells_of_itself_while_its_adoption_is_tried_again_makes_no_second_contact(
    new_world: NewWorld,
) -> None:
    world = new_world()
    world.break_crm("update_contact", TimeoutError(), after=True)
    email = world.new_email()
    record = world.crm_create({"email": email, "score": 1})
    contact = world.platform_create({"email": email, "note": "b"})
    assert not world.deliver_event(contact)
    world.deliver_notice(record)
    end(world)
    assert set(world.workspace.contacts) == {contact}


def test_a_contact_that_is_deleted_while_its_adoption_is_tried_again_is_deleted(new_world: NewWorld) -> None:
    world = new_world()
    world.break_crm("update_contact", TimeoutError(), after=True)
    email = world.new_email()
    world.crm_create({"email": email})
    contact = world.platform_create({"email": email, "note": "b"})
    assert not world.deliver_event(contact)
    world.platform_delete(contact)
    end(world)
    assert world.crm.records == {}


def test_a_merger_gives_nothing_to_the_winner_that_was_deleted_after_an_update_had_found_the_loser_gone(
    new_world: NewWorld,
) -> None:
    world = new_world()
    contact, loser = on_both_sides(world)
    world.drain()
    winner = world.crm_create({"email": world.new_email()})
    world.crm_merge(loser, winner)
    world.platform_edit(contact, "note", "b")
    world.drain_contact(contact)
    world.platform_delete(contact)
    world.drain_contact(contact)
    world.deliver_notice(loser)
    end(world)
    assert contact not in world.workspace.contacts


def test_a_record_that_cannot_be_looked_for_when_it_is_merged_into_a_deleted_one_is_looked_for_again(
    new_world: NewWorld,
) -> None:
    """What is not known for a moment is not decided for good: the contact would have stayed alone."""
    world = new_world()
    contact, loser = on_both_sides(world)
    gone, winner = on_both_sides(world)
    world.crm_merge(loser, winner)
    world.platform_delete(gone)
    world.drain_contact(gone)
    assert winner not in world.crm.records
    assert world.deliver_notice(loser)  # that it was created
    world.break_crm("get_contact", TimeoutError(), after=False)
    assert not world.deliver_notice(loser)
    end(world)
    assert contact not in world.workspace.contacts
