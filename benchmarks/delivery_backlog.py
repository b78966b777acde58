"""What a long backlog costs who claims: the time of a claim beside a thousand waiting events, and beside a million."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from benchmarks.report import Figure
from contact_sync.delivery import Retries
from contact_sync.delivery.inbox.claiming import Claiming, claim, due
from contact_sync.delivery.inbox.database import Database, open_database
from contact_sync.delivery.inbox.schema import APPLIED, events, lanes
from contact_sync.delivery.inbox.settling import Outcome, Settled, settle
from tests.servers import run_postgresql

INSTALLATIONS: Final = 20
SHARE: Final = 8
TIMES: Final = 100
_CHUNK: Final = 5_000


def claims_beside_a_backlog(place: Path, many: int) -> list[Figure]:
    """Claim and settle on SQLite and PostgreSQL, with few and with many events waiting."""
    figures = []
    with run_postgresql() as server, server.database() as postgresql:
        for name, url in (("SQLite", f"sqlite:///{place}/backlog.db"), ("PostgreSQL", postgresql.url)):
            database = open_database(url)
            fill(database, 0, 1_000)
            few = _round(database)
            fill(database, 1_000, many)
            ratio = (much := _round(database)) / few
            database.close()
            label = f"claim and settle beside {many:,} waiting, {name}"
            figures.append(Figure(label, much, "ms", few, "1,000 waiting", "at most 1.50", ratio <= 1.5))
    return figures


def fill(database: Database, first: int, last: int) -> None:
    """Have events wait, each of another contact, of some installations."""
    now = time.time()
    for begin in range(first, last, _CHUNK):
        numbers = range(begin, min(begin + _CHUNK, last))
        rows = [
            {
                "id": f"{number:032x}",
                "lane": number.to_bytes(16),
                "installation": f"token:{number % INSTALLATIONS}".encode(),
                "contact": str(number).encode(),
                "name": "contact_updated",
                "state": 0,
                "arrived": now,
                "since": now,
                "tries": 0,
                "crashes": 0,
                "body": b"x" * 200,
            }
            for number in numbers
        ]
        lane_rows = [
            {"lane": row["lane"], "installation": row["installation"], "ready": now, "touched": now} for row in rows
        ]
        database.write(
            lambda connection, rows=rows, lane_rows=lane_rows: (  # type: ignore[misc]
                connection.execute(insert(events), rows),
                connection.execute(insert(lanes), lane_rows),
            )
        )


def _round(database: Database) -> float:
    """Look, claim a few lanes, and settle them; the median in milliseconds."""
    took = []
    for number in range(TIMES):
        began = time.perf_counter()
        found = sorted(due(database))
        claiming = Claiming(str(number), {found[number % len(found)]: SHARE}, 60.0)
        claimed, _ = database.write(lambda connection: claim(database, connection, claiming, Retries()))  # noqa: B023

        settled = [Settled(one, (Outcome(one.events[0], APPLIED, "updated"),)) for one in claimed]
        database.write(lambda connection: settle(database, connection, settled))  # noqa: B023
        took.append(1000 * (time.perf_counter() - began))
        assert len(claimed) == SHARE
    return statistics.median(took)
