"""Dramatiq's delivery keeps the contract of deliveries, on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contact_sync.delivery import Delivery
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.testing.delivery import DeliveryContract
from tests.servers import Valkey, free_port


class TestDramatiq(DeliveryContract):
    """One server."""

    @pytest.fixture
    def make_delivery(self, valkey: Valkey) -> Callable[..., Delivery]:
        return lambda **options: DramatiqDelivery(valkey.url, **options)

    @pytest.fixture
    def unreachable(self) -> Delivery:
        return DramatiqDelivery(f"redis://127.0.0.1:{free_port()}/0")
