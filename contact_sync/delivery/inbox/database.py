"""The database of an inbox: what SQLite and PostgreSQL have in common, and in what they differ."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, bindparam, event, exc, insert, select, text
from sqlalchemy.sql.elements import TextClause

from contact_sync.errors import ConfigurationError, DeliveryUnavailable
from key_stores import KeyStoreError
from key_stores.sql.engines import check_database, engine_from_url
from key_stores.sql.failures import of_driver, translated
from key_stores.sql.postgresql import has_ended
from key_stores.sql.sqlite import immediate

from .commits import Commits
from .schema import FORMAT, meta, metadata

T = TypeVar("T")

TRIES: Final = 4
"""How often a transaction is begun that PostgreSQL ends since two of them wait for each other."""

CLOSE_SECONDS: Final = 5.0
"""How long to wait, when it is closed, for who still uses it."""

_DEADLOCK: Final = ("40P01", "40001")
_WAL_SECONDS: Final = 5.0


class Database(ABC):
    """Runs statements. Raises `DeliveryUnavailable` alone."""

    skip_locked: str
    """What a `SELECT` ends with whose rows are to be claimed."""

    def __init__(self, engine: Engine, *, owned: bool) -> None:
        self._engine = engine
        self._owned = owned
        self._has_tables = False
        self.closed = False
        self._begin_anew()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do some work in a transaction. It may be done more than once, each time from a clean state."""
        with self._used():
            return self._write(work)

    def read(self, ask: Callable[[Connection], T]) -> T:
        """Ask something, outside of any transaction."""
        with self._used(), self._engine.connect() as connection:
            return ask(connection.execution_options(isolation_level="AUTOCOMMIT"))

    @abstractmethod
    def now(self, connection: Connection) -> float:
        """The time (seconds since the epoch) by the clock that all who use this inbox share."""

    def close(self) -> None:
        """Refuse further work, and close the connections of an engine that was made here when they are free."""
        with self._users:
            self.closed = True
            self._users.wait_for(lambda: not self._using, timeout=CLOSE_SECONDS)
        if self._owned:
            self._engine.dispose()

    @contextlib.contextmanager
    def _used(self) -> Iterator[None]:
        if self._process != os.getpid():
            if self._owned:
                self._engine.dispose(close=False)  # a fork: these connections are the other process's
            self._begin_anew()
        with self._users:
            if self.closed:
                raise DeliveryUnavailable("the inbox is closed")
            self._using += 1
        try:
            with unavailable():
                self._prepare()
                yield
        finally:
            with self._users:
                self._using -= 1
                self._users.notify_all()

    def _begin_anew(self) -> None:
        """Begin without users; in a forked process too, where locks came along as another thread held them."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._users = threading.Condition()
        self._using = 0

    @abstractmethod
    def _write(self, work: Callable[[Connection], T]) -> T: ...

    @abstractmethod
    def _alone(self) -> contextlib.AbstractContextManager[Connection]: ...

    def _prepare(self) -> None:
        if self._has_tables:
            return
        with self._lock:
            if not self._has_tables:
                with self._alone() as connection:
                    self._make_tables(connection)
                self._has_tables = True

    def _make_tables(self, connection: Connection) -> None:
        metadata.create_all(connection)
        format = connection.execute(select(meta.c.value).where(meta.c.name == "format")).scalar()
        if format is None:
            connection.execute(insert(meta), {"name": "format", "value": FORMAT})
        elif format != FORMAT:
            raise ConfigurationError(
                f"delivery: the database holds an inbox of format {format!r}, which a later release wrote; "
                "upgrade this one"
            )


class SQLite(Database):
    """One writer at a time. What waits in this process is folded into one commit; processes queue on a file's lock."""

    skip_locked = ""

    def __init__(self, engine: Engine, *, owned: bool) -> None:
        self._queue = _FileLock(Path(f"{engine.url.database}.lock"))
        super().__init__(engine, owned=owned)
        if owned:
            event.listen(engine, "connect", _durable)

    def now(self, connection: Connection) -> float:
        del connection
        return time.time()

    def close(self) -> None:
        super().close()
        self._queue.close()

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._commits = Commits(self._alone)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._commits.do(work)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._queue, immediate(self._engine) as connection:
            yield connection


class PostgreSQL(Database):
    """Any number of processes on any number of machines. Who claims passes over what others are claiming."""

    skip_locked = "FOR UPDATE SKIP LOCKED"

    def __init__(self, engine: Engine, *, owned: bool) -> None:
        super().__init__(engine, owned=owned)
        if owned:
            event.listen(engine, "checkout", _there)

    def now(self, connection: Connection) -> float:
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def _write(self, work: Callable[[Connection], T]) -> T:
        for tries_left in reversed(range(TRIES)):
            try:
                with self._alone() as connection:
                    return work(connection)
            except exc.DBAPIError as error:
                if not tries_left or getattr(error.orig, "sqlstate", None) not in _DEADLOCK:
                    raise
        raise AssertionError  # the last try returns or raises

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._engine.connect() as plain:
            connection = plain.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                yield connection

    def _make_tables(self, connection: Connection) -> None:
        connection.execute(
            text("SELECT pg_advisory_xact_lock(7020151)")
        )  # of several who begin at once, one makes them
        super()._make_tables(connection)


