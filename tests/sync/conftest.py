"""Key stores of every kind, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from key_stores import KeyStore, MemoryKeyStore, open_key_store
from tests.servers import Valkey
from tests.sync.five_methods import FiveMethods


def _opened(request: pytest.FixtureRequest, folder: Any) -> Iterator[KeyStore]:
    if request.param == "five methods":
        yield FiveMethods(MemoryKeyStore())
        return
    url = "memory://" if request.param == "memory" else f"sqlite:///{folder}/pairs.db"
    if request.param == "redis":
        valkey: Valkey = request.getfixturevalue("valkey")
        url = valkey.url
    store = open_key_store(url)
    yield store
    store.close()


@pytest.fixture(params=["memory", "redis", "sqlite", "five methods"])
def store(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[KeyStore]:
    """A store of each kind, and one that has the five methods alone."""
    yield from _opened(request, tmp_path)


@pytest.fixture(params=["memory", "redis", "sqlite"])
def able_store(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[KeyStore]:
    """A store of each kind that has all abilities."""
    yield from _opened(request, tmp_path)
