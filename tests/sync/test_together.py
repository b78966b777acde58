"""Several at once: threads, and two syncs on one store, as two processes would be."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from contact_sync import Event, Result
from contact_sync.testing import MemoryConsumer
from key_stores import KeyStore, open_key_store
from tests.servers import Valkey
from tests.sync.helpers import INSTALLATION, TOKEN, MemoryPlatform, World, make_world

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


@dataclass
class Both:
    """Two syncs with a store each, on one database, one platform and one CRM."""

    worlds: list[World]
    platform: MemoryPlatform
    crm: MemoryConsumer
    store: KeyStore

    def at_once(self, act: Callable[[World, int], Any], times: int, threads: int = 12) -> list[Any]:
        """Do something several times at once, by turns on the one and the other."""
        start = threading.Barrier(min(threads, times))
        waited = threading.local()

        def run(number: int) -> Any:
            if not getattr(waited, "done", False):
                waited.done = True
                start.wait(20)
            return act(self.worlds[number % 2], number)

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(run, range(times)))


@pytest.fixture(params=["redis", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    if request.param == "redis":
        valkey: Valkey = request.getfixturevalue("valkey")
        return valkey.url
    return f"sqlite:///{tmp_path}/pairs.db"


@pytest.fixture
def make(url: str) -> Iterator[Callable[..., Both]]:
    stores: list[KeyStore] = []

    def made(tokens: tuple[str, ...] = (TOKEN,), **options: Any) -> Both:
        platform = MemoryPlatform(tokens)
        crm = MemoryConsumer(id_field="ref", email_field="email_address")
        stores[:] = [open_key_store(url), open_key_store(url)]
        worlds = [make_world(crm=crm, platform=platform, store=store, **options) for store in stores]
        return Both(worlds, platform, crm, stores[0])

    yield made
    for store in stores:
        store.close()


def test_fifty_copies_of_one_event_on_two_processes_make_one_record(make: Callable[..., Both]) -> None:
    both = make()
    answers = both.at_once(lambda world, _: world.event("contact_created", ANA)["data"], 50)
    assert [answer["action"] for answer in answers].count("created") == 1
    assert {answer["action"] for answer in answers} == {"created", "unchanged"}
    assert list(both.crm.records) == ["1"]
    assert both.store.get_external_id(INSTALLATION, "7") == "1"


def test_copies_of_a_contact_without_match_values_make_one_record(make: Callable[..., Both]) -> None:
    both = make()
    both.at_once(lambda world, _: world.event("contact_created", {"id": 7, "firstname": "Ana"}), 20)
    assert list(both.crm.records) == ["1"]


def test_one_person_under_many_ids_makes_one_record_and_clear_failures(make: Callable[..., Both]) -> None:
    both = make()
    answers = both.at_once(lambda world, id: world.event("contact_created", ANA | {"id": id})["data"], 12)
    assert [answer["success"] for answer in answers].count(True) == 1
    assert {answer["error"] for answer in answers if not answer["success"]} == {"ambiguous match"}
    assert list(both.crm.records) == ["1"]


def test_contacts_that_fit_one_record_by_different_addresses_do_not_take_it_from_each_other(
    make: Callable[..., Both],
) -> None:
    """They are not claimed by the same match value, only by the record that both find."""
    both = make()
    further = [f"Ana{number}@example.org" for number in range(8)]
    record = {"ref": "e1", "email_address": "ana@example.org", "further": [{"address": text} for text in further]}

    class Crm(MemoryConsumer):
        """Finds the record by any of a person's addresses."""

        def get_contact_by_email(self, email: str) -> Any:
            return Result.ok(contact=record)

    crm = Crm([record], id_field="ref", email_field="email_address")
    worlds = [make_world(crm=crm, store=world.store, platform=both.platform) for world in both.worlds]
    both.worlds[:] = worlds
    answers = both.at_once(
        lambda world, id: world.event("contact_created", {"id": id, "email": f"ana{id}@example.org"})["data"], 8
    )
    assert [answer["success"] for answer in answers].count(True) == 1
    (winner,) = [id for id, answer in enumerate(answers) if answer["success"]]
    assert both.store.get_botmatic_id(INSTALLATION, "e1") == str(winner)


def test_two_imports_of_the_same_records_at_once_make_each_contact_once(make: Callable[..., Both]) -> None:
    both = make()
    for number in range(150):
        both.crm.create_contact(
            {"first_name": f"P{number}"} | ({"email_address": f"p{number}@x"} if number % 2 else {})
        )
    reports = both.at_once(lambda world, _: world.sync.import_all(TOKEN), 2, threads=2)
    assert all(report.success for report in reports)
    assert sum(report.created for report in reports) == 150
    assert len(both.platform.contacts) == 150


