"""Tokens that are shared through the key store: by processes, over restarts, and when something dies in between."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from contact_sync.consumers.auth import (
    LoginAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    SharedTokens,
    TokenRefused,
)
from contact_sync.consumers.auth import token as token_module
from contact_sync.consumers.http import Api
from contact_sync.errors import Busy
from contact_sync.failures import translate
from key_stores import KeyStore, MemoryKeyStore, RedisKeyStore, StoreUnavailable
from tests.consumers.auth.conftest import Clock
from tests.consumers.auth.token_server import CLIENT, FIRST_REFRESH, PERSON, SECRET, Answer, TokenServer
from tests.consumers.auth.worker import KEY
from tests.servers import Valkey, plain_client


def calling(server: TokenServer, store: KeyStore, *, keys: tuple[str, ...] = (KEY,), **more: Any) -> Api:
    """The API for a client that was let in with the first refresh token, as a new process would make it."""
    tokens = SharedTokens(store, secret_keys=keys)
    refresh = more.pop("refresh", FIRST_REFRESH)
    return Api(
        f"{server.url}/api", auth=OAuth2RefreshToken(server.token_url, CLIENT, SECRET, refresh, tokens=tokens, **more)
    )


def call(api: Api) -> int:
    with closing(api):
        return api.call("GET", allow=[401]).status


@pytest.fixture
def store(valkey: Valkey) -> Iterator[RedisKeyStore]:
    store = RedisKeyStore(valkey.url)
    yield store
    store.close()


class TestProcesses:
    """Two processes, and a store that speaks Redis's protocol."""

    def test_they_get_one_token(self, valkey: Valkey, server: TokenServer) -> None:
        server.rotates = True
        assert run(valkey.url, server.url, "3", processes=2) == [200] * 6
        assert (len(server.asked), len(server.calls)) == (1, 6)

    def test_they_never_use_a_refresh_token_twice(self, valkey: Valkey, server: TokenServer) -> None:
        """Each token is good for a moment only, so that there is always one to be renewed."""
        server.rotates = True
        server.expires_in = 0.02
        assert run(valkey.url, server.url, "15", processes=2) == [200] * 30
        assert len(server.asked) > 2
        assert server.reused == []

    def test_one_that_dies_before_it_stored_the_new_refresh_token_leaves_the_old_one(
        self, valkey: Valkey, server: TokenServer, store: RedisKeyStore
    ) -> None:
        """A server may say no to that, which is said; or it takes the last one once more, and it goes on from there."""
        server.rotates = True
        assert run(valkey.url, server.url, "DIE", processes=1, code=9) == []
        valkey.flush()  # the lease of the dead process, which nobody here wants to wait for
        with pytest.raises(TokenRefused, match=r"\(HTTP 400, invalid_grant\): the refresh token is used up"):
            call(calling(server, store))
        server.forgiving = True
        assert call(calling(server, store)) == 200


def run(store: str, server: str, calls: str, *, processes: int, code: int = 0) -> list[int]:
    """Run workers that begin at once, and give what became of their calls."""
    command = [sys.executable, "-m", "tests.consumers.auth.worker", store, server, calls]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(processes)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    answers = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [code] * processes
    return [int(status) for answer in answers for status in answer.split()]


