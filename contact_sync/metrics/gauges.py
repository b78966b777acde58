"""What is asked when Prometheus comes: how much waits.

It is asked of a store that processes share, so every process tells the same, and nothing is added up.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contact_sync.delivery.base import Backlog
from contact_sync.failures import translate

ASK_AGAIN: Final = 1.0
"""The store is asked at most once in so many seconds, however often somebody scrapes."""

_UP: Final = ("contact_sync_delivery_up", "Whether the store of accepted events could be asked.")
_GAUGES: Final = {
    "contact_sync_events_waiting": "Events that wait to be applied.",
    "contact_sync_events_in_flight": "Events that are being applied.",
    "contact_sync_events_failed": "Dead letters: events that failed for good and are kept.",
    "contact_sync_oldest_event_age_seconds": "How long ago the oldest event arrived that is not settled; 0 if all are.",
}


class BacklogGauges(Collector):
    """How much waits.

    While that cannot be asked, the gauges are missing and `contact_sync_delivery_up` is 0: a scrape never fails for it,
    and no old figure looks like a new one.

    Args:
        ask: Counts what is not settled. It may raise.
        fresh_for: For how many seconds an answer is good.
    """

    def __init__(self, ask: Callable[[], Backlog], *, fresh_for: float = ASK_AGAIN) -> None:
        self._ask = ask
        self._fresh_for = fresh_for
        self._lock = threading.Lock()
        self._asked_at = -math.inf
        self._answer: tuple[float, ...] | None = ()

    def describe(self) -> Iterable[Metric]:
        """Name the gauges, without their values."""
        return [GaugeMetricFamily(name, said) for name, said in (_UP, *_GAUGES.items())]

    def collect(self) -> Iterable[Metric]:
        """Give the gauges."""
        answer = self._latest()
        yield GaugeMetricFamily(*_UP, value=0.0 if answer is None else 1.0)
        if answer is not None:
            for (name, said), value in zip(_GAUGES.items(), answer, strict=True):
                yield GaugeMetricFamily(name, said, value=value)

    def _latest(self) -> tuple[float, ...] | None:
        with self._lock:  # those who come meanwhile get the same answer
            if time.monotonic() - self._asked_at >= self._fresh_for:
                self._answer = self._asked(was_up=self._answer is not None)
                self._asked_at = time.monotonic()
            return self._answer

    def _asked(self, *, was_up: bool) -> tuple[float, ...] | None:
        try:
            backlog = self._ask()
            age = 0.0 if backlog.oldest is None else max(0.0, time.time() - backlog.oldest)
            return float(backlog.waiting), float(backlog.in_flight), float(backlog.failed), age
        except Exception as error:  # noqa: BLE001 - a user's delivery may raise anything; then it is down
            if was_up:
                translate(error, "counting what waits")  # which logs it
            return None
