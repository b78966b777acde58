"""What is counted as it happens.

Every label's value is from a closed set, so that nobody who sends events can make series without end, and none is an
id. The counts are those of all processes that share a folder (see `processes`).
"""

from __future__ import annotations

import math
import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from contact_sync.consumer import ExternalAPIConsumer
from contact_sync.events import EXTERNAL, EXTERNAL_EVENTS, EventName
from contact_sync.observing import (
    CALL_OUTCOMES,
    EVENT_OUTCOMES,
    CallOutcome,
    CallSide,
    EventOutcome,
    Observer,
    observers,
)
from contact_sync.platforms import BotmaticPlatform, Platform

from .processes import FOLDER_VARIABLE

OTHER: Final = "other"
"""What stands in a label for all that is not of its set: custom events, and methods of the user's own."""

EVENT_SECONDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600, 14_400, 86_400)
"""From a CRM that answers at once to one that was away for a day."""

CALL_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_EVENTS: Final = frozenset(map(str, EventName)) | {f"{EXTERNAL}{name}" for name in EXTERNAL_EVENTS}
_CONTACT_EVENTS: Final = (EventName.CONTACT_CREATED, EventName.CONTACT_UPDATED, EventName.CONTACT_DELETED)
_NOT_APPLIED: Final = frozenset(("failed", "held", "for_now"))
_SIDES: Final = frozenset(("consumer", "platform"))
_METHODS: Final = frozenset(
    name for kind in (ExternalAPIConsumer, Platform, BotmaticPlatform) for name in dir(kind) if not name.startswith("_")
)
_OWN_FILES: Final = re.compile(r"(counter|histogram)_.+\.db")


class Counters(Observer, Collector):
    """Counts what the sync tells of its work.

    A process has one, `counters_of_process`: where counts are kept in files, two would overwrite each other.
    """

    def __init__(self) -> None:
        self._accepted = Counter("contact_sync_events_accepted", "Events that were let in.", ["event"], registry=None)
        self._settled = Counter(
            "contact_sync_events_settled", "Events by what came of them.", ["event", "outcome"], registry=None
        )
        self._retried = Counter(
            "contact_sync_events_retried", "Tries of events that failed for now.", ["event"], registry=None
        )
        self._latency = Histogram(
            "contact_sync_event_latency_seconds",
            "From the arrival of an event to its being applied.",
            ["event"],
            buckets=EVENT_SECONDS,
            registry=None,
        )
        self._calls = Counter(
            "contact_sync_calls",
            "Calls to the CRM and to the platform by what came of them.",
            ["side", "method", "outcome"],
            registry=None,
        )
        self._call_seconds = Histogram(
            "contact_sync_call_duration_seconds",
            "How long calls to the CRM and to the platform took.",
            ["side", "method"],
            buckets=CALL_SECONDS,
            registry=None,
        )
        self._all = (self._accepted, self._settled, self._retried, self._latency, self._calls, self._call_seconds)
        self._names = frozenset(metric.name for metric in self.describe())
        self._begin_with_zero()

    def event_accepted(self, name: str) -> None:
        self._accepted.labels(_one_of(_EVENTS, name)).inc()

    def event_settled(self, name: str, outcome: EventOutcome, seconds: float) -> None:
        event = _one_of(_EVENTS, name)
        self._settled.labels(event, _one_of(EVENT_OUTCOMES, outcome)).inc()
        if outcome not in _NOT_APPLIED:
            _observe(self._latency.labels(event), seconds)

    def event_retried(self, name: str) -> None:
        self._retried.labels(_one_of(_EVENTS, name)).inc()

    def call(self, side: CallSide, method: str, outcome: CallOutcome, seconds: float) -> None:
        who, which = _one_of(_SIDES, side), _one_of(_METHODS, method)
        self._calls.labels(who, which, _one_of(CALL_OUTCOMES, outcome)).inc()
        _observe(self._call_seconds.labels(who, which), seconds)

    def describe(self) -> Iterable[Metric]:
        """Name the metrics, without their values."""
        return [metric for instrument in self._all for metric in instrument.describe()]

    def collect(self) -> Iterable[Metric]:
        """Give the metrics, with the counts of all processes that share the folder, if there is one."""
        for metric in self._of_all_processes() if _in_files() else self._of_this_process():
            # When a series began is said for none where it outlives processes, and doubles what is stored elsewhere.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric

    def _of_this_process(self) -> Iterator[Metric]:
        for instrument in self._all:
            yield from instrument.collect()

    def _of_all_processes(self) -> Iterator[Metric]:
        # A process that is killed as it makes its file leaves an empty one, which would end every merge from then on.
        # Names of other files end in .db too, such as those of SQLite.
        folder = Path(os.environ[FOLDER_VARIABLE])
        files = [str(file) for file in folder.iterdir() if _OWN_FILES.fullmatch(file.name) and file.stat().st_size]
        merged = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # it has no types
        return (metric for metric in merged if metric.name in self._names)

    def _begin_with_zero(self) -> None:
        """Make the series that alerts look at. One that begins with 1 has not risen, as far as Prometheus can see."""
        for event in _CONTACT_EVENTS:
            self._accepted.labels(event.value)
            self._retried.labels(event.value)
            for outcome in EVENT_OUTCOMES:
                self._settled.labels(event.value, outcome)


_making: Final = threading.Lock()
_counters: Counters | None = None


def counters_of_process() -> Counters:
    """What is counted in this process, from the first time that this is called."""
    global _counters
    with _making:
        if _counters is None:
            _counters = Counters()
            observers.add(_counters)
        return _counters


def _in_files() -> bool:
    """Whether counts are kept in files, which `prometheus_client` decides when it is imported."""
    return values.ValueClass is not values.MutexValue


def _one_of(known: Collection[str], value: str) -> str:
    return value if value in known else OTHER


def _observe(histogram: Histogram, seconds: float) -> None:
    if math.isfinite(seconds):  # the sum would never recover from anything else
        histogram.observe(max(0.0, seconds))
