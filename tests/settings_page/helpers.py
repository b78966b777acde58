"""A small app with settings pages, whose platform knows one workspace's token and another's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Flask
from flask.testing import FlaskClient

from contact_sync.auth import Refused
from contact_sync.events import Auth
from contact_sync.settings_page import SettingsPages

PLATFORM: Final = "https://app.botmatic.ai"
TOKEN: Final = "tok-of-workspace-1"
OTHER_TOKEN: Final = "tok-of-workspace-2"
UNASKABLE: Final = "tok-while-the-platform-is-down"

FIELDS: Final = '<div class="field"><div class="control"><input class="input" name="api_key"></div></div>'


class Site:
    """An app with settings at `/settings`; remembers what its functions were given."""

    def __init__(self, url_prefix: str | None = None, **options: Any) -> None:
        self.asked: list[str] = []
        self.shown: list[Auth] = []
        self.saved: list[tuple[Auth, Mapping[str, Any]]] = []
        self.fields: Any = FIELDS
        self.outcome: Any = {"success": True}
        self.tokens = {TOKEN, OTHER_TOKEN}
        self.pages = SettingsPages(self._verify, frame_ancestors=options.pop("frame_ancestors", [PLATFORM]), **options)
        self.pages.on_page("/settings", self._page)
        self.pages.on_update("/settings", self._update)
        self.app = Flask(__name__)
        self.mount(url_prefix=url_prefix)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def mount(self, name: str = "contact_sync", **options: Any) -> None:
        blueprint = Blueprint(name, __name__)
        self.pages.register(blueprint)
        self.app.register_blueprint(blueprint, **options)

    def _verify(self, token: str) -> Auth | Refused:
        """Stand in for the platform."""
        self.asked.append(token)
        if token == UNASKABLE:
            return Refused(503, "the token cannot be checked now", 4.2)
        return Auth(token) if token in self.tokens else Refused(401, "not authorized")

    def _page(self, auth: Auth) -> str:
        self.shown.append(auth)
        fields: str = _play(self.fields)
        return fields

    def _update(self, auth: Auth, fields: Mapping[str, Any]) -> Any:
        self.saved.append((auth, fields))
        return _play(self.outcome)


def _play(outcome: Any) -> Any:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def policy(header: str) -> dict[str, str]:
    """Take a Content-Security-Policy apart."""
    return {name: value for name, _, value in (part.strip().partition(" ") for part in header.split(";"))}


def nonce_of(html: str) -> str:
    """The nonce of the page's own script."""
    found = re.search(r'<script nonce="([^"]+)"', html)
    assert found
    return found[1]


def verify(token: str) -> Auth | Refused:
    """A platform that knows every token."""
    return Auth(token)
