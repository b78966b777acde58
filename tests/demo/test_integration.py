"""The demo's integration between the sandbox platform and the example CRM, all over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contact_sync.demo.crm.notices import signature
from contact_sync.demo.integration.app import OWN_NAME, make_sync
from contact_sync.demo.story.service import free_port
from contact_sync.testing.sandbox import LoopbackServer, SandboxPlatform
from tests.demo.helpers import OWN_KEY, Crm

SECRET = "a secret key for this test alone"


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform() as platform:
        yield platform


@pytest.fixture
def service(
    crm: Crm, platform: SandboxPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LoopbackServer]:
    """The integration, served from this process and installed."""
    port = free_port()
    settings = {
        "BOTMATIC_BASE_URL": platform.url,
        "DEMO_CRM_URL": crm.url,
        "DEMO_CRM_KEY": OWN_KEY,
        "DEMO_KEY_STORE": f"sqlite:///{tmp_path}/pairs.db",
        "DEMO_SECRET_KEY": SECRET,
        "DEMO_OWN_URL": f"http://127.0.0.1:{port}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with make_sync() as sync, LoopbackServer(sync.app, port) as server:
        assert platform.install(f"{server.url}/").answer["success"]
        yield server


def notify(service: LoopbackServer, notice: dict[str, Any], secret: str = SECRET) -> requests.Response:
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


def test_a_notice_with_another_signature_changes_nothing(
    crm: Crm, platform: SandboxPlatform, service: LoopbackServer
) -> None:
    contact = crm.records.add({"notes": "not to be told"})
    notice = {"event": "contact.created", "contact": contact, "by": "front desk"}
    assert notify(service, notice, "another secret").status_code == 401
    assert requests.post(f"{service.url}/crm", json=notice, timeout=10).status_code == 401
    assert platform.contacts == {}


def test_what_the_integration_has_written_itself_is_not_written_back(
    crm: Crm, platform: SandboxPlatform, service: LoopbackServer
) -> None:
    contact = crm.records.add({"notes": "by the integration"})
    answer = notify(service, {"event": "contact.created", "contact": contact, "by": OWN_NAME})
    assert (answer.status_code, "skipped" in answer.json(), platform.contacts) == (200, True, {})


def test_an_edit_arrives_even_if_the_platform_is_away_for_a_moment(
    crm: Crm, platform: SandboxPlatform, service: LoopbackServer
) -> None:
    """The CRM sends its notice again until it is settled."""
    platform.fail(2, on="create_contact", status=429)
    crm.desk.create_contact({"notes": "at last"})
    platform.wait_for(lambda: notes(platform) == ["at last"])
    assert platform.faults == ()


def test_an_edit_of_a_contact_that_came_in_silence_brings_it_over(
    crm: Crm, platform: SandboxPlatform, service: LoopbackServer
) -> None:
    contact = crm.records.add({"notes": "bulk load"})
    assert platform.contacts == {}
    crm.desk.update_contact({"id": contact["id"], "notes": "edited"})
    platform.wait_for(lambda: notes(platform) == ["edited"])


def test_a_contact_that_cannot_be_mapped_is_reported_and_the_others_arrive(
    crm: Crm, platform: SandboxPlatform, service: LoopbackServer
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


def test_uninstalling_ends_the_notices_and_forgets_all_pairs(
    crm: Crm, platform: SandboxPlatform, service: LoopbackServer
) -> None:
    crm.records.add({"notes": "1"})
    assert imported(platform)["created"] == 1
    assert platform.uninstall().answer["success"]
    assert crm.notices.url is None
    assert platform.install(f"{service.url}/").answer["success"]
    assert imported(platform)["created"] == 1
