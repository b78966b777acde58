"""The consumer is proven by the suite, against the double, and against a HubSpot in trouble."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumers.http import Timeouts
from contact_sync.consumers.hubspot import HubSpotConsumer
from contact_sync.testing import ConsumerContract

from .conftest import PROPERTIES, Connect
from .double import TOKEN, HubSpotDouble


class TestHubSpot(ConsumerContract):
    """Everything that is expected of a consumer."""

    text_field = "company"
    missing_id = "999999999999"
    tells_deletes = False  # a search does not find what is archived

    @pytest.fixture
    def consumer(self, connect: Connect) -> HubSpotConsumer:
        return connect()

    @pytest.fixture
    def crm_url(self, hubspot: HubSpotDouble) -> str:
        return hubspot.url

    def new_contact(self, n: int) -> dict[str, Any]:
        return {"firstname": f"Contact {n}", "company": f"Company {n}", "points": str(n), "newsletter": "true"}

    def consumer_at(self, url: str) -> HubSpotConsumer:
        timeouts = Timeouts(connect=1, read=1, total=2)
        return HubSpotConsumer(TOKEN, properties=PROPERTIES, base_url=url, rate_budget=None, timeouts=timeouts)
