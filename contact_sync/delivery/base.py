"""What a delivery is: how an event gets from its acceptance to its application.

A delivery knows nothing of contacts and CRMs. It is given callables that apply events (`Handling`) and promises when:
`inline` now, the durable ones after they have stored the event, in the order of its contact, and again until it is
settled.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from contact_sync.events import Auth, Event
from contact_sync.results import Result
from mappers import Side

NO_SUCH_EVENT: Final = "there is no such event; it was settled long ago, or never here"
NOT_FAILED: Final = "only an event that has failed can be tried again"
DIED: Final = "the worker died while it applied this event"
IN_FLIGHT_STAYS: Final = "a worker is applying this event; wait until it is settled"
CONTACT_IN_FLIGHT: Final = "a worker is applying another event of this contact; wait until that is settled"
SETTLED_STAYS: Final = "it is applied, and nothing of it is kept but that"
OLDER: Final = "later events of this contact were applied since, and this one would write older values over theirs"


class State(StrEnum):
    """Where an event is."""

    WAITING = "waiting"
    """It waits for its turn, for earlier events of its contact, or for its next try."""
    IN_FLIGHT = "in_flight"
    """A worker is applying it."""
    APPLIED = "applied"
    """It is applied; its body is gone."""
    FAILED = "failed"
    """A dead letter: it failed for good, and is kept until it is tried again, dropped, or expired."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that failed.

    Attributes:
        at: When it ended (seconds since the epoch).
        error: What failed, without contact values.
    """

    at: float
    error: str


@dataclass(frozen=True, slots=True)
class EventRecord:
    """What is known of an event that was accepted. No values of its contact.

    Attributes:
        id: Its id, from the answer to its sender.
        installation: For whom it is.
        contact: The id of its contact on the side that told of it.
        name: `contact_created`, `contact_updated` or `contact_deleted`; of the CRM's also `contact_merged` and
            `contact_restored`.
        state: Where it is.
        arrived: When it was accepted (seconds since the epoch).
        settled: When it was applied or failed for good.
        due: When it is tried next; `None` if it is not waiting.
        action: What applying it did: `created`, `updated`, `unchanged`, `folded`, …; `held` of a dead letter that a
            person has to decide about.
        error: Why it failed for good.
        tries: How often it was tried.
        attempts: The tries that failed, oldest first; of many, the last ones.
        side: Who told of it: `botmatic` for the platform, `ext` for the CRM.
    """

    id: str
    installation: str
    contact: str
    name: str
    state: State
    arrived: float
    settled: float | None = None
    due: float | None = None
    action: str | None = None
    error: str | None = None
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    side: Side = "botmatic"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is not settled.

    Attributes:
        waiting: How many events wait.
        in_flight: How many are being applied.
        failed: How many dead letters there are.
        oldest: When the oldest was accepted of those that wait or are in flight (seconds since the epoch).
    """

    waiting: int = 0
    in_flight: int = 0
    failed: int = 0
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Events of one contact, told by one side, to be applied as one, in order.

    Attributes:
        events: At least one. Several are updates: what a later one says of a field counts.
        alone: Whether it is to be applied by itself, since it was in flight when a worker died.
    """

    events: tuple[Event, ...]
    alone: bool = False


class Handling(Protocol):
    """What a delivery is given: how events are applied. Neither method raises."""

    def apply(self, runs: Sequence[Run]) -> list[Result]:
        """Apply runs of different contacts of one installation, and tell the user's listeners.

        Returns:
            A result for each run, in order. Nobody was told of a retryable failure, which is to be tried again, nor of
            that of a run of several events, which are to be applied singly.
        """
        ...

    def batch_size(self, installation: str) -> int:
        """How many runs of an installation are best applied together; 1 if its CRM has no batch calls."""
        ...


Revive = Callable[[str, str], Auth | None]
"""Finds out again who speaks, from the installation and the token of a stored event. `None`: nobody, or not now."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How what waits is kept unreadable.

    Attributes:
        close: Encrypts bytes for an installation.
        open: Decrypts them; `None` if no key opens them.
        digest: A keyed digest of bytes (16 bytes).
    """

    close: Callable[[str, bytes], bytes] = field(repr=False)
    open: Callable[[str, bytes], bytes | None] = field(repr=False)
    digest: Callable[[bytes], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a delivery is connected with.

    Attributes:
        sync: Applies one event, and tells nobody: for `inline`, whose caller tells the listener.
        handling: Applies events, for the durable ones.
        revive: Finds out again who speaks.
        seal: How what waits is kept unreadable.
    """

    sync: Callable[[Event], Result]
    handling: Handling
    revive: Revive
    seal: Seal


