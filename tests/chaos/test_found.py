"""Stories in which the proof once found something lost, or out of order."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from contact_sync import Result
from contact_sync.delivery import Delivery, Retries, State
from contact_sync.delivery.inbox import Inbox
from contact_sync.testing import MemoryConsumer
from tests.project.markdown import ROOT
from tests.servers import Database, Valkey
from tests.sync.helpers import World, make_world

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

PATIENCE: Final = 30.0
RETRIES: Final = Retries(first=0.2, longest=0.2)
LEASE: Final = 0.5

ANA: Final = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}

NewWorld = Callable[[], World]


class _Death(BaseException):
    """Ends the thread that applies an event, as if its process had died."""


class MortalCRM(MemoryConsumer):
    """A CRM whose caller dies when it has its answer, as often as it is told. It notes what a record was, each time."""

    def __init__(self) -> None:
        super().__init__(id_field="ref", email_field="email_address")
        self.deaths = 0
        self.states: list[object] = []

    def create_contact(self, contact: dict[str, Any]) -> Result | Mapping[str, Any]:
        return self._done(super().create_contact(contact))

    def update_contact(self, contact: dict[str, Any]) -> Result | Mapping[str, Any]:
        return self._done(super().update_contact(contact))

    def _done(self, result: Result | Mapping[str, Any]) -> Result | Mapping[str, Any]:
        self.states.append(next(iter(self.records.values())).get("first_name"))
        if self.deaths:
            self.deaths -= 1
            raise _Death
        return result


@pytest.fixture(params=["sqlite", "postgresql", "dramatiq"])
def new_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewWorld]:
    made: list[Delivery] = []

    def make() -> World:
        delivery: Delivery
        if request.param == "dramatiq":
            from contact_sync.delivery.dramatiq import DramatiqDelivery

            valkey: Valkey = request.getfixturevalue("valkey")
            delivery = DramatiqDelivery(valkey.url, retries=RETRIES, lease_seconds=LEASE)
        else:
            url = f"sqlite:///{tmp_path}/inbox.db"
            if request.param == "postgresql":
                database: Database = request.getfixturevalue("postgresql")
                url = database.url
            delivery = Inbox(url, retries=RETRIES, lease_seconds=LEASE)
        made.append(delivery)
        return make_world(crm=MortalCRM(), delivery=delivery, secret_keys=["k" * 40])

    yield make
    for delivery in made:
        delivery.close()


@contextmanager
def working(world: World) -> Iterator[None]:
    """Have a worker while the block runs."""
    stop = threading.Event()
    worker = threading.Thread(target=world.sync.run_worker, args=(stop,), kwargs={"threads": 2})
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join(PATIENCE)


def accepted(world: World, name: str, **data: Any) -> str:
    """Tell an event of contact 7. Its id."""
    return str(world.event(name, ANA | data)["data"]["event_id"])


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def settle(world: World) -> None:
    """Let everything be applied that waits."""
    with working(world):
        wait_until(lambda: world.sync.delivery.backlog().oldest is None)


def tried(world: World, id: str) -> bool:
    """Whether an event was tried, and waits again."""
    record = world.sync.delivery.event(id)
    return record is not None and record.tries > 0 and record.state is State.WAITING


def name_in_crm(world: World) -> object:
    """What the only record of the CRM has for a first name."""
    [record] = world.crm.records.values()
    return record.get("first_name")


def test_an_edit_whose_answer_got_lost_can_be_taken_back(new_world: NewWorld) -> None:
    """The CRM has Bea; folded with what takes it back, it would look as if nothing had changed since Ana."""
    world = new_world()
    accepted(world, "contact_created")
    settle(world)
    world.crm.fail_next(TimeoutError(), method="update_contact", after=True)
    edit = accepted(world, "contact_updated", firstname="Bea")
    with working(world):
        wait_until(lambda: tried(world, edit))
    accepted(world, "contact_updated", firstname="Ana")
    settle(world)
    assert name_in_crm(world) == "Ana"


def test_what_is_cleared_after_a_create_whose_answer_got_lost_is_cleared(new_world: NewWorld) -> None:
    """The record is found again. Folded with the clear, the platform would be given back what it has cleared."""
    world = new_world()
    world.platform.contacts["7"] = {}
    world.crm.fail_next(TimeoutError(), method="create_contact", after=True)
    create = accepted(world, "contact_created")
    with working(world):
        wait_until(lambda: tried(world, create))
    accepted(world, "contact_updated", firstname=None)
    settle(world)
    assert not name_in_crm(world)
    assert world.platform.contacts["7"] == {}


@pytest.mark.parametrize("deaths", [1, 2])
def test_what_was_applied_as_one_when_a_worker_died_does_not_go_back(new_world: NewWorld, deaths: int) -> None:
    """Its first event alone is older than what may be written by then."""
    world = new_world()
    crm = world.crm
    assert isinstance(crm, MortalCRM)
    accepted(world, "contact_created")
    settle(world)
    crm.deaths = deaths
    for name in ("Bea", "Cora", "Dora"):
        accepted(world, "contact_updated", firstname=name)
    settle(world)
    assert crm.states == ["Ana", *["Dora"] * (deaths + 1)]


def test_a_key_store_that_cannot_write_says_that_it_is_so_for_now(tmp_path: Path) -> None:
    """SQLite has rolled back itself by then, and refuses to do it once more."""
    program = [sys.executable, "-c", _WRITES_NOTHING, f"sqlite:///{tmp_path}/pairs.db"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.strip() == "StoreUnavailable SQLite cannot do this at the moment (SQLITE_IOERR_WRITE)", done


_WRITES_NOTHING: Final = """
import resource, sys
from key_stores import KeyStoreError, open_key_store

store = open_key_store(sys.argv[1])
store.save_ids("token:1", "7", "1")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    store.save_ids("token:1", "8", "2")
except KeyStoreError as error:
    print(type(error).__name__, error)
"""
