"""Faults on demand: what the next calls suffer, and whether they take effect all the same."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from contact_sync.errors import ConfigurationError
from contact_sync.platforms import BotmaticPlatform
from contact_sync.testing.sandbox import Fault, SandboxPlatform
from tests.platforms.helpers import Waits


@pytest.fixture
def client(sandbox: SandboxPlatform) -> BotmaticPlatform:
    return BotmaticPlatform(sleep=Waits(), timeout=(5.0, 10.0))


def test_a_number_of_calls_is_answered_with_a_status(sandbox: SandboxPlatform) -> None:
    sandbox.fail(2, status=503, retry_after=1.5)
    answers = [requests.get(f"{sandbox.url}/api/bots", timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 401]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["1.5", "1.5", None]
    assert answers[0].json() == {"success": False, "error": "a fault on demand"}
    assert [call.fault for call in sandbox.calls] == [True, True, False]


def test_a_fault_waits_for_its_own_call(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    sandbox.fail(on="create_contacts", status=400)
    sandbox.fail(on="delete_contact", status=418)
    assert client.create_contact(sandbox.token, {}).success
    assert client.validate_token(sandbox.token).success
    assert sandbox.faults == (Fault(on="create_contacts", status=400), Fault(on="delete_contact", status=418))
    assert not client.create_contacts(sandbox.token, [{}])[0].success
    assert client.delete_contact(sandbox.token, "10001").error == (
        "delete contact: the platform answered HTTP 418, expected 204"
    )
    assert client.delete_contact(sandbox.token, "10001").success
    assert not sandbox.faults


def test_a_page_of_something_in_between_is_answered(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    sandbox.fail(html=True)
    sandbox.fail(html=True, status=403)
    answer = requests.get(f"{sandbox.url}/api/bots", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    result = client.validate_token(sandbox.token)
    assert (result.success, result.retryable) == (False, True)


@pytest.mark.parametrize(("effect", "there"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"html": True}])
def test_a_call_takes_effect_or_not_as_the_fault_says(
    sandbox: SandboxPlatform, client: BotmaticPlatform, effect: bool, there: int, fault: dict[str, Any]
) -> None:
    sandbox.fail(effect=effect, **fault)
    result = client.create_contact(sandbox.token, {})
    assert not result.success
    assert len(sandbox.contacts) == there
    assert sandbox.calls[-1].status == (None if "drop" in fault else fault.get("status", 200))


def test_a_lost_delete_is_repeated_and_counts(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    id = sandbox.create_contact({"a": "b"})
    sandbox.fail(on="delete_contact", drop=True, effect=True)
    assert client.delete_contact(sandbox.token, id).success
    assert [call.status for call in sandbox.calls] == [None, 404]


def test_a_delay_alone_lets_the_call_through_late(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    sandbox.fail(delay=0.05)
    assert client.create_contact(sandbox.token, {}).success
    assert sandbox.calls[0].fault


def test_closing_does_not_wait_for_a_delay(sandbox: SandboxPlatform) -> None:
    sandbox.fail(delay=600)
    answers = []

    def ask() -> None:
        answers.append(requests.get(f"{sandbox.url}/api/bots", timeout=30).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    sandbox.wait_for(lambda: not sandbox.faults)
    sandbox.close()
    asking.join()
    assert answers == [401]


def test_faults_can_be_forgotten(sandbox: SandboxPlatform, client: BotmaticPlatform) -> None:
    sandbox.fail(5, status=500)
    sandbox.clear_faults()
    assert client.create_contact(sandbox.token, {}).success


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "at least one of status, html, drop and delay"),
        ({"times": 0, "status": 500}, "'times' must be 1 or more"),
        ({"times": True, "status": 500}, "'times' must be 1 or more"),
        ({"status": 100}, "'status' must be from 200 to 599"),
        ({"status": "500"}, "'status' must be from 200 to 599"),
        ({"status": 500, "on": "everything"}, "'on' must be one of validate_token, "),
        ({"status": 500, "on": []}, "'on' must be one of validate_token, "),
        ({"status": 500, "retry_after": -1}, "'retry_after' must be seconds"),
        ({"delay": 601}, "'delay' must be seconds, 600 at the most"),
        ({"delay": float("nan")}, "'delay' must be seconds, 600 at the most"),
        ({"html": 1}, "'html' must be a boolean"),
        ({"drop": "yes"}, "'drop' must be a boolean"),
        ({"status": 500, "effect": None}, "'effect' must be a boolean"),
        ({"status": 500, "noise": 1}, "a fault has no 'noise'; it may have delay, drop, "),
    ],
)
def test_what_is_no_fault_is_refused(data: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Fault.from_dict(data)