class TestRestarts:
    def test_a_new_process_goes_on_with_the_last_refresh_token(self, server: TokenServer, clock: Clock) -> None:
        server.rotates = True
        store = MemoryKeyStore()
        for later in (0, 0, 3600, 3600):
            clock.forward(later)
            assert call(calling(server, store)) == 200
        assert (len(server.asked), server.reused) == (3, [])

    def test_a_refused_token_is_replaced_for_the_others_too(self, server: TokenServer) -> None:
        store = MemoryKeyStore()
        first, second = calling(server, store), calling(server, store)
        with closing(first), closing(second):
            for api in (first, second):
                api.call("GET")
            server.revoke()
            for api in (first, second):
                api.call("GET")
        assert len(server.asked) == 2

    @pytest.mark.parametrize(
        ("keys", "asked"),
        [
            ((KEY,), 1),
            (("a-new-key-put-before-the-old-one", KEY), 1),
            (("a-key-of-somebody-else-32-letters",), 2),
        ],
        ids=["the same key", "a new one before it", "another one"],
    )
    def test_a_token_is_read_with_the_keys_that_there_are(
        self, server: TokenServer, caplog: pytest.LogCaptureFixture, keys: tuple[str, ...], asked: int
    ) -> None:
        store = MemoryKeyStore()
        call(calling(server, store))
        assert call(calling(server, store, keys=keys)) == 200
        assert len(server.asked) == asked
        warned = [record for record in caplog.records if "sealed with other secret_keys" in record.getMessage()]
        assert bool(warned) is (asked == 2)

    def test_a_record_of_another_release_is_as_none(self, server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
        store = MemoryKeyStore()
        with monkeypatch.context() as newer:
            newer.setattr(token_module, "FORMAT", 2)
            call(calling(server, store))
        assert call(calling(server, store)) == 200
        assert len(server.asked) == 2


class TestAccounts:
    def test_others_get_tokens_of_their_own(self, server: TokenServer) -> None:
        """Another refresh token, scope, client or password is somebody else."""
        store = MemoryKeyStore()
        tokens = SharedTokens(store, secret_keys=[KEY])
        others = [
            OAuth2RefreshToken(server.token_url, CLIENT, SECRET, FIRST_REFRESH, tokens=tokens),
            OAuth2RefreshToken(server.token_url, CLIENT, SECRET, "s3cret-of-another-person", tokens=tokens),
            OAuth2RefreshToken(server.token_url, "another client", SECRET, FIRST_REFRESH, tokens=tokens),
            OAuth2ClientCredentials(server.token_url, CLIENT, SECRET, tokens=tokens),
            OAuth2ClientCredentials(server.token_url, CLIENT, SECRET, scope="a", tokens=tokens),
            LoginAuth(f"{server.url}/login", PERSON, "data.token", tokens=tokens),
            LoginAuth(f"{server.url}/login", PERSON | {"password": "s3cret-2"}, "data.token", tokens=tokens),
        ]
        server.instead = Answer.of(200, {"access_token": "s3cret", "data": {"token": "s3cret"}})
        server.live.add("s3cret")
        for _ in range(2):
            for auth in others:
                call(Api(f"{server.url}/api", auth=auth))
        assert len(server.asked) == len(others)

    def test_nothing_in_the_store_can_be_read(self, valkey: Valkey, server: TokenServer, store: RedisKeyStore) -> None:
        server.rotates = True
        call(calling(server, store))
        tokens = SharedTokens(store, secret_keys=[KEY])
        login = LoginAuth(f"{server.url}/login", PERSON, "data.token", tokens=tokens)
        call(Api(f"{server.url}/api", auth=login))
        with plain_client(valkey.port) as client:
            kept = {key: client.hgetall(key) for key in client.scan_iter(_type="hash")}
        assert len(kept) == 2
        shown = f"{kept} {tokens!r} {login!r}"
        for secret in ("s3cret", CLIENT, server.url, PERSON["identity"], KEY):
            assert secret not in shown

    def test_without_keys_nothing_is_stored(
        self, server: TokenServer, store: RedisKeyStore, valkey: Valkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.rotates = True
        assert call(calling(server, store, keys=())) == 200
        with plain_client(valkey.port) as client:
            assert [key for key in client.scan_iter() if "format" not in key] == []
        assert "It is kept in this process alone, and lost with it" in caplog.text

    def test_a_store_that_cannot_share_says_what_that_costs(
        self, server: TokenServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert call(calling(server, FiveMethods())) == 200
        assert (
            "FiveMethods lacks records or leases, so each process gets tokens of its own, and a refresh token that the "
            "server replaces is lost with the process; use the Redis or the SQL store for this"
        ) in caplog.text


class FiveMethods(KeyStore):
    """A store of a user's own."""

    def save_ids(self, *_: object) -> bool:
        raise AssertionError

    get_botmatic_id = get_external_id = delete_ids = delete_all_ids = save_ids  # type: ignore[assignment]  # not called


class Flaky(MemoryKeyStore):
    """A store that is away when a test says so."""

    away = ""

    def put_record(self, *arguments: Any) -> None:
        self._be_there("put_record")
        super().put_record(*arguments)

    def get_record(self, *arguments: Any) -> str | None:
        self._be_there("get_record")
        return super().get_record(*arguments)

    def _be_there(self, name: str) -> None:
        if name == self.away:
            raise StoreUnavailable("the store is away")


class TestFaults:
    def test_a_new_refresh_token_is_stored_before_the_access_token_is_used(self, server: TokenServer) -> None:
        """If it cannot be, the call fails for now; what was got is stored the next time, and nothing is asked anew."""
        server.rotates = True
        store = Flaky()
        api = calling(server, store)
        store.away = "put_record"
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as error:
                api.call("GET")
            assert translate(error.value, "Crm").retryable
        assert (len(server.asked), server.calls) == (1, [])
        store.away = ""
        assert call(api) == 200
        assert call(calling(server, store)) == 200
        assert (len(server.asked), server.reused) == (1, [])

    def test_a_store_that_is_away_stops_nobody_who_has_a_good_token(self, server: TokenServer, clock: Clock) -> None:
        store = Flaky()
        api = calling(server, store)
        api.call("GET")
        store.away = "get_record"
        assert api.call("GET").status == 200
        clock.forward(3600)
        with pytest.raises(StoreUnavailable):
            call(api)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("refused", [False, True], ids=["both get one", "the other one was first"])
    def test_who_loses_a_race_uses_the_winners_token(
        self, server: TokenServer, monkeypatch: pytest.MonkeyPatch, refused: bool
    ) -> None:
        """It can only be lost by who was held up for longer than a lease lasts."""
        store = MemoryKeyStore()
        slow, quick = calling(server, store), calling(server, store)

        def overtake() -> None:
            server.meanwhile = lambda: None
            with monkeypatch.context() as free:
                free.setattr(store, "acquire_leases", lambda *_: True)
                assert call(quick) == 200
            if refused:
                server.refresh = "s3cret-refresh-of-the-winner"

        server.meanwhile = overtake
        assert call(slow) == 200
        assert len(set(server.calls)) == 1
        assert call(calling(server, store)) == 200
        assert len(set(server.calls)) == 1

    def test_who_waits_too_long_for_another_process_comes_again(self, server: TokenServer, clock: Clock) -> None:
        class Taken(MemoryKeyStore):
            def acquire_leases(self, *_: object) -> bool:
                clock.forward(10)
                return False

        with pytest.raises(Busy, match="another process is getting a token, and is not done in time") as error:
            call(calling(server, Taken()))
        assert translate(error.value, "Crm").retryable
        assert server.asked == []
