"""A worker that was held still for so long that its claim ended does nothing more for that contact."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from contact_sync.installations import token_installation_id
from key_stores import Baselines, open_key_store
from tests.cli.helpers import Project, serving
from tests.servers import Database, Valkey
from tests.sync.http_crm import PATIENCE, PROGRAM, TOKEN, HTTPCrm, Line, lines_to_both

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

STOPPING: Final = f"""{PROGRAM}

sync.engine.claims._seconds = 3.0


@sync.middleware("send")
def wait(change, next):
    if change.contact.get("firstname") == "Old":
        call("GET", "/stop")  # the contact is claimed, and nothing is written yet
    return next()
"""


@pytest.fixture
def crm() -> Iterator[HTTPCrm]:
    with HTTPCrm() as crm:
        yield crm


def kept_in(url: str, id: str) -> tuple[str | None, dict[str, bytes]]:
    """What the store keeps about a contact."""
    with closing(open_key_store(url)) as store:
        assert isinstance(store, Baselines)
        installation = token_installation_id(TOKEN)
        return store.get_external_id(installation, id), store.get_baselines(installation, [id])


def hold_still(process: int) -> None:
    """Stop a process, and wait until each of its threads stands: until then, one may run on for a moment."""
    os.kill(process, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while any(state(thread) not in "TX" for thread in Path(f"/proc/{process}/task").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(thread: Path) -> str:
    """A thread's state, in a letter; of one that has ended, X."""
    try:
        return (thread / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return "X"


@pytest.mark.parametrize("kind", ["redis", "postgresql", "sqlite"])
def test_a_worker_that_wakes_up_after_its_claim_ended_writes_nothing_and_asks_for_the_event_again(
    crm: HTTPCrm, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    """It is stopped just before it would create a record, or update one. Another one takes the contact over."""
    project = Project(tmp_path)
    project.write("program.py", STOPPING)
    url = f"sqlite:///{tmp_path}/pairs.db"
    if kind != "sqlite":
        server: Valkey | Database = request.getfixturevalue("valkey" if kind == "redis" else "postgresql")
        url = server.url
    with serving(project, "program:sync", "--workers", "2", CRM_URL=crm.url, STORE=url) as service:
        ((paused, other),) = lines_to_both(service.address, 1)
        with closing(paused), closing(other):
            wake_up_late(crm, url, paused, other, "contact_created", {"id": 1, "code": "c1", "email": "a@example.org"})
            second = {"id": 2, "code": "c2", "email": "b@example.org"}
            other.send("contact_created", second)
            assert other.answer()[1]["action"] == "created"
            wake_up_late(crm, url, paused, other, "contact_updated", second)


def wake_up_late(crm: HTTPCrm, url: str, paused: Line, other: Line, event: str, contact: dict[str, Any]) -> None:
    """Stop a worker that is about to write, let the other one apply what is newer, and wake the first one up."""
    id, code = str(contact["id"]), contact["code"]
    old, new = contact | {"firstname": "Old"}, contact | {"firstname": "New"}
    written = crm.writes[code]
    crm.let_go.clear()
    paused.send(event, old)
    assert crm.stopped.acquire(timeout=PATIENCE)
    hold_still(paused.worker)
    try:
        crm.let_go.set()
        other.send(event, new)  # waits until the claim has ended
        assert other.answer()[1]["action"] == event.removeprefix("contact_")
        kept = kept_in(url, id)
        assert kept[0] is not None
        assert kept[1]
    finally:
        os.kill(paused.worker, signal.SIGCONT)
    status, result = paused.answer()
    assert (status, result["success"], result["retryable"]) == (503, False, True)
    assert "the claim on this contact ended" in result["error"]
    assert kept_in(url, id) == kept
    assert [record["first_name"] for record in crm.find({"customer_code": code})] == ["New"]
    assert crm.writes[code] == written + 1
    assert crm.writers == {other.worker}
    paused.send(event, new)
    assert paused.answer()[1]["action"] == "unchanged"
