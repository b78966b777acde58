"""An account of HubSpot's double, and consumers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from contact_sync.consumers.hubspot import HubSpotConsumer

from .double import TOKEN, HubSpotDouble

PROPERTIES = ["email", "firstname", "lastname", "phone", "company", "born_on", "points", "newsletter", "customer_no"]

Connect = Callable[..., HubSpotConsumer]
"""Makes a consumer for the account; arguments are those of `HubSpotConsumer`."""


@pytest.fixture(scope="session")
def running_hubspot() -> Iterator[HubSpotDouble]:
    """The double, which lives as long as the test process. Tests want `hubspot`."""
    with HubSpotDouble() as double:
        yield double


@pytest.fixture
def hubspot(running_hubspot: HubSpotDouble) -> HubSpotDouble:
    """An empty account."""
    running_hubspot.empty()
    return running_hubspot


@pytest.fixture
def connect(hubspot: HubSpotDouble) -> Iterator[Connect]:
    """Makes consumers, which are closed afterwards. They are in no hurry, unless they are told to be."""
    with ExitStack() as opened:

        def make(**arguments: Any) -> HubSpotConsumer:
            given = {"properties": PROPERTIES, "base_url": hubspot.url, "rate_budget": None, **arguments}
            if "auth" not in given:
                given.setdefault("token", TOKEN)
            return opened.enter_context(closing(HubSpotConsumer(**given)))

        yield make


@pytest.fixture
def consumer(connect: Connect) -> HubSpotConsumer:
    """A consumer for the account."""
    return connect()
