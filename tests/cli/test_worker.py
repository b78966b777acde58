"""`contact-sync worker`, as processes: what it applies, how it stops, and what becomes of what it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3

import pytest
import requests

from contact_sync.server import listen
from tests.cli.crm import CRM, DURABLE
from tests.cli.helpers import FIVE_METHODS, PATIENCE, Project, started, wait_until
from tests.cli.storing import Storing, storing
from tests.servers import PostgreSQL

MANY = 40


@pytest.fixture
def shop(project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch) -> Storing:
    return storing(project, crm, monkeypatch)


def test_a_worker_says_what_it_works_on_and_applies_what_waits(shop: Storing) -> None:
    before = shop.send("1", email="ana@example.com")
    with started(shop.project, "worker", "program:sync", "--threads", "3") as worker:
        assert "contact-sync applies the events of program:sync\n" in worker.log
        assert "  delivery   inbox (SQLite)\n" in worker.log
        assert "  key store  SQLKeyStore\n" in worker.log
        assert "  workers    1 process, 3 threads\n" in worker.log
        after = shop.send("2", email="bea@example.com")
        wait_until(lambda: [shop.state(before), shop.state(after)] == ["applied", "applied"])
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
        assert {record["mail"] for record in shop.crm.records.values()} == {"ana@example.com", "bea@example.com"}
        assert "hush" not in worker.log
        assert "ana@" not in worker.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_finishes_what_is_in_flight_and_hands_the_rest_back(shop: Storing, number: signal.Signals) -> None:
    in_flight = shop.send("1", email="ana@example.com", firstname="held")
    with started(shop.project, "worker", "program:sync") as worker:
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        rest = shop.send("1", "contact_updated", email="ana@example.com", firstname="Ana")
        worker.signal(number)
        with pytest.raises(TimeoutError):
            worker.end(0.5)  # it waits for the CRM
        shop.crm.let_go.set()
        assert worker.end() == 0
    assert [shop.state(in_flight), shop.state(rest)] == ["applied", "waiting"]
    with started(shop.project, "worker", "program:sync"):
        wait_until(lambda: shop.state(rest) == "applied")
    assert [record["first_name"] for record in shop.crm.records.values()] == ["Ana"]


def test_what_outlasts_the_grace_ends_with_exit_code_1_and_comes_again(shop: Storing) -> None:
    event = shop.send("1", email="ana@example.com", firstname="held")
    with started(shop.project, "worker", "program:sync", "--grace", "0.2", LEASE="1") as worker:
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        worker.signal(signal.SIGTERM)
        assert worker.end() == 1
        assert "still at work after 0 s" in worker.log
    assert shop.state(event) != "applied"
    shop.crm.let_go.set()
    with started(shop.project, "worker", "program:sync"):
        wait_until(lambda: shop.state(event) == "applied")
    assert len(shop.crm.records) == 1


def test_a_second_signal_ends_everything_at_once(shop: Storing) -> None:
    shop.send("1", email="ana@example.com", firstname="held")
    with started(shop.project, "worker", "program:sync") as worker:
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        worker.signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            worker.end(0.5)
        worker.signal(signal.SIGTERM)
        assert worker.end() == 128 + signal.SIGTERM


def test_another_worker_takes_over_from_one_that_was_killed(shop: Storing) -> None:
    event = shop.send("1", email="ana@example.com", firstname="held")
    with started(shop.project, "worker", "program:sync", LEASE="1") as worker:
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        worker.signal(signal.SIGKILL)
        assert worker.end() == -signal.SIGKILL
    shop.crm.let_go.set()
    with started(shop.project, "worker", "program:sync"):
        wait_until(lambda: shop.state(event) == "applied")
    assert len(shop.crm.records) == 1
    assert shop.run("show", event, "--json").json["tries"] > 1


def test_several_processes_share_the_work_and_one_that_dies_is_replaced(shop: Storing) -> None:
    options = ("--processes", "2", "--threads", "1")
    with started(shop.project, "worker", "program:sync", *options, LEASE="5") as worker:
        assert "  workers    2 processes, 1 thread in each\n" in worker.log
        events = [shop.send(str(number), email=f"ana{number}@example.com") for number in range(MANY)]
        wait_until(lambda: not shop.listed())
        assert len(shop.crm.records) == MANY
        assert shop.crm.writers == set(map(str, worker.workers))
        assert {shop.state(event) for event in events[:3]} == {"applied"}

        os.kill(worker.workers[0], signal.SIGKILL)
        wait_until(lambda: len(worker.workers) == 3)
        last = shop.send("last", email="last@example.com")
        wait_until(lambda: shop.state(last) == "applied")
        os.killpg(worker.process.pid, signal.SIGTERM)  # as a service manager does: every process gets it
        assert worker.end() == 0


def test_an_event_that_kills_its_worker_as_soon_as_it_starts_ends_nobody_else(shop: Storing) -> None:
    """Another process takes the place of the dead one, the event is given up in the end, and the others are applied."""
    deadly = """
