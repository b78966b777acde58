"""The sandbox's page in a real browser: what a person sees and does there, and hostile contacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from contact_sync.testing.sandbox import LoopbackServer, SandboxPlatform
from tests.sandbox.webhook import Webhook

HOSTILE = "<img src=x onerror=alert(1)>"

SETTINGS = b"""<!doctype html><form>Key <input value=abc></form><script>
parent.postMessage({iframe_loaded: {height: 120}}, "*");
addEventListener("message", (event) => {
  if (event.data.post_form === true) parent.postMessage({iframe_saved: {success: true}}, "*");
});
</script>"""


@pytest.fixture
def sandbox(page: Page) -> Iterator[SandboxPlatform]:
    with SandboxPlatform(token="sandbox_token_1") as sandbox:
        yield sandbox
        page.goto("about:blank")


def test_a_person_adds_edits_and_deletes_a_contact(page: Page, sandbox: SandboxPlatform) -> None:
    sandbox.create_contact({"email": HOSTILE, "age": 5})
    page.goto(sandbox.url)
    expect(page.locator("#contacts tbody tr")).to_contain_text([HOSTILE])
    expect(page.locator("#contacts img")).to_have_count(0)
    expect(page.locator("#token option")).to_have_text(["sandbox_token_1"])

    page.get_by_role("button", name="Add contact").click()
    page.get_by_label("email", exact=True).fill("new@example.org")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#contacts tbody tr")).to_have_count(2)

    page.locator("#contacts tbody tr").last.get_by_role("button", name="Edit").click()
    page.get_by_label("email", exact=True).fill("")
    page.get_by_label("age", exact=True).fill("6")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert sandbox.contacts["10001"] == {"id": 10001, "email": None, "age": 6}

    page.locator("#contacts tbody tr").first.get_by_role("button", name="Delete").click()
    expect(page.locator("#contacts tbody tr")).to_have_count(1)
    assert list(sandbox.contacts) == ["10001"]


def test_the_page_follows_what_happens_elsewhere(page: Page, sandbox: SandboxPlatform) -> None:
    page.goto(sandbox.url)
    expect(page.locator("#contacts")).to_contain_text("No contacts here.")
    id = sandbox.create_contact({"email": "a@b.c"})
    expect(page.locator("#contacts tbody tr.arrived")).to_contain_text(["a@b.c"])
    sandbox.update_contact(id, {"email": "other"})
    expect(page.locator("#contacts td.changed")).to_have_text(["other"])
    sandbox.delete_contact(id)
    expect(page.locator("#contacts")).to_contain_text("No contacts here.")
    sandbox.close()
    expect(page.locator("#live")).to_have_text("not running")


def test_an_integration_is_installed_and_its_answers_are_shown(page: Page, sandbox: SandboxPlatform) -> None:
    with Webhook() as webhook:
        page.goto(sandbox.url)
        page.get_by_label("Webhook").fill(webhook.url)
        page.get_by_role("button", name="Install", exact=True).click()
        expect(page.locator("#installed")).to_have_text(webhook.url)
        page.locator("#event-data").fill('{"text": "<b>hi</b>"}')
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#deliveries tbody tr")).to_have_count(2)
        page.locator("#deliveries tbody tr").first.click()
        expect(page.locator("#deliveries tr.detail")).to_contain_text('"text": "<b>hi</b>"')
        page.get_by_role("button", name="Uninstall").click()
        expect(page.locator("#installed")).to_have_text("not installed")
    assert webhook.names() == ["install", "user_reply", "uninstall"]


def test_faults_and_switches_are_set(page: Page, sandbox: SandboxPlatform) -> None:
    page.goto(sandbox.url)
    page.locator("#fault-times").fill("2")
    page.locator("#fault-on").select_option("get_bot")
    page.get_by_role("button", name="Add fault").click()
    expect(page.locator("#faults .chip")).to_have_text(["2 × 503get bot"])
    page.get_by_label("API calls make events too").check()
    page.locator("#faults-title").click()
    sandbox.wait_for(lambda: sandbox.switches.echo)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#faults .chip")).to_have_count(0)
    assert not sandbox.faults


def test_a_settings_page_is_framed_and_told_to_save(page: Page, sandbox: SandboxPlatform) -> None:
    asked: list[str] = []

    def settings(environ: dict[str, str], start_response: object) -> list[bytes]:
        asked.append(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Type", "text/html")])  # type: ignore[operator]  # WSGI
        return [SETTINGS]

    with LoopbackServer(settings) as server:
        page.goto(sandbox.url)
        page.locator("#frame-url").fill(f"{server.url}/settings?a=b")
        page.get_by_role("button", name="Load").click()
        expect(page.locator("#frame-status")).to_have_text("loaded, 120 px high")
        page.locator("#frame-save").click()
        expect(page.locator("#frame-status")).to_have_text("saved")
        page.goto("about:blank")
    assert asked == ["a=b&token=sandbox_token_1"]
