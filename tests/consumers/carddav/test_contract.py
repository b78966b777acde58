"""The suite for consumers, against a real Radicale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync.consumers.carddav import CardDAVConsumer, Timeouts
from contact_sync.testing import ConsumerContract
from tests.consumers.carddav.conftest import OWNER, Radicale, make_book


@pytest.fixture(scope="module")
def url(radicale: Radicale) -> str:
    """An address book for all tests, each of which deletes what it creates."""
    return make_book(radicale).url


class TestCardDAV(ConsumerContract):
    """Everything that is expected of a consumer."""

    text_field = "note"
    missing_id = "9e83aa09-cfd7-457b-b227-aa76692d343a.vcf"

    @pytest.fixture
    def consumer(self, url: str) -> Iterator[CardDAVConsumer]:
        consumer = CardDAVConsumer(url, OWNER)
        yield consumer
        consumer.close()

    @pytest.fixture
    def crm_url(self, url: str) -> str:
        return url

    def consumer_at(self, url: str) -> CardDAVConsumer:
        return CardDAVConsumer(f"{url.rstrip('/')}/", OWNER, timeouts=Timeouts(1, 1, 2))

    def new_contact(self, n: int) -> dict[str, Any]:
        return {
            "first_name": f"Ana {n}",
            "last_name": "Torres; & Søn, 'x'",
            "organization": "Example, Inc.",
            "department": "Sales",
            "phone": f"+3361234{n:04}",
            "street": "12, rue Neuve\n2nd floor",
            "city": "Lyon",
            "birthday": "1990-02-09",
            "categories": ["friends", "a, b"],
            "url": "https://example.org/?a=1;b=2,3",
            "note": f"Note {n}",
        }
