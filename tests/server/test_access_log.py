"""The access log: a line for each request, with nothing in it that is secret or that could be forged."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from werkzeug.test import Client

from contact_sync.server.access_log import AccessLog
from tests.server.apps import hello


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "contact_sync.server.access_log")
    return caplog


def test_a_line_has_neither_query_nor_headers(log: pytest.LogCaptureFixture) -> None:
    answer = Client(AccessLog(hello)).get(
        "/settings?token=hush-hush",
        headers={"Authorization": "Bearer hush-hush", "Cookie": "hush=hush"},
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert answer.text == "hello"
    [line] = log.messages
    assert line.startswith("192.0.2.7 GET /settings 200 ")
    assert line.endswith(" ms")


def test_a_line_cannot_be_forged(log: pytest.LogCaptureFixture) -> None:
    Client(AccessLog(hello)).get("/a%0A127.0.0.1%20GET%20/admin%20200%1b[2J" + "x" * 1000)
    [line] = log.messages
    assert line.isprintable()
    assert "/a%0A127.0.0.1%20GET" in line
    assert len(line) < 300


def test_a_path_in_any_encoding_is_no_fault(log: pytest.LogCaptureFixture) -> None:
    Client(AccessLog(hello)).get(
        "/", environ_overrides={"PATH_INFO": "/caf\u00c3\u00a9/\u00ff"}
    )  # bytes, as WSGI has them
    assert "GET /caf%C3%A9/%FF 200 " in log.text


def test_an_app_that_raises_is_a_500(log: pytest.LogCaptureFixture) -> None:
    def broken(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Client(AccessLog(broken)).get("/")
    assert "GET / 500 " in log.text
