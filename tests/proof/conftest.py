"""What the proof runs on: a sandbox platform and a server for the sync, both real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.testing import SandboxPlatform
from contact_sync.testing.sandbox import DeliveryRules
from tests.proof.host import Host


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(echo=True, held=True, delivery=DeliveryRules(attempts=1)) as sandbox:
        yield sandbox
