"""`SettingsPages`: the user's settings functions by path, and the requests that reach them."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, current_app, request

from contact_sync.auth import Refused
from contact_sync.errors import ConfigurationError
from contact_sync.events import Auth
from contact_sync.failures import translate
from contact_sync.results import Result

from .mounts import Mounts, Route
from .origins import checked_origins
from .outcome import failure, to_outcome
from .page import DATA_POLICY, HEADERS, Page, form_page, fresh_nonce, message_page
from .submission import Unreadable, read_submission

log = logging.getLogger(__name__)

SettingsPage = Callable[[Auth], str]
"""A user's function: the HTML of the form's fields. It is trusted: escape the values in it."""

UpdateSettings = Callable[[Auth, Mapping[str, Any]], Mapping[str, Any] | Result]
"""A user's function: takes the posted fields, without the token, and says whether they were saved."""

Verify = Callable[[str], Auth | Refused]
"""Asks the platform about a token."""

_PATH: Final = re.compile(r"/|(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+/?")

_UNAUTHORIZED: Final = "This page was opened without a valid token. Open it again from the platform."
_UNASKED: Final = "The platform cannot confirm who you are right now. Try again in a moment."
_BROKEN: Final = "The settings cannot be shown right now. Try again in a moment."


class SettingsPages:
    """Serves the user's settings pages, and takes what they post. No token gets past it that `verify` does not confirm.

    Functions may be given at any time: before the blueprint is registered on an app, after that, and after the app has
    answered requests (then in this process only). A function for a path that has one already takes its place.
    """

    def __init__(
        self,
        verify: Verify,
        *,
        frame_ancestors: Sequence[str],
        body_limit: int = 1_000_000,
        upload_limit: int = 10_000_000,
        reserved: Collection[str] = (),
    ) -> None:
        """Check the settings.

        Args:
            verify: Asks the platform about a token.
            frame_ancestors: The exact origins of the pages that may frame a settings page and talk with it; mostly
                that of the platform alone (`origin_of(base_url)`).
            body_limit: How many bytes a post without files may have.
            upload_limit: How many bytes a post with files may have.
            reserved: Paths that are taken, such as the webhook's endpoint.

        Raises:
            ConfigurationError: A setting is wrong; the message names it.
        """
        limits: dict[str, object] = {"body_limit": body_limit, "upload_limit": upload_limit}
        for name, limit in limits.items():
            if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
                raise ConfigurationError(f"{name} must be a number of bytes, at least 1")
        self._verify = verify
        self._frame_ancestors = checked_origins(frame_ancestors, "frame_ancestors")
        self._body_limit = body_limit
        self._upload_limit = upload_limit
        self._reserved = frozenset(path.rstrip("/") for path in reserved)
        self._pages: dict[str, SettingsPage] = {}
        self._updates: dict[str, UpdateSettings] = {}
        self._mounts = Mounts()

    def on_page(self, path: str, page: SettingsPage) -> None:
        """Show what a function gives at a path, below the blueprint's prefix.

        Raises:
            ConfigurationError: The path cannot be one, or is taken.
        """
        path = self._checked(path, page)
        new = path not in self._pages
        self._pages[path] = page
        if new:
            self._mounts.add(Route(path, "GET", lambda **_: self._show(path)))

    def on_update(self, path: str, update: UpdateSettings) -> None:
        """Hand what is posted to a path to a function.

        Raises:
            ConfigurationError: The path cannot be one, or is taken.
        """
        path = self._checked(path, update)
        new = path not in self._updates
        self._updates[path] = update
        if new:
            self._mounts.add(Route(path, "POST", lambda **_: self._update(path)))

    def register(self, blueprint: Blueprint) -> None:
        """Put the routes on a blueprint that is not registered on an app yet. May be called with several."""
        self._mounts.on_blueprint(blueprint)

    def _checked(self, path: object, function: object) -> str:
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise ConfigurationError(
                "a settings path starts with '/' and has only letters, digits and '-', '.', '_', '~' between slashes, "
                "such as '/settings'"
            )
        if not callable(function):
            raise ConfigurationError(f"settings path {path!r}: expected a function, got {type(function).__name__}")
        path = path.rstrip("/") or "/"
        if path.rstrip("/") in self._reserved:
            raise ConfigurationError(
                f"the settings path {path!r} is the webhook's; choose another, such as '/settings'"
            )
        return path

    def _show(self, path: str) -> Response:
        if request.method == "OPTIONS":
            return current_app.make_default_options_response()
        tokens = set(request.args.getlist("token"))
        if len(tokens) != 1 or "" in tokens:
            return self._message(401, _UNAUTHORIZED)
        token = tokens.pop()
        auth = self._verify(token)
        if isinstance(auth, Refused):
            return self._message(auth.status, _reason(auth), auth.retry_after)
        source = f"the settings page function of {path!r}"
        with fresh_nonce() as nonce:
            try:
                fields = self._pages[path](auth)
            except Exception as error:  # noqa: BLE001 - a user's function may raise anything
                translate(error, source)
                return self._message(503, _BROKEN)
        if not isinstance(fields, str):
            log.warning("%s returned %s; expected HTML text", source, type(fields).__name__)
            return self._message(503, _BROKEN)
        return _html_response(form_page(fields, token, nonce, self._frame_ancestors))

    def _update(self, path: str) -> Response:
        if request.method == "OPTIONS":
            return current_app.make_default_options_response()
        try:
            submission = read_submission(request, body_limit=self._body_limit, upload_limit=self._upload_limit)
        except Unreadable as unreadable:
            return _json_response(failure(unreadable.error), unreadable.status)
        auth = self._verify(submission.token)
        if isinstance(auth, Refused):
            return _json_response(failure(_reason(auth)), auth.status, auth.retry_after)
        source = f"the settings update function of {path!r}"
        # Whatever the function does, the request itself was handled: 200, as the webhook answers.
        try:
            return _json_response(to_outcome(self._updates[path](auth, submission.fields), source))
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            translate(error, source)
            return _json_response(failure())

    def _message(self, status: int, message: str, retry_after: float | None = None) -> Response:
        return _html_response(message_page(message, self._frame_ancestors), status, retry_after)


def _reason(refused: Refused) -> str:
    return _UNASKED if refused.status == 503 else _UNAUTHORIZED


def _html_response(page: Page, status: int = 200, retry_after: float | None = None) -> Response:
    # Half a character in the user's fields must not break the whole page.
    html = page.html.encode("utf-8", "replace")
    response = Response(html, status, page.headers, content_type="text/html; charset=utf-8")
    return _retry_after(response, retry_after)


def _json_response(body: Mapping[str, Any], status: int = 200, retry_after: float | None = None) -> Response:
    headers = {**HEADERS, "Content-Security-Policy": DATA_POLICY}
    return _retry_after(Response(json.dumps(body), status, headers, mimetype="application/json"), retry_after)


def _retry_after(response: Response, seconds: float | None) -> Response:
    if seconds is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    return response
