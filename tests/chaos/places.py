"""Where events and pairs are kept, for each delivery, and how that place fails: stopped, frozen, its disk full."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import psycopg

from tests.chaos.disk import Disk, limit_files
from tests.servers import PostgreSQL, Server, Valkey, plain_client, run_postgresql, run_valkey

DISK_MEGABYTES: Final = 64

Pids = Callable[[], Sequence[int]]
"""Names the processes that live just now."""


class Place(ABC):
    """Where events and pairs are kept.

    Attributes:
        how: How each fault comes about, for the report.
    """

    how: dict[str, str]

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Give the program its URLs: `DELIVERY` and `PAIRS`."""

    @abstractmethod
    def stopped(self, pids: Pids) -> contextlib.AbstractContextManager[None]:
        """Fail at once while the block runs."""

    @abstractmethod
    def frozen(self) -> contextlib.AbstractContextManager[None]:
        """Hang while the block runs."""

    @abstractmethod
    def full(self, pids: Pids) -> contextlib.AbstractContextManager[None]:
        """Have no room for events while the block runs."""


class SQLitePlace(Place):
    """Two files: the inbox on a small disk of its own, if there can be one, and the pairs."""

    def __init__(self, folder: Path, disk: Disk | None) -> None:
        self._inbox = folder / "inbox" / "inbox.db"
        self._pairs = folder / "pairs.db"
        self._disk = disk
        self.how = {
            "stopped": "every write of every process to a file fails (RLIMIT_FSIZE)",
            "frozen": "another process holds the locks of both files",
            "full": "a tmpfs filled to its last byte"
            if disk
            else "every write fails (RLIMIT_FSIZE): no tmpfs to be had",
        }

    def environment(self) -> dict[str, str]:
        return {"DELIVERY": f"sqlite:///{self._inbox}", "PAIRS": f"sqlite:///{self._pairs}"}

    @contextlib.contextmanager
    def stopped(self, pids: Pids) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=_limit, args=(pids, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            limit_files(pids(), writable=True)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        import fcntl

        with contextlib.ExitStack() as stack:
            lock = stack.enter_context(Path(f"{self._inbox}.lock").open("ab"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            for file in (self._inbox, self._pairs):
                held = stack.enter_context(contextlib.closing(sqlite3.connect(file, timeout=10, isolation_level=None)))
                held.execute("BEGIN IMMEDIATE")
            yield

    @contextlib.contextmanager
    def full(self, pids: Pids) -> Iterator[None]:
        if self._disk is None:
            with self.stopped(pids):
                yield
            return
        # What the write-ahead log has had once it can use again, so for a while nothing more would be needed.
        with contextlib.closing(sqlite3.connect(self._inbox, timeout=10)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self._disk.full():
            yield


class ServerPlace(Place):
    """Stores on a server of their own."""

    _server: Server

    @contextlib.contextmanager
    def stopped(self, pids: Pids) -> Iterator[None]:
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        with self._server.frozen():
            yield


class PostgreSQLPlace(ServerPlace):
    """One server for events and pairs; the events are in a tablespace on a small disk, if there can be one."""

    _server: PostgreSQL

    def __init__(self, server: PostgreSQL, disk: Disk | None) -> None:
        self._server = server
        self._disk = disk
        self.how = {
            "stopped": "the server is killed, and started later",
            "frozen": "all its processes get SIGSTOP",
            "full": "the tablespace of the inbox is on a tmpfs filled to its last byte"
            if disk
            else "simulated: a trigger fails every write of an event as a full disk does (53100); no tmpfs to be had",
        }
        if disk is not None:
            self._run(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")

    def environment(self) -> dict[str, str]:
        url = self._server.dsn.replace("postgresql://", "postgresql+psycopg://", 1)
        options = "?options=-cdefault_tablespace%3Dsmall" if self._disk else ""
        return {"DELIVERY": url + options, "PAIRS": url}

    @contextlib.contextmanager
    def full(self, pids: Pids) -> Iterator[None]:
        if self._disk is not None:
            with self._disk.full():
                yield
            return
        self._run(_FULL)
        try:
            yield
        finally:
            self._run("DROP TRIGGER full_disk ON contact_sync_events")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())


_FULL: Final = """
    CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON contact_sync_events EXECUTE FUNCTION full_disk();
"""


class ValkeyPlace(ServerPlace):
    """One Valkey server for events and pairs, which has on its disk what it has answered."""

    _server: Valkey

    def __init__(self, server: Valkey) -> None:
        self._server = server
        self.how = {
            "stopped": "the server is killed, and started later",
            "frozen": "it gets SIGSTOP",
            "full": "its maxmemory is below what it uses already, with noeviction",
        }

    def environment(self) -> dict[str, str]:
        return {"DELIVERY": f"dramatiq+{self._server.url}", "PAIRS": self._server.url}

    @contextlib.contextmanager
    def full(self, pids: Pids) -> Iterator[None]:
        with plain_client(self._server.port) as client:
            client.config_set("maxmemory", "1kb")
            try:
                yield
            finally:
                client.config_set("maxmemory", "0")


@contextlib.contextmanager
def place_for(delivery: str, folder: Path) -> Iterator[Place]:
    """Run what a delivery needs: `sqlite`, `postgresql` or `dramatiq`."""
    with contextlib.ExitStack() as stack:
        if delivery == "dramatiq":
            options = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
            yield ValkeyPlace(stack.enter_context(run_valkey(*options)))
            return
        if delivery == "sqlite":
            (folder / "inbox").mkdir()
            disk = Disk(folder / "inbox", DISK_MEGABYTES) if Disk.possible() else None
            if disk is not None:
                stack.enter_context(disk.mounted())
            yield SQLitePlace(folder, disk)
            return
        server = stack.enter_context(run_postgresql())
        disk = None
        if Disk.possible():
            disk = Disk(server.directory / "small", DISK_MEGABYTES, owner="nobody")
            stack.callback(server.stop)
            stack.enter_context(disk.mounted())
            stack.callback(server.stop)
        yield PostgreSQLPlace(server, disk)


def _limit(pids: Pids, over: threading.Event) -> None:
    while not over.is_set():
        limit_files(pids(), writable=False)  # those too that were started meanwhile
        over.wait(0.1)
