"""What there is to say about a key store, without any of its address."""

from __future__ import annotations

from key_stores import KeyStore, MemoryKeyStore


def name_of(store: KeyStore) -> str:
    """What kind of store it is. Its URL may hold a password, so nothing of that is said."""
    return type(store).__name__


def is_of_this_process(store: KeyStore) -> bool:
    """Whether no other process can see what it holds."""
    return isinstance(store, MemoryKeyStore)
