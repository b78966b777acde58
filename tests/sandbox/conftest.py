"""Fixtures of the sandbox's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.testing.fixtures import sandbox_platform
from contact_sync.testing.sandbox import SandboxPlatform
from tests.sandbox.webhook import Webhook

__all__ = ["sandbox_platform"]


@pytest.fixture
def sandbox(sandbox_platform: SandboxPlatform) -> SandboxPlatform:
    return sandbox_platform


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as webhook:
        yield webhook
