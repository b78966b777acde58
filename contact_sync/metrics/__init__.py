"""Metrics for Prometheus. `prometheus_client`, an extra, is imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from contact_sync.delivery.base import Backlog

from .processes import check_folder, counting_together

__all__ = ["Scrape", "counting_together", "open_metrics"]

Scrape = Callable[[], tuple[bytes, str]]
"""Gives what Prometheus is to read: the text, and its content type."""


def open_metrics(backlog: Callable[[], Backlog] | None = None) -> Scrape | None:
    """Count from now on what happens in this process, unless it is counted already.

    Args:
        backlog: Counts what is not settled; asked at every scrape. Left out: there is nothing that could wait.

    Returns:
        What `/metrics` answers, a `prometheus.PrometheusMetrics`; `None` if `prometheus_client` is not installed.

    Raises:
        ConfigurationError: `PROMETHEUS_MULTIPROC_DIR` is set and names no folder.
    """
    check_folder()
    try:
        from .prometheus import PrometheusMetrics
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        return None
    return PrometheusMetrics(backlog)
