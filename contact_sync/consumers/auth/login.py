"""A log-in: credentials are posted, and the answer holds a token."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from contact_sync.consumers.http import Timeouts, UnreadableAnswer
from contact_sync.errors import ConfigurationError
from mappers import paths
from mappers.values import kind_of

from . import checks
from .asking import Remedies, ask
from .fixed import AUTHORIZATION
from .renewing import BEARER, RenewingAuth
from .shared import SharedTokens
from .token import Token, lifetime, time_left

_REFUSED: Final = "the log-in is refused; check the credentials in body"
_REMEDIES: Final[Remedies] = {
    400: _REFUSED,
    401: _REFUSED,
    403: _REFUSED,
    404: "there is nothing at url; check it",
    422: _REFUSED,
    "": "check url and body",
}


class LoginAuth(RenewingAuth):
    """Logs in with credentials, and authorizes with the token that the answer holds. It logs in again when that ends.

    Args:
        url: Where to log in.
        body: What is posted, as JSON: `{"identity": "sync@example.com", "password": "…"}`.
        token: The path of the token in the answer (`data.token`).
        header: Where the token goes.
        prefix: What stands before it there; may be empty.
        expires: How long it lasts, in seconds; or the path of that in the answer: seconds, a moment since 1970 in
            seconds or milliseconds, or a time in ISO 8601. Otherwise a JWT says itself when it ends, and any other
            token is used until the CRM answers 401.
        tokens: Lets processes share the token.
        timeouts: How long logging in may take.

    Raises:
        ConfigurationError: One of these is missing or wrong.
    """

    def __init__(
        self,
        url: str,
        body: Mapping[str, Any],
        token: str,
        *,
        header: str = AUTHORIZATION,
        prefix: str = BEARER,
        expires: str | float | None = None,
        tokens: SharedTokens | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(header=header, prefix=prefix, timeouts=timeouts)
        self._url = checks.url("url", url)
        self._body = checks.table("body", body)
        try:
            sent = json.dumps(self._body, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError):
            raise ConfigurationError("body: it holds something that JSON cannot hold; give texts and numbers") from None
        self._token = _path("token", token)
        self._expires = _expires(expires)
        self._keep(tokens, ["login", url, token], sent)

    def _fetch(self, refresh: str | None) -> Token:  # noqa: ARG002 - there is no such thing here
        began = time.time()
        answer = ask(self._url, _REMEDIES, timeouts=self._timeouts, json=self._body)
        access = paths.read(answer, self._token)
        if not isinstance(access, str):
            raise UnreadableAnswer("the answer to the log-in holds no text where a token is declared (token)")
        return Token.lasting(access, self._seconds(answer, access), began)

    def _seconds(self, answer: dict[str, Any], access: str) -> float | None:
        if isinstance(self._expires, tuple):
            return time_left(paths.read(answer, self._expires))
        return _left_of_jwt(access) if self._expires is None else self._expires


def _expires(given: object) -> float | paths.Path | None:
    if given is None:
        return None
    if isinstance(given, str):
        return _path("expires", given)
    seconds = lifetime(given)
    if seconds is None or seconds <= 0:
        raise ConfigurationError(f"expires: expected seconds above 0 or a path in the answer, got {kind_of(given)}")
    return seconds


def _path(name: str, given: object) -> paths.Path:
    text = checks.text(name, given)
    try:
        return paths.split(text)
    except ValueError as error:
        raise ConfigurationError(f"{name}: it is no path in the answer: {error}") from None


def _left_of_jwt(token: str) -> float | None:
    """How long a JWT lasts (RFC 7519, `exp`). It is the server's own, and only what it says is wanted: no signature is
    checked."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = lifetime(claims["exp"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return None if ends is None else ends - time.time()
