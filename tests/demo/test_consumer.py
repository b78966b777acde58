"""The demo's consumer does what the sync relies on, also with a CRM that is away, slow or broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.demo.integration.consumer import CrmConsumer
from contact_sync.testing import ConsumerContract
from tests.demo.helpers import OWN_KEY, Crm, running_crm

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time


@pytest.fixture(scope="module")
def one_crm() -> Iterator[Crm]:
    """One CRM for all: the suite deletes what it creates."""
    with running_crm() as crm:
        yield crm


class TestCrmConsumer(ConsumerContract):
    email_field = "properties.email"
    text_field = "properties.given_name"
    missing_id = "999999999"

    @pytest.fixture
    def consumer(self, one_crm: Crm) -> CrmConsumer:
        return CrmConsumer(one_crm.url, OWN_KEY)

    @pytest.fixture
    def crm_url(self, one_crm: Crm) -> str:
        return one_crm.url

    def consumer_at(self, url: str) -> CrmConsumer:
        return CrmConsumer(url, OWN_KEY, timeout=0.5)
