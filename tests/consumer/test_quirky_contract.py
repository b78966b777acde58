"""Whatever is odd about a CRM, a consumer that evens it out keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from contact_sync.testing import ConsumerContract, Quirks, QuirkyConsumer

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

COMBINED: list[dict[str, Any]] = [
    {},
    {"ids": "number", "not_found": "json_404", "unique_emails": "without_id", "normalises": True, "partial": True},
    {"ids": "uuid", "not_found": "html_404", "paging": "cursor", "pages_shift": True, "archives": True},
    {"ids": "path", "not_found": "error_in_200", "update_missing": "creates", "replaces": True, "clears": "absent"},
    {"not_found": "text_404", "update_missing": "succeeds", "delete_again": "succeeds", "trims": True},
    {"not_found": "forbidden_403", "unique_emails": "with_id", "case_sensitive_lookup": True, "clears": "empty"},
    {"not_found": "protocol_code", "paging": "offset", "returns_record": True, "tells_own_writes": True},
]
"""Each quirk once at least, with others."""

OF_OTHER_TESTS = {"limit_every", "limit_retry_after"}
"""Quirks with which no consumer passes: its calls are refused."""


def test_every_quirk_is_in_a_combination() -> None:
    for quirk, kind in get_type_hints(Quirks).items():
        values = get_args(kind) if get_origin(kind) is Literal else (False, True)
        used = {quirks.get(quirk, getattr(Quirks(), quirk)) for quirks in COMBINED}
        assert quirk in OF_OTHER_TESTS or set(values) - used in (set(), {False}), quirk


@pytest.mark.parametrize("quirks", COMBINED, ids=lambda quirks: ",".join(quirks) or "none")
class TestEveryQuirk(ConsumerContract):
    """A consumer that evens quirks out passes the whole suite."""

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
