"""Declarations of authorizations: the right ones, and what is said about the wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from contact_sync.consumers.auth import (
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    LoginAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    QueryAuth,
    SharedTokens,
    open_auth,
)
from contact_sync.consumers.http import Api, Timeouts
from contact_sync.errors import ConfigurationError
from key_stores import MemoryKeyStore
from tests.consumers.auth.token_server import CLIENT, FIRST_REFRESH, PERSON, SECRET, TokenServer

OAUTH = {"token_url": "https://id.example.com/token/?v=1", "client_id": CLIENT, "client_secret": SECRET}
CREDENTIALS = {"type": "oauth2_client_credentials", **OAUTH}
LOGIN = {"type": "login", "url": "/login", "body": PERSON, "token": "data.token"}


def opened(declared: Any, base_url: str = "https://crm.example.com/v1/") -> AuthBase | None:
    return open_auth(declared, where="auth", base_url=base_url, tokens=None)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ({"type": "bearer", "token": "s3cret"}, BearerAuth),
        ({"type": "basic", "username": "ann", "password": "s3cret"}, BasicAuth),
        ({"type": "header", "name": "X-Api-Key", "value": "s3cret"}, HeaderAuth),
        ({"type": "query", "name": "api_key", "value": "s3cret"}, QueryAuth),
        (CREDENTIALS, OAuth2ClientCredentials),
        (CREDENTIALS | {"scope": "a b", "client_in": "body", "prefix": "", "parameters": {"a": ""}}, None),
        ({"type": "oauth2_refresh_token", **OAUTH, "refresh_token": FIRST_REFRESH}, OAuth2RefreshToken),
        (LOGIN, LoginAuth),
        (LOGIN | {"header": "X-Session", "prefix": "", "expires": "data.expires"}, LoginAuth),
        (LOGIN | {"expires": 600}, LoginAuth),
        (LOGIN | {"expires": None}, LoginAuth),
    ],
    ids=range(11),
)
def test_a_right_declaration_is_taken(declared: dict[str, Any], kind: type[AuthBase] | None) -> None:
    before = dict(declared)
    auth = opened(declared)
    assert type(auth) is (kind or OAuth2ClientCredentials)
    assert declared == before
    assert "s3cret" not in repr(auth)


def test_without_a_declaration_calls_are_not_authorized() -> None:
    assert opened(None) is None


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("s3cret", "auth: expected an object with a type, got text"),
        (["bearer"], "auth: expected an object with a type, got a list"),
        ({}, 'auth.type: missing. Use "bearer", "basic", "header", "query", "oauth2_client_credentials", '),
        ({"type": 5}, 'auth.type: expected text, got a number. Use "bearer", '),
        ({"type": "baerer"}, 'auth.type: there is no such type. Did you mean "bearer"? Use "bearer", '),
        ({"type": "oauth2"}, "auth.type: there is no such type. "),
        ({"type": "bearer s3cret"}, 'auth.type: there is no such type. Did you mean "bearer"? '),
        ({"type": "bearer"}, "auth.token: missing; the type needs token"),
        ({"type": "basic", "username": "s3cret"}, "auth.password: missing; the type needs username and password"),
        ({"type": "bearer", "tokn": "s3cret"}, 'auth.tokn: unknown key. Did you mean "token"? Use "token"'),
        ({"type": "bearer", "token": "s3cret", 5: "x"}, "auth: unknown key, which is not repeated, since it may be"),
        ({"type": "bearer", "token:s3cret-4242": None}, "auth: unknown key, which is not repeated, since it may be a"),
        ({"type": "bearer", "token:s3cret": None}, "auth: unknown key, which is not repeated, since it may be a secre"),
        ({"type": "bearer", "s3cret_4242": None}, "auth: unknown key, which is not repeated, since it may be a secret"),
        (CREDENTIALS | {"parameters": {"a:s3cret": None}}, "auth.parameters.a key: missing; give it as text"),
        (LOGIN | {"token": ".s3cret"}, "auth.token: it is no path in the answer: it has an empty step"),
        ({"type": "bearer", "token": 12345}, "auth.token: expected text, got a number; in YAML, put it in quotes"),
        ({"type": "bearer", "token": ""}, "auth.token: it is empty; if it comes from the environment, see that it is"),
        ({"type": "bearer", "token": "s3cret\n"}, "auth.token: it holds a space, a line break or a character that no"),
        ({"type": "header", "name": "X-Key:", "value": "s3cret"}, "auth.name: it is no name of a header; write one "),
        ({"type": "header", "name": "X-Key", "value": "s3cret\n"}, "auth.value: it has a line break in it, a space at"),
        (CREDENTIALS | {"token_url": "id.example.com"}, "auth.token_url: expected an http:// or https:// URL with a"),
        (CREDENTIALS | {"token_url": 5}, "auth.token_url: expected text, got a number"),
        (CREDENTIALS | {"token_url": "https://ann:s3cret@id.example.com"}, "auth.token_url: expected an http:// or "),
        (CREDENTIALS | {"token_url": "https://id.example.com/#s3cret"}, "auth.token_url: expected an http:// or "),
        (CREDENTIALS | {"token_url": "https://id.example.com/?a=s3 cret"}, "auth.token_url: expected an http:// or "),
        (CREDENTIALS | {"client_secret": ""}, "auth.client_secret: it is empty; if it comes from the environment"),
        (CREDENTIALS | {"client_in": "query"}, 'auth.client_in: expected "header" or "body", got another text'),
        (CREDENTIALS | {"client_in": {}}, 'auth.client_in: expected "header" or "body", got an object'),
        (CREDENTIALS | {"scopes": "a"}, 'auth.scopes: unknown key. Did you mean "scope"? Use "token_url", '),
        (CREDENTIALS | {"scope": ["a", "b"]}, "auth.scope: expected text, got a list"),
        (CREDENTIALS | {"parameters": "a=b"}, "auth.parameters: expected an object of names and values, got text"),
        (CREDENTIALS | {"parameters": {"a": 5}}, "auth.parameters.a: expected text, got a number; in YAML, put it in"),
        (CREDENTIALS | {"prefix": "Bearer "}, "auth.prefix: expected one word, such as Bearer, or empty text for none"),
        (CREDENTIALS | {"type": "oauth2_refresh_token"}, "auth.refresh_token: missing; the type needs token_url and "),
        (LOGIN | {"url": "login"}, "auth.url: expected an http:// or https:// URL with a host"),
        (LOGIN | {"body": "s3cret"}, "auth.body: expected an object of names and values, got text"),
        (LOGIN | {"body": {5: "s3cret"}}, "auth.a name in body: expected text, got a number"),
        (LOGIN | {"body": {"a": object()}}, "auth.body: it holds something that JSON cannot hold"),
        (LOGIN | {"token": 5}, "auth.token: expected text, got a number"),
        (LOGIN | {"token": "data..token"}, "auth.token: it is no path in the answer: it has an empty step"),
        (LOGIN | {"expires": 0}, "auth.expires: expected seconds above 0 or a path in the answer, got a number"),
        (LOGIN | {"expires": True}, "auth.expires: expected seconds above 0 or a path in the answer, got a boolean"),
        (LOGIN | {"expires": "a..b"}, "auth.expires: it is no path in the answer"),
        (LOGIN | {"header": "X Session"}, "auth.header: it is no name of a header"),
    ],
    ids=range(45),
)
def test_a_wrong_declaration_is_refused_with_its_place_and_remedy(declared: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        opened(declared)
    assert str(refused.value).startswith(message)
    assert "s3cret" not in str(refused.value)


def test_a_url_that_begins_with_a_slash_is_below_the_apis(server: TokenServer, api: Api) -> None:
    for declared in (LOGIN, CREDENTIALS | {"token_url": "/token"}):
        api.auth = opened(declared, f"{server.url}/")
        assert api.call("GET").status == 200
    assert [asked["path"] for asked in server.asked] == ["/login", "/token"]


def test_what_tokens_need_is_handed_on(server: TokenServer) -> None:
    """Time-outs, and the store in which they are shared: a second one like it gets nothing anew."""
    tokens = SharedTokens(MemoryKeyStore(), secret_keys=["a-key-for-this-test-and-nothing-else"])
    for _ in range(2):
        auth = open_auth(LOGIN, where="auth", base_url=server.url, tokens=tokens, timeouts=Timeouts(total=5))
        assert requests.get(f"{server.url}/api", auth=auth, timeout=5).status_code == 200
    assert len(server.asked) == 1


def test_what_shares_tokens_has_to_be_that() -> None:
    with pytest.raises(ConfigurationError, match=r"^auth.tokens: expected SharedTokens, got MemoryKeyStore; write "):
        open_auth(CREDENTIALS, where="auth", base_url="", tokens=MemoryKeyStore())  # type: ignore[arg-type]  # wrong
    with pytest.raises(ConfigurationError, match=r"^key_store: expected a KeyStore, got str; open_key_store"):
        SharedTokens("redis://localhost")  # type: ignore[arg-type]  # on purpose
