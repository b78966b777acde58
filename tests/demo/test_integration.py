"""The demo's integration between the sandbox platform and the example CRM, all over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from contact_sync import ContactSync
from contact_sync.delivery import EventRecord, State
from contact_sync.demo.crm.notices import signature
from contact_sync.demo.integration.app import OWN_NAME, make_sync
from contact_sync.demo.story.service import free_port
from contact_sync.installations import token_installation_id
from contact_sync.testing.sandbox import LoopbackServer, SandboxPlatform
from tests.demo.helpers import OWN_KEY, Crm

SECRET = "a secret key for this test alone"


@dataclass
class Service:
    """The integration, served from this process."""

    url: str
    sync: ContactSync


@contextmanager
def working(sync: ContactSync) -> Iterator[None]:
    """Apply what waits, as `contact-sync serve` does beside the server."""
    stop = threading.Event()
    worker = threading.Thread(target=sync.run_worker, args=(stop,), kwargs={"threads": 2})
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform() as platform:
        yield platform


@pytest.fixture
def service(crm: Crm, platform: SandboxPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The integration, served from this process and installed."""
    port = free_port()
    settings = {
        "BOTMATIC_BASE_URL": platform.url,
        "DEMO_CRM_URL": crm.url,
        "DEMO_CRM_KEY": OWN_KEY,
        "DEMO_KEY_STORE": f"sqlite:///{tmp_path}/pairs.db",
        "DEMO_INBOX": f"sqlite:///{tmp_path}/inbox.db",
        "DEMO_SECRET_KEY": SECRET,
        "DEMO_OWN_URL": f"http://127.0.0.1:{port}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with (
        make_sync() as sync,
        closing(sync.delivery),
        LoopbackServer(sync.app, port) as server,
        working(sync),
    ):
        assert platform.install(f"{server.url}/").answer["success"]
        yield Service(server.url, sync)


def applied(platform: SandboxPlatform, service: Service) -> list[EventRecord]:
    """Wait until all that the platform has told of is applied. What came of it, in the order in which it was told."""
    platform.wait_idle()
    eventually(lambda: not unsettled(service))
    told = [delivery for delivery in platform.deliveries if delivery.contact_id is not None]
    found = [service.sync.delivery.event(delivery.answer["data"]["event_id"]) for delivery in told]
    return [record for record in found if record is not None]


def unsettled(service: Service) -> list[EventRecord]:
    """The events that wait or are in flight."""
    return service.sync.delivery.events(states=[State.WAITING, State.IN_FLIGHT])


