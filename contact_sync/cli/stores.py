"""What there is to say about a key store, without any of its address."""

from __future__ import annotations

from typing import Final

from key_stores import KeyStore, MemoryKeyStore

IN_MEMORY: Final = "what a service keeps in memory cannot be seen from another process"
"""Why nothing is said about what such a store holds."""

USE_ANOTHER: Final = "use sqlite:///pairs.db or another store"
"""What to do about it."""


def name_of(store: KeyStore) -> str:
    """What kind of store it is. Its URL may hold a password, so nothing of that is said."""
    return type(store).__name__


def is_of_this_process(store: KeyStore) -> bool:
    """Whether no other process can see what it holds."""
    return isinstance(store, MemoryKeyStore)
