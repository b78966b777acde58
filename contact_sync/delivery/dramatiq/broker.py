"""What is Dramatiq's: the broker, the actor, and the messages, which only say that something is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from dramatiq.middleware import Retries

from contact_sync.errors import ConfigurationError, DeliveryUnavailable
from contact_sync.failures import FAULTS
from key_stores.redis.scripts import Script

from . import scripts
from .line import Line
from .postman import Postman, is_by_thread

log = logging.getLogger(__name__)

NAME: Final = "contact_sync"
"""The name of the actor, and of its queue."""

NAMESPACE: Final = f"{scripts.PREFIX}dramatiq"
"""How the names of Dramatiq's own keys begin; with the hash tag of ours, since its scripts use several at once."""

HEARTBEAT_MS: Final = 15_000
"""After so much silence a process is taken for gone, and the messages that it had fetched are cleared away. What it
applied is taken over sooner, when its leases end."""

DEAD_MESSAGE_MS: Final = 7 * 86_400_000
"""For how long a message is kept that Dramatiq gave up, for who wants to know why."""

MOST_TIDIED: Final = 100

MUTE_SECONDS: Final = 2.0
"""For how long no message is sent to a broker that has just failed, so that nobody waits for it. The sweep does it."""

_OPTIONS: Final[dict[str, Any]] = {"max_retries": 3, "min_backoff": 1_000, "time_limit": float("inf")}
"""What our actor asks of middleware, if the broker has it. Drains do not fail; retries are for faults of ours."""


class LineLost(redis.ConnectionError, BrokerConnectionError):
    """The broker's line to Redis is lost. It is both kinds, so that all of Dramatiq's threads survive it."""


class _Client:
    """What Dramatiq's broker uses of a Redis client, on our line: its time-outs, clusters, and clients that decode."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def register_script(self, text: bytes | str) -> Callable[..., Any]:
        """Give a function that runs a script."""
        script = Script(text if isinstance(text, str) else text.decode())

        def run(keys: Sequence[Any] = (), args: Sequence[Any] = ()) -> Any:
            try:
                return self._line.raw_script(script, keys, args)
            except DeliveryUnavailable as error:
                raise LineLost(str(error)) from None

        return run


class Post:
    """Sends messages and has a function called with them.

    Args:
        line: Where the mailboxes are.
        broker: The user's, or `None` for one on that line.
        middleware: What is told of workers that start and end.
        received: Called in a worker's thread for each message, with what was sent.

    Raises:
        ConfigurationError: It is no broker, or another delivery has it.
    """

    def __init__(
        self,
        line: Line,
        broker: dramatiq.Broker | None,
        middleware: dramatiq.Middleware,
        received: Callable[[int], None],
    ) -> None:
        self._line = line
        self._own = broker is None
        self._muted = 0.0
        self.broker = _broker(line) if broker is None else broker
        if not isinstance(self.broker, dramatiq.Broker):
            raise ConfigurationError(f"broker: expected a dramatiq.Broker, got {type(broker).__name__}")
        if NAME in self.broker.get_declared_actors():
            raise ConfigurationError("broker: another delivery has it already; give each a broker of its own")
        self.broker.add_middleware(middleware)
        options = {name: value for name, value in _OPTIONS.items() if name in self.broker.actor_options}
        # Not by the decorator, which knows the options of Dramatiq's global broker alone.
        self._actor = dramatiq.Actor(
            received, broker=self.broker, actor_name=NAME, queue_name=NAME, priority=0, options=options
        )
        # What such a broker has to wait for is no concern of those who accept events.
        self._postman = Postman(self.broker, self._send) if is_by_thread(self.broker) else None

    @property
    def is_muted(self) -> bool:
        """Whether no message is sent now, since one has just failed."""
        return time.monotonic() < self._muted

    def send(self, due: int = 0, delay: float = 0.0) -> None:
        """Send a message. If that fails, the sweep sends another.

        Args:
            due: Since when a mailbox is due, in milliseconds of Redis's clock; 0 if that is not known.
            delay: In how many seconds it is to arrive.
        """
        if self._postman is not None:
            self._postman.put(due, delay)
        else:
            self._send(due, delay)

    def close(self) -> None:
        """Send what waits to be sent, if that does not take long."""
        if self._postman is not None:
            self._postman.close()

    def _send(self, due: int, delay: float) -> None:
        if self.is_muted:
            return
        try:
            self._actor.send_with_options(args=(due,), delay=round(delay * 1000) or None)
        except FAULTS as error:
            self._muted = time.monotonic() + MUTE_SECONDS
            kind = type(error).__name__
            log.warning("A message could not be sent (%s); the workers find by themselves what is due", kind)

    def tidy(self) -> None:
        """Clear away what processes that are gone had fetched. A broker that was given looks after itself."""
        if self._own:
            self._line.script(scripts.ABANDONED, NAMESPACE, HEARTBEAT_MS, DEAD_MESSAGE_MS, MOST_TIDIED, NAME)


def _broker(line: Line) -> dramatiq.Broker:
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=_Client(line),
        middleware=[Retries()],
        namespace=NAMESPACE,
        heartbeat_timeout=HEARTBEAT_MS,
        dead_message_ttl=DEAD_MESSAGE_MS,
        maintenance_chance=0,  # it would call KEYS; `tidy` does it instead
    )
