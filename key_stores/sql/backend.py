"""An engine with the tables made: what SQLite and PostgreSQL have in common."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Executable, Table, insert, inspect, select, text
from sqlalchemy.sql.elements import ColumnElement

from key_stores.errors import KeyStoreError
from key_stores.sql.failures import translated
from key_stores.sql.schema import FORMAT, meta, metadata, pairs
from key_stores.sql.steps import Step

R = TypeVar("R")

Answer = Sequence[Sequence[Any]] | int


@dataclass(frozen=True, slots=True)
class Answers:
    """What a step answered.

    Attributes:
        went: Whether its condition held.
        answers: Of each statement the rows, or how many rows it changed; none of those that were not run.
    """

    went: bool
    answers: Sequence[Answer]

    def rows(self, place: int) -> Sequence[Sequence[Any]]:
        """Give the rows of a statement."""
        answer = self.answers[place]
        return () if isinstance(answer, int) else answer

    def count(self, places: Sequence[int]) -> int:
        """Give the number of rows that some statements changed."""
        return sum(answer for place in places if isinstance(answer := self.answers[place], int))


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

    def read(self, ask: Callable[[Connection], R], *, repeatable: bool = True) -> R:
        """Ask single statements, each one step and one round trip.

        Args:
            repeatable: Whether it may be done again when the connection was lost before the answer came.
        """
        return self._done(lambda: self._read(ask), repeatable=repeatable)

    def run(self, step: Step, *, repeatable: bool = True) -> Answers:
        """Run statements that are one step, the only one on its installation at that time.

        Args:
            repeatable: As for `read`.
        """
        return self._done(lambda: self._run(step), repeatable=repeatable)

    def ping(self) -> None:
        """Ask the database for anything."""
        self.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())

    def close(self) -> None:
        """Close the connections of an engine that was made here."""
        if self._owned:
            self._engine.dispose()

    @abstractmethod
    def replace(self, table: Table, row: Mapping[str, Any]) -> Executable:
        """Make a statement that inserts a row, or replaces the one of the same key."""

    @abstractmethod
    def _alone(self, lock: bytes) -> contextlib.AbstractContextManager[Connection]: ...

    @abstractmethod
    def _read(self, ask: Callable[[Connection], R]) -> R: ...

    @abstractmethod
    def _run(self, step: Step) -> Answers: ...

    def _done(self, call: Callable[[], R], *, repeatable: bool) -> R:  # noqa: ARG002 - not every backend loses its line
        with translated():
            self._prepare()
            return call()

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
        with self._alone(b"contact_sync_schema") as connection:
            metadata.create_all(connection)
            format = connection.execute(select(meta.c.value).where(meta.c.name == "format")).scalar()
            if format is None:
                connection.execute(insert(meta), {"name": "format", "value": FORMAT})
            elif format != FORMAT:
                raise KeyStoreError(
                    "the database holds a format of key store that this release does not know; "
                    "a later release wrote it: upgrade this one"
                )
            found = {column["name"] for column in inspect(connection).get_columns(pairs.name)}
            if not found >= set(pairs.c.keys()):
                raise KeyStoreError(
                    f"the table {pairs.name} was made before the first release and lacks a column; "
                    f"drop the tables contact_sync_… or add it: ALTER TABLE {pairs.name} ADD COLUMN baseline …"
                )


def answer(result: CursorResult[Any]) -> Answer:
    """Give the rows of a result, or how many it changed."""
    return [tuple(row) for row in result] if result.returns_rows else result.rowcount
