"""Whom the settings pages let in: the platform confirms first; then the user's function, or the one installation."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import Auth, Result
from contact_sync.testing import MemoryConsumer
from key_stores import StoreUnavailable
from tests.sync.clients import three_tokens
from tests.sync.helpers import World, make_world


class Settings:
    """A sync with a settings page; notes who got to the user's functions."""

    def __init__(self, **options: Any) -> None:
        self.seen: list[Auth] = []
        options.setdefault("platform", three_tokens())
        self.world: World = make_world(frame_ancestors=["https://app.botmatic.ai"], **options)
        self.world.sync.on_settings_page("/settings", self._page)
        self.world.sync.on_update_settings("/settings", self._update)

    def ask(self, token: str) -> tuple[int, int]:
        """The status of showing the page and that of posting to it."""
        client = self.world.client
        shown = client.get("/settings", query_string={"token": token})
        return shown.status_code, client.post("/settings", json={"token": token, "size": "1"}).status_code

    def _page(self, auth: Auth) -> str:
        self.seen.append(auth)
        return ""

    def _update(self, auth: Auth, fields: object) -> Result:
        self.seen.append(auth)
        return Result.ok()


def test_with_one_crm_account_the_installed_workspace_alone_gets_to_its_settings(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = Settings(auth=None)
    settings.world.event("install", token="tok-1")
    assert settings.ask("tok-2") == (401, 401)
    assert "Refused the installation" in caplog.text
    assert settings.seen == []
    assert settings.ask("tok-1") == (200, 200)
    settings.world.platform.tokens.discard("tok-1")
    assert settings.ask("tok-1") == (401, 401)


def test_with_one_crm_account_the_settings_can_be_opened_while_nobody_is_installed() -> None:
    settings = Settings(auth=None)
    assert settings.ask("tok-1") == (200, 200)
    assert settings.ask("unknown") == (401, 401)


@pytest.mark.parametrize(
    "options",
    [
        {"installations": "any"},
        {"consumer": lambda auth: MemoryConsumer()},
        {"installations": "any", "installation_id": lambda auth: None},  # nobody has to be named for this
    ],
)
def test_where_everybody_may_install_every_workspace_has_settings(options: Any) -> None:
    settings = Settings(auth=None, **options)
    settings.world.post({"event": "install"}, "tok-1")
    assert settings.ask("tok-2") == (200, 200)


def test_a_workspace_that_cannot_be_named_gets_to_no_settings_of_one_crm_account() -> None:
    settings = Settings(auth=None, installation_id=lambda auth: None)
    assert settings.ask("tok-1") == (401, 401)


def test_while_the_store_cannot_be_asked_who_is_installed_nobody_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    settings = Settings(auth=None)
    monkeypatch.setattr(settings.world.store, "get_record", unreachable)
    assert settings.ask("tok-1") == (503, 503)
    assert settings.seen == []


def test_the_users_function_gives_the_client_and_its_refusal_holds_for_settings_too() -> None:
    settings = Settings(auth={"tok-1": "acme", "stranger": "zenith"}.get)
    assert settings.ask("tok-1") == (200, 200)
    assert settings.ask("tok-2") == (401, 401)
    assert settings.seen == [Auth("tok-1", "acme")] * 2


def test_the_platform_confirms_before_the_users_function_is_asked() -> None:
    asked: list[str] = []
    settings = Settings(auth=asked.append)
    assert settings.ask("unknown") == (401, 401)
    settings.world.platform.fail("validate_token", Result.failed("unreachable", retryable=True), 2)
    assert settings.ask("tok-1") == (503, 503)
    assert asked == []