class Delivery(ABC):
    """Gets events applied. `connect` comes before everything else but `close`.

    Every method but `submit` may raise `DeliveryUnavailable`: the delivery's store cannot be reached.
    """

    durable: bool
    """Whether what is submitted is stored before it is answered, and applied by workers."""

    lease_seconds: float | None = None
    """How long a claim on a contact is to last if its holder dies; `None`: as usual."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in messages, without credentials."""

    @abstractmethod
    def connect(self, parts: Parts) -> None:
        """Take what it works with; `ContactSync` calls it once."""

    @abstractmethod
    def submit(self, event: Event, contact: str) -> Result:
        """Take an event over. Never raises.

        Args:
            event: A contact event in its final form.
            contact: The id of its contact on the side that tells of it. The same id on the two sides stands for two
                contacts, whose events have nothing to do with each other.

        Returns:
            Of a durable one, a success with `queued` and `event_id` as soon as it is stored; a retryable failure if it
            cannot be. Otherwise what came of applying it.
        """

    @abstractmethod
    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        """Apply what waits, until `stop` is set; then finish what is in flight and hand the rest back.

        Args:
            stop: Set from another thread, or by a signal's handler.
            threads: How many events are applied at once.
            grace: For how many seconds those in flight may go on after `stop`.
            ready: Called when it works.

        Returns:
            Whether everything in flight was finished in time.

        Raises:
            ConfigurationError: There is nothing to work on: this delivery stores nothing.
        """

    def events(
        self,
        *,
        states: Sequence[State] = (),
        installation: str | None = None,
        contact: str | None = None,
        limit: int = 50,
    ) -> list[EventRecord]:
        """List events, the latest first; of those that are waiting, the first in line first.

        Args:
            contact: The id of their contact on the side that told of them, whichever it is.
        """
        del states, installation, contact, limit
        return []

    def failed(self, *, installation: str | None = None, limit: int = 50) -> list[EventRecord]:
        """List the dead letters, the latest first."""
        return self.events(states=[State.FAILED], installation=installation, limit=limit)

    def event(self, id: str) -> EventRecord | None:
        """Look an event up; `None` if there is none of that id (any more)."""
        del id
        return None

    def backlog(self) -> Backlog:
        """Count what is not settled."""
        return Backlog()

    def replay(self, id: str, *, although_older: bool = False) -> Result:
        """Let a dead letter be tried again, as if it had just come.

        Args:
            id: Its id.
            although_older: Do it also if later events of the contact were applied since: it writes over what they did.

        Returns:
            A success, or a failure that says why not (`OLDER`, `NOT_FAILED`, `NO_SUCH_EVENT`).
        """
        del id, although_older
        return Result.failed(NO_SUCH_EVENT)

    def drop(self, id: str) -> Result:
        """Take an event out that waits or has failed, with its body. One that is in flight cannot be dropped."""
        del id
        return Result.failed(NO_SUCH_EVENT)

    def forget(self, installation: str, contact: str | None = None, *, side: Side = "botmatic") -> int:
        """Erase all that is kept of an installation, or of one contact of it. Gives the number of events.

        Args:
            contact: The id of the contact.
            side: The side that has that id.
        """
        del installation, contact, side
        return 0

    def unready(self) -> str | None:
        """Why no event could be accepted now, or `None` if all is well. Does not raise."""
        return None

    def close(self) -> None:
        """Close what was opened here. May be called twice."""
        return