import contact_sync.delivery

delivery._retries = contact_sync.delivery.Retries(first=0.1, longest=0.2, crashes=2)
create = HTTPConsumer.create_contact
HTTPConsumer.create_contact = lambda self, it: os._exit(9) if it.get("first_name") == "poison" else create(self, it)
"""
    shop.project.write("program.py", DURABLE.replace("\nsync = ", f"{deadly}\nsync = "))
    poison = shop.send("1", email="poison@example.com", firstname="poison")
    others = [shop.send(str(number), email=f"ana{number}@example.com") for number in range(2, 6)]
    with started(shop.project, "worker", "program:sync", "--processes", "2", LEASE="2"):
        wait_until(lambda: shop.state(poison) == "failed" and all(shop.state(id) == "applied" for id in others))


def test_several_processes_finish_what_is_in_flight(shop: Storing) -> None:
    events = [shop.send(str(number), email=f"ana{number}@example.com", firstname="held") for number in range(4)]
    with started(shop.project, "worker", "program:sync", "--processes", "2", "--threads", "2") as worker:
        for _ in events:
            assert shop.crm.entered.acquire(timeout=PATIENCE)
        worker.signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            worker.end(0.5)
        shop.crm.let_go.set()
        assert worker.end() == 0
    assert {shop.state(event) for event in events} == {"applied"}


def test_processes_that_do_not_come_up_end_the_command(shop: Storing) -> None:
    text = (shop.project.folder / "program.py").read_text("utf-8")
    only_here = (
        "import multiprocessing\nif multiprocessing.parent_process() is not None:\n    raise RuntimeError('no')\n"
    )
    shop.project.write("program.py", only_here + text)
    with started(shop.project, "worker", "program:sync", "--processes", "2", ready=False) as worker:
        assert worker.end() == 1
        assert "RuntimeError: no" in worker.log
        assert worker.log.endswith("Error: a worker did not come up; what it said is above\n")


def test_a_database_that_is_away_is_said_and_waited_for(
    project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch, private_postgresql: PostgreSQL
) -> None:
    shop = storing(project, crm, monkeypatch, private_postgresql.dsn)
    event = shop.send("1", email="ana@example.com")
    private_postgresql.stop()
    with started(project, "worker", "program:sync") as worker:
        assert "Warning: the delivery (inbox (PostgreSQL)): " in worker.log
        assert "Until it does, events wait." in worker.log
        private_postgresql.start()
        wait_until(lambda: shop.run("show", event).code == 0)  # a connection of before the stop is found out once
        wait_until(lambda: shop.state(event) == "applied")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


@pytest.mark.parametrize("command", [("worker",), ("worker", "--processes", "2"), ("serve", "--port", "0")])
def test_an_inbox_that_a_later_release_wrote_ends_the_command(shop: Storing, command: tuple[str, ...]) -> None:
    shop.send("1", email="ana@example.com")
    with sqlite3.connect("inbox.db") as database:
        database.execute("UPDATE contact_sync_inbox SET value = '999' WHERE name = 'format'")
    database.close()
    name, *options = command
    with started(shop.project, name, "program:sync", *options, ready=False) as worker:
        assert worker.end() == 2
        assert "Error: delivery: the database holds an inbox of format '999', which a later release wrote" in worker.log


@pytest.mark.parametrize("processes", ["1", "2"])
def test_told_to_it_says_how_it_is_and_what_it_has_counted(shop: Storing, processes: str) -> None:
    with started(shop.project, "worker", "program:sync", "--port", "0", "--processes", processes) as worker:
        [address] = re.findall(r"  health     (http://\S+) \(/healthz, /readyz, /metrics\)", worker.log)
        assert requests.get(f"{address}/readyz", timeout=PATIENCE).json() == {"ready": True}
        assert requests.post(address, timeout=PATIENCE).status_code == 404  # it takes no events
        events = [shop.send(str(number), email=f"ana{number}@example.com") for number in range(10)]
        wait_until(lambda: not shop.listed())
        settled = 'contact_sync_events_settled_total{event="contact_created",outcome="created"} '
        wait_until(lambda: f"{settled}{len(events)}.0" in requests.get(f"{address}/metrics", timeout=PATIENCE).text)
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_a_port_in_use_is_one_line(shop: Storing) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        result = shop.project.run("worker", "program:sync", "--port", port)
    assert result.code == 2
    assert result.err.startswith(f"Error: port: {port} of 127.0.0.1 is in use; ")


def test_logs_can_be_json(shop: Storing) -> None:
    event = shop.send("1", email="ana@example.com")
    with started(shop.project, "worker", "program:sync", "--log-format", "json") as worker:
        wait_until(lambda: shop.state(event) == "applied")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
        lines = [json.loads(line) for line in worker.log.splitlines() if line.startswith("{")]
    assert any(event in json.dumps(line) for line in lines)


def test_within_their_request_events_leave_a_worker_nothing_to_do(project: Project) -> None:
    result = project.run("worker", project.sync("sqlite:///pairs.db"))
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "Error: program:sync applies events within their request (its delivery is inline), so none ever waits; pass a "
        'durable one to ContactSync, such as delivery="sqlite:///inbox.db"'
    )


def test_a_key_store_in_memory_cannot_be_worked_with_from_another_process(project: Project) -> None:
    result = project.run("worker", project.sync("memory://", delivery="'sqlite:///inbox.db'"))
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "Error: a worker beside the process that serves: each would have a key store of its own, since this one "
        "(MemoryKeyStore) is in memory: pairs would be lost and contacts made twice. Let 'contact-sync serve' apply "
        "the events itself, or use a store that processes share: redis://…, postgresql://… or sqlite:///pairs.db"
    )


def test_a_crm_in_memory_and_a_store_without_leases_are_warned_of(project: Project) -> None:
    project.write(
        "program.py", FIVE_METHODS.replace("FiveMethods(store))", "FiveMethods(store), delivery='sqlite:///i.db')")
    )
    with started(project, "worker", "program:sync") as worker:
        assert "Warning: a worker beside the process that serves, and FiveMethods has no Leases" in worker.log
        assert (
            "Warning: a worker beside the process that serves, and the CRM (MemoryConsumer) is in memory" in worker.log
        )


@pytest.mark.parametrize("option", [("--threads", "0"), ("--processes", "0"), ("--grace", "-1"), ("--log-level", "x")])
def test_numbers_out_of_range_are_refused(project: Project, option: tuple[str, ...]) -> None:
    result = project.run("worker", "program:sync", *option)
    assert result.code == 2
    assert f"Invalid value for '{option[0]}'" in result.err
