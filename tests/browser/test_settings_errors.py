"""What a settings page shows when something is wrong, and that nothing hostile is executed there, in a real browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Route, expect

from contact_sync.settings_page import script_nonce
from tests.browser.framed_settings import FIELDS, FramedSettings
from tests.settings_page.helpers import TOKEN


def test_field_errors_stand_beside_their_inputs_and_go_with_the_next_try(settings: FramedSettings) -> None:
    settings.show()
    low = settings.platform.wait_loaded()
    frame = settings.platform.frame
    settings.site.outcome = {"success": False, "errorFields": {"api_key": "Not known there", "region": "Full"}}
    assert settings.platform.post() is False
    expect(frame.locator("#key")).to_have_class("input is-danger")
    expect(frame.locator("#key")).to_have_attribute("aria-invalid", "true")
    expect(frame.locator(".control:has(#key) + p.help.is-danger")).to_have_text("Not known there")
    expect(frame.locator(".select.is-danger:has(#region)")).to_have_count(1)
    expect(frame.locator(".control:has(#region) + p.help.is-danger")).to_have_text("Full")
    expect(frame.locator("#contact-sync-notice")).to_be_hidden()
    high = settings.platform.wait_loaded(2)
    assert high > low

    settings.site.outcome = {"success": True}
    assert settings.platform.post() is True
    expect(frame.locator(".is-danger")).to_have_count(0)
    expect(frame.locator("[aria-invalid]")).to_have_count(0)
    assert settings.platform.wait_loaded(3) == low
    assert frame.locator("p.help").all_inner_texts() == ["From your CRM's profile page."]


def test_errors_have_a_place_in_all_of_bulmas_forms(settings: FramedSettings) -> None:
    settings.show(
        """
        <div class="field has-addons" id="row">
          <div class="control"><input class="input" name="host"></div>
          <div class="control"><a class="button is-static">.example</a></div>
        </div>
        <div class="field"><div class="file" id="file"><label class="file-label">
          <input class="file-input" type="file" name="logo"><span class="file-cta">Choose</span></label></div></div>
        <label id="bare"><input type="checkbox" name="agree"> Agree</label>
        <input name="plain" class="input is-danger" id="plain">
        """
    )
    errors = {name: f"wrong {name}" for name in ("host", "logo", "agree", "plain")}
    settings.site.outcome = {"success": False, "errorFields": errors}
    assert settings.platform.post() is False
    frame = settings.platform.frame
    for spot, name in (("#row", "host"), ("#file.is-danger", "logo"), ("#bare", "agree"), ("#plain", "plain")):
        expect(frame.locator(f"{spot} + p.help.is-danger")).to_have_text(errors[name])
    settings.site.outcome = {"success": True}
    assert settings.platform.post() is True
    expect(frame.locator("#plain")).to_have_class("input is-danger")  # as the user's fields had it


def test_errors_without_an_input_that_can_be_seen_are_said_at_the_top(settings: FramedSettings) -> None:
    settings.show(FIELDS + '<input type="hidden" name="secret"><div hidden><input name="folded"></div>')
    settings.site.outcome = {
        "success": False,
        "error": "Nothing was saved",
        "errorFields": {"unknown": "Not here", "secret": "Expired", "folded": "Empty", "__proto__": "Odd"},
    }
    assert settings.platform.post() is False
    notice = settings.platform.frame.get_by_role("alert")
    lines = ["Nothing was saved", "unknown: Not here", "secret: Expired", "folded: Empty", "__proto__: Odd"]
    assert notice.inner_text().split("\n") == lines
    settings.site.outcome = {"success": True}
    assert settings.platform.post() is True
    expect(settings.platform.frame.locator("#contact-sync-notice")).to_be_hidden()


def test_what_the_fields_themselves_forbid_is_said_without_posting(settings: FramedSettings) -> None:
    settings.show('<div class="control"><input class="input" name="api_key" id="key" required></div>')
    frame = settings.platform.frame
    assert settings.platform.post() is False
    expect(frame.locator(".control + p.help.is-danger")).not_to_be_empty()
    assert settings.posts == []
    frame.fill("#key", "k")
    assert settings.platform.post() is True
    assert settings.saved == [{"api_key": "k"}]


def _abort(route: Route) -> None:
    route.abort()


def _html(route: Route) -> None:
    route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")


def _null(route: Route) -> None:
    route.fulfill(status=200, content_type="application/json", body="null")


def _elsewhere(route: Route) -> None:
    route.fulfill(status=307, headers={"Location": "http://127.0.0.1:1/steal"})


@pytest.mark.parametrize("answer", [_abort, _html, _null, _elsewhere])
def test_an_answer_that_is_none_is_said_and_the_form_can_be_posted_again(settings: FramedSettings, answer: Any) -> None:
    settings.show()
    page = settings.platform.page
    page.route(settings.url, answer)
    assert settings.platform.post() is False
    expect(settings.platform.frame.get_by_role("alert")).to_contain_text("could not be saved")
    page.unroute(settings.url)
    assert settings.platform.post() is True
    assert len(settings.saved) == 1


def test_a_session_that_has_ended_meanwhile_is_said(settings: FramedSettings) -> None:
    settings.show()
    settings.site.tokens.clear()
    assert settings.platform.post() is False
    expect(settings.platform.frame.get_by_role("alert")).to_contain_text("Open it again from the platform")


# ---- hostile values


HOSTILE = '"></script><img src=x onerror="alert(1)"><script>alert(2)</script>\u2028&lt;'


def test_a_hostile_token_is_only_a_token(settings: FramedSettings) -> None:
    settings.site.tokens.add(HOSTILE)
    settings.show(token=quote(HOSTILE))
    assert settings.platform.post() is True
    assert settings.site.saved[0][0].token == HOSTILE
    expect(settings.platform.frame.locator("img")).to_have_count(0)


def test_hostile_messages_are_only_text(settings: FramedSettings) -> None:
    settings.show()
    settings.site.outcome = {
        "success": False,
        "error": HOSTILE,
        "errorFields": {"api_key": HOSTILE, HOSTILE: HOSTILE, '"] , *': "selector"},
    }
    assert settings.platform.post() is False
    frame = settings.platform.frame
    assert frame.locator(".control:has(#key) + p.help.is-danger").text_content() == HOSTILE
    assert HOSTILE in (frame.get_by_role("alert").text_content() or "")
    expect(frame.locator("img")).to_have_count(0)


def test_scripts_in_the_fields_run_only_with_the_nonce(settings: FramedSettings) -> None:
    settings.site.pages.on_page(
        "/settings",
        lambda auth: (
            '<input name="a" id="a" onfocus="alert(1)" autofocus><script>alert(2)</script>'
            '<script src="data:text/javascript,alert(3)"></script><img src="x" onerror="alert(4)">'
            f'<script nonce="{script_nonce()}">document.getElementById("a").value = "set by script"</script>'
        ),
    )
    settings.show()
    assert settings.platform.post() is True
    assert settings.saved == [{"a": "set by script"}]


def test_the_token_cannot_be_read_from_the_document_by_styles_or_later_scripts(settings: FramedSettings) -> None:
    settings.show()
    html = settings.platform.frame.evaluate("document.documentElement.outerHTML")
    assert TOKEN not in html
