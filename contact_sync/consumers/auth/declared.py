"""An authorization from its declaration, as it stands in YAML."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from requests.auth import AuthBase

from contact_sync.consumers.http import Timeouts
from contact_sync.errors import ConfigurationError
from mappers.values import kind_of
from mappers.words import instead_of

from .checks import shown
from .fixed import BasicAuth, BearerAuth, HeaderAuth, QueryAuth
from .login import LoginAuth
from .oauth import OAuth2ClientCredentials, OAuth2RefreshToken
from .shared import SharedTokens


@dataclass(frozen=True, slots=True)
class _Type:
    make: Callable[..., AuthBase]
    needs: tuple[str, ...]
    may_have: tuple[str, ...] = ()
    renews: bool = False
    """Whether its token runs out: it is given `tokens` and `timeouts`."""


_CLIENT: Final = ("token_url", "client_id", "client_secret")
_OPTIONS: Final = ("scope", "client_in", "parameters", "prefix")

_TYPES: Final[Mapping[str, _Type]] = {
    "bearer": _Type(BearerAuth, ("token",)),
    "basic": _Type(BasicAuth, ("username", "password")),
    "header": _Type(HeaderAuth, ("name", "value")),
    "query": _Type(QueryAuth, ("name", "value")),
    "oauth2_client_credentials": _Type(OAuth2ClientCredentials, _CLIENT, _OPTIONS, renews=True),
    "oauth2_refresh_token": _Type(OAuth2RefreshToken, (*_CLIENT, "refresh_token"), _OPTIONS, renews=True),
    "login": _Type(LoginAuth, ("url", "body", "token"), ("header", "prefix", "expires"), renews=True),
}
_PAGES: Final = ("token_url", "url")


def open_auth(
    declared: Mapping[str, Any] | None,
    *,
    where: str,
    base_url: str,
    tokens: SharedTokens | None,
    timeouts: Timeouts | None = None,
) -> AuthBase | None:
    """Make the authorization that a declaration describes.

    Args:
        declared: `{"type": "bearer", "token": "…"}`; the other keys are the arguments of that type's class. A URL in
            it that begins with `/` is below `base_url`. Nothing: calls are not authorized.
        where: Where the declaration stands, for messages (`auth`).
        base_url: Where the CRM's API is.
        tokens: Lets processes share tokens that run out.
        timeouts: How long getting such a token may take.

    Raises:
        ConfigurationError: The declaration is wrong. The message names the place and what to write there, and holds
            nothing of what was given but names of keys, of unknown ones such as are misspelt.
    """
    if declared is None:
        return None
    if not isinstance(declared, Mapping):
        raise ConfigurationError(f"{where}: expected an object with a type, got {kind_of(declared)}")
    given = dict(declared)
    kind = _type(given.pop("type", None), where)
    known = (*kind.needs, *kind.may_have)
    for key in given:
        if key not in known:
            raise ConfigurationError(_unknown(key, known, where))
    for key in kind.needs:
        if given.get(key) is None:
            raise ConfigurationError(f"{where}.{key}: missing; the type needs {' and '.join(kind.needs)}")
    for key in _PAGES:
        page = given.get(key)
        if isinstance(page, str) and page.startswith("/"):
            given[key] = base_url.rstrip("/") + page
    shared = {"tokens": tokens, "timeouts": timeouts} if kind.renews else {}
    try:
        return kind.make(**{key: value for key, value in given.items() if value is not None}, **shared)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}.{error}") from None


def _unknown(key: object, known: tuple[str, ...], where: str) -> str:
    """Say that a key is unknown. Only one that is like a known one is repeated: any other may be the secret itself."""
    name = shown(key)
    if name == key and difflib.get_close_matches(name, known, n=1):
        return f"{where}.{name}: unknown key. {instead_of(name, known)}"
    hint = "In YAML, a space follows the ':'"
    return f"{where}: unknown key, which is not repeated, since it may be a secret. {hint}. {instead_of('', known)}"


def _type(word: object, where: str) -> _Type:
    if isinstance(word, str) and word in _TYPES:
        return _TYPES[word]
    what = f"expected text, got {kind_of(word)}"
    if isinstance(word, str):  # not repeated: somebody may have put the token there
        what = "there is no such type"
    elif word is None:
        what = "missing"
    raise ConfigurationError(f"{where}.type: {what}. {instead_of(word if isinstance(word, str) else '', _TYPES)}")
