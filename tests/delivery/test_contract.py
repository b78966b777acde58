"""Both inboxes keep the contract of deliveries, on real databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contact_sync.delivery import Delivery
from contact_sync.delivery.inbox import Inbox
from contact_sync.testing.delivery import DeliveryContract
from tests.servers import Database, free_port


class TestSQLite(DeliveryContract):
    """A file."""

    @pytest.fixture
    def make_delivery(self, tmp_path: Path) -> Callable[..., Delivery]:
        return lambda **options: Inbox(f"sqlite:///{tmp_path}/inbox.db", **options)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Delivery:
        return Inbox(f"sqlite:///{tmp_path}/no/such/folder/inbox.db")


class TestPostgreSQL(DeliveryContract):
    """A server."""

    @pytest.fixture
    def make_delivery(self, postgresql: Database) -> Callable[..., Delivery]:
        return lambda **options: Inbox(postgresql.url, **options)

    @pytest.fixture
    def unreachable(self) -> Delivery:
        return Inbox(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
