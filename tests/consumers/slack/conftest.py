"""Two Slacks: the emulated one, which is another's work, and one made after Slack's documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contact_sync.consumers.slack import SlackConsumer
from tests.consumers.slack.documented import TOKEN, DocumentedSlack
from tests.servers.slack import EmulatedSlack, run_slack

MEMBERS = [
    {
        "name": "ana",
        "real_name": "Ana Reyes",
        "email": "ana@example.org",
        "profile": {"title": "Engineer", "first_name": "Ana", "last_name": "Reyes"},
    },
    {
        "name": "bea",
        "real_name": "Bea",
        "email": "bea@example.org",
        "profile": {"title": None, "phone": "", "first_name": "Bea"},
    },
    *(
        {"name": f"m{n}", "email": f"m{n}@example.org", "profile": {"title": f"Member {n}", "first_name": f"M{n}"}}
        for n in range(5)
    ),
]


@pytest.fixture(scope="session")
def emulated_slack() -> Iterator[EmulatedSlack]:
    """An emulated Slack that only reads are made of: eight members and two bots."""
    tokens = {"xoxb-no-email": "users:read", "xoxb-nothing": "chat:write"}
    with run_slack(*MEMBERS, bots=("helper", "reminder"), tokens=tokens) as slack:
        yield slack


@pytest.fixture
def private_slack() -> Iterator[EmulatedSlack]:
    """The same for one test alone, which edits there."""
    with run_slack(*MEMBERS, bots=("helper",)) as slack:
        yield slack


@pytest.fixture
def slack() -> Iterator[DocumentedSlack]:
    """An empty workspace after Slack's documents."""
    with DocumentedSlack() as slack:
        yield slack


@pytest.fixture
def consumer(slack: DocumentedSlack) -> Iterator[Callable[..., SlackConsumer]]:
    """Makes consumers of `slack`."""
    made: list[SlackConsumer] = []

    def make(token: str = TOKEN, **options: Any) -> SlackConsumer:
        made.append(SlackConsumer(token, base_url=slack.url, rate_budget=None, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
