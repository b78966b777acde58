"""The loopback server: starts on a free port, ends cleanly, cuts off what would not end."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
import requests

from contact_sync.errors import ConfigurationError
from contact_sync.testing.sandbox import LoopbackServer, SandboxPlatform


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def test_any_wsgi_app_is_served_on_a_free_port_of_loopback() -> None:
    with LoopbackServer(hello) as server:
        assert server.port > 0
        assert requests.get(server.url, timeout=10).text == "hello"
        assert server.start() is server
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)
    server.close()


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do() -> None:
    with LoopbackServer(hello) as first:
        with pytest.raises(
            ConfigurationError, match=f"cannot listen on port {first.port} of 127.0.0.1 .*choose another"
        ):
            LoopbackServer(hello, first.port).start()
        with pytest.raises(ConfigurationError, match="cannot listen on port"):
            SandboxPlatform(port=first.port).start()
    with pytest.raises(ConfigurationError, match="a port must be from 0 to 65535"):
        LoopbackServer(hello, 70_000).start()


def test_a_port_can_be_used_again_at_once() -> None:
    with LoopbackServer(hello) as first:
        requests.get(first.url, timeout=10)
        port = first.port
    with LoopbackServer(hello, port) as second:
        assert requests.get(second.url, timeout=10).text == "hello"


def test_closing_lets_a_request_in_progress_end() -> None:
    arrived, go_on = threading.Event(), threading.Event()
    answers: list[str] = []

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        arrived.set()
        go_on.wait(10)
        return hello(environ, start_response)

    server = LoopbackServer(slow).start()
    asking = threading.Thread(target=lambda: answers.append(requests.get(server.url, timeout=10).text))
    asking.start()
    assert arrived.wait(10)
    closing = threading.Thread(target=server.close)
    closing.start()
    go_on.set()
    closing.join()
    asking.join()
    assert answers == ["hello"]


def test_closing_cuts_off_connections_that_say_nothing() -> None:
    server = LoopbackServer(hello).start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent:
        requests.get(server.url, timeout=10)  # by now the silent one was accepted, too
        server.close()
        assert silent.recv(1) == b""


def test_closing_cuts_off_a_request_that_does_not_end_in_time() -> None:
    arrived, cut = threading.Event(), threading.Event()

    def endless(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        arrived.set()
        environ["wsgi.input"].read(1000)
        cut.set()
        return hello(environ, start_response)

    server = LoopbackServer(endless).start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n")
        assert arrived.wait(10)
        server.close(grace=0.05)
        assert cut.is_set()


def test_the_sandbox_needs_no_pytest() -> None:
    program = "import sys, contact_sync.testing.sandbox; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("False\n", "")
