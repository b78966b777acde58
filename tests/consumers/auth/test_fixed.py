"""Authorizations that stay as they are, as a server gets them."""

from __future__ import annotations

import base64

import pytest
import requests
from requests.auth import AuthBase

from contact_sync.consumers.auth import BasicAuth, BearerAuth, HeaderAuth, QueryAuth
from contact_sync.consumers.http import Api
from contact_sync.errors import ConfigurationError
from tests.consumers.auth.token_server import TokenServer


def prepared(auth: AuthBase, url: str = "https://crm.example.com/people") -> requests.PreparedRequest:
    return requests.Request("GET", url, auth=auth).prepare()


def test_a_bearer_token_stands_in_the_header(server: TokenServer, api: Api) -> None:
    api.auth = BearerAuth("s3cret-token")
    server.live.add("s3cret-token")
    assert api.call("GET").json() == {"ok": True}
    assert server.calls == ["Bearer s3cret-token"]


@pytest.mark.parametrize(("name", "password"), [("ann", "pa:ss"), ("key", ""), ("änn", "påss €")])
def test_a_name_and_a_password_are_sent_in_utf_8(server: TokenServer, api: Api, name: str, password: str) -> None:
    api.auth = BasicAuth(name, password)
    api.call("GET", allow=[401])
    assert base64.b64decode(str(server.calls[0]).removeprefix("Basic ")).decode() == f"{name}:{password}"


def test_a_key_stands_in_a_header_of_ones_own() -> None:
    assert prepared(HeaderAuth("X-Api-Key", "Token token=s3cret")).headers["X-Api-Key"] == "Token token=s3cret"


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://crm.example.com/people", "/people?api_key=s3cret%26+1"),
        ("https://crm.example.com/people?page=2&q=a%20b", "/people?page=2&q=a%20b&api_key=s3cret%26+1"),
        ("https://crm.example.com/people?api_key=old&page=2", "/people?page=2&api_key=s3cret%26+1"),
        ("https://crm.example.com", "/?api_key=s3cret%26+1"),
    ],
)
def test_a_key_stands_in_the_url_once(url: str, called: str) -> None:
    """A link to the next page may hold it already."""
    assert prepared(QueryAuth("api_key", "s3cret& 1"), url).path_url == called


def test_a_key_in_the_url_is_in_no_log_of_the_http_client(server: TokenServer, api: Api) -> None:
    """The test fails if it is: all logs of these tests are looked through."""
    api.auth = QueryAuth("api_key", "s3cret")
    assert api.call("GET", params={"email": "s3cret@example.com"}, allow=[401]).url.endswith("&api_key=s3cret")


@pytest.mark.parametrize("token", ["s3cret\r\nX: 1", "s3cret\n", "s3 cret", "s3crét", "s3cret" * 5000, "", None, 5])
def test_what_no_header_takes_is_refused_when_it_is_made(token: str) -> None:
    for make in (BearerAuth, lambda value: HeaderAuth("X-Key", f"\n{value}" if value == "s3 cret" else value)):
        with pytest.raises(ConfigurationError, match=r"^(token|value): ") as refused:
            make(token)
        assert "s3c" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("", "x", "username: it is empty, or has a ':' in it"),
        ("a:b", "x", "username: it is empty, or has a ':' in it"),
        ("ann", "s3cret\n", "password: it has a line break or a control character in it"),
        ("ann", None, "password: missing"),
        (5, "x", "username: expected text, got a number; in YAML, put it in quotes"),
        ("ann", "\ud800", "username, password: there is half a character in one of them"),
    ],
)
def test_a_name_or_password_that_cannot_be_sent_is_refused(name: str, password: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        BasicAuth(name, password)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "auth",
    [BearerAuth("s3cret"), BasicAuth("ann", "s3cret"), HeaderAuth("X-Key", "s3cret"), QueryAuth("key", "s3cret")],
    ids=lambda auth: type(auth).__name__,
)
def test_it_does_not_show_its_secret(auth: AuthBase) -> None:
    assert "s3cret" not in repr(auth) + str(auth)
