"""A whole integration in the sandbox's page: its settings are framed there, and nothing hostile of it is executed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask, jsonify
from playwright.sync_api import Page, expect

from contact_sync import Auth, BotmaticPlatform, ContactSync
from contact_sync.testing import MemoryConsumer, SandboxPlatform
from contact_sync.testing.sandbox import LoopbackServer
from mappers import Mapping as Row

HOSTILE = '"><img src=x onerror="alert(1)"><script>alert(2)</script>{{7*7}}'


@pytest.fixture
def sandbox(page: Page) -> Iterator[SandboxPlatform]:
    with SandboxPlatform() as sandbox:
        yield sandbox
        page.goto("about:blank")


@pytest.fixture
def opened(page: Page, sandbox: SandboxPlatform) -> Page:
    page.goto(sandbox.url)
    expect(page.locator("#live")).to_have_text("live")
    return page


def test_an_integrations_settings_are_framed_saved_and_refused(opened: Page, sandbox: SandboxPlatform) -> None:
    saved: list[tuple[str, Mapping[str, Any]]] = []

    def save(auth: Auth, fields: Mapping[str, Any]) -> dict[str, Any]:
        if not fields["api_key"]:
            return {"success": False, "errorFields": {"api_key": HOSTILE}}
        saved.append((auth.token, fields))
        return {"success": True}

    platform = BotmaticPlatform(sandbox.url)
    with (
        ContactSync(MemoryConsumer(), [Row("id", "id", id=True)], "memory://", platform=platform) as sync,
        LoopbackServer(sync.app) as server,
    ):
        sync.on_settings_page("/settings", lambda auth: '<input class="input" name="api_key" aria-label="API key">')
        sync.on_update_settings("/settings", save)
        opened.get_by_label("Address of a settings page").fill(f"{server.url}/settings")
        opened.get_by_role("button", name="Load").click()
        status = opened.locator("#frame-status")
        expect(status).to_contain_text("px high")
        frame = opened.frame_locator("#frame")

        opened.locator("#frame-save").click()
        expect(status).to_contain_text("not saved")
        expect(frame.locator(".help.is-danger")).to_have_text(HOSTILE)

        frame.get_by_label("API key").fill("k-1")
        opened.locator("#frame-save").click()
        expect(status).to_have_text("saved")
        assert saved == [(sandbox.token, {"api_key": "k-1"})]

        sandbox.main.revoke_token(sandbox.token)
        opened.locator("#frame-save").click()
        expect(status).to_contain_text("not saved")
        expect(frame.get_by_role("alert")).to_contain_text("Open it again from the platform")
        assert len(saved) == 1
        opened.goto("about:blank")


def test_hostile_contacts_are_only_text(opened: Page, sandbox: SandboxPlatform) -> None:
    sandbox.create_contact({"email": HOSTILE, "__proto__": "<b>bold</b>", "constructor": "javascript:alert(3)"})
    expect(opened.locator("#contacts td", has_text="onerror")).to_have_text(HOSTILE)
    expect(opened.locator("#contacts td", has_text="bold")).to_have_text("<b>bold</b>")
    opened.get_by_role("button", name="Edit").click()
    expect(opened.get_by_role("dialog").get_by_label("email")).to_have_value(HOSTILE)
    opened.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    opened.locator("#search").fill("<b>")
    expect(opened.locator("#contacts tbody tr")).to_have_count(1)
    expect(opened.locator("img, #contacts b")).to_have_count(0)


def test_hostile_answers_of_a_webhook_are_only_text(opened: Page) -> None:
    hook = Flask("hook")
    hook.add_url_rule("/", "hook", lambda: jsonify(success=True, data={"id": HOSTILE}), methods=["POST"])
    with LoopbackServer(hook) as server:
        opened.get_by_label("Webhook").fill(f"{server.url}/")
        opened.get_by_role("button", name="Install", exact=True).click()
        expect(opened.locator("#installed")).to_have_text(f"{server.url}/")
    opened.locator("#deliveries tbody tr", has_text="install").first.click()
    expect(opened.locator("#deliveries pre").last).to_contain_text(json.dumps(HOSTILE))
    expect(opened.locator("img")).to_have_count(0)


def test_the_page_loads_nothing_from_elsewhere(page: Page, sandbox: SandboxPlatform) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(sandbox.url)
    expect(page.locator("#live")).to_have_text("live")
    assert len(asked) > 3
    assert [url for url in asked if not url.startswith((f"{sandbox.url}/", "data:"))] == []
    assert complaints == []
