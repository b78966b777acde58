"""A platform and a declared CRM, each behind HTTP, with the sync between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app import HERE, make_sync
from contact_sync import ContactSync
from contact_sync.consumers.rest import RestConsumer
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform

SERVERS = ["kinto", "pocketbase", "datasette"]


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(delivery=DeliveryRules(longest_wait=0.05)) as platform:
        yield platform


@pytest.fixture(params=SERVERS)
def environ(request: pytest.FixtureRequest, platform: SandboxPlatform) -> dict[str, str]:
    """The environment of the app."""
    server: dict[str, str] = request.getfixturevalue(f"empty_{request.param}")
    return {
        "CRM": request.param,
        "BOTMATIC_BASE_URL": platform.url,
        "KEY_STORE": "memory://",
        "SECRET_KEYS": "a-key-for-this-test-and-nothing-else",
        **server,
    }


@pytest.fixture
def crm(environ: dict[str, str]) -> Iterator[RestConsumer]:
    """What a person at the CRM sees and does."""
    crm = RestConsumer.from_file(HERE / f"{environ['CRM']}.yaml", environ=environ)
    yield crm
    crm.close()


@pytest.fixture
def sync(environ: dict[str, str], platform: SandboxPlatform, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContactSync]:
    """The app, installed on the platform."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with make_sync() as sync, LoopbackServer(sync.app) as server:
        assert platform.install(server.url).state == "delivered"
        yield sync


def records(crm: RestConsumer) -> list[dict[str, Any]]:
    """The fields of the CRM's records that are not empty."""
    kept = ("email", "first_name", "last_name", "phone")
    everything = crm.list_all_contacts().contacts or ()
    return [{name: record[name] for name in kept if record.get(name)} for record in everything]


def test_a_contact_of_the_platform_lives_its_life_in_the_crm(
    platform: SandboxPlatform, crm: RestConsumer, sync: ContactSync
) -> None:
    """Created, changed, a field cleared, deleted."""
    id = platform.create_contact({"email": "ana@example.org", "firstname": "Ana", "lastname": "Ruiz"})
    platform.wait_idle()
    assert records(crm) == [{"email": "ana@example.org", "first_name": "Ana", "last_name": "Ruiz"}]
    platform.update_contact(id, {"firstname": "Ana María"})
    platform.wait_idle()
    assert records(crm)[0]["first_name"] == "Ana María"
    platform.update_contact(id, {"lastname": None})
    platform.wait_idle()
    assert records(crm) == [{"email": "ana@example.org", "first_name": "Ana María"}]
    platform.delete_contact(id)
    platform.wait_idle()
    assert records(crm) == []
    assert all(delivery.state == "delivered" for delivery in platform.deliveries)


def test_a_record_that_has_the_phone_number_is_adopted(
    platform: SandboxPlatform, crm: RestConsumer, sync: ContactSync
) -> None:
    crm.create_contact({"phone": "+33612345678", "first_name": "Pat"})
    platform.create_contact({"phone": "+33612345678", "lastname": "O'Brien"})
    platform.wait_idle()
    assert records(crm) == [{"first_name": "Pat", "last_name": "O'Brien", "phone": "+33612345678"}]


def test_what_changes_in_the_crm_is_pulled(platform: SandboxPlatform, crm: RestConsumer, sync: ContactSync) -> None:
    created = crm.create_contact({"email": "bea@example.org", "first_name": "Bea"})
    assert sync.pull_changes(platform.token).success
    assert [contact["firstname"] for contact in platform.contacts.values()] == ["Bea"]
    crm.update_contact({"id": created.id, "first_name": "Beatriz"})
    assert sync.pull_changes(platform.token).success
    assert [contact["firstname"] for contact in platform.contacts.values()] == ["Beatriz"]


def test_everything_in_the_crm_is_imported_and_a_second_time_creates_nothing(
    platform: SandboxPlatform, crm: RestConsumer, sync: ContactSync
) -> None:
    for n in range(35):
        crm.create_contact({"email": f"c{n}@example.org", "first_name": f"Contact {n}"})
    report = sync.import_all(platform.token)
    assert (report.success, report.created, len(platform.contacts)) == (True, 35, 35)
    again = sync.import_all(platform.token)
    assert (again.success, again.created, len(platform.contacts)) == (True, 0, 35)
