"""What redis-py raises, turned into what key stores raise: the one place for it."""

from __future__ import annotations

from typing import Final

import redis
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    RedisClusterException,
    TryAgainError,
)

from key_stores.errors import KeyStoreError, StoreUnavailable
from key_stores.redis.scripts import UNKNOWN_FORMAT

REDIS_ERRORS: Final = (redis.RedisError, RedisClusterException)
"""Everything that redis-py raises; the second is no subclass of the first."""

_UNREACHABLE: Final = (redis.ConnectionError, redis.TimeoutError, RedisClusterException)

_FOR_NOW: Final = (redis.ReadOnlyError, ClusterDownError, MasterDownError, OutOfMemoryError, TryAgainError)

_FOR_NOW_CODES: Final = frozenset({"BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM"})


def translate(error: Exception) -> KeyStoreError:
    """Give the error to raise from redis-py's. Its message holds neither redis-py's nor the server's words.

    Those may repeat arguments (ids) and parts of the URL.
    """
    code = str(error).partition(" ")[0]
    kind = f"{type(error).__name__} {code}" if code.isalpha() and code.isupper() else type(error).__name__
    if isinstance(error, redis.AuthenticationError):
        return StoreUnavailable("Redis refuses the user name or password")
    if isinstance(error, redis.TimeoutError):
        return StoreUnavailable("Redis did not answer in time")
    if isinstance(error, _UNREACHABLE):
        return StoreUnavailable(f"Redis cannot be reached ({kind})")
    if isinstance(error, _FOR_NOW) or code in _FOR_NOW_CODES:
        return StoreUnavailable(f"Redis cannot do this at the moment ({kind})")
    if code == UNKNOWN_FORMAT:
        return newer_format()
    if isinstance(error, MovedError) or code == "MOVED":
        return KeyStoreError("this Redis is part of a cluster; use a redis+cluster:// URL or a redis.RedisCluster")
    return KeyStoreError(f"Redis answered with an error ({kind})")


def newer_format() -> KeyStoreError:
    """Give the error for data that another release wrote."""
    return KeyStoreError(
        "the pairs of this installation are stored in a format that this release does not know; "
        "a later release wrote them: upgrade this one"
    )
