"""Mailboxes in Redis and workers of Dramatiq, as a delivery."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import dramatiq

from contact_sync.delivery.base import Backlog, Delivery, EventRecord, Parts, State
from contact_sync.delivery.envelope import fingerprint, pack
from contact_sync.delivery.retries import Retries
from contact_sync.delivery.telling import tell_accepted
from contact_sync.errors import ConfigurationError
from contact_sync.events import Event
from contact_sync.failures import FAULTS, translate
from contact_sync.results import Result
from contact_sync.rules import check_seconds
from mappers import Side

from .broker import Post
from .line import Line
from .listing import Listing
from .mailboxes import Mailboxes
from .records import Address
from .working import UNCONNECTED, Working

if TYPE_CHECKING:
    from key_stores.redis.backend import Client

LEASE_SECONDS: Final = 6.0
KEEP_SECONDS: Final = 7 * 86_400.0
KEEP_FAILED_SECONDS: Final = 90 * 86_400.0

DELIVERED: Final = "it was delivered before"
EQUAL: Final = "it equals the one before, which still waits"


class DramatiqDelivery(Delivery):
    """Stores events in a mailbox for each contact, in Redis or Valkey, and has Dramatiq's workers drain them.

    Redis is where events are kept: have it write to its disk (`appendonly yes`) and forbid it to throw things away
    (`maxmemory-policy noeviction`). Dramatiq's messages may be lost without harm.

    Args:
        redis: A URL (`redis://`, `rediss://`, `redis+cluster://`, …), or a `redis.Redis` or `redis.RedisCluster`, which
            is not closed here.
        broker: A Dramatiq broker for the messages, such as a `RabbitmqBroker`; one on the same Redis if there is none.
            One that is given is not closed here.
        retries: When a failed event is tried again, and when it is given up.
        lease_seconds: How soon the events of a worker that died are taken over.
        keep_seconds: How long the record of an applied event is kept, without its body.
        keep_failed_seconds: How long a dead letter is kept, with its body.

    Raises:
        ConfigurationError: An argument is wrong.
    """

    durable = True

    def __init__(
        self,
        redis: Client | str,
        *,
        broker: dramatiq.Broker | None = None,
        retries: Retries | None = None,
        lease_seconds: float = LEASE_SECONDS,
        keep_seconds: float = KEEP_SECONDS,
        keep_failed_seconds: float = KEEP_FAILED_SECONDS,
    ) -> None:
        check_seconds("lease_seconds", lease_seconds)
        check_seconds("keep_seconds", keep_seconds)
        check_seconds("keep_failed_seconds", keep_failed_seconds)
        if retries is not None and not isinstance(retries, Retries):
            raise ConfigurationError(f"retries: expected a Retries, got {type(retries).__name__}")
        self._retries = retries or Retries()
        self.lease_seconds = lease_seconds
        self._line = Line(redis)
        keep = keep_seconds, keep_failed_seconds
        self._mailboxes = Mailboxes(self._line, lease_seconds, *keep, self._retries.crashes)
        self._working = Working(self._line, self._mailboxes, lease_seconds)
        self._post = Post(self._line, broker, self._working.middleware, self._working.drain)
        self._listing = Listing(self._line, self._post.send)
        self._parts: Parts | None = None

    @property
    def name(self) -> str:
        return "dramatiq"

    def connect(self, parts: Parts) -> None:
        self._parts = parts
        self._working.connect(parts, self._retries, self._post)

    def submit(self, event: Event, contact: str) -> Result:
        if self._parts is None:
            raise ConfigurationError(UNCONNECTED)
        seal = self._parts.seal
        try:
            address = Address.of(event, contact)
            body, said = pack(event, seal), fingerprint(event, seal)
            id, known, due = self._mailboxes.submit(address, event.installation, event.full_name, body, said)
        except FAULTS as error:  # whatever it is, the event is not accepted
            return translate(error, "storing an event").with_(retryable=True)
        if due:
            self._post.send(due)
        reason = {"delivered": DELIVERED, "equal": EQUAL, None: None}[known]
        tell_accepted(event, id, reason)
        return Result.ok(reason=reason).with_(queued=True, event_id=id)

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        return self._working.run(stop, threads, grace, ready)

    def events(
        self,
        *,
        states: Sequence[State] = (),
        installation: str | None = None,
        contact: str | None = None,
        limit: int = 50,
    ) -> list[EventRecord]:
        return self._listing.events(states, installation, contact, limit)

    def event(self, id: str) -> EventRecord | None:
        return self._listing.event(id)

    def backlog(self) -> Backlog:
        return self._listing.backlog()

    def replay(self, id: str, *, although_older: bool = False) -> Result:
        return self._listing.replay(id, although_older=although_older)

    def drop(self, id: str) -> Result:
        return self._listing.drop(id)

    def forget(self, installation: str, contact: str | None = None, *, side: Side = "botmatic") -> int:
        return self._listing.forget(installation, contact, side)

    def unready(self) -> str | None:
        try:
            self._line.run("SET", "ready", 1, "PX", 60_000)  # a replica, or one without memory, refuses it
        except FAULTS as error:
            return translate(error, "the mailboxes").error
        return None

    def close(self) -> None:
        self._post.close()
        self._line.close()
