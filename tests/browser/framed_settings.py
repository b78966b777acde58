"""A site with settings, framed by a platform's page on another origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from tests.browser.platform_page import PlatformPage
from tests.settings_page.helpers import TOKEN, Site

FIELDS = """
<div class="field">
  <label class="label" for="key">API key</label>
  <div class="control"><input class="input" id="key" name="api_key" value="k1"></div>
  <p class="help">From your CRM's profile page.</p>
</div>
<div class="field">
  <label class="label" for="region">Region</label>
  <div class="control"><div class="select"><select id="region" name="region">
    <option value="eu" selected>Europe</option><option value="us">America</option>
  </select></div></div>
</div>
"""


class FramedSettings:
    """A site with settings, on another origin than the platform's page; remembers the addresses that were asked."""

    def __init__(self, platform: PlatformPage, site: Site, url: str) -> None:
        self.platform = platform
        self.site = site
        self.url = f"{url}/settings"
        self.requests: list[tuple[str, str, str | None, str | None]] = []
        site.app.before_request(self._note)

    def show(self, fields: str = FIELDS, token: str = TOKEN) -> None:
        self.site.fields = fields
        self.platform.show(f"{self.url}?token={token}")
        self.platform.wait_loaded()

    @property
    def posts(self) -> list[str]:
        return [path for method, path, _, _ in self.requests if method == "POST"]

    @property
    def saved(self) -> list[Mapping[str, Any]]:
        return [fields for _, fields in self.site.saved]

    def _note(self) -> None:
        self.requests.append((request.method, request.full_path, request.mimetype, request.referrer))
