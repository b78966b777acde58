"""Several processes on one store: the two directions stay inverse, leases exclude, also when one is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from key_stores import PairListing, open_key_store
from key_stores.testing.pairs import pairs_in
from tests.key_stores.worker import BOTMATIC, EXTERNAL, INSTALLATION
from tests.servers import Database, Valkey

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["redis", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that processes can share, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/pairs.db"
    if request.param == "redis":
        server: Valkey = request.getfixturevalue("valkey")
        return server.url
    database: Database = request.getfixturevalue("postgresql")
    return database.url


def _start(url: str, seed: int, calls: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.key_stores.worker", url, str(seed), str(calls)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _go(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def test_processes_at_once_keep_the_pairs_one_to_one_even_if_one_is_killed(url: str) -> None:
    """Two work to their end; a third, that would work for ever, is killed in the middle of it."""
    workers = [_start(url, seed, 150) for seed in (1, 2)]
    doomed = _start(url, 3, 10_000_000)
    _go([*workers, doomed])
    store = open_key_store(url)
    assert isinstance(store, PairListing)
    outputs = [workers[0].communicate(timeout=120)[0]]
    doomed.send_signal(signal.SIGKILL)
    doomed.communicate(timeout=120)
    outputs.append(workers[1].communicate(timeout=120)[0])
    assert [worker.returncode for worker in workers] == [0, 0]
    assert all(int(output) >= 0 for output in outputs)
    found = pairs_in(store, INSTALLATION, BOTMATIC, EXTERNAL)
    assert set(store.iter_pairs(INSTALLATION)) == found
    assert store.count_pairs(INSTALLATION) == len(found)
    assert store.save_ids(INSTALLATION, "b0", "e0") is True
    store.close()


def test_a_lease_excludes_other_processes(url: str) -> None:
    """Each counts under the lease by reading and writing; no count is lost."""
    workers = [_start(url, seed, 150) for seed in (4, 5)]
    _go(workers)
    held = [int(worker.communicate(timeout=120)[0]) for worker in workers]
    store = open_key_store(url)
    assert sum(held) > 0
    assert store.get_external_id("counter", "held") == str(sum(held))
    store.close()
