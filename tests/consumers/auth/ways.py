"""The three ways to get a token that runs out, from the server of these tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contact_sync.consumers.auth import LoginAuth, OAuth2ClientCredentials, OAuth2RefreshToken
from tests.consumers.auth.token_server import CLIENT, FIRST_REFRESH, PERSON, SECRET, TokenServer

Make = Callable[..., Any]


def by_client(server: TokenServer, **more: Any) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(server.token_url, CLIENT, SECRET, **more)


def by_refresh(server: TokenServer, **more: Any) -> OAuth2RefreshToken:
    return OAuth2RefreshToken(server.token_url, CLIENT, SECRET, FIRST_REFRESH, **more)


def by_login(server: TokenServer, **more: Any) -> LoginAuth:
    return LoginAuth(f"{server.url}/login", PERSON, "data.token", **more)


EACH = pytest.mark.parametrize("make", [by_client, by_refresh, by_login])
LASTING = pytest.mark.parametrize(
    "make", [by_client, by_refresh, lambda server: by_login(server, expires="data.expires")], ids=["c", "r", "l"]
)
