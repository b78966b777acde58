"""A real PocketBase and a real Datasette, each on a free port of 127.0.0.1."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

HERE = Path(__file__).parent
PROGRAMS = Path(sysconfig.get_path("scripts"))
PATIENCE = 60

SUPERUSER = ("sync@example.com", "pocketbase-password")
SECRET = ["--secret", "datasette-secret"]

# Where it finds Rich, Datasette takes half a second of every "not found" to print it in colours.
WITHOUT_RICH = "import sys; sys.modules['rich'] = None; from datasette.cli import cli; cli()"


@pytest.fixture(scope="session")
def pocketbase(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the declaration reads from the environment. There are a superuser and a collection."""
    folder = tmp_path_factory.mktemp("pocketbase")
    program = [str(PROGRAMS / "pocketbase"), "--dir", str(folder / "pb_data")]
    program += ["--migrationsDir", str(HERE / "pb_migrations"), "--automigrate=false"]
    subprocess.run([*program, "superuser", "upsert", *SUPERUSER], cwd=folder, check=True, capture_output=True)
    with running(folder, lambda port: [*program, "serve", "--http", f"127.0.0.1:{port}"]) as server:
        yield pocketbase_environment(server)


@pytest.fixture
def empty_pocketbase(pocketbase: dict[str, str]) -> dict[str, str]:
    """The same, without any contacts."""
    collections = f"{pocketbase['POCKETBASE_SERVER']}/api/collections"
    who = {"identity": SUPERUSER[0], "password": SUPERUSER[1]}
    login = requests.post(f"{collections}/_superusers/auth-with-password", json=who, timeout=PATIENCE)
    token = login.json()["token"]
    emptied = requests.delete(f"{collections}/contacts/truncate", headers={"Authorization": token}, timeout=PATIENCE)
    emptied.raise_for_status()
    return pocketbase


def pocketbase_environment(server: str) -> dict[str, str]:
    """What the declaration reads from the environment."""
    return {"POCKETBASE_SERVER": server, "POCKETBASE_USER": SUPERUSER[0], "POCKETBASE_PASSWORD": SUPERUSER[1]}


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the table."""
    file = tmp_path_factory.mktemp("datasette") / "crm.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript((HERE / "contacts.sql").read_text())
    return file


@pytest.fixture(scope="session")
def datasette(database: Path) -> Iterator[dict[str, str]]:
    """What the declaration reads from the environment. There is a token."""
    program = [sys.executable, "-c", WITHOUT_RICH]
    token = subprocess.run(
        [*program, "create-token", "sync", *SECRET], check=True, capture_output=True, text=True
    ).stdout.strip()
    serve = [*program, "serve", "crm.db", "--config", str(HERE / "datasette_config.yaml"), *SECRET]
    with running(database.parent, lambda port: [*serve, "--port", str(port)]) as server:
        yield datasette_environment(server, token)


@pytest.fixture
def empty_datasette(datasette: dict[str, str], database: Path) -> dict[str, str]:
    """The same, without any contacts."""
    with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection, connection:
        connection.execute("DELETE FROM contacts")
    return datasette


def datasette_environment(server: str, token: str = "any-token") -> dict[str, str]:
    """What the declaration reads from the environment."""
    return {"DATASETTE_SERVER": server, "DATASETTE_TOKEN": token}


@contextmanager
def running(folder: Path, command: Callable[[int], list[str]]) -> Iterator[str]:
    """Run a server in a folder, and give its address."""
    for _ in range(3):  # somebody else may take the port meanwhile
        port = free_port()
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command(port), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        with process:
            try:
                if answers(process, f"http://127.0.0.1:{port}"):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.terminate()
    pytest.fail(f"the server did not start:\n{(folder / 'log').read_text()}")


def answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until a server answers; false if it has ended instead."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(url, timeout=1, allow_redirects=False)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return True
    return False


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
