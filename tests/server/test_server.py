"""The server in a process: where it listens, how it stops, and what it stands."""

from __future__ import annotations

import http.client
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any

import pytest
from granian.server import MTServer

from contact_sync import ConfigurationError
from contact_sync.server import Server, listen
from tests.server.apps import Crowd, Gate, InBackground, echo, get, hello, post, running

LENGTH = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def connect(server: Server) -> socket.socket:
    host, port = server.address.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=20)


def test_port_0_takes_a_free_one_and_the_address_names_it() -> None:
    server = Server(hello, port=0)
    assert server.address.startswith("http://127.0.0.1:")
    assert not server.address.endswith(":0")
    with running(server):
        assert get(server.address) == (200, b"hello")


def test_it_listens_on_ipv6_too() -> None:
    server = Server(hello, "::1", 0)
    assert server.address.startswith("http://[::1]:")
    with running(server):
        assert get(server.address) == (200, b"hello")


def test_it_says_on_stderr_where_it_listens(capfd: pytest.CaptureFixture[str]) -> None:
    server = Server(hello, port=0)
    threading.Timer(0.1, server.ask_to_stop).start()
    assert server.run() is True
    assert f"Listening on {server.address}" in capfd.readouterr().err


def test_requests_are_worked_on_in_several_threads_at_once() -> None:
    gate = Gate()
    server = Server(gate, port=0, threads=4)
    with running(server):
        held = [InBackground(server.address, "/held") for _ in range(3)]
        for _ in held:
            assert gate.entered.acquire(timeout=20)
        assert get(server.address) == (200, b"hello")  # the fourth thread is free
        gate.open.set()
        assert [one.answer() for one in held] == [(200, b"hello")] * 3


def test_stop_answers_what_is_under_way_and_refuses_what_is_new() -> None:
    gate = Gate()
    server = Server(gate, port=0)
    with running(server) as returned:
        held = InBackground(server.address, "/held")
        assert gate.entered.acquire(timeout=20)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_until_refused(server)
        assert stopping.is_alive()  # it waits for the request
        gate.open.set()
        assert held.answer() == (200, b"hello")
        stopping.join(20)
    assert returned == [True]


def test_what_is_under_way_for_longer_than_the_time_of_grace_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    server = Server(gate, port=0, grace=0.2)
    try:
        with running(server) as returned, connect(server) as held:
            held.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            assert gate.entered.acquire(timeout=20)
            server.stop()
        assert returned == [False]
        assert "cut off" in caplog.text
    finally:
        gate.open.set()


def test_it_may_be_stopped_before_it_runs_and_twice() -> None:
    server = Server(hello, port=0)
    server.stop()
    server.stop()
    assert server.run() is True
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_it_runs_once() -> None:
    server = Server(hello, port=0)
    server.stop()
    server.run()
    with pytest.raises(RuntimeError, match="a Server runs once"):
        server.run()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_the_programs_own_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    server = Server(hello, port=0)
    assert server.run(lambda: os.kill(os.getpid(), number)) is True
    assert signal.getsignal(number) is before


def test_a_signal_is_heard_whichever_thread_the_system_hands_it_to() -> None:
    server = Server(hello, port=0)
    done, given_up = threading.Event(), threading.Event()

    def give_up() -> None:
        if not done.wait(10):
            given_up.set()
            server.ask_to_stop()

    another = threading.Thread(target=give_up)
    another.start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # in the main thread: the other one gets it
    try:
        assert server.run(lambda: os.kill(os.getpid(), signal.SIGTERM)) is True
    finally:
        done.set()
        another.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert not given_up.is_set()


def test_a_signal_that_the_program_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = Server(hello, port=0)

        def started() -> None:
            os.kill(os.getpid(), signal.SIGINT)
            assert get(server.address) == (200, b"hello")
            server.ask_to_stop()

        assert server.run(started) is True
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_granian_that_cannot_be_driven_like_this_is_an_error_and_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_another_release(worker_id: int) -> None:
        """Takes other arguments."""

    monkeypatch.setattr(MTServer, "_spawn_wsgi_worker", staticmethod(of_another_release))
    server = Server(hello, port=0)
    with pytest.raises(RuntimeError, match="ended by itself") as error:
        server.run(lambda: None)
    assert isinstance(error.value.__cause__, TypeError)


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError) as error:
            Server(hello, port=port)
    assert str(error.value) == (
        f"port: {port} of 127.0.0.1 is in use; stop what listens there, or choose another (0 takes a free one)"
    )


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("no.such.host.invalid", "host: there is no address for 'no.such.host.invalid'"),
        ("a" * 70, "host: there is no address for 'aaaa"),
        ("192.0.2.1", "host: '192.0.2.1' is no address of this machine"),
    ],
)
def test_a_host_that_cannot_be_listened_on_is_named(host: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Server(hello, host, 0)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (PermissionError(13, "Permission denied"), "port: 80 may not be opened by this user; choose one above 1023"),
        (OSError(105, "No buffer space"), "host and port: 127.0.0.1, 80 cannot be listened on: No buffer space"),
    ],
)
def test_what_the_system_refuses_is_said(monkeypatch: pytest.MonkeyPatch, kind: OSError, message: str) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise kind

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ConfigurationError) as error:
        listen("127.0.0.1", 80)
    assert str(error.value) == message


