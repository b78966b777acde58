"""A platform and a Kinto, each behind HTTP, with the sync between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from app import make_sync
from conftest import ACCOUNT
from consumer import KintoConsumer, Reply
from contact_sync import ContactSync
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(delivery=DeliveryRules(longest_wait=0.05)) as platform:
        yield platform


@pytest.fixture
def crm(empty_kinto: str) -> Iterator[KintoConsumer]:
    """What a person at the CRM sees and does."""
    crm = KintoConsumer(empty_kinto, ACCOUNT)
    yield crm
    crm.close()


@pytest.fixture
def sync(
    platform: SandboxPlatform, crm: KintoConsumer, kinto: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ContactSync]:
    """The app, installed on the platform."""
    for name, value in {
        "BOTMATIC_BASE_URL": platform.url,
        "KINTO_SERVER": kinto,
        "KINTO_USER": ACCOUNT[0],
        "KINTO_PASSWORD": ACCOUNT[1],
        "KEY_STORE": "memory://",
        "SECRET_KEYS": "a-key-for-this-test-and-nothing-else",
    }.items():
        monkeypatch.setenv(name, value)
    with make_sync() as sync, LoopbackServer(sync.app) as server:
        assert platform.install(server.url).state == "delivered"
        yield sync


def records(crm: KintoConsumer) -> list[dict[str, Any]]:
    """The CRM's records without what Kinto itself adds."""
    everything = crm.list_all_contacts().contacts or ()
    return [{k: v for k, v in record.items() if k not in ("id", "last_modified")} for record in everything]


def test_a_contact_of_the_platform_lives_its_life_in_kinto(
    platform: SandboxPlatform, crm: KintoConsumer, sync: ContactSync
) -> None:
    """Created, changed, a field cleared, deleted."""
    id = platform.create_contact({"email": "ana@example.org", "firstname": "Ana", "birthdate": "1990-02-09"})
    platform.wait_idle()
    assert records(crm) == [{"email": "ana@example.org", "first_name": "Ana", "born_on": "1990-02-09"}]
    platform.update_contact(id, {"firstname": "Ana María"})
    platform.wait_idle()
    assert records(crm)[0]["first_name"] == "Ana María"
    platform.update_contact(id, {"firstname": None})
    platform.wait_idle()
    assert records(crm)[0]["first_name"] is None
    platform.delete_contact(id)
    platform.wait_idle()
    assert records(crm) == []
    assert all(delivery.state == "delivered" for delivery in platform.deliveries)


def test_a_record_that_has_the_email_is_adopted(
    platform: SandboxPlatform, crm: KintoConsumer, sync: ContactSync
) -> None:
    crm.create_contact({"email": "o'brien+news@example.org", "first_name": "Pat"})
    platform.create_contact({"email": "o'brien+news@example.org", "firstname": "Patricia", "lastname": "O'Brien"})
    platform.wait_idle()
    (record,) = records(crm)
    assert (record["email"], record["last_name"]) == ("o'brien+news@example.org", "O'Brien")


def test_everything_in_kinto_is_imported_and_a_second_time_creates_nothing(
    platform: SandboxPlatform, crm: KintoConsumer, sync: ContactSync
) -> None:
    for n in range(75):
        crm.create_contact({"email": f"c{n}@example.org", "first_name": f"Contact {n}", "points": n})
    report = sync.import_all(platform.token)
    assert (report.success, report.created, len(platform.contacts)) == (True, 75, 75)
    assert sorted(contact["score"] for contact in platform.contacts.values()) == list(range(75))
    again = sync.import_all(platform.token)
    assert (again.success, again.created, len(platform.contacts)) == (True, 0, 75)


def test_what_changes_in_kinto_can_be_sent_to_the_platform(
    platform: SandboxPlatform, crm: KintoConsumer, sync: ContactSync
) -> None:
    """Kinto says nothing by itself: who writes there calls these methods."""
    created = crm.create_contact({"email": "bea@example.org", "first_name": "Bea"})
    assert sync.create_contact(dict(created.contact or {}), platform.token).success
    assert [contact["firstname"] for contact in platform.contacts.values()] == ["Bea"]
    assert sync.update_contact({"id": created.id, "first_name": "Beatriz"}, platform.token).success
    assert [contact["firstname"] for contact in platform.contacts.values()] == ["Beatriz"]
    crm.delete_contact(str(created.id))
    assert sync.delete_contact(str(created.id), platform.token).success
    assert platform.contacts == {}


def test_while_kinto_is_away_events_wait(
    platform: SandboxPlatform, crm: KintoConsumer, sync: ContactSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform is told to come again (503), and does."""
    call = KintoConsumer._call
    refused: list[int] = []

    def flaky(consumer: KintoConsumer, *arguments: Any, **named: Any) -> Reply:
        if len(refused) < 2:
            refused.append(1)
            raise requests.ConnectionError
        return call(consumer, *arguments, **named)

    monkeypatch.setattr(KintoConsumer, "_call", flaky)
    platform.create_contact({"email": "ana@example.org"})
    platform.wait_idle()
    assert [attempt.status for attempt in platform.deliveries[-1].attempts] == [503, 503, 200]
    assert records(crm) == [{"email": "ana@example.org"}]
