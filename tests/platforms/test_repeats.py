"""Which failures are repeated, how often, and after how long; and which must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from responses.registries import OrderedRegistry
from urllib3.exceptions import MaxRetryError, NewConnectionError

from contact_sync.platforms import BotmaticPlatform
from contact_sync.results import Result
from tests.platforms.helpers import BASE, TOKEN, Waits, platform

Ask = Callable[[BotmaticPlatform], Any]

REFUSED = requests.ConnectionError(
    MaxRetryError(None, "/", NewConnectionError(None, "refused"))  # type: ignore[arg-type]  # as urllib3 makes it, poolless
)
BROKEN = requests.ConnectionError("Connection aborted.")
TIMED_OUT = requests.ReadTimeout("read timed out")

SAFE: dict[str, tuple[str, str, int, Ask]] = {
    "validate": ("POST", "/api/integrationtokens/validate", 200, lambda botmatic: botmatic.validate_token(TOKEN)),
    "update": ("PATCH", "/api/contacts/7", 200, lambda botmatic: botmatic.update_contact(TOKEN, "7", {})),
    "update each": ("PATCH", "/api/contacts", 200, lambda botmatic: botmatic.update_contacts(TOKEN, [("7", {})])[0]),
    "delete": ("DELETE", "/api/contacts/7", 204, lambda botmatic: botmatic.delete_contact(TOKEN, "7")),
    "properties": (
        "POST",
        "/api/properties",
        201,
        lambda botmatic: botmatic.create_properties(TOKEN, [{"name": "a"}]),
    ),
    "list bots": ("GET", "/api/bots", 200, lambda botmatic: botmatic.list_bots(TOKEN)),
    "get bot": ("GET", "/api/bots/7", 200, lambda botmatic: botmatic.get_bot(TOKEN, "7")),
    "update bot": ("PATCH", "/api/bots/7", 200, lambda botmatic: botmatic.update_bot(TOKEN, "7", {})),
}
UNSAFE: dict[str, tuple[str, str, int, Ask]] = {
    "create": ("POST", "/api/contacts", 201, lambda botmatic: botmatic.create_contact(TOKEN, {})),
    "create each": ("POST", "/api/contacts", 201, lambda botmatic: botmatic.create_contacts(TOKEN, [{}])[0]),
    "campaign": (
        "POST",
        "/api/campaigns/execute-event",
        200,
        lambda botmatic: botmatic.send_event_on_campaign(TOKEN, "a", ["7"]),
    ),
}
ANSWER = b'{"success": true, "id": 7, "contacts": [{"success": true, "id": 7}], "bots": []}'


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


@pytest.mark.parametrize("call", SAFE)
@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 503}, {"status": 429}, {"body": BROKEN}, {"body": TIMED_OUT}, {"body": REFUSED}],
)
def test_what_may_be_repeated_is(wire: responses.RequestsMock, call: str, fault: dict[str, Any]) -> None:
    method, path, status, ask = SAFE[call]
    for _ in range(3):
        wire.add(method, BASE + path, **fault)
    wire.add(method, BASE + path, status=status, body=b"" if status == 204 else ANSWER)
    assert ask(platform()).success


@pytest.mark.parametrize("call", UNSAFE)
@pytest.mark.parametrize(
    "fault", [{"status": 429}, {"status": 503, "headers": {"Retry-After": "1"}}, {"body": REFUSED}]
)
def test_what_creates_is_repeated_when_nothing_was_done(
    wire: responses.RequestsMock, call: str, fault: dict[str, Any]
) -> None:
    method, path, status, ask = UNSAFE[call]
    wire.add(method, BASE + path, **fault)
    wire.add(method, BASE + path, status=status, body=ANSWER)
    assert ask(platform()).success


@pytest.mark.parametrize("call", UNSAFE)
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"body": BROKEN}, {"body": TIMED_OUT}])
def test_what_creates_is_not_repeated_when_it_may_have_been_done(
    wire: responses.RequestsMock, call: str, fault: dict[str, Any]
) -> None:
    method, path, _, ask = UNSAFE[call]
    wire.add(method, BASE + path, **fault)
    result = ask(platform())
    assert result.retryable
    assert result.error.endswith("; it may have taken effect")


@pytest.mark.parametrize("call", [*SAFE, *UNSAFE])
@pytest.mark.parametrize("status", [400, 401, 409, 422])
def test_a_refusal_is_not_repeated(wire: responses.RequestsMock, call: str, status: int) -> None:
    method, path, _, ask = (SAFE | UNSAFE)[call]
    wire.add(method, BASE + path, status=status)
    result = ask(platform())
    assert (result.success, result.retryable) == (False, False)


def test_repeats_end_and_the_failure_is_retryable(wire: responses.RequestsMock) -> None:
    for _ in range(3):
        wire.patch(f"{BASE}/api/contacts/7", status=502)
    assert platform(retries=2).update_contact(TOKEN, "7", {}) == Result.failed(
        "update contact: the platform answered HTTP 502", retryable=True
    )


def test_no_repeats_can_be_asked_for(wire: responses.RequestsMock) -> None:
    wire.patch(f"{BASE}/api/contacts/7", body=BROKEN)
    assert platform(retries=0).update_contact(TOKEN, "7", {}).error == (
        "update contact: the connection to the platform broke (ConnectionError)"
    )


def test_waits_grow_with_jitter_up_to_the_longest(wire: responses.RequestsMock) -> None:
    waits = Waits()
    for _ in range(9):
        wire.patch(f"{BASE}/api/contacts/7", status=500)
    platform(retries=8, backoff=1.0, longest_wait=5.0, sleep=waits).update_contact(TOKEN, "7", {})
    assert len(waits) == 8
    assert all(0 <= wait <= min(2.0**number, 5.0) for number, wait in enumerate(waits, 1))
    assert len(set(waits)) > 1


def test_a_wait_that_the_platform_asks_for_is_heeded(wire: responses.RequestsMock) -> None:
    waits = Waits()
    wire.patch(f"{BASE}/api/contacts/7", status=429, headers={"Retry-After": "3"})
    wire.patch(f"{BASE}/api/contacts/7", status=503, headers={"Retry-After": "0"})
    wire.patch(f"{BASE}/api/contacts/7", status=200)
    assert platform(sleep=waits).update_contact(TOKEN, "7", {}).success
    assert waits == [3.0, 0.0]


def test_a_wait_that_is_too_long_ends_the_call_and_is_passed_on(wire: responses.RequestsMock) -> None:
    waits = Waits()
    wire.post(f"{BASE}/api/contacts", status=429, headers={"Retry-After": "11"})
    result = platform(longest_wait=10.0, sleep=waits).create_contact(TOKEN, {})
    assert result == Result.failed("create contact: the platform answered HTTP 429", retryable=True, retry_after=11.0)
    assert waits == []


def test_waits_never_go_beyond_the_time_limit(wire: responses.RequestsMock) -> None:
    waits = Waits()
    wire.patch(f"{BASE}/api/contacts/7", status=503, headers={"Retry-After": "5"})
    result = platform(time_limit=4.0, sleep=waits).update_contact(TOKEN, "7", {})
    assert (result.retryable, result.retry_after, waits) == (True, 5.0, [])


def test_a_contact_that_a_lost_try_has_deleted_counts_as_deleted(wire: responses.RequestsMock) -> None:
    wire.delete(f"{BASE}/api/contacts/7", body=BROKEN)
    wire.delete(f"{BASE}/api/contacts/7", status=404)
    assert platform().delete_contact(TOKEN, "7") == Result.ok("7")


@pytest.mark.parametrize("fault", [{"status": 429}, {"body": REFUSED}])
def test_a_contact_that_no_try_can_have_deleted_is_not_found(
    wire: responses.RequestsMock, fault: dict[str, Any]
) -> None:
    wire.delete(f"{BASE}/api/contacts/7", **fault)
    wire.delete(f"{BASE}/api/contacts/7", status=404)
    assert platform().delete_contact(TOKEN, "7").not_found


def test_a_create_that_was_lost_after_harmless_tries_says_so(wire: responses.RequestsMock) -> None:
    wire.post(f"{BASE}/api/contacts", status=429)
    wire.post(f"{BASE}/api/contacts", body=TIMED_OUT)
    assert platform().create_contact(TOKEN, {}).error == (
        "create contact: the platform did not answer in time; it may have taken effect"
    )


@pytest.mark.parametrize(
    ("fault", "says", "retryable"),
    [
        (REFUSED, "the platform cannot be reached", True),
        (requests.exceptions.SSLError("x"), "no trusted TLS connection to the platform", True),
        (requests.ConnectTimeout("x"), "the platform did not answer in time", True),
        (OSError("no certificate bundle"), "the connection to the platform broke (OSError)", True),
        (requests.exceptions.InvalidURL("x"), "the request cannot be sent as it is", False),
    ],
)
def test_a_token_is_never_refused_by_a_connection_that_failed(
    wire: responses.RequestsMock, fault: Exception, says: str, retryable: bool
) -> None:
    url = f"{BASE}/api/integrationtokens/validate"
    wire.post(url, body=fault)
    wire.patch(f"{BASE}/api/contacts/7", body=fault)
    botmatic = platform(retries=0)
    assert botmatic.validate_token(TOKEN) == Result.failed(f"validate token: {says}", retryable=True)
    assert botmatic.update_contact(TOKEN, "7", {}) == Result.failed(f"update contact: {says}", retryable=retryable)
