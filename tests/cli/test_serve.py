"""`contact-sync serve`, as processes: what it serves, how it stops, and that several workers are as good as one."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.cli.crm import CRM, PROGRAM
from tests.cli.helpers import PATIENCE, SYNC, Later, Project, Service, serving, wait_until
from tests.platforms.servers import free_port
from tests.servers import Valkey

FIFTY = 50


@pytest.fixture
def program(project: Project, crm: CRM) -> Project:
    """A folder whose `program:sync` syncs with the CRM."""
    project.write("program.py", PROGRAM)
    return project


def test_one_process_serves_and_sigterm_lets_it_answer_what_is_under_way(program: Project, crm: CRM) -> None:
    with serving(program, "program:sync", "--access-log", CRM_URL=crm.url, STORE="sqlite:///pairs.db") as service:
        assert "  webhook    POST http://127.0.0.1:" in service.log
        assert "  key store  SQLKeyStore" in service.log
        assert "  workers    1 process, 32 threads" in service.log
        ready = requests.get(f"{service.address}/readyz?token=hush-hush", timeout=PATIENCE)
        assert (ready.status_code, ready.json()) == (200, {"ready": True})
        created = service.send("contact_created", {"id": 1, "email": "ana@example.com"}).json()
        assert created["data"] == {"success": True, "id": "r1", "action": "created"}

        under_way = Later(service, "slow")
        assert crm.entered.acquire(timeout=PATIENCE)
        service.signal(signal.SIGTERM)
        wait_until(service.refuses)
        assert service.process.poll() is None
        crm.let_go.set()
        answer = under_way.answer()
        assert (answer.status_code, answer.json()["data"]) == (200, {"slow": "done"})
        assert service.end() == 0
        assert "GET /readyz 200 " in service.log
        assert "hush" not in service.log
        assert "ana@" not in service.log


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_store_that_is_away_is_said_at_the_start_and_served_without(program: Project, crm: CRM, workers: str) -> None:
    away = f"redis://:hush-hush@127.0.0.1:{free_port()}"
    with serving(program, "program:sync", "--workers", workers, CRM_URL=crm.url, STORE=away) as service:
        assert "Warning: the key store does not answer: Redis cannot be reached (ConnectionError). Until" in service.log
        assert requests.get(f"{service.address}/healthz", timeout=PATIENCE).status_code == 200
        assert requests.get(f"{service.address}/readyz", timeout=PATIENCE).status_code == 503
        assert "hush" not in service.log


def test_an_app_of_the_users_own_is_served_as_it_is(project: Project) -> None:
    own = "from flask import Flask\napp = Flask('own')\n@app.get('/')\ndef home(): return 'mine'\n"
    project.write(
        "program.py",
        f"{SYNC}\n{own}\nsync = ContactSync(crm, FIELDS, 'memory://', server=app, endpoint='/botmatic')\n",
    )
    with serving(project, "program:sync") as service:
        assert requests.get(service.address, timeout=PATIENCE).text == "mine"
        assert f"  webhook    POST {service.address}/botmatic\n" in service.log
        assert "health" not in service.log


def test_a_second_signal_ends_everything_at_once(program: Project, crm: CRM) -> None:
    with serving(program, "program:sync", CRM_URL=crm.url, STORE="memory://") as service:
        cut_off = Later(service, "slow")
        assert crm.entered.acquire(timeout=PATIENCE)
        service.signal(signal.SIGTERM)
        wait_until(service.refuses)
        service.signal(signal.SIGTERM)
        assert service.end() == 128 + signal.SIGTERM
        with pytest.raises(requests.ConnectionError):
            cut_off.answer()


def test_requests_that_outlast_the_grace_end_with_exit_code_1(program: Project, crm: CRM) -> None:
    with serving(program, "program:sync", "--grace", "0.2", CRM_URL=crm.url, STORE="memory://") as service:
        cut_off = Later(service, "slow")
        assert crm.entered.acquire(timeout=PATIENCE)
        service.signal(signal.SIGINT)
        assert service.end() == 1
        assert "cut off" in service.log
        with pytest.raises(requests.ConnectionError):
            cut_off.answer()


@pytest.mark.parametrize("kind", ["valkey", "sqlite"])
def test_fifty_identical_events_at_once_on_two_workers_make_one_record(
    program: Project, crm: CRM, kind: str, request: pytest.FixtureRequest
) -> None:
    store = request.getfixturevalue("valkey").url if kind == "valkey" else "sqlite:///pairs.db"
    with serving(program, "program:sync", "--workers", "2", CRM_URL=crm.url, STORE=store) as service:
        assert "  workers    2 processes, 32 threads in each" in service.log
        for number in range(1, 21):
            contact = {"id": number, "email": f"ana{number}@example.com", "firstname": "Ana"}
            results = at_once(service, contact)
            assert {result["id"] for result in results} == {f"r{number}"}
            assert sorted(result["action"] for result in results) == ["created"] + ["unchanged"] * (FIFTY - 1)
            expected = {"mail": contact["email"], "first_name": "Ana", "ref": f"r{number}"}
            assert [record for record in crm.records.values() if record["mail"] == contact["email"]] == [expected]
            assert crm.updates == 0
            if len(crm.writers) == 2:  # each contact is written by the worker that comes first
                return
        pytest.fail("one worker got all the requests")


def at_once(service: Service, contact: dict[str, Any]) -> list[dict[str, Any]]:
    """Send fifty identical events at once. What came of each."""
    together = Barrier(FIFTY)

    def send(_: int) -> requests.Response:
        together.wait(PATIENCE)
        return service.send("contact_created", contact)

    with ThreadPoolExecutor(FIFTY) as pool:
        answers = list(pool.map(send, range(FIFTY)))
    assert [answer.status_code for answer in answers] == [200] * FIFTY
    return [answer.json()["data"] for answer in answers]


def test_two_workers_answer_what_is_under_way_then_end(program: Project, crm: CRM, valkey: Valkey) -> None:
    with serving(program, "program:sync", "--workers", "2", CRM_URL=crm.url, STORE=valkey.url) as service:
        under_way = [Later(service, "slow") for _ in range(4)]
        for _ in under_way:
            assert crm.entered.acquire(timeout=PATIENCE)
        os.killpg(service.process.pid, signal.SIGTERM)  # as a service manager does: every process gets it
        wait_until(service.refuses)
        crm.let_go.set()
        assert [later.answer().json()["data"] for later in under_way] == [{"slow": "done"}] * 4
        assert service.end() == 0


def test_another_worker_takes_the_place_of_one_that_is_killed(program: Project, crm: CRM, valkey: Valkey) -> None:
    with serving(program, "program:sync", "--workers", "2", CRM_URL=crm.url, STORE=valkey.url) as service:
        first, second = service.workers
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(service.workers) == 3)
        third = service.workers[2]
        wait_until(lambda: answering(service) == {second, third})
        assert "Worker 1 (process " in service.log
        assert ") has ended by itself with exit code -9" in service.log
        service.signal(signal.SIGTERM)
        assert service.end() == 0


def test_workers_end_when_the_process_that_looks_after_them_is_killed(
    program: Project, crm: CRM, valkey: Valkey
) -> None:
    with serving(program, "program:sync", "--workers", "2", CRM_URL=crm.url, STORE=valkey.url) as service:
        service.signal(signal.SIGKILL)
        service.end()
        wait_until(service.refuses)


def test_a_second_ctrl_c_ends_the_workers_too(program: Project, crm: CRM, valkey: Valkey) -> None:
    with serving(program, "program:sync", "--workers", "2", CRM_URL=crm.url, STORE=valkey.url) as service:
        cut_off = Later(service, "slow")
        assert crm.entered.acquire(timeout=PATIENCE)
        os.killpg(service.process.pid, signal.SIGINT)  # as a terminal does
        wait_until(service.refuses)
        os.killpg(service.process.pid, signal.SIGINT)
        assert service.end() == 128 + signal.SIGINT
        with pytest.raises(requests.ConnectionError):
            cut_off.answer()


def test_a_request_that_hangs_in_a_worker_is_cut_off_after_the_grace(
    program: Project, crm: CRM, valkey: Valkey
) -> None:
    options = ("--workers", "2", "--grace", "0.2")
    with serving(program, "program:sync", *options, CRM_URL=crm.url, STORE=valkey.url) as service:
        cut_off = Later(service, "slow")
        assert crm.entered.acquire(timeout=PATIENCE)
        service.signal(signal.SIGTERM)
        assert service.end() == 1
        with pytest.raises(requests.ConnectionError):
            cut_off.answer()


def test_a_worker_that_does_not_even_stop_is_killed(program: Project, crm: CRM, valkey: Valkey) -> None:
    options = ("--workers", "2", "--grace", "0")
    with serving(program, "program:sync", *options, CRM_URL=crm.url, STORE=valkey.url) as service:
        frozen = service.workers[0]
        os.kill(frozen, signal.SIGSTOP)
        service.signal(signal.SIGTERM)
        assert service.end() == 1
        with pytest.raises(ProcessLookupError):
            os.kill(frozen, 0)


def test_workers_that_do_not_come_up_end_the_command(program: Project, crm: CRM) -> None:
    program.write(
        "program.py",
        "import multiprocessing\n"
        "if multiprocessing.parent_process() is not None:\n    raise RuntimeError('only in a worker')\n" + PROGRAM,
    )
    options = ("program:sync", "--workers", "2")
    with serving(program, *options, ready=False, CRM_URL=crm.url, STORE="sqlite:///pairs.db") as service:
        assert service.end() == 1
        assert "RuntimeError: only in a worker" in service.log
        assert service.log.endswith("Error: a worker did not come up; what it said is above\n")


def answering(service: Service) -> set[int]:
    """The workers that answer, as far as some requests at once show them."""

    def ask(_: int) -> int | None:
        try:
            worker: int = service.send("who").json()["data"]["worker"]
        except requests.ConnectionError:  # it was on its way to the one that was killed
            return None
        return worker

    with ThreadPoolExecutor(12) as pool:
        return {worker for worker in pool.map(ask, range(12)) if worker is not None}
