"""Whatever is odd about a CRM, a consumer that evens it out keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from contact_sync.testing import ConsumerContract, Quirks, QuirkyConsumer
from contact_sync.testing.crm.quirks import Missing

SINGLE = [
    *({"ids": ids} for ids in ("text", "number", "uuid", "path")),
    *({"not_found": shape} for shape in get_args(Missing)),
    *({"update_missing": what} for what in ("succeeds", "creates")),
    {"delete_again": "succeeds"},
    *({"unique_emails": how} for how in ("with_id", "without_id")),
    {"case_sensitive_lookup": True},
    {"normalises": True},
    {"trims": True},
    {"returns_record": True},
    {"partial": True},
    {"replaces": True},
    *({"clears": how} for how in ("empty", "absent")),
    *({"paging": how} for how in ("offset", "cursor")),
    {"pages_shift": True},
    {"archives": True},
    {"tells_own_writes": True},
]
COMBINED = [
    {"ids": "path", "not_found": "error_in_200", "update_missing": "creates", "replaces": True, "clears": "absent"},
    {
        "ids": "number",
        "unique_emails": "without_id",
        "case_sensitive_lookup": True,
        "normalises": True,
        "partial": True,
    },
    {"ids": "uuid", "paging": "cursor", "pages_shift": True, "archives": True, "delete_again": "succeeds"},
]


@pytest.mark.parametrize("quirks", [*SINGLE, *COMBINED], ids=str)
class TestEveryQuirk(ConsumerContract):
    """A consumer that evens a quirk out passes the whole suite."""

    text_field = "first_name"
    missing_id = "999999"

    @pytest.fixture
    def consumer(self, quirks: Mapping[str, Any]) -> QuirkyConsumer:
        return QuirkyConsumer(Quirks(**quirks))


class TestFieldsInObjects(ConsumerContract):
    """Fields may lie in objects, and an update of one keeps its neighbours."""

    id_field = "meta.id"
    email_field = "properties.e\\.mail"
    text_field = "properties.name"

    @pytest.fixture
    def consumer(self) -> QuirkyConsumer:
        quirks = Quirks(normalises=True, replaces=True, clears="absent", archives=True)
        return QuirkyConsumer(quirks, id_field=self.id_field, email_field=self.email_field)
