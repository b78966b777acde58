"""PostgreSQL: writers of one installation take turns by an advisory lock.

With psycopg, a step is one message, and so one round trip: its values are bound here, and PostgreSQL's simple protocol
takes several statements in one message. The first takes the lock, so each of the others sees what the last holder has
committed. What they have to know of each other is kept in settings of the transaction. With another driver, which a
user's engine may have, the same statements come one after the other.
"""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Double, Executable, Table, cast, extract, func, text
from sqlalchemy.dialects import postgresql

from key_stores.digests import installation_digest
from key_stores.sql.backend import Answer, Answers, Backend, R, answer
from key_stores.sql.failures import ConnectionLost, of_driver
from key_stores.sql.steps import NAME, Statement, Step

_BEFORE: Final = 2
"""How many answers come before those of a step's own statements: of the lock, and of the settings."""

_NOW: Final = "CAST(current_setting('contact_sync.now') AS double precision)"
_GO: Final = "current_setting('contact_sync.go') = 'true'"
_USED: Final = "contact_sync.used"


class PostgreSQL(Backend):
    """Runs a step in one round trip, and sees without one whether a connection that was idle is still there."""

    clock = cast(extract("epoch", func.clock_timestamp()), Double)

    def replace(self, table: Table, row: Mapping[str, Any]) -> Executable:
        key = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in key}
        return postgresql.insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=rest)

    def _done(self, call: Callable[[], R], *, repeatable: bool) -> R:
        try:
            return super()._done(call, repeatable=repeatable)
        except ConnectionLost:
            if not (repeatable and self._owned):
                raise
        return super()._done(call, repeatable=repeatable)

    def _read(self, ask: Callable[[Connection], R]) -> R:
        with self._connected() as connection:
            return ask(connection.execution_options(isolation_level="AUTOCOMMIT"))

    def _run(self, step: Step) -> Answers:
        statements = _statements(step)
        if self._engine.dialect.driver == "psycopg":
            answers = self._in_one_message(statements)
        else:
            with self._connected() as plain:
                connection = plain.execution_options(isolation_level="READ COMMITTED")
                with connection.begin():
                    answers = [answer(connection.execute(text(one.text), one.values)) for one in statements]
        settings = answers[_BEFORE]
        went = not isinstance(settings, int) and settings[0][0] == "true"
        return Answers(went, answers[_BEFORE + 1 :])

    def _in_one_message(self, statements: list[Statement]) -> list[Answer]:
        import psycopg
        from psycopg.adapt import Transformer

        with self._connected() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]  # as its dialect says
            try:
                with psycopg.ClientCursor(driver) as cursor:
                    bound = Transformer(driver)
                    texts = [_bound(one, bound.as_literal) for one in statements]
                    # The simple protocol would make one transaction of them anyway; this also says of what kind.
                    message = [b"BEGIN ISOLATION LEVEL READ COMMITTED", *texts, b"COMMIT"]
                    cursor.execute(b";".join(message))
                    return [_answer(cursor) for _ in message if cursor.nextset()][: len(statements)]
            except psycopg.Error as error:
                failure: Exception = of_driver(
                    error, unreachable=isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
                )
                with contextlib.suppress(psycopg.Error):
                    driver.rollback()
                if driver.closed:
                    connection.invalidate()
                    failure = ConnectionLost(str(failure))
                # From nothing: what the driver says repeats a part of the message, and so of the values in it.
                raise failure from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        while True:
            with self._engine.connect() as connection:
                pooled = connection.connection
                if pooled.info.get(_USED) and has_ended(pooled.driver_connection):
                    connection.invalidate()
                    continue
                pooled.info[_USED] = True
                yield connection
                return

    @contextlib.contextmanager
    def _alone(self, lock: bytes) -> Iterator[Connection]:
        with self._connected() as plain:
            # Each statement after the lock must see what the last holder has committed.
            connection = plain.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _number(lock)})
                yield connection


def _statements(step: Step) -> list[Statement]:
    lock = _number(installation_digest(step.integration))
    go = step.condition or Statement("SELECT true", {})
    statements = [
        Statement("SELECT CAST(pg_advisory_xact_lock(:number) AS text)", {"number": lock}),
        Statement(
            "SELECT set_config('contact_sync.now', CAST(extract(epoch FROM clock_timestamp()) AS text), true)", {}
        ),
        Statement(f"SELECT set_config('contact_sync.go', CAST(({go.text}) AS text), true)", go.values),
        *step.statements,
    ]
    return [
        Statement(one.text.replace("{now}", _NOW).replace("{go}", _GO).replace("{blob}", "bytea"), one.values)
        for one in statements
    ]


def _bound(statement: Statement, literal: Callable[[Any], bytes]) -> bytes:
    # Not by psycopg's own placeholders: the time that it takes to find them grows with the square of their number.
    values = {name: literal(value).decode("ascii") for name, value in statement.values.items()}
    return NAME.sub(lambda found: values[found[1]], statement.text).encode("ascii")


def _answer(cursor: Any) -> Answer:
    if cursor.description is None:
        return int(cursor.rowcount)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def has_ended(driver: Any) -> bool:
    """Whether an idle connection is known to have ended.

    On an idle connection nothing comes but that it ends. A round trip to ask would say no more.
    """
    socket = getattr(driver, "fileno", None)
    if socket is None:
        return False
    if driver.closed:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(socket(), selectors.EVENT_READ)
        return bool(selector.select(0))


def _number(lock: bytes) -> int:
    return int.from_bytes(lock[:8], signed=True)
