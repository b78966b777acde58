"""A real Chromium, and a platform's page that shows settings in a frame. Run by `make test-browser`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from contact_sync.testing.sandbox import LoopbackServer
from tests.browser.framed_settings import FramedSettings
from tests.browser.platform_page import PlatformPage, platform_page
from tests.settings_page.helpers import Site

NAMES = ("chromium", "chromium-browser", "google-chrome")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. That there is none is a failure, not a skip."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(
            f"no browser: none of {', '.join(NAMES)} is on the PATH; install one, "
            "on Debian and Ubuntu with: apt-get install chromium",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window. A script that is not ours would say so with a dialog: there must be none."""
    context = browser.new_context(viewport={"width": 900, "height": 700})
    page = context.new_page()
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    yield page
    context.close()
    assert dialogs == []


@pytest.fixture
def platform(page: Page) -> Iterator[PlatformPage]:
    """A platform's page at `http://localhost:…`."""
    with platform_page(page) as platform:
        yield platform


@pytest.fixture
def settings(platform: PlatformPage) -> Iterator[FramedSettings]:
    """A site with settings at `http://127.0.0.1:…`, which that platform may frame."""
    site = Site(frame_ancestors=["https://app.botmatic.ai", platform.origin])
    with LoopbackServer(site.app) as server:
        yield FramedSettings(platform, site, server.url)
