"""What a GET of a settings page answers."""

from __future__ import annotations

import html
import logging

import pytest
from markupsafe import Markup

from contact_sync.settings_page import script_nonce
from tests.settings_page.helpers import FIELDS, OTHER_TOKEN, PLATFORM, TOKEN, UNASKABLE, Site, nonce_of, policy


def test_the_users_fields_stand_in_a_form_as_they_are() -> None:
    site = Site()
    answer = site.client.get("/settings", query_string={"token": TOKEN})
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    form = answer.text.partition("<form")[2].partition("</form>")[0]
    assert FIELDS in form
    assert [auth.token for auth in site.shown] == [TOKEN]


def test_fields_may_be_markup_as_templates_give_it() -> None:
    site = Site()
    site.fields = Markup("<b>bold</b>")
    assert "<b>bold</b>" in site.client.get("/settings", query_string={"token": TOKEN}).text


def test_half_a_character_in_the_fields_does_not_break_the_page() -> None:
    site = Site()
    site.fields = "half \ud800 é"
    answer = site.client.get("/settings", query_string={"token": TOKEN})
    assert answer.status_code == 200
    assert "half ? é" in answer.text


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", f"?token={TOKEN}&token={OTHER_TOKEN}", "?Token=x"])
def test_a_token_that_is_missing_wrong_or_not_one_is_refused_before_the_users_function_runs(query: str) -> None:
    site = Site()
    answer = site.client.get(f"/settings{query}")
    assert answer.status_code == 401
    assert answer.content_type == "text/html; charset=utf-8"
    assert "Open it again from the platform" in answer.text
    assert site.shown == []
    assert "data-token=" not in answer.text


def test_the_same_token_twice_is_one_token() -> None:
    assert Site().client.get(f"/settings?token={TOKEN}&token={TOKEN}").status_code == 200


def test_a_platform_that_cannot_be_asked_is_503_and_says_when_to_come_back() -> None:
    site = Site()
    answer = site.client.get("/settings", query_string={"token": UNASKABLE})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Try again in a moment" in answer.text
    assert site.shown == []


@pytest.mark.parametrize("odd", [ValueError("secret-detail"), RuntimeError(TOKEN), None, b"<b>", {"html": "x"}, 3])
def test_a_function_that_raises_or_returns_no_text_shows_a_plain_message_and_is_named_in_the_log(
    odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site = Site()
    site.fields = odd
    answer = site.client.get("/settings", query_string={"token": TOKEN})
    assert answer.status_code == 503
    assert "cannot be shown right now" in answer.text
    assert "secret-detail" not in answer.text
    assert "the settings page function of '/settings'" in caplog.text
    assert "secret-detail" not in caplog.text
    assert TOKEN not in caplog.text


def test_the_token_is_escaped() -> None:
    hostile = "\"></script><script>alert(1)</script>'&<"
    site = Site()
    site.tokens.add(hostile)
    text = site.client.get("/settings", query_string={"token": hostile}).text
    assert hostile not in text
    assert "<script>alert" not in text
    attribute = text.partition('data-token="')[2].partition('"')[0]
    assert html.unescape(attribute) == hostile


@pytest.mark.parametrize("token", [TOKEN, "wrong", UNASKABLE])
def test_every_page_is_kept_out_of_caches_referrers_and_foreign_frames(token: str) -> None:
    answer = Site().client.get("/settings", query_string={"token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    rules = policy(answer.headers["Content-Security-Policy"])
    assert rules["frame-ancestors"] == PLATFORM
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'nonce-{nonce_of(answer.text)}'"
    assert rules["form-action"] == "'none'"
    assert rules["base-uri"] == "'none'"
    assert "Set-Cookie" not in answer.headers


def test_several_origins_may_frame_the_page() -> None:
    site = Site(frame_ancestors=["https://app.botmatic.ai", "http://LOCALHOST:8080/"])
    answer = site.client.get("/settings", query_string={"token": TOKEN})
    origins = "https://app.botmatic.ai http://localhost:8080"
    assert policy(answer.headers["Content-Security-Policy"])["frame-ancestors"] == origins
    assert f'data-parents="{origins}"' in answer.text


def test_the_nonce_is_new_for_every_page() -> None:
    client = Site().client
    nonces = {nonce_of(client.get("/settings", query_string={"token": TOKEN}).text) for _ in range(3)}
    assert len(nonces) == 3


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = Site().client.get("/settings", query_string={"token": TOKEN}).text
    assert "src=" not in text
    assert "<link" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_a_script_of_the_users_own_can_be_let_run() -> None:
    site = Site()
    site.pages.on_page("/scripted", lambda auth: f'<script nonce="{script_nonce()}">1</script>')
    answer = site.client.get("/scripted", query_string={"token": TOKEN})
    assert f'<script nonce="{nonce_of(answer.text)}">1</script>' in answer.text
    assert nonce_of(answer.text) in answer.headers["Content-Security-Policy"]
    with pytest.raises(RuntimeError, match="only while a settings page function runs"):
        script_nonce()


def test_head_answers_as_get_without_a_body() -> None:
    answer = Site().client.head("/settings", query_string={"token": TOKEN})
    assert answer.status_code == 200
    assert answer.data == b""
    assert answer.headers["Cache-Control"] == "no-store"
    assert Site().client.head("/settings").status_code == 401
