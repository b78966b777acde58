"""The suite that every key store has to pass, and what is particular to this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from json_file_store import JSONFileKeyStore
from key_stores import KeyStore, KeyStoreError, StoreUnavailable
from key_stores.testing import KeyStoreContract


class TestJSONFileKeyStore(KeyStoreContract):
    """The whole contract."""

    store_type = JSONFileKeyStore

    @pytest.fixture
    def store(self, tmp_path: Path) -> KeyStore:
        return JSONFileKeyStore(tmp_path / "pairs.json")

    @pytest.fixture
    def unreachable_store(self, tmp_path: Path) -> KeyStore:
        return JSONFileKeyStore(tmp_path / "missing" / "pairs.json")


def test_another_store_on_the_same_file_sees_the_pairs(tmp_path: Path) -> None:
    """As another process would."""
    JSONFileKeyStore(tmp_path / "pairs.json").save_ids("client:acme", 7, "C-1")
    assert JSONFileKeyStore(tmp_path / "pairs.json").get_botmatic_id("client:acme", "C-1") == "7"


def test_a_broken_file_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    """Nobody takes it for an empty one."""
    (tmp_path / "pairs.json").write_text("{")
    store = JSONFileKeyStore(tmp_path / "pairs.json")
    with pytest.raises(KeyStoreError, match="no JSON") as raised:
        store.save_ids("client:acme", "7", "C-1")
    assert not isinstance(raised.value, StoreUnavailable)
    assert (tmp_path / "pairs.json").read_text() == "{"
