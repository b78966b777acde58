"""One number written in several ways: it is looked for as the CRM may search, and as it may compare."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.testing import MemoryConsumer
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import make_world

ROWS = [Row("id", "ref", id=True), Row("phone", "tel", type="phone", region="FR", match=True)]


class Searching(MemoryConsumer):
    """A CRM that searches numbers in E.164."""

    def find_contact(self, field: str, value: str) -> Any:
        return super().find_contact(field, {"+33612345678": "06.12.34.56.78"}.get(value, value))


@pytest.mark.parametrize(
    ("crm", "kept", "told"),
    [
        (MemoryConsumer, "06 12 34 56 78", "06 12 34 56 78"),  # it compares texts
        (MemoryConsumer, "+33612345678", "06 12 34 56 78"),
        (Searching, "06.12.34.56.78", "+33 6 12 34 56 78"),
    ],
)
def test_a_contact_is_found_by_its_phone_number(crm: type[MemoryConsumer], kept: str, told: str) -> None:
    world = make_world(mapper=Mapper(ROWS), crm=crm([{"ref": "1", "tel": kept}], id_field="ref"))
    world.platform.contacts["7"] = {}
    answer = world.event("contact_created", {"id": 7, "phone": told})["data"]
    assert (answer["action"], answer["id"]) == ("adopted", "1")
