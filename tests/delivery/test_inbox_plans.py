"""However many events wait, what is done all the time finds its rows by an index: the databases say so themselves."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from benchmarks.delivery_backlog import fill
from contact_sync.delivery import Retries
from contact_sync.delivery.inbox.claiming import Claiming, claim, due, renew
from contact_sync.delivery.inbox.database import Database, open_database
from contact_sync.delivery.inbox.intake import Letter, store
from contact_sync.delivery.inbox.records import Records
from contact_sync.delivery.inbox.schema import APPLIED
from contact_sync.delivery.inbox.settling import Outcome, Settled, settle
from tests.servers import Database as PostgreSQLDatabase

EVENTS = 20_000
_KINDS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/inbox.db"
    if request.param == "postgresql":
        server: PostgreSQLDatabase = request.getfixturevalue("postgresql")
        url = server.url
    database = open_database(url)
    fill(database, 0, EVENTS)
    if request.param == "postgresql":
        database.write(lambda connection: connection.execute(text("ANALYZE")))
    yield database
    database.close()


@contextmanager
def explained(database: Database) -> Iterator[dict[str, str]]:
    """Have the database explain every statement that is run in the block. Gives the plans, in the end."""
    engine, plans = database._engine, dict[str, str]()
    if database.skip_locked:

        def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            if _KINDS.match(statement) and statement not in plans:
                own = cursor.connection.cursor()
                own.execute(f"EXPLAIN {statement}", parameters[0] if many else parameters)
                plans[statement] = "\n".join(str(row[-1]) for row in own.fetchall())
                own.close()

        event.listen(engine, "before_cursor_execute", before)
        yield plans
        event.remove(engine, "before_cursor_execute", before)
        return
    told: list[str] = []

    def trace(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(told.append)  # with the values in it

    event.listen(engine, "checkout", trace)
    yield plans
    event.remove(engine, "checkout", trace)
    with closing(sqlite3.connect(str(engine.url.database))) as own:
        for statement in filter(_KINDS.match, told):
            rows = own.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            plans[statement] = "\n".join(str(row[-1]) for row in rows)


def check(plans: dict[str, str]) -> None:
    """No table is read from its beginning to its end, unless in the order in which it lies and up to a limit."""
    assert plans
    for statement, plan in plans.items():
        whole = re.search(r"Seq Scan on contact_sync_(events|lanes)|^SCAN (contact_sync_\w+|events|lanes)$", plan, re.M)
        assert not whole or ("LIMIT" in statement and "SCAN events" in plan), f"{statement}\n{plan}"
        assert "TEMP B-TREE FOR ORDER BY" not in plan or "numbered" in plan, f"{statement}\n{plan}"


def test_accepting_claiming_and_settling_find_their_rows_by_an_index(database: Database) -> None:
    with explained(database) as plans:
        for delivery in (None, b"d"):
            letter = Letter(f"{EVENTS + bool(delivery):032x}", b"l", b"token:1", b"c", "x", delivery, b"d", b"{}")
            store(database, letter)
        claiming = Claiming("me", dict.fromkeys(due(database)[:3], 4), 60.0)
        claimed, _ = database.write(lambda connection: claim(database, connection, claiming, Retries()))
        assert len(claimed) == 12
        renew(database, [claimed[0].owner], 60.0)
        settled = [Settled(one, (Outcome(one.events[0], APPLIED, "updated"),)) for one in claimed]
        database.write(lambda connection: settle(database, connection, settled))
    check(plans)


def test_finding_and_listing_the_first_in_line_do_not_read_all_that_waits(database: Database) -> None:
    records = Records(database)
    with explained(database) as plans:
        assert records.find(f"{1:032x}") is not None
        assert len(records.latest([], None, None, 10)) == 10
        assert records.drop(f"{1:032x}").success
        records.clean(1.0, 1.0)
    check(plans)
