"""Tokens that run out, within one process: when they are got, how often, and with what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from contact_sync.consumers.auth import OAuth2RefreshToken, TokenRefused
from contact_sync.consumers.http import Api, ApiError
from contact_sync.testing.delivery.stage import wait_until
from tests.consumers.auth.conftest import Clock
from tests.consumers.auth.token_server import CLIENT, FIRST_REFRESH, SECRET, TokenServer
from tests.consumers.auth.ways import LASTING, Make, by_client, by_login, by_refresh


class TestWhen:
    def test_a_token_is_got_when_it_is_first_needed_and_then_kept(self, server: TokenServer, authorized: Api) -> None:
        assert server.asked == []
        for _ in range(3):
            assert authorized.call("GET").json() == {"ok": True}
        assert (len(server.asked), len(server.calls)) == (1, 3)

    def test_fifty_threads_wait_for_one_to_get_it(self, server: TokenServer, authorized: Api) -> None:
        server.gate.clear()
        with ThreadPoolExecutor(50) as pool:
            calls = [pool.submit(authorized.call, "GET") for _ in range(50)]
            wait_until(lambda: len(server.asked) == 1, "somebody who asks for a token")
            server.gate.set()
            assert {call.result().status for call in calls} == {200}
        assert (len(server.asked), len(server.calls)) == (1, 50)

    @LASTING
    def test_it_is_renewed_a_minute_before_it_ends(
        self, server: TokenServer, api: Api, clock: Clock, make: Make
    ) -> None:
        api.auth = make(server)
        api.call("GET")
        clock.forward(3600 - 65)
        api.call("GET")
        assert len(server.asked) == 1
        clock.forward(6)
        api.call("GET")
        assert len(server.asked) == 2

    @LASTING
    def test_one_that_lasts_ten_seconds_is_renewed_a_second_before(
        self, server: TokenServer, api: Api, clock: Clock, make: Make
    ) -> None:
        server.expires_in = 10
        api.auth = make(server)
        api.call("GET")
        clock.forward(8)
        api.call("GET")
        assert len(server.asked) == 1
        clock.forward(1.5)
        api.call("GET")
        assert len(server.asked) == 2

    @LASTING
    @pytest.mark.parametrize("said", [None, 0, -5, "soon", [], True, 1e400, "NaN", 10**400, "9" * 5000])
    def test_a_life_that_cannot_be_read_lasts_until_the_token_is_refused(
        self, server: TokenServer, api: Api, clock: Clock, make: Make, said: object
    ) -> None:
        server.expires_in = said
        api.auth = make(server)
        api.call("GET")
        clock.forward(10_000_000)
        api.call("GET")
        assert len(server.asked) == 1

    def test_a_number_in_quotes_is_a_number(self, server: TokenServer, api: Api, clock: Clock) -> None:
        server.expires_in = "3600"
        api.auth = by_client(server)
        api.call("GET")
        clock.forward(3600)
        api.call("GET")
        assert len(server.asked) == 2


class TestRefused:
    def test_a_refused_token_is_replaced_and_the_call_repeated(self, server: TokenServer, authorized: Api) -> None:
        authorized.call("GET")
        server.revoke()
        assert authorized.call("GET").status == 200
        assert (len(server.asked), len(server.calls)) == (2, 3)

    def test_the_call_is_repeated_once_and_not_twice(self, server: TokenServer, authorized: Api) -> None:
        server.live = Deaf()
        with pytest.raises(ApiError) as refused:
            authorized.call("GET")
        assert refused.value.status_code == 401
        assert (len(server.asked), len(server.calls)) == (2, 2)

    def test_an_api_that_refuses_every_token_gets_no_more_than_one_in_thirty_seconds(
        self, server: TokenServer, authorized: Api, clock: Clock
    ) -> None:
        server.live = Deaf()
        for _ in range(10):
            assert authorized.call("GET", allow=[401]).status == 401
        assert (len(server.asked), len(server.calls)) == (2, 11)
        clock.forward(31)
        server.live = set()
        assert authorized.call("GET").status == 200

    def test_threads_whose_token_was_refused_share_the_new_one(self, server: TokenServer, authorized: Api) -> None:
        authorized.call("GET")
        server.revoke()
        with ThreadPoolExecutor(20) as pool:
            calls = [pool.submit(authorized.call, "GET") for _ in range(20)]
            assert {call.result().status for call in calls} == {200}
        assert len(server.asked) == 2

    def test_a_token_that_was_replaced_meanwhile_is_not_replaced_again(
        self, server: TokenServer, authorized: Api
    ) -> None:
        old = requests.Request("GET", f"{server.url}/api", auth=authorized.auth).prepare()
        server.revoke()
        authorized.call("GET")
        assert authorized.auth is not None
        assert authorized.auth.renew(old)  # type: ignore[attr-defined]  # all of these can be renewed
        assert len(server.asked) == 2


class Deaf(set[str]):
    """Tokens of which none is ever good."""

    def __contains__(self, token: object) -> bool:
        return False


class TestAsked:
    """What the server that gives tokens is sent."""

    def test_a_client_says_who_it_is_in_the_header(self, server: TokenServer, api: Api) -> None:
        """Quoted, as RFC 6749 wants it: the secret of this client has characters that need it."""
        api.auth = by_client(server, scope="contacts.read contacts.write", parameters={"audience": "crm"})
        api.call("GET")
        assert server.asked == [
            {
                "path": "/token",
                "grant_type": "client_credentials",
                "scope": "contacts.read contacts.write",
                "audience": "crm",
                "client_id": CLIENT,
                "client_secret": SECRET,
                "in": "header",
            }
        ]

    def test_or_in_the_body(self, server: TokenServer, api: Api) -> None:
        api.auth = by_client(server, client_in="body")
        api.call("GET")
        assert "in" not in server.asked[0]
        assert (server.asked[0]["client_id"], server.asked[0]["client_secret"]) == (CLIENT, SECRET)

    def test_a_client_without_a_secret_says_its_name_in_the_body(self, server: TokenServer, api: Api) -> None:
        api.auth = OAuth2RefreshToken(server.token_url, CLIENT, "", FIRST_REFRESH)
        with pytest.raises(TokenRefused):
            api.call("GET")
        assert server.asked == [
            {"path": "/token", "grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": FIRST_REFRESH}
        ]

    @pytest.mark.parametrize("repeats", [False, True], ids=["without a word", "said again"])
    def test_a_refresh_token_that_stays_is_sent_each_time(
        self, server: TokenServer, api: Api, clock: Clock, caplog: pytest.LogCaptureFixture, repeats: bool
    ) -> None:
        server.repeats = repeats
        api.auth = by_refresh(server)
        for _ in range(3):
            api.call("GET")
            clock.forward(3600)
        assert [asked["refresh_token"] for asked in server.asked] == [FIRST_REFRESH] * 3
        assert [record for record in caplog.records if record.name.startswith("contact_sync")] == []

    def test_one_that_is_replaced_is_used_once_and_a_warning_says_that_it_is_kept_here_alone(
        self, server: TokenServer, api: Api, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.rotates = True
        api.auth = by_refresh(server)
        for _ in range(3):
            assert api.call("GET").status == 200
            clock.forward(3600)
        assert (len(server.asked), server.reused) == (3, [])
        (warning,) = [record.getMessage() for record in caplog.records if record.name.startswith("contact_sync")]
        assert warning == (
            "The server has given a new refresh token in place of the declared one. It is kept in this process alone, "
            "and lost with it; pass tokens=SharedTokens(key_store, secret_keys=[…]) to keep it"
        )

    def test_the_token_goes_where_it_is_declared_to_go(self, server: TokenServer) -> None:
        auth = by_login(server, header="X-Session", prefix="")
        request = requests.Request("GET", server.url, auth=auth).prepare()
        assert request.headers["X-Session"] in server.live
        assert auth.renew(request)
        other = requests.Request("GET", server.url, auth=by_client(server, prefix="Zoho-oauthtoken")).prepare()
        assert other.headers["Authorization"].startswith("Zoho-oauthtoken s3cret-access-")
