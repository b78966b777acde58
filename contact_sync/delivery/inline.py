"""Within the request, as in Node: an answer of success means that the other side has it.

Unlike there, a CRM that hangs does not hang whoever sent the event: in the end it is answered that it may come again.
The call itself cannot be broken off; it ends when the CRM's client lets it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from contact_sync.errors import ConfigurationError
from contact_sync.events import Event
from contact_sync.results import Result
from contact_sync.rules import check_seconds

from .base import Delivery, Parts
from .bounded import Bounded, Late, TooManyLate

ANSWER_SECONDS: Final = 30.0
"""For how long a request waits at the most for its event to be applied."""

NOTHING_WAITS: Final = (
    'delivery: "inline" applies events within their request, so there is nothing for a worker to do; pass a durable '
    'one, such as delivery="sqlite:///inbox.db"'
)
HANGS: Final = (
    "events that came before are still being applied, and hang; no more are taken on until one of them ends. Give the "
    "CRM's client a time-out"
)


class Inline(Delivery):
    """Applies an event before it is answered. What fails for now is answered with 503; nothing is kept.

    An event is applied in a thread of its own, with the context of its request.

    Args:
        answer_within: After so many seconds a request is answered 503 though its event is still being applied.

    Raises:
        ConfigurationError: That is no number of seconds.
    """

    durable = False

    def __init__(self, *, answer_within: float = ANSWER_SECONDS) -> None:
        check_seconds("answer_within", answer_within)
        self._seconds = answer_within
        self._bounded = Bounded()

    @property
    def name(self) -> str:
        return "inline"

    def connect(self, parts: Parts) -> None:
        self._sync = parts.sync

    def submit(self, event: Event, contact: str) -> Result:
        del contact
        try:
            return self._bounded.call(partial(self._sync, event), self._seconds)
        except TooManyLate:
            return Result.failed(HANGS, retryable=True)
        except Late:
            error = f"it is still being applied after {self._seconds:g} s"
            return Result.failed(error, retryable=True, in_doubt=True)

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        del stop, threads, grace, ready
        raise ConfigurationError(NOTHING_WAITS)
