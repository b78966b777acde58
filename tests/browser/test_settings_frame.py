"""The settings page in a frame of a platform on another origin: the whole protocol, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.browser.framed_settings import FIELDS, FramedSettings
from tests.settings_page.helpers import TOKEN

# ---- loading


def test_after_loading_the_page_tells_the_height_that_shows_all_of_the_form(settings: FramedSettings) -> None:
    settings.show()
    height = settings.platform.wait_loaded()
    assert settings.platform.messages == [{"iframe_loaded": {"height": height}}]
    assert settings.platform.origins == {settings.url.removesuffix("/settings")}
    frame = settings.platform.frame
    assert frame.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert frame.evaluate("Math.ceil(document.forms[0].getBoundingClientRect().height)") == height


def test_the_frame_of_a_foreign_page_stays_empty(settings: FramedSettings) -> None:
    blocked: list[str] = []
    settings.platform.page.on("console", lambda message: blocked.append(message.text))
    foreign = f"http://127.0.0.1:{settings.platform.port}"
    settings.platform.show(f"{settings.url}?token={TOKEN}", origin=foreign)
    assert settings.platform.frame.url.startswith("chrome-error://")
    assert any("frame-ancestors" in text for text in blocked)
    assert settings.platform.messages == []


def test_a_refusal_can_be_read_in_the_frame_and_nothing_can_be_posted(settings: FramedSettings) -> None:
    settings.show(token="wrong")
    expect(settings.platform.frame.get_by_role("alert")).to_contain_text("Open it again from the platform")
    assert settings.platform.wait_loaded() > 30
    assert settings.platform.post() is False
    assert settings.posts == []
    expect(settings.platform.frame.get_by_role("alert")).to_be_visible()


def test_the_token_leaves_the_page_in_no_address_and_nothing_is_loaded_from_elsewhere(settings: FramedSettings) -> None:
    asked: list[str] = []
    settings.platform.page.on("request", lambda request: asked.append(request.url))
    settings.show()
    assert settings.platform.post() is True
    (shown, posted) = settings.requests
    assert shown[1] == f"/settings?token={TOKEN}"
    assert posted[:2] == ("POST", "/settings?")
    assert posted[3] is None
    frame_requests = [url for url in asked if not url.startswith(settings.platform.origin)]
    assert frame_requests == [f"{settings.url}?token={TOKEN}", settings.url]
    assert settings.platform.page.context.cookies() == []


# ---- saving


def test_the_parent_makes_the_page_post_its_form_as_json(settings: FramedSettings) -> None:
    settings.show()
    settings.platform.frame.fill("#key", "k2 é\U0001f600")
    settings.platform.frame.select_option("#region", "us")
    assert settings.platform.post() is True
    assert settings.saved == [{"api_key": "k2 é\U0001f600", "region": "us"}]
    assert [auth.token for auth, _ in settings.site.saved] == [TOKEN]
    assert settings.requests[-1][2] == "application/json"
    assert [next(iter(message)) for message in settings.platform.messages] == [
        "iframe_loaded",
        "iframe_loaded",
        "iframe_saved",
    ]


def test_the_page_never_posts_by_itself(settings: FramedSettings) -> None:
    settings.show(FIELDS + '<button class="button">Go</button><input type="submit" value="Send" name="send">')
    frame = settings.platform.frame
    frame.evaluate("window.unchanged = true")
    frame.press("#key", "Enter")
    frame.click("button")
    frame.click("[name=send]")
    assert settings.platform.post() is True
    assert settings.posts == ["/settings?"]
    assert frame.evaluate("window.unchanged")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_frame_cannot_make_it_post_not_even_one_of_the_platforms(settings: FramedSettings, host: str) -> None:
    settings.show()
    settings.platform.add_stranger(host)
    assert settings.platform.post() is True
    assert len(settings.posts) == 1


def altered(settings: FramedSettings, *, policy: bool, ancestors: bool) -> None:
    """Let the page arrive without its policy, or at a browser that does not tell a page who frames it."""

    def alter(route: Route) -> None:
        response = route.fetch()
        text = response.text()
        assert "location.ancestorOrigins?.[0]" in text
        headers = {name: value for name, value in response.headers.items() if policy or "security" not in name}
        body = text if ancestors else text.replace("location.ancestorOrigins?.[0]", "undefined")
        route.fulfill(response=response, headers=headers, body=body)

    settings.platform.page.route(f"{settings.url}?**", alter)


@pytest.mark.parametrize("ancestors", [True, False])
def test_a_parent_of_another_origin_neither_hears_it_nor_makes_it_post(
    settings: FramedSettings, ancestors: bool
) -> None:
    """The script checks by itself, should a browser or a proxy lose the policy."""
    altered(settings, policy=False, ancestors=ancestors)
    platform = settings.platform
    platform.show(f"{settings.url}?token={TOKEN}", origin=f"http://127.0.0.1:{platform.port}")
    platform.listen()
    platform.tell({"post_form": True})
    platform.wait_heard()
    platform.frame.evaluate("fetch('/settings')")  # would come after a post that was under way
    assert settings.posts == []
    assert platform.messages == []


def test_a_browser_that_does_not_say_who_frames_a_page_is_no_hindrance(settings: FramedSettings) -> None:
    altered(settings, policy=True, ancestors=False)
    settings.show()
    assert settings.platform.post() is True
    assert len(settings.platform.messages) == 3


@pytest.mark.parametrize("message", [None, "post_form", 5, [], {}, {"post_form": 1}, {"post_form": "true"}, {"x": {}}])
def test_other_messages_do_nothing(settings: FramedSettings, message: object) -> None:
    settings.show()
    settings.platform.tell(message)
    assert settings.platform.post() is True
    assert len(settings.posts) == 1


def test_a_second_request_to_post_while_one_is_under_way_is_the_same_one(settings: FramedSettings) -> None:
    go_on = threading.Event()

    def update(auth: object, fields: object) -> dict[str, bool]:
        return {"success": go_on.wait(20)}

    settings.site.pages.on_update("/settings", update)
    settings.show()
    settings.platform.listen(times=2)
    settings.platform.tell({"post_form": True})
    settings.platform.tell({"post_form": True})
    settings.platform.wait_heard()
    go_on.set()
    settings.platform.page.wait_for_function("messages.some((message) => message.data.iframe_saved)")
    assert settings.platform.post() is True
    assert len(settings.posts) == 2
    assert sum("iframe_saved" in message for message in settings.platform.messages) == 2


CHOICES = """
<label><input type="checkbox" name="alone"> Alone</label>
<label><input type="checkbox" name="ticked" value="yes" checked> Ticked</label>
<input type="hidden" name="with_default" value="0"><input type="checkbox" name="with_default" value="1" {with_default}>
<input type="checkbox" name="group" value="a" {group}><input type="checkbox" name="group" value="b">
<input type="radio" name="one" value="x"><input type="radio" name="one" value="y" checked>
<select name="many" multiple><option value="p" {many}>P</option><option value="q" {many}>Q</option></select>
<input name="twice" value="1"><input name="twice" value="2">
<textarea name="text">line 1
line 2</textarea>
<input type="email" name="mails" multiple value="a@x.example,b@x.example">
<input type="number" name="number" value="7">
<input name="off" value="not sent" disabled><input value="no name"><input name="token" value="not this one">
<input name="__proto__" value="only a name"><input name="elements" value="e"><input name="submit" value="s">
<input name="querySelectorAll" value="q"><img name="currentScript"><img name="forms">
"""


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize("files", [True, False])
def test_what_can_have_several_values_is_a_list_whatever_is_chosen_with_files_and_without(
    settings: FramedSettings, chosen: bool, files: bool
) -> None:
    marks = {"with_default": "checked", "group": "checked", "many": "selected"}
    fields = CHOICES.format(**marks if chosen else dict.fromkeys(marks, ""))
    settings.show(fields + ('<input type="file" name="file">' if files else ""))
    assert settings.platform.post() is True
    assert settings.requests[-1][2] == ("multipart/form-data" if files else "application/json")
    [saved] = settings.saved
    assert {**saved, "text": saved["text"].replace("\r\n", "\n")} == {
        "ticked": "yes",
        "with_default": "1" if chosen else "0",
        "group": ["a"] if chosen else [],
        "one": "y",
        "many": ["p", "q"] if chosen else [],
        "twice": ["1", "2"],
        "text": "line 1\nline 2",
        "mails": "a@x.example,b@x.example",
        "number": "7",
        "__proto__": "only a name",
        "elements": "e",
        "submit": "s",
        "querySelectorAll": "q",
    }
    assert [auth.token for auth, _ in settings.site.saved] == [TOKEN]


def test_files_are_posted_as_multipart(settings: FramedSettings) -> None:
    read: dict[str, Any] = {}

    def update(auth: object, fields: Mapping[str, Any]) -> dict[str, bool]:
        read["name"] = fields["name"]
        read["logo"] = (fields["logo"].filename, fields["logo"].read())
        read["papers"] = [(file.filename, file.read()) for file in fields["papers"]]
        return {"success": True}

    settings.site.pages.on_update("/settings", update)
    settings.show(
        '<input name="name" value="Acme"><input type="file" name="logo" id="logo">'
        '<input type="file" name="papers" id="papers" multiple>'
    )
    frame = settings.platform.frame
    frame.set_input_files("#logo", {"name": "é.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n"})
    paper: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
    frame.set_input_files("#papers", [paper])
    assert settings.platform.post() is True
    assert read == {"name": "Acme", "logo": ("é.png", b"\x89PNG\r\n"), "papers": [("a.txt", b"a")]}
    assert settings.requests[-1][2] == "multipart/form-data"
