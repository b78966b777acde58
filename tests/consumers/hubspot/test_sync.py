"""A platform and HubSpot, each behind HTTP, with the sync between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from contact_sync import ContactSync
from contact_sync.consumers.hubspot import fields_of
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform
from mappers import Mapper, Mapping

from .conftest import Connect
from .double import HubSpotDouble

FIELDS = Mapper(
    [
        Mapping("id", "id", id=True),
        Mapping("email", "email", match=True),
        Mapping("firstname", "firstname"),
        Mapping("lastname", "lastname"),
        Mapping("birthdate", "born_on", type="date"),
        Mapping("score", "points", type="number"),
        Mapping("last_seen", "lastmodifieddate", direction="to_botmatic"),
    ]
)

Start = Callable[..., ContactSync]


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(delivery=DeliveryRules(longest_wait=0.05)) as platform:
        yield platform


@pytest.fixture
def start(platform: SandboxPlatform, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a sync that is installed on the platform."""
    monkeypatch.setenv("BOTMATIC_BASE_URL", platform.url)
    with ExitStack() as opened:

        def started(**options: Any) -> ContactSync:
            consumer = connect(properties=fields_of(FIELDS), index_lag=60)
            sync = ContactSync(consumer, FIELDS, "memory://", secret_keys=["k" * 40], **options)
            opened.enter_context(sync)
            server = opened.enter_context(LoopbackServer(sync.app))
            assert platform.install(server.url).state == "delivered"
            return sync

        yield started


def record(hubspot: HubSpotDouble, email: str) -> dict[str, str]:
    """What a person at HubSpot sees of a contact."""
    contact = hubspot.portal.by_address(email)
    assert contact is not None
    return {name: value for name, value in contact.properties.items() if name not in ("lifecyclestage",)}


def id_of(hubspot: HubSpotDouble, email: str) -> str:
    contact = hubspot.portal.by_address(email)
    assert contact is not None
    return str(contact.id)


def by_email(platform: SandboxPlatform, email: str) -> dict[str, Any]:
    (contact,) = [one for one in platform.contacts.values() if one.get("email") == email]
    return dict(contact)


