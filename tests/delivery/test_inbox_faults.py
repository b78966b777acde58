"""An inbox whose database is away, locked, full, broken or of a later release: nothing is lost, and it is said."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from contact_sync import ConfigurationError
from contact_sync.delivery import Retries, State
from contact_sync.delivery.inbox import Inbox
from contact_sync.delivery.inbox import inbox as module
from contact_sync.testing.delivery import Stage
from contact_sync.testing.delivery.stage import Gate, wait_until
from tests.servers import Database, PostgreSQL

QUICK = Retries(first=0.05, longest=0.2)


@contextmanager
def on_stage(url: str, lease_seconds: float = 2.0) -> Iterator[Stage]:
    inbox = Inbox(url, retries=QUICK, lease_seconds=lease_seconds)
    yield Stage(inbox)
    inbox.close()


def test_a_database_that_stops_is_waited_for_and_nothing_is_lost(private_postgresql: PostgreSQL) -> None:
    """What was being applied is kept when it is back; meanwhile nothing is accepted."""
    with private_postgresql.database() as database, on_stage(database.url, lease_seconds=20.0) as stage:
        gate = Gate()
        stage.answers["7"] = [gate]
        ids = [stage.accepted("7", 1), stage.accepted("8", 2)]
        with stage.working():
            gate.wait()
            private_postgresql.stop()
            refused = stage.submit("9", 3)
            assert (refused.success, refused.retryable) == (False, True)
            assert stage.delivery.unready() is not None
            gate.open.set()
            wait_until(lambda: not stage.at_work, "the call to end")
            private_postgresql.start()
            wait_until(lambda: stage.submit("9", 3).success, "the database to be back")
            stage.wait_settled()
        assert [stage.record(id).tries for id in ids] == [1, 1]
        assert (stage.says("7"), stage.says("8"), stage.says("9")) == ([1], [2], [3])


def test_a_database_that_hangs_is_waited_for_by_the_worker_and_by_nobody_else(
    private_postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is answered in time, and so is who asks whether all is well; the worker goes on when it does."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(module, "READY_SECONDS", 0.2)
    with private_postgresql.database() as database, on_stage(database.url) as stage:
        id = stage.accepted("7", 1)
        with private_postgresql.frozen():
            refused = stage.submit("8", 2)
            assert (refused.success, refused.retryable, refused.queued) == (False, True, False)
            assert stage.delivery.unready() is not None
            working = stage.working()
            working.__enter__()
        wait_until(lambda: stage.state(id) is State.APPLIED, "the event to be applied")
        working.__exit__(None, None, None)


@pytest.mark.parametrize("kind", ["stopped", "frozen"])
def test_an_outage_that_is_longer_than_a_lease_kills_no_call_that_goes_on(
    private_postgresql: PostgreSQL, kind: str
) -> None:
    """What is worked on is not taken over, neither by the same worker nor by another that was cut off as well."""
    with private_postgresql.database() as database, ExitStack() as stack:
        first, second = (stack.enter_context(on_stage(database.url, lease_seconds=1.0)) for _ in range(2))
        gate = Gate()
        first.answers["7"] = [gate]
        id = first.accepted("7", 1)
        with first.working():
            gate.wait()
            with second.working():
                if kind == "stopped":
                    private_postgresql.stop()
                    time.sleep(2.5)  # more than two leases
                    private_postgresql.start()
                else:
                    with private_postgresql.frozen():
                        time.sleep(2.5)
                wait_until(lambda: second.submit("8", 2).success, "the database to be back")
                wait_until(lambda: bool(first.says("8") or second.says("8")), "the workers to go on")
                time.sleep(0.3)
                gate.open.set()
                first.wait_settled()
        assert (first.says("7"), second.says("7"), first.record(id).tries) == ([1], [], 1)


def test_an_inbox_that_cannot_be_written_to_is_not_ready(tmp_path: Path) -> None:
    """That it can be read says nothing."""
    with on_stage(f"sqlite:///{tmp_path}/inbox.db?timeout=0.2") as stage:
        assert stage.delivery.unready() is None
        other = sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert stage.delivery.unready() is not None
        other.execute("COMMIT")
        other.close()
        assert stage.delivery.unready() is None


def test_a_file_that_somebody_else_has_locked_is_a_failure_for_now(tmp_path: Path) -> None:
    """And is worked with as soon as they let it go."""
    with on_stage(f"sqlite:///{tmp_path}/inbox.db?timeout=0.2") as stage:
        stage.accepted("7", 1)
        other = sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refused = stage.submit("8", 2)
        assert (refused.success, refused.retryable, refused.queued) == (False, True, False)
        assert "SQLITE_BUSY" in (refused.error or "")
        with stage.working():
            other.execute("COMMIT")
            stage.wait_settled()
        other.close()
        assert (stage.says("7"), stage.says("8")) == ([1], [])


def test_a_full_disk_refuses_what_comes_and_keeps_what_was_accepted(tmp_path: Path) -> None:
    """As much as there is place for is accepted, and once there is place again, the rest."""
    engine = create_engine(f"sqlite:///{tmp_path}/inbox.db")
    inbox = Inbox(engine, retries=QUICK)
    stage = Stage(inbox)
    stage.accepted("0", "x")
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()

    def limit(driver: sqlite3.Connection, *_: object) -> None:
        driver.execute(f"PRAGMA max_page_count = {limits[0]}")

    limits = [pages + 10]
    event.listen(engine, "connect", limit)
    engine.dispose()
    results = [stage.submit(str(n), "x" * 1000) for n in range(1, 60)]
    refused = [result for result in results if not result.success]
    assert refused
    assert all(result.retryable and "SQLITE_FULL" in (result.error or "") for result in refused)
    limits[0] = 1_000_000
    engine.dispose()
    again = [stage.submit(str(n), "x" * 1000).success for n in range(1, 60)]
    assert all(again)
    stage.settle()
    assert {one.contact for one in stage.applied} == {str(n) for n in range(60)}
    inbox.close()
    engine.dispose()


def test_an_inbox_of_a_later_release_is_not_touched(tmp_path: Path) -> None:
    """It says what to do."""
    with on_stage(f"sqlite:///{tmp_path}/inbox.db") as stage:
        stage.accepted("7", 1)
    with sqlite3.connect(tmp_path / "inbox.db") as connection:
        connection.execute("UPDATE contact_sync_inbox SET value = '99'")
    connection.close()
    with on_stage(f"sqlite:///{tmp_path}/inbox.db") as stage:
        result = stage.submit("7", 2)
        assert not result.success
        assert "upgrade" in (result.error or "")
        assert "upgrade" in (stage.delivery.unready() or "")


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    """Nothing of its content is repeated."""
    (tmp_path / "inbox.db").write_text("SECRET " * 1000)
    with on_stage(f"sqlite:///{tmp_path}/inbox.db") as stage:
        result = stage.submit("7", 1)
        assert not result.success
        assert "SECRET" not in (result.error or "")


def test_a_worker_says_once_that_its_database_is_away_and_once_that_it_is_back(
    private_postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    with private_postgresql.database() as database, on_stage(database.url) as stage:
        stage.accepted("7", 1)
        private_postgresql.stop()
        with stage.working():
            wait_until(lambda: "cannot reach" in caplog.text, "the worker to notice")
            wait_until(lambda: caplog.text.count("cannot be reached") >= 1, "the reason")
            private_postgresql.start()
            wait_until(lambda: "works again" in caplog.text, "the worker to go on")
            stage.wait_settled()
        workers = [r for r in caplog.records if r.name.endswith("inbox.worker") and r.levelno >= logging.WARNING]
        assert [record.getMessage()[:12] for record in workers] == ["The worker c", "The worker w"]


def test_two_processes_that_begin_at_once_make_the_tables_once(postgresql: Database) -> None:
    """As when several are started together."""
    inboxes = [Inbox(postgresql.url) for _ in range(6)]
    stages = [Stage(inbox) for inbox in inboxes]
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda stage=stage, n=n: results.append(stage.submit(str(n), n).success))
        for n, stage in enumerate(stages)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 6
    assert inboxes[0].backlog().waiting == 6
    for inbox in inboxes:
        inbox.close()


@pytest.mark.parametrize("option", ["lease_seconds", "keep_seconds", "keep_failed_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_odd_times_are_refused(tmp_path: Path, option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=option):
        Inbox(f"sqlite:///{tmp_path}/inbox.db", **{option: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["first", "longest", "give_up", "crashes"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), "5", None, True])
def test_odd_patience_is_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"retries.{option}"):
        Retries(**{option: value})  # type: ignore[arg-type]


def test_waits_grow_up_to_the_longest_and_are_spread() -> None:
    """By a half; what the other side asked for is never undercut."""
    retries = Retries(first=1.0, longest=60.0)
    for tries, whole in ((1, 1), (2, 2), (4, 8), (7, 60), (1000, 60)):
        waits = [retries.wait(tries) for _ in range(200)]
        assert whole / 2 <= min(waits) < max(waits) <= whole
    assert all(retries.wait(1, retry_after=100.0) >= 100 for _ in range(50))


def test_a_database_that_was_restarted_while_nobody_asked_is_not_noticed(private_postgresql: PostgreSQL) -> None:
    """Its old connections are replaced, and no event is refused for them."""
    with private_postgresql.database() as database, on_stage(database.url) as stage:
        stage.accepted("7", 1)
        private_postgresql.restart()
        stage.accepted("7", 2)
        assert stage.delivery.backlog().waiting == 2
