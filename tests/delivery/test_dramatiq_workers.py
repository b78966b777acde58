"""Worker processes of Dramatiq's delivery: several at once, and such as are killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from contact_sync.delivery import Retries, State
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.testing.delivery import Stage
from contact_sync.testing.delivery.stage import wait_until
from tests.servers import Valkey, plain_client

ROOT: Final = Path(__file__).parents[2]
LEASE: Final = 0.6


class Process:
    """A worker process, and what it says: a line for each run that it applies."""

    def __init__(self, url: str, crashes: int) -> None:
        command = [sys.executable, "-m", "tests.delivery.dramatiq_worker", url, str(LEASE), str(crashes)]
        self._lines: list[str] = []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def wait_ready(self) -> None:
        """Wait until it works; it may have applied something by then."""
        while (line := self.line()) != "ready":
            assert line, "the process has ended"
            self._lines.append(line)

    def kill(self) -> None:
        """Kill it with -9."""
        self._process.kill()
        self._process.wait(20)

    def wait(self) -> int:
        """Wait until it has ended by itself."""
        code = self._process.wait(20)
        self.stop()
        return code

    def stop(self) -> list[str]:
        """Stop it, and give what it has said."""
        said, _ = self._process.communicate("", timeout=20)
        return [*self._lines, *said.splitlines()]


@pytest.fixture
def stage(valkey: Valkey) -> Iterator[Stage]:
    """A delivery of this process on the same server."""
    delivery = DramatiqDelivery(valkey.url, lease_seconds=LEASE, retries=Retries(first=0.05, crashes=2))
    yield Stage(delivery)
    delivery.close()


@contextlib.contextmanager
def process(url: str, crashes: int = 2) -> Iterator[Process]:
    """A worker process that works."""
    one = Process(url, crashes)
    try:
        one.wait_ready()
        yield one
    finally:
        one.kill()
        one.stop()


def test_what_a_killed_worker_was_at_is_taken_over(stage: Stage, valkey: Valkey) -> None:
    """By another, after the lease. The death counts as a try, and nothing that it had fetched is lost."""
    with process(valkey.url) as doomed:
        hanging = stage.accepted("7", "hang")
        assert doomed.line() == "7 hang"
        others = [stage.accepted(f"c{n}", n) for n in range(20)]
        later = stage.accepted("7", "later")
        doomed.kill()
    stage.settle()
    record = stage.record(hanging)
    assert (record.state, record.tries) == (State.APPLIED, 2)
    assert "died" in record.attempts[0].error
    assert stage.says("7") == ["hang", "later"]
    assert stage.applied[[one.contact for one in stage.applied].index("7")].run.alone
    assert {stage.state(id) for id in (*others, later)} == {State.APPLIED}


def test_an_event_that_kills_processes_is_a_dead_letter(stage: Stage, valkey: Valkey) -> None:
    """After so many. The contact's other events are applied."""
    ids = [stage.accepted("7", says) for says in ("before", "poison", "after")]
    for _ in range(2):
        assert Process(valkey.url, crashes=2).wait() != 0
    stage.settle()
    assert [stage.state(id) for id in ids] == [State.APPLIED, State.FAILED, State.APPLIED]
    assert "died" in (stage.record(ids[1]).error or "")
    assert stage.record(ids[1]).tries == 2


def test_processes_share_the_work_and_keep_each_contacts_order(stage: Stage, valkey: Valkey) -> None:
    """Nothing is applied twice, and nothing is left."""
    with process(valkey.url) as one, process(valkey.url) as other:
        for n in range(60):
            for contact in range(5):
                stage.accepted(f"c{contact}", n, name="contact_deleted")  # each is a run of its own
        wait_until(lambda: stage.delivery.backlog().waiting + stage.delivery.backlog().in_flight == 0, "the end")
        lines = [one.stop(), other.stop()]
    assert all(lines)
    said = sorted(line for process in lines for line in process)
    assert said == sorted(f"c{contact} {n}" for n in range(60) for contact in range(5))
    for process_lines in lines:
        for contact in range(5):
            numbers = [int(line.split()[1]) for line in process_lines if line.startswith(f"c{contact} ")]
            assert numbers == sorted(numbers)


def test_what_a_dead_process_had_fetched_does_not_stay_in_dramatiqs_queues(
    stage: Stage, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does Dramatiq look through all keys of the server for it."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.broker.HEARTBEAT_MS", 200)
    monkeypatch.setattr("contact_sync.delivery.dramatiq.sweeping.TIDY_SECONDS", 0.2)
    with process(valkey.url) as doomed:
        for n in range(10):
            stage.accepted(f"c{n}", "hang")
        doomed.line()
        doomed.kill()
    with plain_client(valkey.port) as client:
        assert any("__acks__" in key for key in client.scan_iter())
        client.config_resetstat()
        with stage.working():
            stage.wait_settled()
            wait_until(lambda: not client.exists("contact_sync:{events}:dramatiq:contact_sync.msgs"), "no messages")
        dead = "contact_sync:{events}:dramatiq:contact_sync.XQ"
        client.zadd(dead, {"old": 1, "new": 1e15})
        client.hset(f"{dead}.msgs", mapping={"old": "…", "new": "…"})
        with stage.working():
            wait_until(lambda: client.hkeys(f"{dead}.msgs") == ["new"], "what Dramatiq gave up long ago to be erased")
        assert client.zrange(dead, 0, -1) == ["new"]
        assert not {"cmdstat_keys", "cmdstat_scan"} & set(client.info("commandstats"))
        assert not any("__acks__" in key for key in client.scan_iter())
