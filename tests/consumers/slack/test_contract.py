"""The suite for consumers, on both Slacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from contact_sync.consumers.http import Timeouts
from contact_sync.consumers.slack import SlackConsumer
from contact_sync.testing import People, ReadOnlyContract
from tests.consumers.slack.documented import TOKEN, DocumentedSlack
from tests.servers.slack import TOKEN as EMULATED_TOKEN
from tests.servers.slack import EmulatedSlack


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
        return SlackConsumer(TOKEN, base_url=f"{url}/api", rate_budget=None, timeouts=Timeouts(0.3, 0.3, 1))


class TestOnEmulatedSlack(OfSlack):
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
