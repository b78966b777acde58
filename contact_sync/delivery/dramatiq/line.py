"""The line to Redis for everything that concerns mailboxes: what goes wrong on it is `DeliveryUnavailable`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contact_sync.errors import ConfigurationError, DeliveryUnavailable
from key_stores import KeyStoreError
from key_stores.redis.backend import Backend, Client
from key_stores.redis.scripts import Script

from . import scripts
from .scripts import PREFIX

Value = str | bytes | int


class Line:
    """Runs commands and scripts.

    Args:
        client: A `redis.Redis` or `redis.RedisCluster`, which is not closed here, or a URL.

    Raises:
        ConfigurationError: It is neither. The message never repeats a URL.
    """

    def __init__(self, client: Client | str) -> None:
        try:
            self._backend = Backend(client)
        except KeyStoreError as error:
            raise ConfigurationError(f"delivery: {error}") from None

    def run(self, command: str, name: str, *arguments: Value) -> Any:
        """Run a command on one of our keys."""
        try:
            return self._backend.run(command, PREFIX + name, *arguments)
        except KeyStoreError as error:
            raise DeliveryUnavailable(str(error)) from error

    def script(self, script: Script, *arguments: Value, repeatable: bool = True) -> Any:
        """Run one of our scripts.

        Args:
            repeatable: Whether it may be sent again when the connection was lost before the answer came.
        """
        return self.raw_script(script, [PREFIX], arguments, repeatable=repeatable)

    def raw_script(
        self, script: Script, keys: Sequence[Value], arguments: Sequence[Value], *, repeatable: bool = True
    ) -> Any:
        """Run any script."""
        try:
            return self._backend.script(script, keys, arguments, repeatable=repeatable)
        except KeyStoreError as error:
            raise DeliveryUnavailable(str(error)) from error

    def clock(self) -> int:
        """The time of Redis's clock, in milliseconds."""
        return int(self.script(scripts.CLOCK))

    def memory_policy(self) -> str | None:
        """What Redis does when its memory is full, or `None` if it does not say."""
        try:
            answer = self._backend.run("INFO", "memory")
        except KeyStoreError:
            return None
        policy = answer.get("maxmemory_policy") if isinstance(answer, dict) else None
        return policy if isinstance(policy, str) else None

    def close(self) -> None:
        """Close a client that was made here."""
        self._backend.close()
