"""Key stores: where pairs of a Botmatic id and an external id are kept.

`open_key_store("redis://…")` gives a store by its URL. A store of one's own subclasses `KeyStore`, five methods, and is
checked by the suite in `key_stores.testing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from key_stores.base import (
    Baselines,
    Bury,
    Claimed,
    ContactClaims,
    ContactRef,
    DeletePair,
    Id,
    KeyStore,
    KnownContact,
    Leases,
    PairBatches,
    PairListing,
    Ping,
    Records,
    SavePair,
    Tombstones,
    Write,
)
from key_stores.errors import InvalidId, KeyStoreError, StoreUnavailable
from key_stores.ids import as_id
from key_stores.memory import MemoryKeyStore
from key_stores.urls import open_key_store

if TYPE_CHECKING:
    from key_stores.redis import RedisKeyStore
    from key_stores.sql import SQLKeyStore

__all__ = [
    "Baselines",
    "Bury",
    "Claimed",
    "ContactClaims",
    "ContactRef",
    "DeletePair",
    "Id",
    "InvalidId",
    "KeyStore",
    "KeyStoreError",
    "KnownContact",
    "Leases",
    "MemoryKeyStore",
    "PairBatches",
    "PairListing",
    "Ping",
    "Records",
    "RedisKeyStore",
    "SQLKeyStore",
    "SavePair",
    "StoreUnavailable",
    "Tombstones",
    "Write",
    "as_id",
    "open_key_store",
]


def __getattr__(name: str) -> Any:
    # Imported when they are asked for: each brings a library along that not everybody has or needs.
    if name == "RedisKeyStore":
        from key_stores.redis import RedisKeyStore

        return RedisKeyStore
    if name == "SQLKeyStore":
        from key_stores.sql import SQLKeyStore

        return SQLKeyStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
