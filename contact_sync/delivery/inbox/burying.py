"""What becomes of events whose worker died while it applied them: it counts as a try, and in the end they are given up.

Their lane becomes due a little later, so that what died together is tried apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from contact_sync.delivery.base import DIED
from contact_sync.delivery.retries import Retries

from .database import run, run_many
from .schema import FAILED, WAITING
from .tries import with_try


@dataclass(frozen=True, slots=True)
class Buried:
    """An event whose worker died.

    Attributes:
        id: Its id.
        installation: For whom it is, as it is kept.
        name: Its name.
        arrived: When it arrived.
        tries: How often it was tried, this time included.
        is_over: Whether it is a dead letter now.
        wait: In how many seconds it is tried again.
    """

    id: str
    installation: bytes
    name: str
    arrived: float
    tries: int
    is_over: bool
    wait: float


_IN_FLIGHT: Final = """
    SELECT seq, id, name, arrived, tries, crashes, log FROM contact_sync_events
    WHERE lane = :lane AND state = 0 AND seq <= :upto ORDER BY seq
"""

_COUNT_CRASH: Final = """
    UPDATE contact_sync_events
    SET tries = tries + 1, crashes = crashes + 1, log = :log, state = :state, settled = :settled
    WHERE seq = :seq
"""

_PUT_OFF: Final = "UPDATE contact_sync_lanes SET owner = NULL, ready = :ready WHERE lane = :lane"


def bury(
    connection: Connection, installation: bytes, lane: bytes, upto: int | None, now: float, retries: Retries
) -> list[Buried]:
    """Count a crash for the events that were in flight in a lane, and give the lane back."""
    found = run(connection, _IN_FLIGHT, lane=lane, upto=upto or 0)
    deaths = {seq: crashes + 1 for seq, *_, crashes, _ in found}
    worst = max((died for died in deaths.values() if died < retries.crashes), default=0)
    wait = retries.after_crash(worst) if worst else 0.0
    rows: list[dict[str, Any]] = []
    buried: list[Buried] = []
    for seq, id, name, arrived, tries, _, log in found:
        over = deaths[seq] >= retries.crashes
        state, settled = (FAILED, now) if over else (WAITING, None)
        rows.append({"seq": seq, "log": with_try(log, now, DIED), "state": state, "settled": settled})
        buried.append(Buried(id, installation, name, arrived, tries + 1, over, wait))
    run_many(connection, _COUNT_CRASH, rows)
    run(connection, _PUT_OFF, lane=lane, ready=now + wait)
    return buried
