"""Fixtures for the demo's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.helpers import Crm, running_crm


@pytest.fixture
def crm() -> Iterator[Crm]:
    """An empty example CRM on loopback."""
    with running_crm() as crm:
        yield crm
