"""A sync whose CRM has webhooks."""

from __future__ import annotations

import pytest

from tests.external_webhooks.helpers import CrmWorld, crm_world


@pytest.fixture
def crm() -> CrmWorld:
    """An installed sync whose CRM signs by Standard Webhooks and has Ana's record."""
    return crm_world()
