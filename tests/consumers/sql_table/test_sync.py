"""A platform and a table that a company works with, kept the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import ContactSync
from contact_sync.consumers.sql_table import SQLTableConsumer
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform
from mappers import Mapping
from tests.consumers.sql_table.conftest import Place, SQLiteFile

PEOPLE = """
CREATE TABLE people (
    id {id},
    email varchar(200) UNIQUE,
    first_name varchar(50) NOT NULL DEFAULT '',
    born date,
    points integer,
    vip boolean,
    details json,
    deleted_at timestamp,
    version integer NOT NULL DEFAULT 1
);
"""

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", match=True),
    Mapping("firstname", "first_name"),
    Mapping("birthdate", "born", type="date"),
    Mapping("score", "points", type="number"),
    Mapping("vip", "vip", type="boolean"),
    Mapping("city", "details.city"),
]


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(delivery=DeliveryRules(longest_wait=0.05)) as platform:
        yield platform


@pytest.fixture
def sync(platform: SandboxPlatform, place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContactSync]:
    """The sync, installed on the platform."""
    monkeypatch.setenv("BOTMATIC_BASE_URL", platform.url)
    sqlite = isinstance(place, SQLiteFile)
    place.run(PEOPLE.format(id="INTEGER PRIMARY KEY AUTOINCREMENT" if sqlite else "serial PRIMARY KEY"))
    consumer = SQLTableConsumer(place.url, "people", changed_column="version", deleted_column="deleted_at", overlap=0)
    with (
        ContactSync(consumer, FIELDS, "memory://", secret_keys=["k" * 40]) as sync,
        LoopbackServer(sync.app) as server,
    ):
        assert platform.install(server.url).state == "delivered"
        yield sync
    consumer.close()


def only(platform: SandboxPlatform) -> dict[str, Any]:
    (contact,) = platform.contacts.values()
    return dict(contact)


def test_a_contact_of_the_platform_lives_its_life_in_the_table(
    platform: SandboxPlatform, place: Place, sync: ContactSync
) -> None:
    """Created, changed, a field cleared, deleted."""
    query = "SELECT email, first_name, CAST(born AS text), points, vip, deleted_at IS NULL FROM people"
    id = platform.create_contact(
        {"email": "ana@example.org", "firstname": "Ana", "birthdate": "1990-02-09", "score": 7, "vip": True}
    )
    platform.wait_idle()
    assert place.rows(query) == [("ana@example.org", "Ana", "1990-02-09", 7, True, True)]
    platform.update_contact(id, {"firstname": "Ana María", "score": None, "city": "Vigo"})
    platform.wait_idle()
    assert place.rows(query) == [("ana@example.org", "Ana María", "1990-02-09", None, True, True)]
    platform.update_contact(id, {"firstname": None})
    platform.wait_idle()
    assert place.rows(query)[0][1] == ""
    platform.delete_contact(id)
    platform.wait_idle()
    assert place.rows(query)[0][5] in (False, 0)
    assert all(delivery.state == "delivered" for delivery in platform.deliveries)


def test_what_changes_in_the_table_comes_with_a_pull(
    platform: SandboxPlatform, place: Place, sync: ContactSync
) -> None:
    place.run("INSERT INTO people (email, first_name, points) VALUES ('ana@example.org', 'Ana', 5)")
    report = sync.pull_changes(platform.token)
    assert (report.success, report.created) == (True, 1)
    assert (only(platform)["firstname"], only(platform)["score"]) == ("Ana", 5)
    place.run("UPDATE people SET first_name = 'Ana María', points = NULL, version = 2")
    report = sync.pull_changes(platform.token)
    assert (report.success, report.updated) == (True, 1)
    assert (only(platform)["firstname"], only(platform).get("score")) == ("Ana María", None)
    platform.wait_idle()
    assert sync.pull_changes(platform.token).updated == 0
    place.run("UPDATE people SET deleted_at = '2024-05-01 10:00:00', version = 3")
    report = sync.pull_changes(platform.token)
    assert (report.success, report.deleted) == (True, 1)
    assert platform.contacts == {}


def test_edits_on_both_sides_of_different_fields_both_stay(
    platform: SandboxPlatform, place: Place, sync: ContactSync
) -> None:
    """An update writes the changed columns alone."""
    place.run("INSERT INTO people (email, first_name, points) VALUES ('ana@example.org', 'Ana', 5)")
    sync.pull_changes(platform.token)
    place.run('UPDATE people SET points = 6, details = \'{"zip": "0612"}\', version = 2')
    platform.update_contact(only(platform)["id"], {"firstname": "Ana María", "city": "Vigo"})
    platform.wait_idle()
    assert sync.pull_changes(platform.token).success
    assert (only(platform)["score"], only(platform)["firstname"]) == (6, "Ana María")
    assert place.rows("SELECT first_name, points FROM people") == [("Ana María", 6)]
    assert "0612" in str(place.rows("SELECT details FROM people")[0][0])


def test_a_row_that_has_the_address_is_adopted(platform: SandboxPlatform, place: Place, sync: ContactSync) -> None:
    place.run("INSERT INTO people (email) VALUES ('Ana@Example.org')")
    platform.create_contact({"email": "ana@example.org", "firstname": "Ana"})
    platform.wait_idle()
    assert place.rows("SELECT first_name FROM people") == [("Ana",)]
    report = sync.import_all(platform.token)
    assert (report.success, report.created, len(platform.contacts)) == (True, 0, 1)