def test_a_contact_of_the_platform_lives_its_life_in_hubspot(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    """Created, changed, a field cleared, deleted. What HubSpot alone writes is not written to it."""
    start()
    id = platform.create_contact(
        {"email": "Ana@Example.org", "firstname": "Ana", "birthdate": "1990-02-09", "score": 3, "last_seen": "now"}
    )
    platform.wait_idle()
    assert record(hubspot, "ana@example.org") == {
        "email": "ana@example.org",
        "firstname": "Ana",
        "born_on": "1990-02-09",
        "points": "3",
    }
    platform.update_contact(id, {"firstname": "Ana María", "score": None})
    platform.wait_idle()
    assert record(hubspot, "ana@example.org") == {
        "email": "ana@example.org",
        "firstname": "Ana María",
        "born_on": "1990-02-09",
    }
    platform.delete_contact(id)
    platform.wait_idle()
    assert [contact.archived is not None for contact in hubspot.portal.contacts.values()] == [True]
    assert all(delivery.state == "delivered" for delivery in platform.deliveries)


def test_what_changes_in_hubspot_comes_with_a_pull_and_nothing_goes_back(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    sync = start()
    id = str(hubspot.portal.create({"email": "bea@example.org", "firstname": "Bea", "born_on": "1990-02-09"}).id)
    assert sync.pull_changes(platform.token).created == 1
    hubspot.portal.update(id, {"firstname": "Beatriz", "born_on": "", "points": "17"})
    report = sync.pull_changes(platform.token)
    assert (report.success, report.updated) == (True, 1)
    platform.wait_idle()
    contact = by_email(platform, "bea@example.org")
    assert (contact["firstname"], contact.get("birthdate") or None, contact["score"]) == ("Beatriz", None, 17)
    again = sync.pull_changes(platform.token)
    assert (again.success, again.updated, again.created, len(platform.contacts)) == (True, 0, 0, 1)
    assert {call.method for call in hubspot.calls if call.path != "/search"} == {"GET"}


def test_a_record_that_has_the_address_is_adopted_and_its_blanks_are_filled(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    start()
    hubspot.portal.create({"email": "pat@example.org", "firstname": "Pat"})
    platform.create_contact({"email": "PAT@example.org", "firstname": "Patricia", "lastname": "O'Brien"})
    platform.wait_idle()
    assert len(hubspot.portal.contacts) == 1
    assert record(hubspot, "pat@example.org")["lastname"] == "O'Brien"


def test_what_is_archived_in_hubspot_is_found_missing_by_a_full_pull(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    sync = start()
    for name in ("ana", "bea"):
        hubspot.portal.create({"email": f"{name}@example.org"})
    assert sync.pull_changes(platform.token).created == 2
    hubspot.portal.archive(id_of(hubspot, "ana@example.org"))
    assert sync.pull_changes(platform.token).deleted == 0
    assert sync.pull_changes(platform.token, full=True).deleted == 1
    assert [contact["email"] for contact in platform.contacts.values()] == ["bea@example.org"]


def two_people(platform: SandboxPlatform) -> tuple[str, str]:
    """Two contacts of the platform who are one person, as somebody at HubSpot will find out."""
    ana = platform.create_contact({"email": "ana@example.org", "firstname": "Ana"})
    other = platform.create_contact({"email": "ana.reyes@example.org", "firstname": "Ana Reyes"})
    platform.wait_idle()
    return ana, other


def test_a_merger_in_hubspot_keeps_the_pair_of_the_record_that_came_of_it(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    """Both former records are gone, and no contact of the platform is: the first is paired with the new record."""
    sync = start()
    ana, other = two_people(platform)
    sync.pull_changes(platform.token)
    merged = hubspot.portal.merge(id_of(hubspot, "ana@example.org"), id_of(hubspot, "ana.reyes@example.org"))
    report = sync.pull_changes(platform.token)
    assert report.success
    assert sorted(platform.contacts) == sorted((ana, other))
    hubspot.portal.update(str(merged.id), {"lastname": "Reyes"})
    assert sync.pull_changes(platform.token).success
    assert platform.contacts[ana]["lastname"] == "Reyes"
    platform.update_contact(ana, {"firstname": "Ana María"})
    platform.wait_idle()
    assert record(hubspot, "ana@example.org")["firstname"] == "Ana María"
    assert len(hubspot.portal.there()) == 1


def test_before_its_news_comes_a_merger_loses_no_edit_and_deletes_nothing(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    """An edit of either contact reaches the record that came of it; the end of one is not the end of that record."""
    sync = start()
    ana, other = two_people(platform)
    hubspot.portal.merge(id_of(hubspot, "ana@example.org"), id_of(hubspot, "ana.reyes@example.org"))
    platform.update_contact(other, {"lastname": "Reyes"})
    platform.wait_idle()
    assert record(hubspot, "ana@example.org")["lastname"] == "Reyes"
    platform.delete_contact(other)
    platform.wait_idle()
    assert len(hubspot.portal.there()) == 1
    assert sync.pull_changes(platform.token).success
    platform.update_contact(ana, {"score": 5})
    platform.wait_idle()
    assert record(hubspot, "ana@example.org")["points"] == "5"
    assert all(delivery.state == "delivered" for delivery in platform.deliveries)


def test_a_merger_that_is_told_to_the_sync_moves_the_pair(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    """As by a webhook: each of the two former ids, and what came of them."""
    sync = start()
    ana, _ = two_people(platform)
    former = [id_of(hubspot, "ana@example.org"), id_of(hubspot, "ana.reyes@example.org")]
    merged = hubspot.portal.merge(*former)
    for loser in former:
        assert sync.merge_contacts(loser, str(merged.id), platform.token).success
    platform.update_contact(ana, {"firstname": "Ana María"})
    platform.wait_idle()
    assert hubspot.paths()[-1] == f"PATCH /{merged.id}"
    assert record(hubspot, "ana@example.org")["firstname"] == "Ana María"


def test_while_hubspot_is_called_too_often_events_wait(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    start()
    hubspot.answer_next("429_ten_secondly", 2, headers={"Retry-After": "0"})
    platform.create_contact({"email": "ana@example.org"})
    platform.wait_idle()
    assert [attempt.status for attempt in platform.deliveries[-1].attempts] == [503, 503, 200]
    assert record(hubspot, "ana@example.org") == {"email": "ana@example.org"}


def test_everything_in_hubspot_is_imported_and_a_second_time_creates_nothing(
    platform: SandboxPlatform, hubspot: HubSpotDouble, start: Start
) -> None:
    sync = start()
    for n in range(130):
        hubspot.portal.create({"email": f"c{n}@example.org", "points": str(n)})
    report = sync.import_all(platform.token)
    assert (report.success, report.created, len(platform.contacts)) == (True, 130, 130)
    again = sync.import_all(platform.token)
    assert (again.success, again.created, again.updated, len(platform.contacts)) == (True, 0, 0, 130)
