"""All metrics together, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contact_sync.delivery.base import Backlog

from .counters import Counters, counters_of_process
from .gauges import BacklogGauges

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The format that every Prometheus reads."""


class PrometheusMetrics(Collector):
    """What `/metrics` answers with when it is called, and a collector that any registry takes.

    Args:
        backlog: Counts what is not settled. Left out: there are no gauges of it.
        counters: What has been counted; the process's own unless given.
    """

    def __init__(self, backlog: Callable[[], Backlog] | None = None, *, counters: Counters | None = None) -> None:
        self._parts: list[Counters | BacklogGauges] = [counters_of_process() if counters is None else counters]
        if backlog is not None:
            self._parts.append(BacklogGauges(backlog))

    def __call__(self) -> tuple[bytes, str]:
        """Give the text that Prometheus reads, and its content type."""
        return generate_latest(self), CONTENT_TYPE

    def describe(self) -> Iterable[Metric]:
        """Name the metrics, without their values."""
        return [metric for part in self._parts for metric in part.describe()]

    def collect(self) -> Iterable[Metric]:
        """Give the metrics."""
        for part in self._parts:
            yield from part.collect()
