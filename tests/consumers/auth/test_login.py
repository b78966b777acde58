"""How long a log-in lasts."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from contact_sync.consumers.auth import LoginAuth
from contact_sync.consumers.http import Api
from tests.consumers.auth.conftest import Clock
from tests.consumers.auth.token_server import PERSON, Answer, TokenServer


def jwt(claims: object) -> str:
    """A JWT whose signature is none."""
    parts = [json.dumps({"alg": "HS256"}).encode(), json.dumps(claims).encode(), b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def renewed_after(seconds: float, server: TokenServer, api: Api, clock: Clock, **declared: Any) -> bool:
    """Whether a log-in is made anew when so many seconds are over."""
    api.auth = LoginAuth(f"{server.url}/login", PERSON, "data.token", **declared)
    before = len(server.asked)
    api.call("GET", allow=[401])
    clock.forward(seconds)
    api.call("GET", allow=[401])
    return len(server.asked) - before > 1


@pytest.mark.parametrize(
    "said",
    [
        lambda: 1000,
        lambda: "1000",
        lambda: time.time() + 1000,
        lambda: int((time.time() + 1000) * 1000),
        lambda: datetime.fromtimestamp(time.time() + 1000, UTC).isoformat(),
        lambda: datetime.fromtimestamp(time.time() + 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        lambda: datetime.fromtimestamp(time.time() + 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    ],
    ids=["seconds", "text", "since 1970", "in milliseconds", "ISO 8601", "without a zone", "with Z"],
)
def test_the_answer_may_say_how_long(server: TokenServer, api: Api, clock: Clock, said: Any) -> None:
    for seconds, renewed in ((900, False), (945, True)):
        server.expires_in = said()
        assert renewed_after(seconds, server, api, clock, expires="data.expires") is renewed


@pytest.mark.parametrize("said", [None, "soon", [], {}, True, "0001-01-01T00:00:00+23:59", -1])
def test_what_it_says_may_be_of_no_use(server: TokenServer, api: Api, clock: Clock, said: object) -> None:
    server.expires_in = said
    assert not renewed_after(10_000_000, server, api, clock, expires="data.expires")


def test_the_declaration_may_say_how_long(server: TokenServer, api: Api, clock: Clock) -> None:
    assert not renewed_after(500, server, api, clock, expires=600)
    assert renewed_after(545, server, api, clock, expires=600)


def test_a_jwt_says_it_itself(server: TokenServer, api: Api, clock: Clock) -> None:
    for seconds, renewed in ((900, False), (945, True)):
        token = jwt({"exp": time.time() + 1000, "name": "änn"})
        server.live.add(token)
        server.instead = Answer.of(200, {"data": {"token": token}})
        assert renewed_after(seconds, server, api, clock) is renewed


@pytest.mark.parametrize(
    "token",
    [jwt({}), jwt([]), jwt({"exp": "never"}), jwt({"exp": None}), jwt("[" * 5000), "a.b.c", "a.!.c", "a..c", "a.W10"],
    ids=range(9),
)
def test_a_token_that_says_nothing_is_used_until_it_is_refused(
    server: TokenServer, api: Api, clock: Clock, token: str
) -> None:
    server.live.add(token)
    server.instead = Answer.of(200, {"data": {"token": token}})
    assert not renewed_after(10_000_000, server, api, clock)
