"""When a sync says that it is ready: when its store answers, whatever that store can do."""

from __future__ import annotations

import pytest

from key_stores import KeyStore, MemoryKeyStore, StoreUnavailable
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import make_world


class Away(MemoryKeyStore):
    """A store that cannot be reached."""

    def ping(self) -> None:
        raise StoreUnavailable("it cannot be reached")

    def get_external_id(self, integration_id: object, botmatic_id: object) -> str | None:
        raise StoreUnavailable("it cannot be reached")


@pytest.mark.parametrize("store", [Away(), FiveMethods(Away())], ids=["with a ping", "five methods"])
def test_it_is_not_ready_while_its_store_is_away(store: KeyStore) -> None:
    assert make_world(store=store).sync.unready() == "key store: it cannot be reached"


def test_a_store_without_a_ping_that_answers_is_ready_and_nothing_was_written() -> None:
    inner = MemoryKeyStore()
    assert make_world(store=FiveMethods(inner)).sync.unready() is None
    assert inner.count_pairs("contact_sync") == 0
