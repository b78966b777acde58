"""What differs between SQLite and PostgreSQL: how a write is one step, whose clock counts, an insert that replaces."""

from __future__ import annotations

import contextlib
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Double, Engine, Executable, Table, cast, exc, extract, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from key_stores.digests import installation_digest
from key_stores.errors import KeyStoreError
from key_stores.sql.engines import check_database, engine_from_url
from key_stores.sql.failures import translated
from key_stores.sql.schema import FORMAT, meta, metadata

WAL_SECONDS: Final = 2


class Backend(ABC):
    """An engine with the tables made. Raises `KeyStoreError` and its kinds alone.

    Attributes:
        clock: The seconds since the epoch, as the database sees them.
    """

    clock: ColumnElement[float]

    def __init__(self, engine: Engine, *, owned: bool) -> None:
        self._engine = engine
        self._owned = owned
        self._lock = Lock()
        self._prepared_in = 0

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Connect for single statements, each one step and one round trip."""
        with translated():
            self._prepare()
            with self._engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextlib.contextmanager
    def write(self, integration_id: str) -> Iterator[tuple[Connection, float]]:
        """Connect for several statements that are one step, the only one on this installation at that time.

        Yields:
            The connection, and the clock's time.
        """
        with translated():
            self._prepare()
            with self._alone(installation_digest(integration_id)) as step:
                yield step

    def ping(self) -> None:
        """Ask the database for anything."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close the connections of an engine that was made here."""
        if self._owned:
            self._engine.dispose()

    @abstractmethod
    def replace(self, table: Table, row: Mapping[str, Any]) -> Executable:
        """Make a statement that inserts a row, or replaces the one of the same key."""

    @abstractmethod
    def _alone(self, lock: bytes) -> contextlib.AbstractContextManager[tuple[Connection, float]]: ...

    def _set_up(self) -> None:
        return None

    def _prepare(self) -> None:
        if self._prepared_in == os.getpid():
            return
        with self._lock:
            if self._prepared_in == os.getpid():
                return
            if self._prepared_in and self._owned:
                self._engine.dispose(close=False)  # a fork: these connections are the other process's
            if not self._prepared_in:
                self._set_up()
                self._make_tables()
            self._prepared_in = os.getpid()

    def _make_tables(self) -> None:
        with self._alone(b"contact_sync_schema") as (connection, _):
            metadata.create_all(connection)
            format = connection.execute(select(meta.c.value).where(meta.c.name == "format")).scalar()
            if format is None:
                connection.execute(insert(meta), {"name": "format", "value": FORMAT})
            elif format != FORMAT:
                raise KeyStoreError(
                    "the database holds a format of key store that this release does not know; "
                    "a later release wrote it: upgrade this one"
                )


class SQLite(Backend):
    """SQLite: one writer at a time, who says so first."""

    clock = (func.julianday("now") - 2_440_587.5) * 86_400.0

    def replace(self, table: Table, row: Mapping[str, Any]) -> Executable:
        key = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in key}
        return sqlite.insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=rest)

    @contextlib.contextmanager
    def _alone(self, lock: bytes) -> Iterator[tuple[Connection, float]]:  # noqa: ARG002 - one writer at a time anyway
        with self._engine.connect() as plain:
            # By hand, since drivers begin on their own, and so late that two writers may stand in each other's way.
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection, connection.execute(select(self.clock)).scalar_one()
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise

    def _set_up(self) -> None:
        if not self._owned:
            return
        # The one statement for which SQLite does not wait by itself when somebody else has the file. In the end it is
        # left at that: without WAL it is slower, and as safe.
        deadline = time.monotonic() + WAL_SECONDS
        with self._engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            while time.monotonic() < deadline:
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    return
                except exc.OperationalError:
                    time.sleep(0.02)


class PostgreSQL(Backend):
    """PostgreSQL: writers of one installation take turns by an advisory lock."""

    clock = cast(extract("epoch", func.clock_timestamp()), Double)

    def replace(self, table: Table, row: Mapping[str, Any]) -> Executable:
        key = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in key}
        return postgresql.insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=rest)

    @contextlib.contextmanager
    def _alone(self, lock: bytes) -> Iterator[tuple[Connection, float]]:
        number = int.from_bytes(lock[:8], signed=True)
        with self._engine.connect() as plain:
            # Each statement after the lock must see what the last holder has committed.
            connection = plain.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                taken = connection.execute(select(func.pg_advisory_xact_lock(number), self.clock)).one()
                yield connection, taken[1]


_BACKENDS: Final = {"sqlite": SQLite, "postgresql": PostgreSQL}


def backend_of(engine: Engine | str) -> Backend:
    """Make the backend for an engine, or for a URL.

    Raises:
        KeyStoreError: It is neither SQLite nor PostgreSQL, or a wrong URL.
    """
    if isinstance(engine, str):
        made = engine_from_url(engine)
        return _BACKENDS[made.dialect.name](made, owned=True)
    if not isinstance(engine, Engine):
        raise KeyStoreError(f"a SQL store takes a SQLAlchemy Engine or a URL, not {type(engine).__name__}")
    check_database(engine.url)
    return _BACKENDS[engine.dialect.name](engine, owned=False)
