"""Several processes count as one, whichever of them is scraped."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from contact_sync.metrics import counting_together
from tests.cli.helpers import PATIENCE, SYNC, Project, serving
from tests.observing.counting import THREADS, counting
from tests.observing.helpers import Read

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

ACCEPTED = "contact_sync_events_accepted_total"
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def test_counts_of_all_processes_are_added_up_and_those_of_the_store_are_not() -> None:
    with counting_together(), counting(3) as processes:
        for one in processes:
            one.begin(100)
        for one in processes:
            one.answer()
        events = 3 * 100 * THREADS
        for one in processes:
            said = one.scrape()
            assert said(ACCEPTED, event="contact_updated") == events
            assert said("contact_sync_events_settled_total", event="contact_updated", outcome="updated") == events
            assert said("contact_sync_events_retried_total", event="other") == events
            assert said("contact_sync_event_latency_seconds_count", event="contact_updated") == events
            assert said("contact_sync_event_latency_seconds_sum", event="contact_updated") == events * 0.25
            assert said("contact_sync_event_latency_seconds_bucket", event="contact_updated", le="0.5") == events
            assert (said("contact_sync_events_waiting"), said("contact_sync_events_failed")) == (9, 2)
            assert said.values_of("pid") == set()


def test_what_a_killed_process_had_counted_stays_and_its_successor_counts_on() -> None:
    with counting_together(), counting(2) as (first, second):
        for one in (first, second):
            one.begin(10)
            one.answer()
        first.kill()
        assert second.scrape()(ACCEPTED, event="contact_updated") == 2 * 10 * THREADS
        with counting(1) as (successor,):
            successor.begin(1)
            successor.answer()
            for one in (second, successor):
                assert one.scrape()(ACCEPTED, event="contact_updated") == 2 * 10 * THREADS + THREADS


def test_scrapes_while_others_count_and_come_and_go_are_whole() -> None:
    with counting_together(), counting(2) as (busy, scraped):
        busy.begin(2_000)
        before = 0.0
        for _ in range(5):
            with counting(1) as (passing,):
                now = scraped.scrape()(ACCEPTED, event="contact_updated")
                assert now >= before
                before = now
                passing.begin(1)
                passing.answer()
        busy.answer()
        assert scraped.scrape()(ACCEPTED, event="contact_updated") == 2_005 * THREADS


def test_files_that_are_empty_or_of_others_break_no_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counter_1.db").touch()  # of a process that was killed as it made it
    (tmp_path / "gauge_all_1.db").write_bytes(b"nonsense")
    connection = sqlite3.connect(tmp_path / "pairs.db")
    connection.execute("CREATE TABLE pairs (a, b)")
    connection.close()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with counting(1) as (one,):
        one.begin(1)
        one.answer()
        assert one.scrape()(ACCEPTED, event="contact_updated") == THREADS


def test_the_temporary_folder_is_gone_in_the_end() -> None:
    with counting_together():
        folder = Path(os.environ[VARIABLE])
        with counting(1):
            pass
        assert {file.name.split("_")[0] for file in folder.iterdir()} == {"counter"}
    assert not folder.exists()
    assert VARIABLE not in os.environ


def test_a_folder_of_the_users_own_is_used_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with counting_together(), counting(1) as (one,):
        one.begin(1)
        one.answer()
    assert os.environ[VARIABLE] == str(tmp_path)
    assert {file.name.split("_")[0] for file in tmp_path.iterdir()} == {"counter", "histogram"}


def test_nothing_is_prepared_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with counting_together():
        assert VARIABLE not in os.environ


OWN_APP = f"""{SYNC}
import os

from flask import Flask, Response

from contact_sync.metrics import open_metrics
from contact_sync.observing import observers

app = Flask("own")
sync = ContactSync(crm, FIELDS, "sqlite:///pairs.db", auth=allow_any_token, server=app)
metrics = open_metrics()


@app.get("/metrics")
def get_metrics():
    body, content_type = metrics()
    return Response(body, content_type=content_type)


@sync.on_event("user_reply")
def seen(event):
    observers.event_retried(event.name)
    return {{"process": os.getpid()}}
"""


def test_workers_of_a_server_answer_for_each_other_over_http(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("program.py", OWN_APP)
    folder = tmp_path / "metrics"
    folder.mkdir()
    with serving(project, "program:sync", "--workers", "2", PROMETHEUS_MULTIPROC_DIR=str(folder)) as service:
        asked, answered_by = 0, set[int]()
        while len(answered_by) < 2:
            asked += 1
            assert asked < 500, "one worker answers everything"
            answered_by.add(service.send("user_reply", {"text": "hello"}).json()["data"]["process"])

        def retried() -> set[float]:
            answers: list[Any] = [
                requests.get(f"{service.address}/metrics", headers={"Connection": "close"}, timeout=PATIENCE)
                for _ in range(10)
            ]
            return {Read(one.content)("contact_sync_events_retried_total", event="user_reply") for one in answers}

        assert retried() == {asked}
        os.kill(answered_by.pop(), signal.SIGKILL)
        service.wait_for("has ended by itself")
        assert retried() == {asked}
