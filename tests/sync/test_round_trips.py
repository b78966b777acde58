"""How often the store is asked for one contact over the default webhook path, counted on the line to its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import pytest

from contact_sync import ConflictReport, Result
from key_stores import open_key_store
from tests.counting import CountingRelay
from tests.servers import Database, Valkey
from tests.sync.helpers import INSTALLATION, World, make_world

MOST = 3
ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana", "phone": "1"}
KEYS = ["k" * 40]


class Line(NamedTuple):
    """The line to a server: what counts on it, and the URL of the store at its end."""

    relay: CountingRelay
    url: str


class Counted(NamedTuple):
    """What an event was answered with, and how many round trips to the store it took."""

    action: str
    trips: int


@pytest.fixture(params=["redis", "postgresql"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    server: Valkey | Database = request.getfixturevalue("valkey" if request.param == "redis" else "postgresql")
    port = server.port if isinstance(server, Valkey) else server.server.port
    with CountingRelay(port) as relay:
        yield Line(relay, server.url.replace(f":{port}/", f":{relay.port}/"))


@pytest.fixture(params=["default auth, every time anew", "default auth, asked lately", "an auth function"])
def auth_trips(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], int]:
    """How the token is checked, and how many round trips that takes."""
    if request.param == "an auth function":
        return {}, 0
    monkeypatch.setattr("contact_sync.auth.INSTALLED_SECONDS", 0.0 if "anew" in request.param else 3600.0)
    return {"auth": None}, int("anew" in request.param)


@pytest.fixture
def make(line: Line, auth_trips: tuple[dict[str, Any], int]) -> Iterator[Any]:
    """Makes a world on the store, installed, with one pair, whose first events are over."""
    with closing(open_key_store(line.url)) as store:

        def made(**options: Any) -> World:
            options |= auth_trips[0]
            world = make_world(store=store, secret_keys=KEYS, **options)
            world.event("install")
            world.platform.contacts["7"] = dict(ANA)
            for phone in ("0", "1"):  # what is done once, such as teaching the server a script, is done by then
                world.event("contact_created", ANA | {"phone": phone})
            return world

        yield made


def counted(world: World, line: Line, contact: dict[str, Any]) -> Counted:
    """Send an event and count."""
    answers: list[Any] = []
    trips = line.relay.count(lambda: answers.append(world.event("contact_updated", contact)))
    return Counted(answers[0]["data"]["action"], trips)


def test_an_update_of_a_known_contact_is_three_round_trips_at_most(
    make: Any, line: Line, auth_trips: tuple[dict[str, Any], int]
) -> None:
    """The check of the token, if it is due; the claim, which says all that is known; the record of what was done."""
    world = make()
    trips = auth_trips[1] + 2
    assert trips <= MOST
    for phone in ("2", "3", None, "4"):
        assert counted(world, line, ANA | {"phone": phone}) == ("updated", trips)


def test_an_echo_is_three_round_trips_at_most(make: Any, line: Line, auth_trips: tuple[dict[str, Any], int]) -> None:
    assert counted(make(), line, ANA) == ("unchanged", auth_trips[1] + 2)


def test_a_conflict_is_three_round_trips_at_most(make: Any, line: Line, auth_trips: tuple[dict[str, Any], int]) -> None:
    world = make(conflicts="external")
    reports: list[ConflictReport] = []
    world.sync.on_conflict(reports.append)
    world.crm.update_contact({"ref": world.external_id("7"), "phone_number": "5"})
    assert counted(world, line, ANA | {"phone": "6"}) == ("updated", auth_trips[1] + 2)
    assert [dict(report.fields) for report in reports] == [{"phone": "external"}]
    assert world.platform.contacts["7"]["phone"] == "5"


def test_an_update_that_the_crm_tells_of_is_three_round_trips_at_most(make: Any, line: Line) -> None:
    """The CRM is read first, since we have written there lately; that asks no store."""
    world = make()
    for phone in ("7", "8"):
        record = {"ref": world.external_id("7"), "phone_number": phone}
        world.crm.update_contact(record)
        results: list[Result] = []
        trips = line.relay.count(partial(_update, world, record, results))
        assert results[0].action == "updated"
        assert trips <= MOST


def _update(world: World, record: dict[str, Any], results: list[Result]) -> None:
    results.append(world.sync.update_contact(record, installation=INSTALLATION))
