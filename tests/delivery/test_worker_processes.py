"""Worker processes that are killed, or held still for so long that their lease ends, on every durable delivery."""

from __future__ import annotations

import os
import runpy
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from contact_sync import ContactSync
from contact_sync.delivery import State
from contact_sync.testing.delivery.stage import wait_until
from tests.cli.helpers import Project, Service, started
from tests.servers import Database, Valkey
from tests.sync.http_crm import PATIENCE, PROGRAM, TOKEN, HTTPCrm
from tests.sync.test_paused_worker import hold_still

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

PROGRAM_WITH_DELIVERY: Final = f"""{PROGRAM.replace("auth=lambda", 'delivery=os.environ["DELIVERY"], auth=lambda')}

@sync.middleware("send")
def wait(change, next):
    if change.contact.get("firstname") == "Old":
        call("GET", "/stop")  # the contact is claimed, and nothing is written yet
    return next()
"""

OLD: Final = {"id": 1, "code": "c1", "email": "a@example.org", "firstname": "Old"}


@pytest.fixture
def crm() -> Iterator[HTTPCrm]:
    with HTTPCrm() as crm:
        yield crm


class Workers:
    """Worker processes of a project, and a sync of this process that accepts for them."""

    def __init__(self, project: Project, sync: ContactSync, environment: dict[str, str], stack: ExitStack) -> None:
        self.sync = sync
        self._project = project
        self._environment = environment
        self._stack = stack
        self._client = sync.app.test_client()

    def start(self) -> Service:
        """Start a worker process."""
        service = started(self._project, "worker", "program:sync", ready=True, **self._environment)
        return self._stack.enter_context(service)

    def send(self, name: str, data: dict[str, Any]) -> str:
        """Send an event, which has to be stored. Its id."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = self._client.post("/", json={"event": name, "data": data}, headers=headers)
        assert answer.status_code == 200, answer.get_json()
        return str(answer.get_json()["data"]["event_id"])

    def wait_applied(self, *ids: str) -> None:
        """Wait until events are applied."""

        def applied(id: str) -> bool:
            record = self.sync.delivery.event(id)
            return record is not None and record.state is State.APPLIED

        wait_until(lambda: all(map(applied, ids)), "the events to be applied")


@pytest.fixture(params=["sqlite", "postgresql", "dramatiq"])
def workers(
    request: pytest.FixtureRequest, tmp_path: Path, crm: HTTPCrm, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workers]:
    store, delivery = f"sqlite:///{tmp_path}/pairs.db", f"sqlite:///{tmp_path}/inbox.db"
    if request.param == "postgresql":
        database: Database = request.getfixturevalue("postgresql")
        store = delivery = database.url
    elif request.param == "dramatiq":
        valkey: Valkey = request.getfixturevalue("valkey")
        store, delivery = valkey.url, f"dramatiq+{valkey.url}"
    environment = {"CRM_URL": crm.url, "STORE": store, "DELIVERY": delivery}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    project = Project(tmp_path)
    project.write("program.py", PROGRAM_WITH_DELIVERY)
    sync: ContactSync = runpy.run_path(str(tmp_path / "program.py"))["sync"]
    with sync, ExitStack() as stack:
        yield Workers(project, sync, environment, stack)


def test_what_a_worker_was_applying_when_it_was_killed_is_taken_over(workers: Workers, crm: HTTPCrm) -> None:
    """By another process, once; and what the contact was told of meanwhile comes after it."""
    first = workers.start()
    id = workers.send("contact_created", OLD)
    assert crm.stopped.acquire(timeout=PATIENCE)
    later = workers.send("contact_updated", OLD | {"firstname": "New"})
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(PATIENCE)
    crm.let_go.set()
    workers.start()
    workers.wait_applied(id, later)
    assert [record["first_name"] for record in crm.find({"customer_code": "c1"})] == ["New"]
    record = workers.sync.delivery.event(id)
    assert record is not None
    assert any("died" in attempt.error for attempt in record.attempts)


def test_a_worker_that_wakes_up_after_its_lease_has_ended_writes_nothing(workers: Workers, crm: HTTPCrm) -> None:
    """Another one has taken its contact over by then."""
    paused = workers.start()
    ids = [workers.send("contact_created", OLD)]
    assert crm.stopped.acquire(timeout=PATIENCE)
    hold_still(paused.process.pid)
    try:
        crm.let_go.set()
        ids.append(workers.send("contact_updated", OLD | {"firstname": "New"}))
        other = workers.start()
        workers.wait_applied(*ids)
        writes = crm.writes["c1"]
    finally:
        os.kill(paused.process.pid, signal.SIGCONT)
    wait_until(lambda: "ended while" in paused.log, "the paused worker to notice")
    assert crm.writes["c1"] == writes
    assert crm.writers == {other.process.pid}
    assert [record["first_name"] for record in crm.find({"customer_code": "c1"})] == ["New"]