def test_of_two_workspaces_that_install_at_once_one_is_let_in(make: Callable[..., Both]) -> None:
    tokens = tuple(f"tok-{number}" for number in range(8))
    both = make(tokens, auth=None)
    statuses = both.at_once(lambda world, n: world.post({"event": "install"}, tokens[n]).status_code, 8, threads=8)
    assert sorted(statuses) == [200] + [401] * 7
    assert len(both.worlds[1].sync.installations.all()) == 1


def test_tokens_of_one_client_that_are_installed_at_once_are_all_remembered(make: Callable[..., Both]) -> None:
    tokens = tuple(f"tok-{number}" for number in range(8))
    both = make(tokens, installation_id=lambda auth: "acme", secret_keys=["k" * 40])
    both.at_once(lambda world, n: world.event("install", token=tokens[n]), 8, threads=8)
    known = both.worlds[0].sync.installations.find("client:acme")
    assert known is not None
    assert all(known.has(token) for token in tokens)
    both.at_once(lambda world, n: world.event("uninstall", token=tokens[n]), 8, threads=8)
    assert both.worlds[0].sync.installations.all() == []


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_events_of_both_sides_leaves_every_record_with_one_contact(
    make: Callable[..., Both], seed: int
) -> None:
    """Creates, updates and deletes of a few contacts, in any order, on both processes."""
    both = make()
    chance = random.Random(seed)
    names = ("contact_created", "contact_updated", "contact_updated", "contact_updated", "contact_deleted")
    plan = [(chance.choice(names), chance.randrange(30)) for _ in range(120)]

    def act(world: World, number: int) -> int:
        name, id = plan[number]
        contact = {"id": id, "firstname": f"V{number}"} | ({"email": f"p{id}@example.org"} if id % 2 else {})
        return world.post({"event": name, "data": contact}).status_code

    assert set(both.at_once(act, len(plan))) == {200}
    records = both.crm.records
    assert records
    paired = [both.store.get_external_id(INSTALLATION, str(id)) for id in range(30)]
    assert sorted(records) == sorted(id for id in paired if id is not None)


def test_listeners_and_middleware_may_be_registered_while_requests_run() -> None:
    world = make_world()
    world.sync.on_event("known_0", lambda event: "heard")
    done = threading.Event()
    wrong: list[Any] = []

    def register() -> None:
        for number in range(300):
            world.sync.on_event(f"known_{number}.*", lambda event: "pattern")
            world.sync.middleware("receive", lambda event, next: next()) if number % 50 == 0 else None
        done.set()

    def ask() -> None:
        while not done.is_set():
            answers = [world.event(name)["data"] for name in ("known_0", "unknown")]
            if answers != ["heard", {"error": 'No event "unknown" defined'}]:
                wrong.append(answers)

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(ask) for _ in range(3)] + [pool.submit(register)]
        for future in futures:
            future.result()
    assert wrong == []


# A user's code that calls the sync from within


def test_a_listener_on_a_contact_may_write_that_very_contact_back() -> None:
    """It runs after the sync, when the contact is not claimed any more."""
    world = make_world()
    world.platform.contacts["7"] = {}
    results: list[Result] = []

    @world.sync.on_event("contact_created")
    def created(event: Event) -> None:
        assert event.result is not None
        id = str(event.result.id)
        world.crm.update_contact({"ref": id, "phone_number": "0612"})
        results.append(world.sync.create_contact(world.crm.records[id], event.auth.token))

    world.event("contact_created", ANA)
    assert [result.action for result in results] == ["updated"]
    assert world.platform.contacts["7"]["phone"] == "0612"


def test_an_install_listener_may_import_everything() -> None:
    world = make_world(auth=None, crm=MemoryConsumer([{"first_name": "Ana"}], id_field="ref"))
    world.sync.on_install(lambda event: {"created": world.sync.import_all(event.auth.token).created})
    assert world.event("install")["data"] == {"created": 1}
    assert world.event("install")["data"] == {"created": 0}
    assert len(world.platform.contacts) == 1


def test_middleware_that_syncs_the_contact_it_was_called_for_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In `send` and `format` the contact is claimed: a call for the same contact waits, and gives up."""
    world = make_world()
    world.sync.engine.claims._wait = 0.05
    inner: list[Result] = []

    @world.sync.middleware("send")
    def again(change: Any, next: Any) -> Any:
        if not inner:
            inner.append(world.sync.create_contact({"ref": "9", "email_address": "ana@example.org"}, TOKEN))
        return next()

    assert world.event("contact_created", ANA)["data"]["action"] == "created"
    assert (inner[0].success, inner[0].retryable) == (False, True)
    assert "another request is working on this contact" in str(inner[0].error)
