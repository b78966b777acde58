"""Within the request, as in Node: an answer of success means that the other side has it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from contact_sync.errors import ConfigurationError
from contact_sync.events import Event
from contact_sync.results import Result

from .base import Delivery, Parts

NOTHING_WAITS: Final = (
    'delivery: "inline" applies events within their request, so there is nothing for a worker to do; pass a durable '
    'one, such as delivery="sqlite:///inbox.db"'
)


class Inline(Delivery):
    """Applies an event before it is answered. What fails for now is answered with 503; nothing is kept."""

    durable = False

    @property
    def name(self) -> str:
        return "inline"

    def connect(self, parts: Parts) -> None:
        self._sync = parts.sync

    def submit(self, event: Event, contact: str) -> Result:
        del contact
        return self._sync(event)

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = 30.0, ready: Callable[[], object] | None = None
    ) -> bool:
        del stop, threads, grace, ready
        raise ConfigurationError(NOTHING_WAITS)
