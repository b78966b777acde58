"""The line to Redis: a client that is given, or one made from a URL with time-outs and a bounded pool."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError
from redis.retry import Retry

from key_stores.errors import KeyStoreError
from key_stores.redis.failures import REDIS_ERRORS, translate
from key_stores.redis.scripts import Script

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 5.0
POOL_SIZE: Final = 50
ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 0.05

SCHEMES: Final = ("redis", "rediss", "redis+cluster", "rediss+cluster", "unix")

Value = str | bytes | int


class Client(Protocol):
    """What is used of `redis.Redis` and `redis.RedisCluster`."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command and read its answer."""

    def close(self) -> None:
        """Close the connections."""


class Backend:
    """Sends commands and scripts; raises `KeyStoreError` and its kinds alone.

    A client that is given is used as it is and stays open. One made from a URL gives up on a connection in
    `CONNECT_SECONDS`, on an answer in `ANSWER_SECONDS`, and tries again after a lost connection, `ATTEMPTS` in all; a
    call whose answer would be another the second time is not sent again.
    """

    def __init__(self, client: Client | str) -> None:
        self._lock = Lock()
        self._client: Client | None = None
        if isinstance(client, str):
            self._connect: Callable[[], Client] = _from_url(client)
            self._attempts = ATTEMPTS
            self._owned = True
        else:
            send = getattr(client, "execute_command", None)
            if not callable(send) or inspect.iscoroutinefunction(send):
                kind = f"{type(client).__module__}.{type(client).__name__}"
                raise KeyStoreError(f"a Redis store takes a redis.Redis, a redis.RedisCluster or a URL, not {kind}")
            self._client = client
            self._attempts = 1
            self._owned = False

    def run(self, *command: Value, repeatable: bool = True) -> Any:
        """Send a command and give its answer, texts as bytes.

        Args:
            repeatable: Whether it may be sent again when the connection was lost before the answer came.
        """
        attempt = 1
        while True:
            try:
                return self._ready().execute_command(*command, **{NEVER_DECODE: True})
            except NoScriptError:
                raise
            except REDIS_ERRORS as error:
                lost = isinstance(error, redis.ConnectionError) and not isinstance(error, redis.AuthenticationError)
                if not (lost and repeatable and attempt < self._attempts):
                    raise translate(error) from error
            time.sleep(PAUSE_SECONDS * attempt)
            attempt += 1

    def script(
        self, script: Script, keys: Sequence[Value], arguments: Sequence[Value] = (), *, repeatable: bool = True
    ) -> Any:
        """Run a script, in one round trip where the server has seen it before."""
        rest = (len(keys), *keys, *arguments)
        try:
            return self.run("EVALSHA", script.sha, *rest, repeatable=repeatable)
        except NoScriptError:
            return self.run("EVAL", script.text, *rest, repeatable=repeatable)

    def close(self) -> None:
        """Close a client that was made here; the next call would make another."""
        with self._lock:
            if self._owned and self._client is not None:
                self._client.close()
                self._client = None

    def _ready(self) -> Client:
        client = self._client
        if client is None:
            with self._lock:
                client = self._client
                if client is None:
                    client = self._client = self._connect()
        return client


def _from_url(url: str) -> Callable[[], Client]:
    scheme, found, rest = url.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in SCHEMES:
        raise KeyStoreError(f"a Redis URL begins with one of {', '.join(f'{name}://' for name in SCHEMES)}")
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    plain = f"{scheme.removesuffix('+cluster')}://{rest}"
    # Nothing of redis-py's messages is passed on: they may repeat a part of the URL, and so of the password.
    try:
        pool = redis.BlockingConnectionPool.from_url(
            plain, max_connections=POOL_SIZE, timeout=ANSWER_SECONDS, **options
        )
        pool.connection_class(**pool.connection_kwargs)  # finds wrong options; connects to nothing
        path = urlsplit(plain).path.strip("/")
    except (TypeError, ValueError, redis.RedisError):
        raise KeyStoreError(
            "the Redis URL is wrong: check its port and the options after '?' "
            "(redis://[user:password@]host:port/number?option=value; special characters in a password are %-escaped)"
        ) from None
    database = pool.connection_kwargs.get("db")
    if scheme != "unix" and path and database is None:  # redis-py would take database 0 without a word
        raise KeyStoreError("the Redis URL names no database: what follows the host is a number, as in redis://host/0")
    if not scheme.endswith("+cluster"):
        return lambda: redis.Redis.from_pool(pool)
    if database not in (None, 0):
        raise KeyStoreError("a Redis Cluster has no database but 0; leave the number out of the URL")
    return lambda: redis.RedisCluster.from_url(plain, **options)
