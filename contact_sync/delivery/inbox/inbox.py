"""The inbox as a delivery: an event is on the disk before it is answered, and is applied by worker threads."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from contact_sync.delivery.base import NO_SUCH_EVENT, Backlog, Delivery, EventRecord, Parts, State
from contact_sync.delivery.bounded import Bounded, Late, TooManyLate
from contact_sync.delivery.envelope import fingerprint, pack
from contact_sync.delivery.retries import Retries
from contact_sync.delivery.telling import tell_accepted, tell_settled
from contact_sync.errors import ConfigurationError, DeliveryUnavailable
from contact_sync.events import Event
from contact_sync.failures import translate
from contact_sync.results import Result
from contact_sync.rules import check_seconds
from mappers import Side

from .burying import Buried
from .database import open_database
from .intake import Letter, store
from .records import Records
from .schema import APPLIED, FAILED, delivery_of, lane_of, loaded, stored
from .settling import Settled
from .worker import Worker

if TYPE_CHECKING:
    from sqlalchemy import Engine

LEASE_SECONDS: Final = 6.0
ANSWER_SECONDS: Final = 10.0
"""For how long a request waits at the most for its event to be stored."""

READY_SECONDS: Final = 3.0
HANGS: Final = "the inbox did not answer in time"
_ID: Final = re.compile(r"[0-9a-f]{32}")
KEEP_SECONDS: Final = 7 * 86_400.0
KEEP_FAILED_SECONDS: Final = 90 * 86_400.0


class Inbox(Delivery):
    """Stores events in SQLite (a file; one machine) or PostgreSQL (any number of machines) and applies them in order.

    Args:
        engine: A URL (`sqlite:///inbox.db`, `postgresql://…`), or an SQLAlchemy `Engine`, which is not closed here.
        retries: When a failed event is tried again, and when it is given up.
        lease_seconds: How soon the events of a worker that died are taken over.
        keep_seconds: How long the record of an applied event is kept, without its body.
        keep_failed_seconds: How long a dead letter is kept, with its body.

    Raises:
        ConfigurationError: An argument is wrong, or what it needs is not installed.
    """

    durable = True

    def __init__(
        self,
        engine: Engine | str,
        *,
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
        self._database = open_database(engine)
        self._retries = retries or Retries()
        self.lease_seconds = self._lease = lease_seconds
        self._keep = keep_seconds, keep_failed_seconds
        self._records = Records(self._database)
        self._bounded = Bounded()
        self._parts: Parts | None = None
        self._workers: list[Worker] = []

    @property
    def name(self) -> str:
        return f"inbox ({type(self._database).__name__})"

    def connect(self, parts: Parts) -> None:
        self._parts = parts

    def submit(self, event: Event, contact: str) -> Result:
        seal = self._connected.seal
        delivery_id = event.delivery_id
        try:
            letter = Letter(
                id=uuid.uuid4().hex,
                lane=lane_of(event.installation, contact, event.side),
                installation=stored(event.installation),
                contact=stored(contact),
                name=event.full_name,
                delivery=None if delivery_id is None else delivery_of(event.installation, delivery_id),
                digest=fingerprint(event, seal),
                body=pack(event, seal),
            )
            kept = self._bounded.call(partial(store, self._database, letter), ANSWER_SECONDS)
        except (Late, TooManyLate):
            return Result.failed(HANGS, retryable=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event is not accepted
            return translate(error, "storing an event").with_(retryable=True)
        for worker in self._workers:
            worker.wake()
        tell_accepted(event, kept.id, kept.reason)
        return Result.ok(reason=kept.reason).with_(queued=True, event_id=kept.id)

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        keep, keep_failed = self._keep
        worker = Worker(
            self._database,
            self._connected,
            self._retries,
            lease=self._lease,
            threads=threads,
            keep=keep,
            keep_failed=keep_failed,
            tell=_tell,
            tell_buried=_tell_buried,
        )
        self._workers = [*self._workers, worker]
        try:
            return worker.run(stop, grace, ready)
        finally:
            self._workers = [one for one in self._workers if one is not worker]

    def events(
        self,
        *,
        states: Sequence[State] = (),
        installation: str | None = None,
        contact: str | None = None,
        limit: int = 50,
    ) -> list[EventRecord]:
        return self._records.latest(states, installation, contact, limit)

    def event(self, id: str) -> EventRecord | None:
        return self._records.find(id) if _ID.fullmatch(id) else None

    def backlog(self) -> Backlog:
        return self._records.backlog()

    def replay(self, id: str, *, although_older: bool = False) -> Result:
        if not _ID.fullmatch(id):
            return Result.failed(NO_SUCH_EVENT)
        return self._records.replay(id, although_older=although_older)

    def drop(self, id: str) -> Result:
        return self._records.drop(id) if _ID.fullmatch(id) else Result.failed(NO_SUCH_EVENT)

    def forget(self, installation: str, contact: str | None = None, *, side: Side = "botmatic") -> int:
        return self._records.forget(installation, contact, side)

    def unready(self) -> str | None:
        try:
            self._bounded.call(self._records.try_to_write, READY_SECONDS)
        except (Late, TooManyLate):
            return HANGS
        except DeliveryUnavailable as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing can be accepted
            return translate(error, "the inbox").error
        return None

    def close(self) -> None:
        self._database.close()

    @property
    def _connected(self) -> Parts:
        if self._parts is None:
            raise ConfigurationError(
                "delivery: pass it to ContactSync(delivery=…), which connects it, before it is used"
            )
        return self._parts


def _tell(settled: Settled) -> None:
    for outcome in settled.outcomes:
        event = outcome.event
        tell_settled(
            event.id,
            loaded(settled.lane.installation),
            event.name,
            "applied" if outcome.state == APPLIED else "failed" if outcome.state == FAILED else "again",
            action=outcome.action,
            tries=event.tries + 1,
            arrived=event.arrived,
            wait=settled.wait,
        )


def _tell_buried(event: Buried) -> None:
    tell_settled(
        event.id,
        loaded(event.installation),
        event.name,
        "failed" if event.is_over else "again",
        action=None,
        tries=event.tries,
        arrived=event.arrived,
        wait=event.wait,
        died=True,
    )
