"""By what contacts are recognised, and by what nobody is."""

from __future__ import annotations

from typing import Any, cast

from contact_sync.held import HeldContact
from contact_sync.rules import BLOCKED_MATCHES
from contact_sync.testing import MemoryConsumer
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import TOKEN, crm_with, make_world

# By what nobody is recognised


def test_a_role_address_matches_nobody_and_is_not_asked_for() -> None:
    shared = [f"{pattern}".replace("*", "acme.example") for pattern in BLOCKED_MATCHES]
    world = make_world(
        crm=crm_with(*({"ref": f"e{place}", "email_address": value} for place, value in enumerate(shared)))
    )
    for place, value in enumerate(shared):
        written = value.upper() if place % 2 else value
        assert world.event("contact_created", {"id": place, "email": written})["data"]["action"] == "created", value
    assert {call.method for call in world.crm.calls} == {"create_contact"}


def test_what_matches_nobody_is_the_users_to_say() -> None:
    office = {"ref": "e1", "email_address": "info@acme.example"}
    world = make_world(crm=crm_with(office), blocked_matches=["*@Shared.example"])
    assert world.event("contact_created", {"id": 7, "email": "info@acme.example"})["data"]["action"] == "adopted"
    world.crm.update_contact({"ref": "e1", "email_address": "any@shared.example"})
    assert world.event("contact_created", {"id": 8, "email": "Any@shared.EXAMPLE"})["data"]["action"] == "created"
    world = make_world(crm=crm_with(office), blocked_matches=[])
    assert world.event("contact_created", {"id": 7, "email": "info@acme.example"})["data"]["action"] == "adopted"


# By what they are


SEVERAL = Mapper(
    [
        Row("id", "ref", id=True),
        Row("emails", "email_address", match=True, type="list"),
        Row("work", "work_email", match=True),
        Row("phone", "phone_number", match=True, type="phone", region="FR"),
    ]
)


def test_any_address_of_a_list_is_asked_for() -> None:
    world = make_world(crm=crm_with({"ref": "e1", "email_address": "home@example.org"}), mapper=SEVERAL)
    contact = {"id": 7, "emails": ["work@example.org", "home@example.org"]}
    assert world.event("contact_created", contact)["data"]["id"] == "e1"


def test_records_that_different_addresses_find_are_ambiguous_also_over_several_rows() -> None:
    records = ({"ref": "e1", "email_address": "home@example.org"}, {"ref": "e2", "work_email": "work@example.org"})
    world = make_world(crm=crm_with(*records), mapper=SEVERAL)
    answer = world.event("contact_created", {"id": 7, "emails": ["home@example.org"], "work": "work@example.org"})
    assert (answer["data"]["error"], answer["data"]["reason"]) == (
        "ambiguous match",
        "'emails', 'work' fits the records e1, e2",
    )
    (held,) = cast(list[HeldContact], world.sync.held_contacts(TOKEN))
    assert held.candidates == ("e1", "e2")


def test_a_phone_number_is_asked_for_in_its_international_form() -> None:
    asked: list[tuple[str, str]] = []

    class Crm(MemoryConsumer):
        def find_contact(self, field: str, value: str) -> Any:
            asked.append((field, value))
            return super().find_contact(field, value)

    crm = Crm([{"ref": "e1", "phone_number": "+33612345678"}], id_field="ref", email_field="email_address")
    world = make_world(crm=crm, mapper=SEVERAL)
    assert world.event("contact_created", {"id": 7, "phone": "06 12 34 56 78"})["data"]["action"] == "adopted"
    assert asked == [("phone_number", "+33612345678")]
