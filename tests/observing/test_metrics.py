"""What Prometheus reads of one process."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from contact_sync import ConfigurationError
from contact_sync.delivery import Backlog
from contact_sync.errors import DeliveryUnavailable
from contact_sync.metrics import open_metrics
from contact_sync.metrics.counters import Counters, counters_of_process
from contact_sync.metrics.gauges import BacklogGauges
from contact_sync.metrics.prometheus import PrometheusMetrics
from contact_sync.observing import observers
from tests.observing.helpers import Read
from tests.project.markdown import ROOT


def read(counters: Counters | None = None, backlog: Callable[[], Backlog] | None = None) -> Read:
    body, content_type = PrometheusMetrics(backlog, counters=counters or Counters())()
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    return Read(body)


def test_events_are_counted_by_name_and_outcome_with_their_latency() -> None:
    counters = Counters()
    for seconds in (0.004, 2.0, 90_000.0):
        counters.event_accepted("contact_updated")
        counters.event_settled("contact_updated", "updated", seconds)
    counters.event_retried("contact_updated")
    counters.event_settled("contact_created", "failed", 5.0)
    said = read(counters)
    assert said("contact_sync_events_accepted_total", event="contact_updated") == 3
    assert said("contact_sync_events_settled_total", event="contact_updated", outcome="updated") == 3
    assert said("contact_sync_events_settled_total", event="contact_created", outcome="failed") == 1
    assert said("contact_sync_events_retried_total", event="contact_updated") == 1
    latency = "contact_sync_event_latency_seconds"
    assert said(f"{latency}_count", event="contact_updated") == 3
    assert said(f"{latency}_sum", event="contact_updated") == pytest.approx(90_002.004)
    assert said(f"{latency}_bucket", event="contact_updated", le="0.001") == 0
    assert said(f"{latency}_bucket", event="contact_updated", le="0.005") == 1
    assert said(f"{latency}_bucket", event="contact_updated", le="86400.0") == 2
    assert said(f"{latency}_bucket", event="contact_updated", le="+Inf") == 3


@pytest.mark.parametrize("outcome", ["failed", "held", "for_now"])
def test_an_event_that_was_not_applied_has_no_latency(outcome: Any) -> None:
    counters = Counters()
    counters.event_settled("contact_updated", outcome, 5.0)
    assert not read(counters).has("contact_sync_event_latency_seconds_count")


def test_calls_are_counted_by_side_method_and_outcome_with_their_time() -> None:
    counters = Counters()
    counters.call("consumer", "create_contact", "ok", 0.02)
    counters.call("consumer", "create_contact", "in_doubt", 30.0)
    counters.call("platform", "validate_token", "for_now", 0.1)
    said = read(counters)
    calls = "contact_sync_calls_total"
    assert said(calls, side="consumer", method="create_contact", outcome="ok") == 1
    assert said(calls, side="consumer", method="create_contact", outcome="in_doubt") == 1
    assert said(calls, side="platform", method="validate_token", outcome="for_now") == 1
    took = "contact_sync_call_duration_seconds"
    assert said(f"{took}_count", side="consumer", method="create_contact") == 2
    assert said(f"{took}_bucket", side="consumer", method="create_contact", le="0.025") == 1


def test_what_alerts_look_at_is_zero_before_it_first_happens() -> None:
    said = read()
    for event in ("contact_created", "contact_updated", "contact_deleted"):
        assert said("contact_sync_events_accepted_total", event=event) == 0
        assert said("contact_sync_events_retried_total", event=event) == 0
        assert said("contact_sync_events_settled_total", event=event, outcome="failed") == 0


def test_whatever_is_sent_the_labels_stay_in_their_sets() -> None:
    counters: Any = Counters()
    hostile = [
        "",
        "book_a_table",
        'a"b',
        "a\nb",
        "\\",
        "{}",
        "é" * 300,
        "\ud800",
        "x" * 10_000,
        "client:42",
        "__name__",
    ]
    for text in [*hostile, *(f"custom_{number}" for number in range(300))]:
        counters.event_accepted(text)
        counters.event_retried(text)
        counters.event_settled(text, text, 1.0)
        counters.call(text, text, text, 1.0)
    said = read(counters)
    contact_events = {"contact_created", "contact_updated", "contact_deleted"}
    assert said.values_of("event") == {*contact_events, "other"}
    assert said.values_of("side") == said.values_of("method") == {"other"}
    assert said("contact_sync_events_accepted_total", event="other") == 311
    assert said("contact_sync_calls_total", side="other", method="other", outcome="other") == 311
    assert len(said.text) < 20_000


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -5.0])
def test_a_time_that_is_none_does_not_spoil_the_others(seconds: float) -> None:
    counters = Counters()
    counters.event_settled("contact_updated", "updated", 1.0)
    counters.event_settled("contact_updated", "updated", seconds)  # clocks of two machines, or worse
    said = read(counters)
    assert said("contact_sync_events_settled_total", event="contact_updated", outcome="updated") == 2
    assert said("contact_sync_event_latency_seconds_sum", event="contact_updated") == 1.0


def test_nothing_is_said_of_when_series_began() -> None:
    counters = Counters()
    counters.call("consumer", "get_contact", "ok", 0.1)
    assert "_created" not in read(counters).text.replace("contact_created", "")


def test_many_threads_lose_no_count() -> None:
    counters = Counters()

    def count() -> None:
        for _ in range(500):
            counters.event_accepted("contact_updated")

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(count)
    assert read(counters)("contact_sync_events_accepted_total", event="contact_updated") == 4_000


def test_the_backlog_is_told_as_the_store_has_it() -> None:
    said = read(backlog=lambda: Backlog(waiting=7, in_flight=2, failed=3, oldest=time.time() - 60))
    assert said("contact_sync_delivery_up") == 1
    assert said("contact_sync_events_waiting") == 7
    assert said("contact_sync_events_in_flight") == 2
    assert said("contact_sync_events_failed") == 3
    assert 60 <= said("contact_sync_oldest_event_age_seconds") < 600
    assert said.families["contact_sync_events_waiting"].type == "gauge"


@pytest.mark.parametrize("oldest", [None, time.time() + 3_600], ids=["nothing waits", "another machine's clock"])
def test_an_age_is_never_less_than_zero(oldest: float | None) -> None:
    assert read(backlog=lambda: Backlog(oldest=oldest))("contact_sync_oldest_event_age_seconds") == 0


def test_without_a_delivery_that_stores_there_are_no_gauges_of_it() -> None:
    said = read()
    assert not said.has("contact_sync_delivery_up")
    assert not said.has("contact_sync_events_waiting")


def test_a_backlog_that_cannot_be_counted_leaves_its_gauges_out_and_fails_no_scrape(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = threading.Event()

    def ask() -> Backlog:
        if down.is_set():
            raise DeliveryUnavailable("the inbox cannot be reached")
        return Backlog(waiting=1)

    gauges = BacklogGauges(ask, fresh_for=0)
    registry = CollectorRegistry()
    registry.register(gauges)
    up = Read(generate_latest(registry))
    assert (up("contact_sync_delivery_up"), up("contact_sync_events_waiting")) == (1, 1)
    down.set()
    for _ in range(3):
        away = Read(generate_latest(registry))
        assert away("contact_sync_delivery_up") == 0
        assert not away.has("contact_sync_events_waiting")
    assert len(caplog.messages) == 1  # not one a scrape
    down.clear()
    assert Read(generate_latest(registry))("contact_sync_delivery_up") == 1


@pytest.mark.parametrize("answer", [None, Backlog(waiting="a password")], ids=["nothing", "odd"])  # type: ignore[arg-type]
def test_a_delivery_of_the_users_own_that_answers_nonsense_counts_as_down(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    said = read(backlog=lambda: answer)
    assert said("contact_sync_delivery_up") == 0
    assert "password" not in caplog.text + said.text


def test_a_crowd_of_scrapes_asks_the_store_once() -> None:
    asked: list[None] = []

    def ask() -> Backlog:
        asked.append(None)
        return Backlog(waiting=len(asked))

    registry = CollectorRegistry()
    registry.register(BacklogGauges(ask, fresh_for=3_600))
    with ThreadPoolExecutor(8) as pool:
        said = [Read(body) for body in pool.map(lambda _: generate_latest(registry), range(40))]
    assert len(asked) == 1
    assert {one("contact_sync_events_waiting") for one in said} == {1}


def test_several_syncs_of_a_process_count_an_event_once() -> None:
    first, second = open_metrics(), open_metrics()
    assert first is not None
    assert second is not None
    before = Read(first()[0])("contact_sync_events_retried_total", event="contact_deleted")
    observers.event_retried("contact_deleted")
    for metrics in (first, second):
        assert Read(metrics()[0])("contact_sync_events_retried_total", event="contact_deleted") == before + 1


def test_many_threads_that_begin_to_count_at_once_make_one_set_of_counters() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: id(counters_of_process()), range(50)))) == 1


def test_a_registry_of_the_users_own_takes_the_metrics() -> None:
    asked: list[None] = []

    def ask() -> Backlog:
        asked.append(None)
        return Backlog(waiting=5)

    registry = CollectorRegistry(auto_describe=True)
    registry.register(PrometheusMetrics(ask, counters=Counters()))
    assert asked == []  # to register is not to scrape
    said = Read(generate_latest(registry))
    assert said("contact_sync_events_waiting") == 5
    assert said.has("contact_sync_events_accepted_total")


def test_without_the_extra_there_are_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for name in [name for name in sys.modules if name.startswith("contact_sync.metrics.")]:
        monkeypatch.delitem(sys.modules, name)
    assert open_metrics() is None


def test_prometheus_client_is_imported_only_when_metrics_are_asked_for() -> None:
    program = (
        "import sys, contact_sync, contact_sync.metrics, contact_sync.server, contact_sync.cli.serve; "
        "print('prometheus_client' in sys.modules); "
        "contact_sync.metrics.open_metrics(); print('prometheus_client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")


@pytest.mark.parametrize("folder", ["", "nowhere", "a file"])
def test_a_folder_that_is_none_is_refused_with_what_to_do(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / folder) if folder else "")
    with pytest.raises(ConfigurationError, match=r"PROMETHEUS_MULTIPROC_DIR: expected a folder .* make it"):
        open_metrics()
