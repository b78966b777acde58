"""`contact-sync serve` and `sync.run()` with a durable delivery: who applies what waits, and how it stops."""

from __future__ import annotations

import os
import signal

import pytest

from tests.cli.crm import CRM
from tests.cli.helpers import PATIENCE, Later, Project, Service, process, serving, started, wait_until
from tests.cli.storing import Storing, storing
from tests.servers import Database


@pytest.fixture
def shop(project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch) -> Storing:
    return storing(project, crm, monkeypatch)


def stored(service: Service, id: str, **contact: str) -> str:
    """Send an event of a contact to the service. The id under which it is stored."""
    answer = service.send("contact_created", {"id": id} | contact)
    assert (answer.status_code, answer.json()["data"]["queued"]) == (200, True)
    event: str = answer.json()["data"]["event_id"]
    return event


def test_it_answers_when_an_event_is_stored_and_applies_it_afterwards(shop: Storing) -> None:
    with serving(shop.project, "program:sync") as service:
        assert "  delivery   inbox (SQLite), applied by 8 threads\n" in service.log
        event = stored(service, "1", email="ana@example.com", firstname="held")
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        assert shop.state(event) == "in_flight"
        shop.crm.let_go.set()
        wait_until(lambda: shop.state(event) == "applied")


def test_stopping_answers_requests_and_finishes_events_at_the_same_time(shop: Storing) -> None:
    with serving(shop.project, "program:sync") as service:
        event = stored(service, "1", email="ana@example.com", firstname="held")
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        request = Later(service, "slow")
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        rest = stored(service, "1", email="ana@example.com", firstname="Ana")
        service.signal(signal.SIGTERM)
        wait_until(service.refuses)
        assert service.process.poll() is None
        shop.crm.let_go.set()
        assert request.answer().json()["data"] == {"slow": "done"}
        assert service.end() == 0
    assert [shop.state(event), shop.state(rest)] == ["applied", "waiting"]


def test_an_event_that_outlasts_the_grace_ends_with_exit_code_1(shop: Storing) -> None:
    with serving(shop.project, "program:sync", "--grace", "0.2") as service:
        event = stored(service, "1", email="ana@example.com", firstname="held")
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        service.signal(signal.SIGTERM)
        assert service.end() == 1
        assert "still at work after 0 s" in service.log
    assert shop.state(event) == "in_flight"


@pytest.mark.parametrize("option", [("--no-worker",), ("--delivery-threads", "0")])
def test_told_not_to_it_applies_nothing_and_a_worker_does(shop: Storing, option: tuple[str, ...]) -> None:
    with serving(shop.project, "program:sync", *option) as service:
        assert "  delivery   inbox (SQLite); 'contact-sync worker' applies what waits\n" in service.log
        event = stored(service, "1", email="ana@example.com")
        with started(shop.project, "worker", "program:sync"):
            wait_until(lambda: shop.state(event) == "applied")
        event = stored(service, "2", email="bea@example.com")
        service.signal(signal.SIGTERM)
        assert service.end() == 0
    assert shop.state(event) == "waiting"


def test_several_processes_each_apply_what_waits_and_finish_it(
    project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch, postgresql: Database
) -> None:
    shop = storing(project, crm, monkeypatch, postgresql.url)
    with serving(project, "program:sync", "--workers", "2", "--delivery-threads", "1") as service:
        assert "  delivery   inbox (PostgreSQL), applied by 1 thread in each\n" in service.log
        events = [stored(service, str(number), email=f"ana{number}@example.com") for number in range(30)]
        wait_until(lambda: not shop.listed())
        assert {shop.state(event) for event in events} == {"applied"}
        assert crm.writers == set(map(str, service.workers))
        last = stored(service, "last", email="last@example.com", firstname="held")
        assert crm.entered.acquire(timeout=PATIENCE)
        os.killpg(service.process.pid, signal.SIGTERM)  # as a service manager does: every process gets it
        wait_until(service.refuses)
        crm.let_go.set()
        assert service.end() == 0
    assert shop.state(last) == "applied"


def test_with_a_key_store_in_memory_one_process_does_it_all(project: Project) -> None:
    target = project.sync("memory://", delivery="'sqlite:///inbox.db'", auth="lambda token: True")
    with serving(project, target) as service:
        event = stored(service, "1", email="ana@example.com")
        service.wait_for(f"event_id={event} ")
        service.wait_for("outcome=created")


def test_with_a_key_store_in_memory_somebody_has_to_apply_what_is_stored(project: Project) -> None:
    target = project.sync("memory://", delivery="'sqlite:///inbox.db'")
    result = project.run("serve", target, "--no-worker", "--port", "0")
    assert result.code == 2
    assert (
        "Error: --no-worker: the key store (MemoryKeyStore) is in memory, so no other process can apply" in result.err
    )


def test_an_inline_delivery_is_named_and_needs_no_worker(project: Project) -> None:
    with serving(project, project.sync("memory://"), "--no-worker") as service:
        assert "  delivery   inline\n" in service.log


RUN = "from program import sync\nsync.run(port=0{arguments})\n"


def test_run_applies_what_waits_beside_the_server_and_finishes_it(shop: Storing) -> None:
    with process(shop.project, "-c", RUN.format(arguments="")) as service:
        service.wait_for("Ctrl-C stops it")
        event = stored(service, "1", email="ana@example.com", firstname="held")
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        service.signal(signal.SIGTERM)
        wait_until(service.refuses)
        shop.crm.let_go.set()
        assert service.end() == 0
    assert shop.state(event) == "applied"


def test_run_leaves_what_waits_to_others_if_it_is_told_to(shop: Storing) -> None:
    with process(shop.project, "-c", RUN.format(arguments=", worker_threads=0")) as service:
        service.wait_for("Ctrl-C stops it")
        event = stored(service, "1", email="ana@example.com")
        service.signal(signal.SIGTERM)
        assert service.end() == 0
    assert shop.state(event) == "waiting"


@pytest.mark.parametrize("threads", ["-1", "True", "'8'"])
def test_run_refuses_what_is_no_number_of_threads(shop: Storing, threads: str) -> None:
    with process(shop.project, "-c", RUN.format(arguments=f", worker_threads={threads}")) as service:
        assert service.end() == 1
        assert "ConfigurationError: worker_threads: expected a whole number; 0 for none" in service.log


CLOSING = """
import os, threading, time
from program import sync

def wait():
    while not os.path.exists("close"):
        time.sleep(0.02)
    sync.close(lambda: print("closed", flush=True))

threading.Thread(target=wait).start()
sync.run(port=0)
print("returned", flush=True)
"""


def test_close_stops_the_server_and_lets_events_in_flight_be_finished(shop: Storing) -> None:
    with process(shop.project, "-c", CLOSING) as service:
        service.wait_for("Ctrl-C stops it")
        event = stored(service, "1", email="ana@example.com", firstname="held")
        assert shop.crm.entered.acquire(timeout=PATIENCE)
        shop.project.write("close", "")
        wait_until(service.refuses)
        assert "returned" not in service.log
        shop.crm.let_go.set()
        assert service.end() == 0
        assert "returned" in service.log
        assert "closed" in service.log
    assert shop.state(event) == "applied"