def open_database(engine: Engine | str) -> Database:
    """Take an engine, or make one of a URL.

    Raises:
        ConfigurationError: It is neither SQLite in a file nor PostgreSQL, or what it needs is not installed. The
            message never repeats the URL.
    """
    try:
        owned = isinstance(engine, str)
        made = engine_from_url(engine) if isinstance(engine, str) else engine
        check_database(made.url)
    except (KeyStoreError, AttributeError) as error:
        if "in memory" in str(error):
            raise ConfigurationError(
                "delivery: an inbox is kept in a file, not in memory: sqlite:///inbox.db"
            ) from error
        said = (
            error if isinstance(error, KeyStoreError) else f"expected a URL or an Engine, got {type(engine).__name__}"
        )
        raise ConfigurationError(f"delivery: {said}") from error
    kind = SQLite if made.url.get_backend_name() == "sqlite" else PostgreSQL
    return kind(made, owned=owned)


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """Turn what a database call raises into `DeliveryUnavailable`."""
    try:
        with translated():
            yield
    except KeyStoreError as error:
        raise DeliveryUnavailable(str(error)) from error
    except sqlite3.Error as error:
        raise DeliveryUnavailable(str(of_driver(error, unreachable=True))) from error
    except OSError as error:  # of the file's lock
        raise DeliveryUnavailable(
            f"the file beside it, by which processes take turns, cannot be opened ({type(error).__name__}); does the "
            "folder exist, and may it be written to?"
        ) from error


def run(connection: Connection, statement: str, **values: Any) -> Sequence[Any]:
    """Run a statement, and give its rows."""
    if connection.dialect.name == "sqlite":
        return _driver(connection).execute(statement, values).fetchall()
    result = connection.exec_driver_sql(_for_psycopg(statement), values)
    return result.fetchall() if result.returns_rows else ()


def counted(connection: Connection, statement: str, **values: Any) -> int:
    """Run a statement, and give how many rows it changed."""
    if connection.dialect.name == "sqlite":
        return _driver(connection).execute(statement, values).rowcount
    return connection.exec_driver_sql(_for_psycopg(statement), values).rowcount


def run_for(connection: Connection, statement: str, among: Sequence[Any], **values: Any) -> Sequence[Any]:
    """Run a statement with a list of values in place of `:among`, and give its rows. An empty list gives none."""
    if not among:
        return ()
    result = connection.execute(_expanding(statement), {"among": among, **values})
    return result.fetchall() if result.returns_rows else ()


def run_many(connection: Connection, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement for each of some rows of values."""
    if rows and connection.dialect.name == "sqlite":
        _driver(connection).executemany(statement, rows)
    elif rows:
        connection.exec_driver_sql(_for_psycopg(statement), [dict(row) for row in rows])


_NAME: Final = re.compile(r"(?<!:):([a-z_]+)")
_statements: Final[dict[str, str]] = {}
_lists: Final[dict[str, TextClause]] = {}


def _driver(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection: what SQLAlchemy does beside a statement takes longer than the statement."""
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # as its dialect says
    return driver


def _for_psycopg(statement: str) -> str:
    made = _statements.get(statement)
    if made is None:
        made = _statements[statement] = _NAME.sub(r"%(\1)s", statement.replace("%", "%%"))
    return made


def _expanding(statement: str) -> TextClause:
    made = _lists.get(statement)
    if made is None:
        made = _lists[statement] = text(statement).bindparams(bindparam("among", expanding=True))
    return made


class _FileLock:
    """Lets processes queue for their turn to write; SQLite's own waiting polls, and starves somebody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self._opened_in = 0

    def __enter__(self) -> None:
        try:
            import fcntl
        except ImportError:  # not a POSIX system; SQLite's own waiting has to do
            return
        if self._opened_in != os.getpid():  # a fork shares the lock of an open file
            self._file, self._opened_in = self._path.open("ab"), os.getpid()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            import fcntl

            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None and self._opened_in == os.getpid():
            self._file.close()
        self._file, self._opened_in = None, 0


def _there(driver: Any, *_: object) -> None:
    """Have a connection replaced that has ended while nobody used it, as when the database was restarted."""
    if has_ended(driver):
        raise exc.DisconnectionError


def _durable(driver: Any, _: object) -> None:
    """Set a new connection up: what is committed is on the disk."""
    deadline = time.monotonic() + _WAL_SECONDS
    while True:
        try:
            driver.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:  # the one statement for which SQLite does not wait by itself
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    driver.execute("PRAGMA synchronous=FULL")
    driver.execute("PRAGMA cache_size=-16000")  # kB
