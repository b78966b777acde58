"""Statements on somebody's database: each piece of work in one transaction, each reading by itself."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, exc

from contact_sync.errors import ConfigurationError
from key_stores import KeyStoreError, StoreUnavailable
from key_stores.sql.engines import engine_from_url
from key_stores.sql.failures import translated
from key_stores.sql.postgresql import has_ended
from key_stores.sql.sqlite import immediate

from .failures import is_refused

T = TypeVar("T")

_SAVEPOINT: Final = "contact_sync_row"


class Undecided(StoreUnavailable):
    """The database did not answer to a commit: nobody knows whether it has kept the change."""


class Database:
    """An engine, with the difference between SQLite and others.

    What the database refuses comes out as SQLAlchemy's error. That it cannot be reached, or not now, comes out as
    `StoreUnavailable`, and anything else as `KeyStoreError`: neither holds values.

    Args:
        engine: The user's, which stays open; or a URL.

    Raises:
        ConfigurationError: It is neither, or for a database that takes an engine.
    """

    def __init__(self, engine: Engine | str) -> None:
        self._owned = isinstance(engine, str)
        self._engine = _engine_of(engine)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._sqlite = self._engine.dialect.name == "sqlite"
        postgresql = self._engine.dialect.name == "postgresql"
        self._transaction: dict[str, Any] = {"isolation_level": "READ COMMITTED"} if postgresql else {}

    def read(self, ask: Callable[[Connection], T]) -> T:
        """Ask something, outside of any transaction."""
        with _translated(), self._connected() as connection:
            return ask(connection.execution_options(isolation_level="AUTOCOMMIT"))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do some work in a transaction. An error undoes it.

        Raises:
            Undecided: Nobody knows whether it was done.
        """
        with _translated():
            if self._sqlite:
                self._after_fork()
                with immediate(self._engine) as connection:
                    return work(connection)
            with self._connected() as plain:
                # Whatever an engine of the user's is set to, a piece of work is a transaction.
                connection = plain.execution_options(**self._transaction)
                transaction = connection.begin()
                try:
                    answer = work(connection)
                except BaseException:
                    with contextlib.suppress(exc.SQLAlchemyError):
                        transaction.rollback()
                    raise
                try:
                    transaction.commit()
                except exc.DBAPIError as error:
                    if is_refused(error):  # by a constraint that is checked in the end
                        raise
                    raise Undecided("the database did not say whether it has kept the change") from error
                return answer

    @contextlib.contextmanager
    def attempt(self, connection: Connection) -> Iterator[None]:
        """Do a part of the work that may fail alone: an error undoes this part, and comes out."""
        if not self._sqlite:
            with connection.begin_nested():
                yield
            return
        connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
        try:
            yield
        except BaseException:
            with contextlib.suppress(exc.SQLAlchemyError):  # all is undone if its disk is full
                connection.exec_driver_sql(f"ROLLBACK TO {_SAVEPOINT}")
            raise
        finally:
            with contextlib.suppress(exc.SQLAlchemyError):
                connection.exec_driver_sql(f"RELEASE {_SAVEPOINT}")

    def close(self) -> None:
        """Close the connections of an engine that was made here."""
        if self._owned:
            self._engine.dispose()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        self._after_fork()
        with self._engine.connect() as connection:
            while has_ended(connection.connection.driver_connection):
                connection.invalidate()
            yield connection

    def _after_fork(self) -> None:
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                if self._owned:
                    self._engine.dispose(close=False)  # these connections are the other process's
                self._process = os.getpid()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.SQLAlchemyError as error:
        if isinstance(error, exc.DBAPIError) and is_refused(error):
            raise
        with translated():
            raise


def _engine_of(engine: object) -> Engine:
    if isinstance(engine, Engine):
        if engine.dialect.is_async:
            raise ConfigurationError("SQLTableConsumer: the engine is of an asynchronous driver; give one of another")
        return engine
    if not isinstance(engine, str):
        raise ConfigurationError(f"SQLTableConsumer takes a SQLAlchemy Engine or a URL, not {type(engine).__name__}")
    try:
        return engine_from_url(engine)
    except KeyStoreError as error:
        raise ConfigurationError(
            f"SQLTableConsumer: {error}; for any other database, give a SQLAlchemy Engine"
        ) from None
