"""Authorizations that stay as they are: a token, a name and password, a header, a parameter."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import unquote_plus, urlsplit, urlunsplit

import requests
from requests.auth import AuthBase

from contact_sync.errors import ConfigurationError

from . import checks

AUTHORIZATION: Final = "Authorization"


class HeaderAuth(AuthBase):
    """A key in a header: `HeaderAuth("X-Api-Key", key)`.

    Raises:
        ConfigurationError: One of the two does not fit into a header.
    """

    def __init__(self, name: str, value: str) -> None:
        self._name = checks.header_name("name", name)
        self._value = checks.header_value("value", value)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the header into a request."""
        request.headers[self._name] = self._value
        return request


class BearerAuth(HeaderAuth):
    """A token that does not run out: `Authorization: Bearer …`.

    Raises:
        ConfigurationError: It does not fit into a header.
    """

    def __init__(self, token: str) -> None:
        super().__init__(AUTHORIZATION, f"Bearer {checks.bare('token', token)}")


class BasicAuth(HeaderAuth):
    """A name and a password, in UTF-8 (RFC 7617). The password may be empty, where the name is a key.

    Raises:
        ConfigurationError: One of the two is no text, or cannot be sent this way.
    """

    def __init__(self, username: str, password: str) -> None:
        for name, value in (("username", username), ("password", password)):
            if any(character < " " or character == "\x7f" for character in checks.text(name, value, empty=True)):
                raise ConfigurationError(f"{name}: it has a line break or a control character in it; take that out")
        if not username or ":" in username:
            raise ConfigurationError("username: it is empty, or has a ':' in it, which would end it; give another")
        try:
            pair = f"{username}:{password}".encode()
        except UnicodeEncodeError:
            raise ConfigurationError("username, password: there is half a character in one of them") from None
        super().__init__(AUTHORIZATION, f"Basic {base64.b64encode(pair).decode()}")


class QueryAuth(AuthBase):
    """A key among the parameters of the URL: `?api_key=…`. It may stand in logs of servers and proxies then, so where
    the CRM takes a header too, prefer `HeaderAuth`.

    Raises:
        ConfigurationError: One of the two is no text, or empty.
    """

    def __init__(self, name: str, value: str) -> None:
        self._name = checks.text("name", name)
        self._value = checks.text("value", value)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the parameter into a request, in place of one of that name, as links to a next page may have."""
        scheme, host, path, query, fragment = urlsplit(request.url or "")
        others = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != self._name]
        bare = urlunsplit((scheme, host, path, "&".join(part for part in others if part), fragment))
        request.prepare_url(bare, {self._name: self._value})
        return request
