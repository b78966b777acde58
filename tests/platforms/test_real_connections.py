"""The client on real sockets: servers that hang, drip, reset, lie and remember."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from contact_sync.platforms import BotmaticPlatform
from contact_sync.results import Result
from tests.platforms.helpers import TOKEN, platform
from tests.platforms.servers import (
    Behaviour,
    answering,
    answering_json,
    dripping,
    free_port,
    hang,
    raw_server,
    reset,
)

CREATED = b'{"id": 7}'
ENDLESS = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"


def impatient(url: str, **settings: object) -> BotmaticPlatform:
    return platform(url, **{"timeout": (2.0, 0.3), "time_limit": 0.6, "retries": 0, **settings})


def test_nobody_there_is_a_retryable_failure() -> None:
    result = platform(f"http://127.0.0.1:{free_port()}", retries=1).create_contact(TOKEN, {})
    assert result == Result.failed("create contact: the platform cannot be reached", retryable=True)


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (hang, "did not answer in time"),
        (dripping(b"HTTP/1.1 201 Created\r\n", b"X-Slow: yes\r\n"), "did not answer in time"),
        (dripping(b"HTTP/1.1 201 Created\r\nX: ", b"a"), "did not answer in time"),
        (dripping(ENDLESS, b" "), "did not answer in time"),
        (dripping(CHUNKED, b"1\r\n \r\n"), "did not answer in time"),
        (dripping(CHUNKED, b"0"), "did not answer in time"),
        (reset, "broke"),
        (answering(b""), "broke"),
        (answering(b"\x16\x03\x01 this is no HTTP\r\n\r\n"), "broke"),
        (answering(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"), "broke"),
        (answering(CHUNKED + b"zz\r\n"), "broke"),
        (answering(b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), "broke"),
        (answering(b"HTTP/1.1 201 Created\r\n" + b"X: y\r\n" * 500 + b"\r\n"), "broke"),
    ],
    ids=[
        "hangs",
        "drips headers",
        "drips one header",
        "drips a body",
        "drips chunks",
        "drips a chunk's length",
        "resets",
        "closes",
        "garbage",
        "cut off",
        "bad chunk",
        "bad gzip",
        "too many headers",
    ],
)
def test_a_server_that_misbehaves_gives_a_retryable_failure_in_time(behaviour: Behaviour, says: str) -> None:
    with raw_server(behaviour) as server:
        botmatic = impatient(server.url)
        result = botmatic.create_contact(TOKEN, {})
        botmatic.close()
    assert says in (result.error or "")
    assert (result.error or "").endswith("; it may have taken effect")
    assert result.retryable


@pytest.mark.parametrize("status", [b"201 Created", b"302 Found\r\nLocation: /elsewhere"])
def test_an_answer_without_end_is_cut_off(status: bytes) -> None:
    flood = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n\r\n"

    def behave(connection: object, stopping: threading.Event) -> None:
        connection.sendall(flood)  # type: ignore[attr-defined]  # a socket
        while not stopping.is_set():
            connection.sendall(b" " * 1_000_000)  # type: ignore[attr-defined]  # a socket

    with raw_server(behave) as server:
        result = platform(server.url).create_contact(TOKEN, {})
    said = "create contact: the answer is larger than 10485760 bytes; it may have taken effect"
    assert result == Result.failed(said, in_doubt=True)


def test_a_redirect_is_not_followed_and_the_token_stays_here() -> None:
    with raw_server(answering_json("200 OK", b"{}")) as elsewhere:
        location = f"Location: {elsewhere.url}/api/contacts/7"
        with raw_server(answering_json("307 Temporary Redirect", b"", location)) as server:
            result = platform(server.url).update_contact(TOKEN, "7", {})
        assert "HTTP 307, a redirect" in (result.error or "")
        assert elsewhere.requests == []


def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    def once(connection: object, stopping: threading.Event) -> None:
        answering_json("201 Created", CREATED)(connection, stopping)  # type: ignore[arg-type]  # a socket

    with raw_server(once) as server:
        botmatic = platform(server.url)
        for _ in range(3):
            assert botmatic.create_contact(TOKEN, {}).id == "7"
            assert server.ended.acquire(timeout=5)
        botmatic.close()


def test_a_body_where_none_belongs_does_not_spoil_the_next_call() -> None:
    with raw_server(answering_json("204 No Content", b'{"success": true}')) as server:
        botmatic = platform(server.url)
        assert [botmatic.delete_contact(TOKEN, "7").success for _ in range(3)] == [True, True, True]
        botmatic.close()


def test_connections_are_used_again_by_many_threads() -> None:
    with raw_server(answering_json("201 Created", CREATED)) as server:
        botmatic = platform(server.url, pool_size=4)
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda n: botmatic.create_contact(TOKEN, {"n": n}), range(60)))
        botmatic.close()
        assert [result.id for result in results] == ["7"] * 60
        assert len(server.requests) == 60
        assert len(server._open) <= 4


def test_cookies_of_one_installation_are_never_sent_for_another() -> None:
    with raw_server(answering_json("201 Created", CREATED, "Set-Cookie: session=first; Path=/")) as server:
        given = requests.Session()
        given.cookies.set("own", "value")
        for botmatic in (platform(server.url), platform(server.url, session=given)):
            botmatic.create_contact("first", {})
            botmatic.create_contact("second", {})
            botmatic.close()
        given.close()
        assert len(server.requests) == 4
        assert not any(b"cookie" in request.lower() for request in server.requests)


def test_neither_netrc_nor_a_sessions_own_headers_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with raw_server(answering_json("200 OK", b'{"success": true}')) as server, requests.Session() as given:
        given.headers["Authorization"] = "Basic other"
        for botmatic in (platform(server.url), platform(server.url, session=given)):
            botmatic.update_contact(TOKEN, "7", {})
            botmatic.validate_token(TOKEN)
            botmatic.close()
        update, validate = server.requests[:2]
        assert server.requests[2:] != []
        assert all(b"Basic" not in request for request in server.requests)
        assert f"Authorization: Bearer {TOKEN}\r\n".encode() in update
        assert b"authorization" not in validate.lower()


def test_a_given_session_has_its_total_time_bounded_between_blocks() -> None:
    with raw_server(dripping(CHUNKED, b"1\r\n \r\n")) as server, requests.Session() as given:
        result = impatient(server.url, session=given, timeout=(2.0, 2.0)).create_contact(TOKEN, {})
    assert "did not answer in time" in (result.error or "")


def test_a_proxy_is_bounded_in_time_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(dripping(b"HTTP/1.1 201 Created\r\n", b"X-Slow: yes\r\n")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        result = impatient("http://platform.example").create_contact(TOKEN, {})
        assert b"POST http://platform.example/api/contacts" in proxy.requests[0]
    assert "did not answer in time" in (result.error or "")
