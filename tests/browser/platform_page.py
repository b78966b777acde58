"""The platform's side: a page that frames a settings page, keeps what it says and tells it to post."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from flask import Flask, render_template_string, request
from playwright.sync_api import Frame, Page

from contact_sync.testing.sandbox import LoopbackServer

_PAGE = """<!doctype html>
<title>Platform</title>
<iframe id="settings" src="{{ src }}" style="width: 640px; height: 50px; border: 0"></iframe>
<script>
  const frame = document.getElementById("settings");
  window.messages = [];
  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow) return;
    messages.push({ origin: event.origin, data: event.data });
    if (event.data.iframe_loaded) frame.style.height = event.data.iframe_loaded.height + "px";
  });
  window.tell = (message) => frame.contentWindow.postMessage(message, "*");
</script>
"""

_STRANGER = """<!doctype html>
<title>Another frame</title>
<script>parent.frames[0].postMessage({ post_form: true }, "*");</script>
"""


class PlatformPage:
    """A page that shows settings in a frame, in a browser."""

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        self.port = port
        self.origin = f"http://localhost:{port}"

    def show(self, settings_url: str, *, origin: str | None = None) -> None:
        """Open the page with a settings page in its frame, and wait until everything is loaded."""
        self.page.goto(f"{origin or self.origin}/?src={quote(settings_url, safe='')}")

    @property
    def frame(self) -> Frame:
        """The frame with the settings."""
        return self.page.frames[1]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What the frame has said so far."""
        said: list[dict[str, Any]] = self.page.evaluate("messages.map((message) => message.data)")
        return said

    @property
    def origins(self) -> set[str]:
        """From where it was said."""
        return set(self.page.evaluate("messages.map((message) => message.origin)"))

    def wait_loaded(self, times: int = 1) -> int:
        """Wait until the frame has told its height and been given it, and give the last one."""
        said = "messages.filter((message) => message.data.iframe_loaded)"
        self.page.wait_for_function(f"{said}.length >= {times}")
        height: int = self.page.evaluate(f"{said}.at(-1).data.iframe_loaded.height")
        # The frame is another process: its size follows a moment later.
        self.frame.evaluate(
            """(height) => new Promise((resolve) => {
                const look = () => (innerHeight === height ? resolve() : setTimeout(look, 10));
                look();
            })""",
            height,
        )
        return height

    def tell(self, message: object) -> None:
        """Post a message to the frame."""
        self.page.evaluate("(message) => tell(message)", message)

    def post(self) -> bool:
        """Tell the frame to post its form, and wait for what it says of it."""
        before = len(self._saved())
        self.tell({"post_form": True})
        self.page.wait_for_function(f"messages.filter((m) => m.data.iframe_saved).length > {before}")
        saved: bool = self._saved()[-1]["iframe_saved"]["success"]
        return saved

    def listen(self, times: int = 1) -> None:
        """Have the frame count the messages that arrive there, after its own script has had them."""
        # What the frame itself would evaluate later, its policy forbids; a promise can be waited for from outside.
        self.frame.evaluate(
            """(times) => { window.heard = new Promise((resolve) => {
                window.addEventListener("message", () => { times -= 1; if (times === 0) resolve(); });
            }); }""",
            times,
        )

    def wait_heard(self) -> None:
        """Wait until as many messages as were to be counted have arrived in the frame."""
        self.frame.evaluate("() => window.heard")

    def add_stranger(self, host: str) -> None:
        """Put another frame beside it that tells it to post, and wait until that message has arrived there."""
        self.listen()
        self.page.evaluate(
            "(src) => { document.body.append(Object.assign(document.createElement('iframe'), { src })) }",
            f"http://{host}:{self.port}/stranger",
        )
        self.wait_heard()

    def _saved(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if "iframe_saved" in message]


@contextmanager
def platform_page(page: Page) -> Iterator[PlatformPage]:
    """Serve the platform's page."""
    app = Flask("platform")
    app.add_url_rule("/", "page", lambda: render_template_string(_PAGE, src=request.args["src"]))
    app.add_url_rule("/stranger", "stranger", lambda: _STRANGER)
    with LoopbackServer(app) as server:
        yield PlatformPage(page, server.port)
