"""Events on their way to webhooks: in order for each contact, again after a failure, and noted."""

from __future__ import annotations

import heapq
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, Final, Literal

from .changes import Changes
from .post import Answer, connection_to, cut, post

KEPT: Final = 10_000
"""How many deliveries and calls are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How events are delivered.

    Attributes:
        attempts: How many times an event is sent before it is given up.
        backoff: Seconds before the second attempt; doubled for each further one.
        longest_wait: Seconds of the longest wait, also when `Retry-After` asks for more.
        timeout: Seconds that a webhook has to answer.
        workers: How many events are under way at once.
    """

    attempts: int = 5
    backoff: float = 0.05
    longest_wait: float = 1.0
    timeout: float = 10.0
    workers: int = 8


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver an event.

    Attributes:
        status: The HTTP status; none if there was no answer.
        body: The text of the answer. Left out of `repr`.
        error: Why there was no answer.
        retry_after: Seconds asked for.
    """

    status: int | None
    body: str = field(default="", repr=False)
    error: str | None = None
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the webhook took the event: any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


class Delivery:
    """An event or action that was sent, or is about to be. It changes while it is under way.

    Attributes:
        number: Counts up from 1.
        name: The event's or action's name.
        kind: `event` or `action`.
        url: The webhook's address.
        body: What is sent.
        contact_id: The contact it is about, if it is about one.
        at: When it was made, in seconds since 1970.
        attempts: What came of it so far.
        state: `held` until it is let go by hand, `waiting`, `delivered`, or `failed` when it was given up.
    """

    def __init__(
        self,
        number: int,
        url: str,
        token: str,
        kind: Literal["event", "action"],
        name: str,
        data: Mapping[str, Any],
        contact_id: str | None,
        changes: Changes,
        given_up: Callable[[], object] | None = None,
    ) -> None:
        self.number = number
        self.name = name
        self.kind: Literal["event", "action"] = kind
        self.url = url
        self.body: dict[str, Any] = {kind: name, "data": dict(data)}
        self.contact_id = contact_id
        self.at = time.time()
        self.attempts: tuple[Attempt, ...] = ()
        self.state: Literal["held", "waiting", "delivered", "failed"] = "waiting"
        self._token = token
        self._changes = changes
        self._given_up = given_up

    def __repr__(self) -> str:
        return f"<Delivery {self.number} {self.name} {self.state} {[attempt.status for attempt in self.attempts]}>"

    @property
    def token(self) -> str:
        """The token of the installation that it is for."""
        return self._token

    @property
    def status(self) -> int | None:
        """The HTTP status of the last attempt; none if there was no answer."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def answer(self) -> Any:
        """The JSON of the last answer; none if it is something else."""
        try:
            return json.loads(self.attempts[-1].body) if self.attempts else None
        except (ValueError, RecursionError):
            return None

    def wait(self, timeout: float = 10.0) -> Delivery:
        """Wait until it is delivered or given up.

        Raises:
            TimeoutError: It is still under way.
        """
        if not self._changes.wait_for(lambda: self.state in ("delivered", "failed"), timeout):
            raise TimeoutError(f"{self!r} is still under way after {timeout} s")
        return self