def eventually(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def notify(service: Service, notice: dict[str, Any], secret: str = SECRET) -> requests.Response:
    """Send a notice as the CRM does."""
    body = json.dumps(notice).encode()
    headers = {"Content-Type": "application/json", "X-CRM-Signature": signature(secret, body)}
    return requests.post(f"{service.url}/crm", body, headers=headers, timeout=10)


def notes(platform: SandboxPlatform) -> list[object]:
    return [contact.get("notes") for contact in platform.contacts.values()]


def imported(platform: SandboxPlatform) -> dict[str, Any]:
    report = platform.send_action("import_contacts").wait().answer["data"]
    assert isinstance(report, dict)
    return report


def test_a_notice_with_another_signature_changes_nothing(crm: Crm, platform: SandboxPlatform, service: Service) -> None:
    contact = crm.records.add({"notes": "not to be told"})
    notice = {"event": "contact.created", "contact": contact, "by": "front desk"}
    assert notify(service, notice, "another secret").status_code == 401
    assert requests.post(f"{service.url}/crm", json=notice, timeout=10).status_code == 401
    assert platform.contacts == {}


def test_what_the_integration_has_written_itself_is_not_written_back(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    contact = crm.records.add({"notes": "by the integration"})
    answer = notify(service, {"event": "contact.created", "contact": contact, "by": OWN_NAME})
    assert (answer.status_code, "skipped" in answer.json(), platform.contacts) == (200, True, {})


def test_an_edit_arrives_even_if_the_platform_is_away_for_a_moment(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    """The library's client asks a few times; then the CRM sends its notice again."""
    contact = crm.records.add({"notes": "first"})
    imported(platform)
    platform.fail(6, on="update_contact", status=503)
    crm.desk.update_contact({"id": contact["id"], "notes": "at last"})
    platform.wait_for(lambda: notes(platform) == ["at last"])
    assert platform.faults == ()


def test_a_contact_whose_creation_is_in_doubt_is_told_of_again_when_that_is_settled(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    """It may be on the platform already, which would tell of it soon: the CRM is asked to wait for that long."""
    contact = crm.records.add({"notes": "in doubt"})
    notice = {"event": "contact.created", "contact": contact, "by": "front desk"}
    platform.fail(1, on="create_contact", status=503)
    assert notify(service, notice).status_code == 503
    again = notify(service, notice)
    assert (again.status_code, int(again.headers["Retry-After"]) > 0) == (503, True)
    assert platform.contacts == {}


def test_an_edit_of_a_contact_that_came_in_silence_brings_it_over(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    contact = crm.records.add({"notes": "bulk load"})
    assert platform.contacts == {}
    crm.desk.update_contact({"id": contact["id"], "notes": "edited"})
    platform.wait_for(lambda: notes(platform) == ["edited"])


def test_a_contact_that_cannot_be_mapped_is_reported_and_the_others_arrive(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    wrong = crm.records.add({"customer_since": "a long time ago"})
    crm.records.add({"customer_since": "1 Mar 2024"})
    report = imported(platform)
    assert (report["success"], report["created"]) == (False, 1)
    assert [failed["id"] for failed in report["failed"]] == [str(wrong["id"])]
    assert "customer_since" in report["failed"][0]["error"]
    assert "a long time ago" not in report["failed"][0]["error"]
    crm.desk.update_contact({"id": wrong["id"], "customer_since": "2001-05-06"})
    platform.wait_for(lambda: len(platform.contacts) == 2)


def test_an_import_of_what_has_not_changed_writes_nothing(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    crm.records.add({"notes": "1", "born_on": "28/02/1991", "customer_since": "1 Mar 2024", "tags": ["vip"]})
    assert (imported(platform)["created"], len(platform.contacts)) == (1, 1)
    calls = len(platform.calls)
    report = imported(platform)
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 0, 1)
    assert len(platform.calls) == calls


def test_what_the_platform_tells_of_the_integrations_own_writes_goes_no_further(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    platform.switch(echo=True)
    contact = crm.records.add({"notes": "first"})
    imported(platform)
    crm.desk.update_contact({"id": contact["id"], "notes": "second"})
    platform.wait_for(lambda: notes(platform) == ["second"])
    assert [(one.name, one.action) for one in applied(platform, service)] == [
        ("contact_created", "unchanged"),
        ("contact_updated", "unchanged"),
    ]
    assert [call.operation for call in platform.calls].count("update_contact") == 1
    assert crm.records.get(contact["id"])["notes"] == "second"


def test_a_telephone_number_that_both_sides_have_changed_stays_as_the_crm_has_it(
    crm: Crm, platform: SandboxPlatform, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    contact = crm.records.add({"properties": {"phone": "+1 202-555-0101"}, "notes": "first"})
    imported(platform)
    (id,) = platform.contacts
    crm.notices.hold()
    crm.desk.update_contact({"id": contact["id"], "properties": {"phone": "+1 202-555-0142"}})
    platform.update_contact(id, {"phone": "+1 202-555-0177", "notes": "second"})
    assert [one.action for one in applied(platform, service)] == ["updated"]
    assert f"Conflict: phone of CRM contact {contact['id']}, won by external" in caplog.messages
    assert "202-555" not in caplog.text
    crm.notices.let_go()
    record = crm.records.get(contact["id"])
    assert (platform.contacts[id]["phone"], record["properties"]["phone"]) == ("+1 202-555-0142",) * 2
    assert (platform.contacts[id]["notes"], record["notes"]) == ("second", "second")


def test_what_is_edited_while_the_crm_is_down_is_accepted_at_once_and_arrives_by_few_writes(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    contact = crm.records.add({"notes": "before"})
    imported(platform)
    (known,) = platform.contacts
    crm.outage.begin()
    for number in range(6):
        platform.update_contact(known, {"notes": f"edit {number}"})
    new = platform.create_contact({"email": "zoe@example.net"})
    platform.wait_idle()
    answers = [(delivery.status, delivery.answer["data"]["queued"]) for delivery in platform.deliveries[-7:]]
    assert answers == [(200, True)] * 7
    eventually(lambda: {record.contact for record in unsettled(service) if record.tries} == {known, new})
    assert len(unsettled(service)) == 7
    assert crm.journal.entries(OWN_NAME) == []
    crm.outage.end()
    came = applied(platform, service)
    made = service.sync.key_store.get_external_id(token_installation_id(platform.token), new)
    for here, there in ((known, str(contact["id"])), (new, made)):
        written = [entry.did for entry in crm.journal.entries(OWN_NAME) if entry.id == there]
        assert written == [one.action for one in came if one.contact == here and one.action != "folded"]
        assert 1 <= len(written) <= 2, "what was tried, and the rest as one"
    assert crm.records.get(contact["id"])["notes"] == "edit 5"


def test_an_event_that_could_mean_two_contacts_is_kept_as_a_dead_letter(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    for _ in range(2):
        crm.records.add({"properties": {"email": "quills@example.org"}})
    platform.create_contact({"email": "quills@example.org"})
    platform.wait_idle()
    eventually(service.sync.delivery.failed)
    (letter,) = service.sync.delivery.failed()
    assert "ambiguous match" in (letter.error or "")
    assert "quills" not in (letter.error or "")
    assert crm.journal.entries(OWN_NAME) == []


def test_uninstalling_ends_the_notices_and_forgets_all_pairs(
    crm: Crm, platform: SandboxPlatform, service: Service
) -> None:
    crm.records.add({"notes": "1"})
    assert imported(platform)["created"] == 1
    assert platform.uninstall().answer["success"]
    assert crm.notices.url is None
    assert platform.install(f"{service.url}/").answer["success"]
    assert imported(platform)["created"] == 1