def test_without_granian_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "contact_sync.server.http", raising=False)
    for name in ["granian", *(name for name in sys.modules if name.startswith("granian."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'contact-sync\[server\]'"):
        Server(hello, port=0)


def test_a_broken_installation_is_not_mistaken_for_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "contact_sync.server.http", raising=False)
    monkeypatch.setitem(sys.modules, "contact_sync.server.listener", None)
    with pytest.raises(ModuleNotFoundError, match="listener"):
        Server(hello, port=0)


def test_headers_that_never_end_hold_nobody_up() -> None:
    server = Server(hello, port=0, threads=1, idle=1)
    with running(server):
        slow = [connect(server) for _ in range(20)]
        for one in slow:
            one.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert get(server.address) == (200, b"hello")
        assert [one.recv(100) for one in slow] == [b""] * 20  # closed, one after the other
        for one in slow:
            one.close()


def test_bodies_that_arrive_slowly_hold_nobody_up() -> None:
    server = Server(echo, port=0, threads=1)
    with running(server):
        slow = [connect(server) for _ in range(40)]
        for number, one in enumerate(slow):
            one.sendall(LENGTH if number % 2 else CHUNKED)
        for one in slow:
            one.sendall(b"2\r\n")  # of the chunked ones this is the size of a chunk, of the others a part of the body
        assert get(server.address) == (200, b"")
        assert post(server.address, b"quick") == (200, b"quick")
        for number, one in enumerate(slow):  # and they are answered as well, when all is there
            one.sendall(b"ab" if number % 2 else b"ab\r\n0\r\n\r\n")
            answer = http.client.HTTPResponse(one)
            answer.begin()
            assert answer.read() == (b"2\r\nab" if number % 2 else b"ab")
            answer.close()
            one.close()


def test_a_body_that_its_sender_gives_up_is_at_its_end() -> None:
    server = Server(echo, port=0, threads=1)
    with running(server):
        with connect(server) as client:
            client.sendall(LENGTH)
        assert post(server.address, b"quick") == (200, b"quick")


def test_no_more_requests_are_worked_on_at_once_than_there_are_threads() -> None:
    crowd = Crowd(2)
    server = Server(crowd, port=0, threads=2)
    with running(server):
        for answer in [InBackground(server.address, "/") for _ in range(8)]:
            assert answer.answer() == (200, b"hello")
    assert crowd.most == 2


@pytest.mark.parametrize("way", ["/read", "/readline", "/readlines", "/iterate"])
def test_a_body_can_be_read_in_every_way_of_wsgi(way: str) -> None:
    server = Server(echo, port=0)
    with running(server):
        assert post(server.address, b"one line", way) == (200, b"one line")


def test_the_second_packet_of_an_answer_does_not_wait_until_the_first_is_acknowledged() -> None:
    """Whether a system delays acknowledgements is its affair; that we do not wait for them is ours."""
    listener = listen("127.0.0.1", 0)
    server = Server(hello, listener=listener)
    with running(server):
        assert get(server.address) == (200, b"hello")
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_requests_that_are_no_http_are_refused() -> None:
    server = Server(hello, port=0)
    with running(server), connect(server) as client:
        client.sendall(b"NONSENSE\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_programs_logging_is_left_as_it_is() -> None:
    class Kept(logging.Handler):
        closed = False

        def close(self) -> None:
            self.closed = True
            super().close()

    kept = Kept()
    logger = logging.getLogger("somebody's own")
    logger.addHandler(kept)
    level = logging.getLogger().level
    try:
        Server(hello, port=0).stop()
        assert not kept.closed
        assert logger.handlers == [kept]
        assert logging.getLogger().level == level
        assert not logger.disabled
    finally:
        logger.removeHandler(kept)


def test_the_access_log_is_that_of_this_app(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "contact_sync.server")
    server = Server(hello, port=0, access_log=True)
    with running(server):
        get(server.address, "/settings?token=hush-hush", Authorization="Bearer hush-hush")
    assert "GET /settings 200 " in caplog.text
    assert "hush" not in caplog.text


def wait_until_refused(server: Server) -> None:
    for _ in range(200):
        try:
            connect(server).close()
        except ConnectionRefusedError:
            return
        threading.Event().wait(0.05)
    pytest.fail("connections are still taken")
