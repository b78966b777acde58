"""What a POST to a settings page answers, and what reaches the user's function."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import Any

import pytest
from flask import request
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from contact_sync import results
from tests.settings_page.helpers import OTHER_TOKEN, TOKEN, UNASKABLE, Site, policy

JSON = "application/json"


def post(site: Site, body: Any, query: str = "", **options: Any) -> TestResponse:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return site.client.post(f"/settings{query}", data=data, **{"content_type": JSON, **options})


def test_json_fields_reach_the_function_without_the_token() -> None:
    site = Site()
    answer = post(site, {"token": TOKEN, "api_key": "k", "tags": ["a", "b"], "on": True, "n": 0, "none": None})
    assert (answer.status_code, answer.json) == (200, {"success": True})
    [(auth, fields)] = site.saved
    assert auth.token == TOKEN
    assert fields == {"api_key": "k", "tags": ["a", "b"], "on": True, "n": 0, "none": None}


def test_a_plain_form_is_read_and_repeated_names_are_lists() -> None:
    site = Site()
    answer = site.client.post("/settings", data={"token": TOKEN, "api_key": "k=&é", "tags": ["a", "b"]})
    assert answer.json == {"success": True}
    assert site.saved[0][1] == {"api_key": "k=&é", "tags": ["a", "b"]}


def test_a_form_with_files_hands_them_over_as_file_storage() -> None:
    site = Site()
    read: list[bytes] = []

    def update(auth: Any, fields: Any) -> dict[str, Any]:
        assert isinstance(fields["logo"], FileStorage)
        read.append(fields["logo"].read())
        return {"success": fields["logo"].filename == "logo.png"}

    site.pages.on_update("/settings", update)
    form = {"token": TOKEN, "name": "Acme", "logo": (BytesIO(b"\x89PNG"), "logo.png"), "empty": (BytesIO(b""), "")}
    answer = site.client.post("/settings", data=form)
    assert answer.json == {"success": True}
    assert read == [b"\x89PNG"]


def test_a_file_input_that_was_left_empty_is_absent() -> None:
    site = Site()
    site.client.post("/settings", data={"token": TOKEN, "name": "Acme", "logo": (BytesIO(b""), "")})
    assert site.saved[0][1] == {"name": "Acme"}


def test_with_files_the_fields_that_the_page_declares_are_lists_whatever_they_hold() -> None:
    site = Site()
    form = {
        "token": TOKEN,
        "one": "a",
        "two": ["a", "b"],
        "flag": ["0", "1"],
        "docs": (BytesIO(b"x"), "x.txt"),
        "na,me é": "v",
    }
    header = {"X-Settings-Lists": "one,two,none,docs,na%2Cme%20%C3%A9,token"}
    answer = site.client.post("/settings", data=form, headers=header, content_type="multipart/form-data")
    assert answer.json == {"success": True}
    fields = dict(site.saved[0][1])
    docs = fields.pop("docs")
    assert [file.filename for file in docs] == ["x.txt"]
    assert fields == {"one": ["a"], "two": ["a", "b"], "none": [], "flag": "1", "na,me é": ["v"]}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 401, "the body has no token"),
        ({"token": ""}, 401, "the body has no token"),
        ({"token": None}, 401, "the body has no token"),
        ({"token": 5}, 401, "the body has no token"),
        ({"token": [TOKEN]}, 401, "the body has no token"),
        ({"token": "wrong"}, 401, "This page was opened without a valid token. Open it again from the platform."),
        (
            {"token": UNASKABLE},
            503,
            "The platform cannot confirm who you are right now. Try again in a moment.",
        ),
        (b"", 400, "the body is not JSON"),
        (b"{", 400, "the body is not JSON"),
        (b"[]", 400, "the body must be a JSON object"),
        (b"null", 400, "the body must be a JSON object"),
        (b'{"token": NaN}', 400, "the body is not JSON"),
        (b'{"token": "\xff"}', 400, "the body is not UTF-8"),
        (b'{"token": "' + TOKEN.encode() + b'", "a": "\\ud800"}', 400, "the body holds text that is not Unicode"),
        (b'{"token": "\\udfff"}', 400, "the body holds text that is not Unicode"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 400, "the body is nested too deeply"),
        (b"[" * 400_000, 400, "the body is nested too deeply"),
    ],
)
def test_what_cannot_be_acted_upon_is_a_clear_4xx_in_json(body: Any, status: int, error: str) -> None:
    site = Site()
    answer = post(site, body)
    assert (answer.status_code, answer.json) == (status, {"success": False, "error": error})
    assert site.saved == []


def test_json_must_say_that_it_is_json() -> None:
    site = Site()
    answer = post(site, {"token": TOKEN}, content_type="text/plain")
    assert answer.status_code == 400
    assert site.saved == []


def test_a_platform_that_cannot_be_asked_says_when_to_come_back() -> None:
    assert post(Site(), {"token": UNASKABLE}).headers["Retry-After"] == "5"


def test_the_token_in_the_query_is_never_acted_upon() -> None:
    site = Site()
    assert post(site, {"token": TOKEN}, f"?token={OTHER_TOKEN}").status_code == 400
    assert post(site, {"token": TOKEN}, f"?token={TOKEN}&token={OTHER_TOKEN}").status_code == 400
    assert post(site, {"token": TOKEN}, "?token=").status_code == 400
    assert post(site, {"token": TOKEN}, "?token=%F0%9F%98%80").status_code == 400
    assert post(site, {"api_key": "k"}, f"?token={TOKEN}").status_code == 401
    assert site.asked == []
    assert site.saved == []


def test_the_same_token_in_the_query_does_no_harm() -> None:
    site = Site()
    assert post(site, {"token": TOKEN}, f"?token={TOKEN}").json == {"success": True}
    assert site.asked == [TOKEN]


def test_a_form_with_two_tokens_is_refused() -> None:
    site = Site()
    assert site.client.post("/settings", data={"token": [TOKEN, OTHER_TOKEN]}).status_code == 400
    file = {"token": [TOKEN, (BytesIO(b"x"), "x")]}
    assert site.client.post("/settings", data=file, content_type="multipart/form-data").status_code == 400
    assert site.saved == []


def test_a_token_that_is_a_file_is_no_token() -> None:
    site = Site()
    answer = site.client.post("/settings", data={"token": (BytesIO(TOKEN.encode()), "token.txt")})
    assert answer.status_code == 401


def test_a_broken_form_with_files_has_no_token() -> None:
    answer = post(Site(), b"--no", content_type="multipart/form-data")
    assert answer.status_code == 401


@pytest.mark.parametrize("mimetype", [JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_a_body_over_the_limit_is_413_before_anybody_is_asked(mimetype: str) -> None:
    site = Site(body_limit=100, upload_limit=200)
    answer = post(site, b"x" * 201, content_type=mimetype)
    assert (answer.status_code, answer.json) == (413, {"success": False, "error": "the form is too large"})
    assert site.asked == []


@pytest.mark.parametrize("by", ["json", "form"])
def test_a_body_that_a_hook_of_the_app_has_read_already_is_not_lost(by: str) -> None:
    site = Site()
    read: list[Any] = []
    site.app.before_request(lambda: read.append((request.get_json(silent=True), dict(request.form))))
    body = {"token": TOKEN, "api_key": "k"}
    answer = site.client.post("/settings", json=body) if by == "json" else site.client.post("/settings", data=body)
    assert answer.json == {"success": True}
    assert site.saved[0][1] == {"api_key": "k"}
    assert len(read) == 1


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    body = json.dumps({"token": TOKEN}).encode()
    assert post(Site(body_limit=len(body)), body).status_code == 200
    assert post(Site(body_limit=len(body) - 1), body).status_code == 413


def test_limits_of_the_app_it_is_mounted_on_do_not_matter() -> None:
    site = Site(body_limit=2_000_000)
    site.app.config["MAX_FORM_MEMORY_SIZE"] = 10
    site.app.config["MAX_CONTENT_LENGTH"] = 10
    assert site.client.post("/settings", data={"token": TOKEN, "text": "x" * 400_000}).json == {"success": True}


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        ({"success": True}, {"success": True}),
        ({"success": True, "data": object()}, {"success": True}),
        ({"success": False, "errorFields": {"a": "Wrong", "b": "<b>"}}, None),
        ({"success": False, "errorFields": {}}, None),
        ({"success": False, "error": "No room"}, None),
        ({"success": False, "error": "No room", "errorFields": {"a": "Wrong"}}, None),
        ({"success": False}, {"success": False, "error": "the settings could not be saved"}),
        ({"success": False, "error": 5}, {"success": False, "error": "the settings could not be saved"}),
        (results.Result.ok(id=5, contact={"a": 1}), {"success": True}),
        (results.Result.failed("No room", retryable=True), {"success": False, "error": "No room"}),
        (results.Result.skipped("as it was"), {"success": True}),
        (results.Result(success=False), {"success": False, "error": "the settings could not be saved"}),
    ],
)
def test_what_the_function_says_is_answered(outcome: Any, answer: Any) -> None:
    site = Site()
    site.outcome = outcome
    response = post(site, {"token": TOKEN})
    assert (response.status_code, response.json) == (200, outcome if answer is None else answer)


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        True,
        "ok",
        [],
        {},
        {"success": "yes"},
        {"success": None},
        {"success": False, "errorFields": ["a"]},
        {"success": False, "errorFields": {"a": 5}},
        {"success": False, "errorFields": {5: "a"}},
        {"success": False, "error_fields": {"a": "misspelt"}},
    ],
)
def test_what_makes_no_sense_is_a_failure_whose_reason_is_in_the_log(
    nonsense: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site()
    site.outcome = nonsense
    answer = post(site, {"token": TOKEN})
    assert (answer.status_code, answer.json) == (200, {"success": False, "error": "the settings could not be saved"})
    assert "the settings update function of '/settings' returned" in caplog.text


def test_a_function_that_raises_is_a_failure_that_tells_nothing_of_the_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    site = Site()
    site.outcome = RuntimeError(f"secret-detail {TOKEN}")
    answer = post(site, {"token": TOKEN, "api_key": "field-value"})
    assert (answer.status_code, answer.json) == (200, {"success": False, "error": "the settings could not be saved"})
    assert "the settings update function of '/settings' raised RuntimeError" in caplog.text
    for secret in ("secret-detail", TOKEN, "field-value"):
        assert secret not in caplog.text


def test_answers_are_json_that_nobody_keeps_or_frames() -> None:
    for answer in (post(Site(), {"token": TOKEN}), post(Site(), b"{")):
        assert answer.content_type == JSON
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert policy(answer.headers["Content-Security-Policy"]) == {
            "default-src": "'none'",
            "frame-ancestors": "'none'",
        }
        assert "Set-Cookie" not in answer.headers


SITE = Site()


@settings(max_examples=60, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=80),
        st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)).map(
            lambda value: json.dumps({"token": TOKEN, "field": value}).encode()
        ),
        st.text(max_size=30).map(lambda text: f"token={TOKEN}&a={text}".encode(errors="replace")),
        st.binary(max_size=40).map(lambda raw: b'--b\r\nContent-Disposition: form-data; name="token"' + raw),
    ),
    mimetype=st.sampled_from(
        [JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "", "a/b"]
    ),
    header=st.none() | st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20),
)
def test_whatever_is_posted_is_answered_in_json(body: bytes, mimetype: str, header: str | None) -> None:
    headers = {} if header is None else {"X-Settings-Lists": header}
    answer = SITE.client.post("/settings", data=body, content_type=mimetype, headers=headers)
    assert answer.status_code in (200, 400, 401, 413)
    assert isinstance(answer.json, dict)
    assert answer.json["success"] is (answer.status_code == 200)
