"""The client and the sandbox agree: every call, over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from contact_sync.platforms import BotmaticPlatform
from contact_sync.results import Result
from contact_sync.testing.sandbox import CampaignEvent, SandboxPlatform
from tests.platforms.helpers import SECRET


@pytest.fixture
def sandbox() -> Iterator[SandboxPlatform]:
    with SandboxPlatform() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: SandboxPlatform) -> Iterator[BotmaticPlatform]:
    client = BotmaticPlatform(sandbox.url)
    yield client
    client.close()


def test_tokens_are_confirmed_and_refused(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    assert client.validate_token(sandbox.token).success
    refused = client.validate_token("unknown")
    assert (refused.success, refused.retryable) == (False, False)
    assert client.create_contact("unknown", {}).error == "create contact: the platform refused the token (HTTP 401)"


def test_a_contact_goes_there_changes_and_leaves(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    token = sandbox.token
    assert client.create_properties(token, [{"name": "email"}, {"name": "age", "type": "number"}]).success
    id = client.create_contact(token, {"email": "é@b.c", "age": 5}).id or ""
    assert client.update_contact(token, id, {"age": None}).success
    assert sandbox.contacts == {id: {"id": int(id), "email": "é@b.c", "age": None}}
    assert client.send_event_on_campaign(token, "hi", [id]).success
    assert sandbox.campaign_events == (CampaignEvent("hi", (id,)),)
    assert client.delete_contact(token, id).success
    assert client.delete_contact(token, id).not_found
    assert client.update_contact(token, "../bots", {}).not_found
    assert client.create_contact(token, {"undeclared": 1}).error == (
        "create contact: the platform answered HTTP 422, expected 201"
    )


def test_batches_have_a_result_for_each(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    client.create_properties(sandbox.token, [{"name": "n"}])
    made = client.create_contacts(sandbox.token, [{"n": 1}, {"m": 2}, {"n": 3}])
    assert [result.success for result in made] == [True, False, True]
    first, last = made[0].id or "", made[2].id or ""
    changed = client.update_contacts(sandbox.token, [(first, {"n": 10}), ("7", {"n": 0}), (last, {"n": 30})])
    assert changed[0] == Result.ok(first)
    assert changed[1].not_found
    assert [contact["n"] for contact in sandbox.contacts.values()] == [10, 30]


def test_bots_are_read_and_written(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    id = sandbox.main.add_bot({"name": "Bo"})
    assert client.list_bots(sandbox.token).bots == [{"name": "Bo", "id": int(id)}]
    assert client.update_bot(sandbox.token, id, {"name": "Al"}).success
    assert client.get_bot(sandbox.token, id).bot == {"name": "Al", "id": int(id), "is_draft": True}
    assert client.get_bot(sandbox.token, "99").not_found


def test_no_log_of_any_library_has_a_token_or_a_value(
    sandbox: SandboxPlatform, client: BotmaticPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.validate_token(sandbox.token)
    client.create_properties(sandbox.token, [{"name": "name"}])
    client.create_contact(sandbox.token, {"name": SECRET})
    client.create_contact(sandbox.token, {"undeclared": SECRET})
    sandbox.fail(drop=True)
    client.update_contact(sandbox.token, "10001", {"name": SECRET})
    assert "repeat 1 of 3" in caplog.text
    assert sandbox.token not in caplog.text
    assert SECRET not in caplog.text
