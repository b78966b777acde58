"""Members of an emulated Slack on a sandbox platform: one way, whatever is edited there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contact_sync import ContactSync
from contact_sync.consumer import ask, pages
from contact_sync.consumers.slack import SlackConsumer
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform
from mappers import Mapping
from tests.servers.slack import TOKEN, EmulatedSlack

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "profile.email", match=True),
    Mapping("firstname", "profile.first_name"),
    Mapping("lastname", "profile.last_name"),
    Mapping("job", "profile.title"),
]

Start = Callable[..., ContactSync]


@pytest.fixture
def platform() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(delivery=DeliveryRules(longest_wait=0.05)) as platform:
        yield platform


@pytest.fixture
def start(platform: SandboxPlatform, private_slack: EmulatedSlack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a sync that is installed on the platform."""
    monkeypatch.setenv("BOTMATIC_BASE_URL", platform.url)
    opened: list[Any] = []

    def started(**options: Any) -> ContactSync:
        consumer = SlackConsumer(TOKEN, base_url=private_slack.url, rate_budget=None, page_size=3)
        sync = ContactSync(consumer, FIELDS, "memory://", secret_keys=["k" * 40], **options)
        server = LoopbackServer(sync.app)
        opened.extend((sync, consumer, server.start()))
        assert platform.install(server.url).state == "delivered"
        return sync

    yield started
    for one in reversed(opened):
        one.close()


def by_name(platform: SandboxPlatform, name: str) -> dict[str, Any]:
    (contact,) = [one for one in platform.contacts.values() if one.get("firstname") == name]
    return dict(contact)


def member(slack: EmulatedSlack, email: str) -> dict[str, Any]:
    return dict(slack.client().users_lookupByEmail(email=email)["user"])


def test_members_are_imported_once_and_bots_are_not(platform: SandboxPlatform, start: Start) -> None:
    sync = start()
    report = sync.import_all(platform.token)
    assert (report.success, report.created) == (True, 8)
    assert (by_name(platform, "Ana")["lastname"], by_name(platform, "Ana")["job"]) == ("Reyes", "Engineer")
    again = sync.import_all(platform.token)
    assert (again.success, again.created, again.updated, len(platform.contacts)) == (True, 0, 0, 8)


def test_edits_at_slack_come_with_a_pull(platform: SandboxPlatform, private_slack: EmulatedSlack, start: Start) -> None:
    sync = start()
    assert sync.pull_changes(platform.token).created == 8
    id = member(private_slack, "ana@example.org")["id"]
    private_slack.edit(id, {"title": "Head of Engineering", "last_name": ""})
    report = sync.pull_changes(platform.token)
    assert (report.success, report.created, report.updated) == (True, 0, 1)
    ana = by_name(platform, "Ana")
    assert (ana["job"], ana.get("lastname") or None) == ("Head of Engineering", None)


@pytest.mark.parametrize("policy", ["ignore", "error", "revert"])
def test_an_edit_on_the_platform_does_not_reach_slack(
    platform: SandboxPlatform, private_slack: EmulatedSlack, start: Start, policy: str
) -> None:
    """It is left as it is, or fails, or is taken back."""
    sync = start(read_only=policy)
    sync.import_all(platform.token)
    before = member(private_slack, "ana@example.org")
    id = by_name(platform, "Ana")["id"]
    platform.update_contact(id, {"job": "Boss"})
    platform.wait_idle()
    assert member(private_slack, "ana@example.org") == before
    assert by_name(platform, "Ana")["job"] == ("Engineer" if policy == "revert" else "Boss")


def test_somebody_new_on_the_platform_does_not_reach_slack(
    platform: SandboxPlatform, private_slack: EmulatedSlack, start: Start
) -> None:
    """Who is there already is paired all the same."""
    sync = start()
    platform.create_contact({"email": "new@example.org", "firstname": "New"})
    platform.create_contact({"email": "ana@example.org", "firstname": "Ana"})
    platform.wait_idle()
    assert len(private_slack.client().users_list(limit=100)["members"]) == 9
    report = sync.import_all(platform.token)
    assert (report.success, report.created, len(platform.contacts)) == (True, 7, 9)


def test_a_delete_on_the_platform_does_not_reach_slack(
    platform: SandboxPlatform, private_slack: EmulatedSlack, start: Start
) -> None:
    sync = start()
    sync.import_all(platform.token)
    platform.delete_contact(by_name(platform, "Ana")["id"])
    platform.wait_idle()
    assert member(private_slack, "ana@example.org")["deleted"] is False


class TestScopes:
    """The emulated Slack checks them."""

    def test_without_the_scope_for_addresses_members_come_without_them(self, emulated_slack: EmulatedSlack) -> None:
        """And a look-up by address says what is missing, rather than that there is nobody."""
        consumer = SlackConsumer("xoxb-no-email", base_url=emulated_slack.url, rate_budget=None)
        (page,) = pages(consumer)
        assert len(page.contacts or ()) == 8
        assert all("email" not in contact["profile"] for contact in page.contacts or ())
        result = ask(consumer, "get_contact_by_email", "ana@example.org")
        assert result.error == (
            "Slack answers missing_scope to users.lookupByEmail: add the scope (users:read.email) to the app at Slack, "
            "and install the app again there"
        )
        consumer.close()

    def test_a_null_and_an_empty_text_come_as_they_are(self, emulated_slack: EmulatedSlack) -> None:
        consumer = SlackConsumer(TOKEN, base_url=emulated_slack.url, rate_budget=None)
        profile = (ask(consumer, "get_contact_by_email", "bea@example.org").contact or {})["profile"]
        assert (profile["title"], profile["phone"], "last_name" in profile) == (None, "", False)
        consumer.close()
