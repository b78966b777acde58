"""A store by its URL."""

from __future__ import annotations

from key_stores.base import KeyStore
from key_stores.errors import KeyStoreError
from key_stores.memory import MemoryKeyStore

_FORMS = "memory://, sqlite:///file, redis://, rediss://, redis+cluster://, unix:// or postgresql://"


def open_key_store(url: str) -> KeyStore:
    """Make the store that a URL names. Nothing is connected to before its first call; `close` closes it.

    Args:
        url: `memory://`, `sqlite:///pairs.db` (a fourth slash for an absolute path), `redis://…`, `rediss://…` (TLS),
            `redis+cluster://…`, `rediss+cluster://…`, `unix://…`, `postgresql://…` or `postgres://…` (psycopg 3).
            What follows `?` goes to the backend's own client.

    Raises:
        KeyStoreError: The URL is wrong, or what it needs is not installed. The message never repeats the URL.
    """
    if not isinstance(url, str):
        raise KeyStoreError(f"a key store's URL is text, not {type(url).__name__}; it begins with {_FORMS}")
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme == "memory":
        if url.partition("://")[2]:
            raise KeyStoreError("memory:// has nothing after it: what is in memory has no name")
        return MemoryKeyStore()
    if scheme.removesuffix("+cluster") in ("redis", "rediss", "unix"):
        from key_stores.redis import RedisKeyStore

        return RedisKeyStore(url)
    if scheme.partition("+")[0] in ("sqlite", "postgresql", "postgres"):
        from key_stores.sql import SQLKeyStore

        return SQLKeyStore(url)
    raise KeyStoreError(f"a key store's URL begins with {_FORMS}; this one begins with none of them")
