"""SQLite: one writer at a time, who says so first."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Engine, Executable, Table, exc, func, select
from sqlalchemy.dialects import sqlite

from key_stores.sql.backend import Answer, Answers, Backend, R, answer
from key_stores.sql.steps import NAME, Statement, Step

WAL_SECONDS: Final = 2


class SQLite(Backend):
    """Runs a step's statements one by one; there is no line to lose."""

    clock = (func.julianday("now") - 2_440_587.5) * 86_400.0

    def replace(self, table: Table, row: Mapping[str, Any]) -> Executable:
        key = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in key}
        return sqlite.insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=rest)

    def _read(self, ask: Callable[[Connection], R]) -> R:
        with self._engine.connect() as connection:
            return ask(connection.execution_options(isolation_level="AUTOCOMMIT"))

    def _run(self, step: Step) -> Answers:
        with self._alone(b"") as connection:
            now = connection.execute(select(self.clock)).scalar_one()
            went = True
            if step.condition is not None:
                found = _run_one(connection, step.condition, now, went=True)
                went = not isinstance(found, int) and bool(found[0][0])
            return Answers(went, [_run_one(connection, one, now, went=went) for one in step.statements])

    @contextlib.contextmanager
    def _alone(self, lock: bytes) -> Iterator[Connection]:  # noqa: ARG002 - one writer at a time anyway
        with immediate(self._engine) as connection:
            yield connection

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


@contextlib.contextmanager
def immediate(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction as the one who writes.

    By hand, since drivers begin on their own, and so late that two writers may stand in each other's way.
    """
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with contextlib.suppress(exc.SQLAlchemyError):  # SQLite has rolled back itself when its disk is full
                connection.exec_driver_sql("ROLLBACK")
            raise


def _run_one(connection: Connection, statement: Statement, now: float, *, went: bool) -> Answer:
    text = statement.text.replace("{now}", ":now").replace("{go}", ":go").replace("{blob}", "BLOB")
    values = {**statement.values, "now": now, "go": went}
    given: list[Any] = []

    def place(found: re.Match[str]) -> str:
        given.append(values[found[1]])
        return "?"

    # Straight to the driver: to SQLAlchemy each value is an object, and there may be thousands. By place, since SQLite
    # looks for each name among all others.
    return answer(connection.exec_driver_sql(NAME.sub(place, text), tuple(given)))
