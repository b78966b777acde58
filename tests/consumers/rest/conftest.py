from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.testing.sandbox import LoopbackServer

from .script import Script


@pytest.fixture(scope="package")
def scripted() -> Iterator[Script]:
    script = Script()
    with LoopbackServer(script) as server:
        script.url = server.url
        yield script


@pytest.fixture
def api(scripted: Script) -> Iterator[Script]:
    """An API that answers as it is told to."""
    yield scripted
    scripted.reset()