class Courier:
    """Delivers. Each lane (a contact of an installation) is a queue; lanes do not wait for each other."""

    def __init__(self, rules: DeliveryRules, changes: Changes, holds: Callable[[], bool]) -> None:
        self._rules = rules
        self._changes = changes
        self._holds = holds
        self._lanes: dict[Hashable, deque[Delivery]] = {}
        self._due: list[tuple[float, int, Hashable]] = []
        self._wake = threading.Condition(changes.lock)
        self._numbers = itertools.count(1)
        self._ties = itertools.count()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._active: set[HTTPConnection] = set()
        self.all: deque[Delivery] = deque(maxlen=KEPT)
        self.held: list[Delivery] = []

    def start(self) -> None:
        """Begin to deliver. Does nothing if it does already."""
        for number in range(len(self._threads), self._rules.workers):
            self._threads.append(threading.Thread(target=self._work, name=f"courier-{number}", daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """End, cutting off the attempts under way. What still waits is left."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
            for connection in self._active:
                cut(connection)
        for thread in self._threads:
            thread.join()

    def send(
        self,
        url: str,
        token: str,
        kind: Literal["event", "action"],
        name: str,
        data: Mapping[str, Any],
        contact_id: str | None = None,
        given_up: Callable[[], object] | None = None,
        *,
        at_once: bool = False,
    ) -> Delivery:
        """Queue an event or action, or keep it back if it is of a contact and those are held, unless `at_once`.

        `given_up` is called if it is given up, with the lock held.
        """
        with self._wake:
            number = next(self._numbers)
            delivery = Delivery(number, url, token, kind, name, data, contact_id, self._changes, given_up)
            self.all.append(delivery)
            if contact_id is not None and self._holds() and not at_once:
                delivery.state = "held"
                self.held.append(delivery)
            else:
                self._queue(delivery)
            self._changes.note()
        return delivery

    def let_go(self, delivery: Delivery) -> None:
        """Queue a delivery that was held."""
        with self._wake:
            self.held.remove(delivery)
            delivery.state = "waiting"
            self._queue(delivery)
            self._changes.note()

    def again(self, delivery: Delivery) -> Delivery:
        """Queue a copy of a delivery that was made before."""
        data, id = delivery.body["data"], delivery.contact_id
        return self.send(delivery.url, delivery._token, delivery.kind, delivery.name, data, id, at_once=True)

    def wait_idle(self, timeout: float, token: str | None = None) -> bool:
        """Wait until nothing is under way, for one token or at all. Whether that is so."""
        return self._changes.wait_for(lambda: not any(token in (None, lane[0]) for lane in self._open_lanes()), timeout)

    def _queue(self, delivery: Delivery) -> None:
        lane = (delivery._token, delivery.contact_id)
        queue = self._lanes.setdefault(lane, deque())
        queue.append(delivery)
        if len(queue) == 1:
            self._schedule(lane, 0.0)

    def _open_lanes(self) -> list[Any]:
        return list(self._lanes)

    def _schedule(self, lane: Hashable, wait: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + wait, next(self._ties), lane))
        self._wake.notify_all()

    def _next_lane(self) -> Hashable | None:
        """Wait for a lane that is due; none when it is time to stop."""
        with self._wake:
            while not self._stopping:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._wake.wait(wait)
            return None

    def _work(self) -> None:
        while (lane := self._next_lane()) is not None:
            delivery = self._lanes[lane][0]
            connection = connection_to(delivery.url, self._rules.timeout)
            with self._wake:
                self._active.add(connection)
            answer = post(connection, delivery.url, delivery._token, delivery.body)
            with self._wake:
                self._active.discard(connection)
            self._noted(lane, delivery, _attempt(answer))

    def _noted(self, lane: Hashable, delivery: Delivery, attempt: Attempt) -> None:
        with self._wake:
            delivery.attempts += (attempt,)
            tried = len(delivery.attempts)
            if not attempt.accepted and tried < self._rules.attempts:
                wait = self._rules.backoff * 2 ** (tried - 1) if attempt.retry_after is None else attempt.retry_after
                self._schedule(lane, min(wait, self._rules.longest_wait))
            else:
                delivery.state = "delivered" if attempt.accepted else "failed"
                if delivery.state == "failed" and delivery._given_up is not None:
                    delivery._given_up()
                queue = self._lanes[lane]
                queue.popleft()
                if queue:
                    self._schedule(lane, 0.0)
                else:
                    del self._lanes[lane]
            self._changes.note()


def _attempt(answer: Answer | str) -> Attempt:
    if isinstance(answer, str):
        return Attempt(status=None, error=answer)
    return Attempt(status=answer.status, body=answer.body, retry_after=answer.retry_after)
