"""The suite for consumers, on both Slacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from slack_sdk import WebClient

from contact_sync.consumers.http import Timeouts
from contact_sync.consumers.slack import SlackConsumer
from contact_sync.testing import People, ReadOnlyContract
from contact_sync.testing.contract_sync import SyncTests
from contact_sync.testing.story import QuietPlatform, Story, Troubles
from tests.consumers.slack.documented import TOKEN, DocumentedSlack
from tests.servers.slack import TOKEN as EMULATED_TOKEN
from tests.servers.slack import EmulatedSlack, run_slack


class OfSlack(ReadOnlyContract):
    """What is the same on each."""

    text_field = "profile.title"
    email_field = "profile.email"
    missing_id = "U0NOBODY0"


class TestOnDocumentedSlack(OfSlack):
    @pytest.fixture
    def consumer(self, slack: DocumentedSlack) -> Iterator[SlackConsumer]:
        consumer = SlackConsumer(TOKEN, base_url=slack.url, rate_budget=None, page_size=3)
        yield consumer
        consumer.close()

    @pytest.fixture
    def people(self, slack: DocumentedSlack) -> People:
        return slack

    def consumer_at(self, url: str) -> SlackConsumer:
        return SlackConsumer(TOKEN, base_url=f"{url}/api", rate_budget=None, timeouts=Timeouts(1, 1, 3))


class TestOnEmulatedSlack(OfSlack):
    """With members that are there. What happens to them is below, in `TestASyncWithEmulatedSlack`."""

    @pytest.fixture
    def consumer(self, emulated_slack: EmulatedSlack) -> Iterator[SlackConsumer]:
        consumer = SlackConsumer(EMULATED_TOKEN, base_url=emulated_slack.url, rate_budget=None, page_size=3)
        yield consumer
        consumer.close()

    @pytest.fixture
    def existing(self, emulated_slack: EmulatedSlack) -> list[dict[str, Any]]:
        members = emulated_slack.client().users_list(limit=100)["members"]
        return [
            {"id": one["id"], "profile": {name: one["profile"][name] for name in ("email", "title", "first_name")}}
            for one in members
            if one["name"].startswith("m")
        ]


class TestWithAClientOfSlacksOwn(TestOnEmulatedSlack):
    """`slack_sdk.WebClient` as it is."""

    @pytest.fixture
    def consumer(self, emulated_slack: EmulatedSlack) -> SlackConsumer:
        return SlackConsumer(emulated_slack.client(), rate_budget=None, page_size=3)

    def consumer_at(self, url: str) -> SlackConsumer:
        return SlackConsumer(WebClient(TOKEN, f"{url}/api/", timeout=1, retry_handlers=[]), rate_budget=None)


class EmulatedPeople:
    """People who edit at the emulated Slack, through `users.profile.set`. For somebody new, a member who waits."""

    def __init__(self, slack: EmulatedSlack) -> None:
        self._slack = slack
        members = slack.client().users_list(limit=1000)["members"]
        self._waiting: dict[str, str] = {
            one["id"]: one["profile"]["email"] for one in members if one["name"].startswith("waits")
        }
        self._there: dict[str, str] = {}

    def create(self, contact: Mapping[str, Any]) -> str:
        """Give a member who waits the profile of a contact."""
        id, address = self._waiting.popitem()
        self._there[id] = address
        self.update(id, contact)
        return id

    def update(self, id: str, fields: Mapping[str, Any]) -> None:
        """Change a member's profile."""
        self._slack.edit(id, fields["profile"])

    def delete(self, id: str) -> None:
        """Fail: nobody can."""
        raise NotImplementedError(f"the emulated Slack cannot deactivate a member ({id})")

    def all_wait(self) -> None:
        """Have everybody wait again."""
        while self._there:
            id, address = self._there.popitem()
            self.update(id, {"profile": {"email": address, "title": ""}})
            self._waiting[id] = address


class OfThoseWhoStay(Story):
    """A story in which nobody is deleted."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._can["CRM", "delete"] = False


@pytest.fixture(scope="module")
def waiting() -> Iterator[EmulatedSlack]:
    """An emulated Slack with members who wait for a story to give them an address."""
    members = ({"name": f"waits{n}", "email": f"waits{n}@example.org"} for n in range(12))
    with run_slack(*members) as slack:
        yield slack


@pytest.fixture(scope="module")
def platform() -> Iterator[QuietPlatform]:
    with QuietPlatform() as platform:
        yield platform


class TestASyncWithEmulatedSlack(SyncTests):
    """The two properties, for what the emulated Slack can.

    It has no way for a member to join, to be deactivated, or to become a bot, a guest or a stranger: its people are
    made of its seed alone, and no route of its API or its pages changes more of them than profile and presence. So
    members who wait get a story's address in place of joining, and nobody leaves; who leaves is tested on the
    documented Slack. It says nobody's `updated` either, so that each walk tells of everybody.
    """

    test_adopting_costs_at_most_one_write_a_side = None  # type: ignore[assignment]  # the consumer writes nothing
    text_field = OfSlack.text_field
    email_field = OfSlack.email_field
    can_create = can_update = can_delete = False
    has_people = True

    @pytest.fixture
    def consumer(self, waiting: EmulatedSlack) -> Iterator[SlackConsumer]:
        consumer = SlackConsumer(EMULATED_TOKEN, base_url=waiting.url, rate_budget=None)
        yield consumer
        consumer.close()

    @pytest.fixture
    def begin(
        self, consumer: SlackConsumer, waiting: EmulatedSlack, platform: QuietPlatform
    ) -> Iterator[Callable[[str, Troubles], Story]]:
        people = EmulatedPeople(waiting)
        stories: list[Story] = []

        def begun(seed: str, troubles: Troubles) -> Story:
            stories.append(OfThoseWhoStay(self, consumer, people, platform, troubles, seed=seed))
            return stories[-1]

        yield begun
        for story in stories:
            story.clean_up()
        people.all_wait()
