"""What is made of answers that nobody promised: a failed result that says what came, and repeats none of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from contact_sync.platforms import NOTHING_DONE, BotmaticPlatform
from contact_sync.results import Result
from tests.platforms.helpers import BASE, SECRET, TOKEN, platform

PAGE = f"<!doctype html><title>{SECRET}</title>"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def answer_all(wire: responses.RequestsMock, **answer: Any) -> None:
    for path in ("contacts", "contacts/7", "properties", "campaigns/execute-event", "bots", "bots/7"):
        for method in ("GET", "POST", "PATCH", "DELETE"):
            wire.add(method, f"{BASE}/api/{path}", **answer)


def all_calls(botmatic: BotmaticPlatform) -> dict[str, Result]:
    return {
        "create contact": botmatic.create_contact(TOKEN, {"a": SECRET}),
        "create contacts": botmatic.create_contacts(TOKEN, [{"a": SECRET}])[0],
        "update contact": botmatic.update_contact(TOKEN, "7", {"a": SECRET}),
        "update contacts": botmatic.update_contacts(TOKEN, [("7", {"a": SECRET})])[0],
        "delete contact": botmatic.delete_contact(TOKEN, "7"),
        "create properties": botmatic.create_properties(TOKEN, [{"name": "a"}]),
        "send event on campaign": botmatic.send_event_on_campaign(TOKEN, "a", ["7"]),
        "list bots": botmatic.list_bots(TOKEN),
        "get bot": botmatic.get_bot(TOKEN, "7"),
        "update bot": botmatic.update_bot(TOKEN, "7", {"a": SECRET}),
    }


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (202, "the platform answered HTTP 202, expected "),
        (301, "the platform answered HTTP 301, a redirect; redirects are not followed, is the base URL right?"),
        (307, "the platform answered HTTP 307, a redirect"),
        (400, "the platform answered HTTP 400, expected "),
        (401, "the platform refused the token (HTTP 401)"),
        (403, "the platform refused the token (HTTP 403)"),
        (409, "the platform answered HTTP 409, expected "),
        (422, "the platform answered HTTP 422, expected "),
    ],
)
def test_another_status_is_a_failure_that_names_call_and_status(
    wire: responses.RequestsMock, status: int, says: str
) -> None:
    answer_all(wire, status=status, body=PAGE, headers={"Location": "https://elsewhere.example/"})
    for name, result in all_calls(platform()).items():
        assert (result.error or "").startswith(f"{name}: {says}"), name
        assert SECRET not in (result.error or "")
        assert not result.success
        assert not result.retryable
    assert {call.request.url.split("/")[2] for call in wire.calls if call.request.url} == {"platform.example"}


def test_a_success_of_another_call_is_no_success_of_this_one(wire: responses.RequestsMock) -> None:
    answer_all(wire, status=200, json={"id": 5})
    results = all_calls(platform())
    assert results["create contact"].error == "create contact: the platform answered HTTP 200, expected 201"
    assert results["delete contact"].error == "delete contact: the platform answered HTTP 200, expected 204"


def test_a_create_that_finds_nothing_doubts_the_base_url(wire: responses.RequestsMock) -> None:
    answer_all(wire, status=404)
    result = platform().create_contact(TOKEN, {})
    assert not result.not_found
    assert result.error == "create contact: the platform answered HTTP 404; is the base URL right?"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_temporary_statuses_are_retryable_failures(wire: responses.RequestsMock, status: int) -> None:
    answer_all(wire, status=status, body=PAGE, headers={"Retry-After": "77"})
    for name, result in all_calls(platform()).items():
        assert (result.error or "").startswith(f"{name}: the platform answered HTTP {status}"), name
        assert (result.retryable, result.retry_after) == (True, 77.0)
        assert SECRET not in (result.error or "")


def test_a_success_status_around_a_refusal_is_a_failure(wire: responses.RequestsMock) -> None:
    wire.patch(f"{BASE}/api/contacts/7", json={"success": False, "error": SECRET})
    result = platform().update_contact(TOKEN, "7", {})
    assert result.error == "update contact: the platform refused it (HTTP 200, success is false)"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (PAGE.encode(), "is not a JSON object"),
        (b"", "is not a JSON object"),
        (b"[1]", "is not a JSON object"),
        (b"19597", "is not a JSON object"),
        (b"\xff\xfe\x00", "is not a JSON object"),
        (b"[" * 1_000_000, "is not a JSON object"),
        (b"9" * 10_000, "is not a JSON object"),
        (b"{}", "has no id"),
        (b'{"id": null}', "has no id"),
        (b'{"id": ""}', "has no id"),
        (b'{"id": true}', "has no id"),
        (b'{"id": {"id": 5}}', "has no id"),
        (b'{"id": 5.5}', "has no id"),
    ],
)
def test_a_create_without_an_id_in_its_answer_is_a_failure(
    wire: responses.RequestsMock, body: bytes, says: str
) -> None:
    wire.post(f"{BASE}/api/contacts", status=201, body=body)
    assert platform().create_contact(TOKEN, {}) == Result.failed(f"create contact: the answer (HTTP 201) {says}")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([], "has no list of contacts"),
        ({}, "has no list of contacts"),
        ({"contacts": {"0": {}}}, "has no list of contacts"),
        ({"contacts": []}, "has 0 results for 2 contacts"),
        ({"contacts": [{"success": True, "id": 1}]}, "has 1 results for 2 contacts"),
        ({"contacts": [{"success": True, "id": n} for n in range(3)]}, "has 3 results for 2 contacts"),
    ],
)
def test_a_batch_answer_of_another_shape_fails_every_contact(
    wire: responses.RequestsMock, answer: Any, says: str
) -> None:
    wire.post(f"{BASE}/api/contacts", status=201, json=answer)
    failed = Result.failed(f"create contacts: the answer (HTTP 201) {says}")
    assert platform().create_contacts(TOKEN, [{}, {}]) == [failed, failed]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (None, "this contact's result is not an object with a boolean 'success'"),
        ("ok", "this contact's result is not an object with a boolean 'success'"),
        ({"id": 5}, "this contact's result is not an object with a boolean 'success'"),
        ({"id": 5, "success": "true"}, "this contact's result is not an object with a boolean 'success'"),
        ({"success": True}, "this contact's result has no id"),
        ({"success": True, "id": ""}, "this contact's result has no id"),
        ({"success": False, "error": SECRET}, "the platform refused this contact"),
    ],
)
def test_an_odd_entry_of_a_batch_fails_its_own_contact_alone(
    wire: responses.RequestsMock, entry: Any, says: str
) -> None:
    wire.post(f"{BASE}/api/contacts", status=201, json={"contacts": [{"success": True, "id": 1}, entry]})
    assert platform().create_contacts(TOKEN, [{}, {}]) == [Result.ok("1"), Result.failed(f"create contacts: {says}")]


VALIDATE = f"{BASE}/api/integrationtokens/validate"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"success": false}'),
        (201, b'{"success": false}'),
        (400, b""),
        (401, b"Unauthorized"),
        (401, b'{"success": false}'),
        (403, b'{"error": "no"}'),
        (404, b"{}"),
        (410, b""),
        (422, b'{"success": true}'),
    ],
)
def test_a_client_error_or_a_plain_no_refuses_a_token(wire: responses.RequestsMock, status: int, body: bytes) -> None:
    wire.post(VALIDATE, status=status, body=body, content_type="text/plain")
    result = platform().validate_token(TOKEN)
    assert (result.success, result.retryable) == (False, False)
    assert result.error == f"validate token: the platform does not know this token (HTTP {status})"


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, PAGE.encode(), "text/html; charset=utf-8"),
        (200, b"<html>", "application/json"),
        (200, b"", "text/plain"),
        (200, b"true", "application/json"),
        (200, b"{}", "application/json"),
        (200, b'{"success": "true"}', "application/json"),
        (200, b'{"success": 1}', "application/json"),
        (200, b'{"success": null}', "application/json"),
        (200, b'[{"success": true}]', "application/json"),
        (204, b"", "application/json"),
        (302, b'{"success": true}', "application/json"),
        (302, b'{"success": false}', "application/json"),
        (401, PAGE.encode(), "text/html"),
        (403, b" \n<html>", ""),
        (407, b"{}", "application/json"),
        (408, b"{}", "application/json"),
        (421, b"{}", "application/json"),
        (429, b'{"success": false}', "application/json"),
        (500, b'{"success": false}', "application/json"),
        (500, b'{"success": true}', "application/json"),
        (503, b"", "text/plain"),
    ],
)
def test_what_neither_confirms_nor_refuses_a_token_is_a_retryable_failure(
    wire: responses.RequestsMock, status: int, body: bytes, content_type: str
) -> None:
    wire.post(VALIDATE, status=status, body=body, content_type=content_type, headers={"Location": f"{BASE}/other"})
    result = platform().validate_token(TOKEN)
    assert (result.success, result.retryable) == (False, True)
    assert result.error == f"validate token: the platform neither confirmed nor refused it (HTTP {status})"


def test_neither_tokens_nor_values_get_into_logs_errors_or_reprs(
    wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer_all(wire, status=500, body=PAGE)
    wire.post(VALIDATE, status=500, body=PAGE)
    botmatic = platform()
    results = [*all_calls(botmatic).values(), botmatic.validate_token(TOKEN)]
    said = caplog.text + repr(botmatic) + repr(results) + "".join(result.error or "" for result in results)
    assert "update contact: HTTP 500; repeat 1 of 3" in said
    assert TOKEN not in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("status", "nothing_done"), [(400, True), (422, True), (202, False), (401, False), (404, False), (500, False)]
)
def test_a_batch_that_was_turned_down_whole_says_whether_it_is_certain_that_nothing_was_done(
    wire: responses.RequestsMock, status: int, nothing_done: bool
) -> None:
    answer_all(wire, status=status, json={})
    results = platform(retries=0).create_contacts(TOKEN, [{"a": "b"}, {"a": "c"}])
    assert [result.reason == NOTHING_DONE for result in results] == [nothing_done] * 2
