"""A sync whose CRM has webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync.delivery.inbox import Inbox
from tests.external_webhooks.helpers import QUICK, CrmWorld, crm_world


@pytest.fixture
def crm() -> CrmWorld:
    """An installed sync whose CRM signs by Standard Webhooks and has Ana's record."""
    return crm_world()


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """A durable delivery that soon tries again."""
    made = Inbox(f"sqlite:///{tmp_path}/inbox.db", retries=QUICK, lease_seconds=1.0)
    yield made
    made.close()
