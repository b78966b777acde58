"""What becomes of calls while there is no token to be had."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from contact_sync.consumers.auth import TokenRefused
from contact_sync.consumers.http import Api, ApiError, Timeouts, UnreadableAnswer
from contact_sync.failures import translate
from contact_sync.testing.faulty_server import FaultySite, closed_port
from tests.consumers.auth.conftest import Clock
from tests.consumers.auth.token_server import Answer, TokenServer
from tests.consumers.auth.ways import EACH, LASTING, Make, by_login, by_refresh


class TestNone:
    """The server that gives tokens gives none."""

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
    def test_trouble_there_may_be_over_later(self, server: TokenServer, authorized: Api, status: int) -> None:
        server.instead = Answer(status, "<h1>s3cret trouble</h1>", {"Retry-After": "7"})
        with pytest.raises(ApiError) as error:
            authorized.call("GET")
        result = translate(error.value, "Crm.get_contact")
        assert (result.retryable, result.retry_after) == (True, 7.0)
        assert result.error == f"Crm.get_contact raised ApiError (HTTP {status})"
        assert server.calls == []

    def test_it_is_not_asked_again_before_the_time_it_named(
        self, server: TokenServer, authorized: Api, clock: Clock
    ) -> None:
        server.instead = Answer(429, "", {"Retry-After": "7"})
        for _ in range(5):
            with pytest.raises(ApiError):
                authorized.call("GET")
        assert len(server.asked) == 1
        clock.forward(8)
        server.instead = None
        assert authorized.call("GET").status == 200

    @pytest.mark.parametrize(
        "body",
        [
            "<html>s3cret</html>",
            "",
            "[]",
            "null",
            '"s3cret"',
            "[" * 100_000,
            '{"access_token": 5, "data": {"token": 5}}',
            '{"access_token": "", "data": {"token": ""}}',
            '{"access_token": "s3cret\\r\\nX-Evil: 1", "data": {"token": "s3cret\\r\\nX-Evil: 1"}}',
            '{"access_token": "s3 cret", "data": {"token": "s3 cret"}}',
            '{"access_token": "s3cr\\u00e9t", "data": {"token": "s3cr\\u00e9t"}}',
            '{"access_token": ["s3cret"], "data": "s3cret"}',
        ],
        ids=range(12),
    )
    def test_an_answer_without_a_usable_token_is_a_failure(
        self, server: TokenServer, authorized: Api, body: str
    ) -> None:
        server.instead = Answer(200, body)
        with pytest.raises(UnreadableAnswer) as error:
            authorized.call("GET")
        assert "s3cret" not in str(error.value)
        assert server.calls == []

    def test_a_token_of_endless_length_is_none(self, server: TokenServer, authorized: Api) -> None:
        server.instead = Answer.of(200, {"access_token": "x" * 20_000, "data": {"token": "x" * 20_000}})
        with pytest.raises(UnreadableAnswer):
            authorized.call("GET")

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_it_is_not_followed_elsewhere(self, server: TokenServer, authorized: Api, status: int) -> None:
        with FaultySite(200, "{}") as elsewhere:
            server.instead = Answer(status, "", {"Location": elsewhere.url})
            with pytest.raises(TokenRefused, match="it redirects, and is not followed: declare the address"):
                authorized.call("GET")
        assert len(server.asked) == 1

    @EACH
    def test_one_that_is_away_may_come_back(self, make: Make, api: Api) -> None:
        api.auth = make(TokenServer(closed_port()))
        with pytest.raises(requests.ConnectionError) as error:
            api.call("GET")
        assert translate(error.value, "Crm").retryable

    @EACH
    def test_one_that_is_silent_is_given_up_and_no_thread_waits_longer_than_the_first(
        self, make: Make, api: Api, server: TokenServer
    ) -> None:
        with FaultySite(silent=True) as silent:
            api.auth = make(TokenServer(silent.url), timeouts=Timeouts(total=0.3))
            with ThreadPoolExecutor(10) as pool:
                calls = [pool.submit(api.call, "GET") for _ in range(10)]
            errors = [call.exception() for call in calls]
            assert all(error is not None and translate(error, "Crm").retryable for error in errors)
        assert server.calls == []

    @LASTING
    def test_while_it_is_away_a_token_that_is_still_good_is_used(
        self, server: TokenServer, api: Api, clock: Clock, make: Make
    ) -> None:
        api.auth = make(server)
        api.call("GET")
        server.instead = Answer(503)
        clock.forward(3600 - 30)
        for _ in range(3):
            assert api.call("GET").status == 200
        assert len(server.asked) == 2  # and it is left alone for a while
        clock.forward(31)
        with pytest.raises(ApiError):
            api.call("GET")


class TestSaysNo:
    """The server that gives tokens refuses what is declared."""

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (
                Answer.of(400, {"error": "invalid_grant", "error_description": "s3cret"}),
                "(HTTP 400, invalid_grant): the refresh token is used up, has run out, or was revoked; let the person",
            ),
            (
                Answer.of(401, {"error": "invalid_client"}),
                "(HTTP 401, invalid_client): client_id or client_secret is not accepted; check both, and client_in: s",
            ),
            (
                Answer(401, "s3cret"),
                "gave none (HTTP 401): client_id or client_secret is not accepted; check both,",
            ),
            (Answer.of(400, {"error": "invalid_scope"}), "gave none (HTTP 400, invalid_scope): check scope"),
            (Answer.of(400, {"error": "s3cret"}), "gave none (HTTP 400): check token_url, client_id, client_secret"),
            (Answer.of(400, {"error": ["s3cret"]}), "gave none (HTTP 400): check token_url, client_id, client_secret"),
            (Answer(404, "<h1>s3cret</h1>"), "gave none (HTTP 404): there is nothing at token_url; check it"),
            (Answer.of(200, {"error": "invalid_grant"}), "gave none (HTTP 200, invalid_grant): the refresh token is"),
        ],
        ids=range(8),
    )
    def test_the_message_says_what_to_do(self, server: TokenServer, api: Api, answer: Answer, said: str) -> None:
        server.instead = answer
        api.auth = by_refresh(server)
        with pytest.raises(TokenRefused) as refused:
            api.call("GET")
        assert said in str(refused.value)
        assert "s3cret" not in repr(refused.value)
        result = translate(refused.value, "Crm.get_contact")
        assert (result.retryable, result.error) == (False, str(refused.value))

    @pytest.mark.parametrize("status", [400, 401, 403, 422])
    def test_a_refused_log_in_is_told_as_one(self, server: TokenServer, api: Api, status: int) -> None:
        server.instead = Answer(status, "s3cret")
        api.auth = by_login(server)
        with pytest.raises(TokenRefused, match="the log-in is refused; check the credentials in body"):
            api.call("GET")

    def test_it_is_not_asked_again_for_a_minute(self, server: TokenServer, authorized: Api, clock: Clock) -> None:
        """Too many wrong passwords lock an account."""
        server.instead = Answer(401)
        for _ in range(20):
            with pytest.raises(TokenRefused):
                authorized.call("GET")
        assert len(server.asked) == 1
        clock.forward(61)
        server.instead = None
        assert authorized.call("GET").status == 200
