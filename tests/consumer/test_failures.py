"""Exceptions become failed results: retryable where a later try may succeed, and without what they quote."""

from __future__ import annotations

import email.utils
import errno
import http.client
import json
import logging
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import requests
import urllib3

from contact_sync.errors import Busy, ConfigurationError
from contact_sync.failures import parse_retry_after, status_of, translate
from contact_sync.results import Result
from contact_sync.testing.faulty_server import FaultySite, closed_port
from key_stores import KeyStoreError, StoreUnavailable
from mappers import MappingError

SECRET = "ann@example.com"


def raised(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it raises is the subject
        return error
    pytest.fail("it was expected to raise")


def after(call: Callable[[], object]) -> Result:
    return translate(raised(call), "AcmeConsumer.get_contact")


def fetch(url: str, **arguments: Any) -> Any:
    """As a consumer does it: the address of a contact in the URL, the status checked, the body read."""
    response = requests.get(url, params={"email": SECRET}, timeout=arguments.pop("timeout", 5), **arguments)
    response.raise_for_status()
    return response.json()


@pytest.mark.parametrize("code", [None, 404, 503, SECRET])
def test_the_code_of_sys_exit_is_no_status_of_http_and_is_not_repeated(code: str | int | None) -> None:
    assert status_of(SystemExit(code)) is None
    result = translate(SystemExit(code), "AcmeConsumer.get_contact")
    assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised SystemExit", False)


class TestRequests:
    def test_nobody_listening_is_retryable(self) -> None:
        result = after(lambda: fetch(closed_port()))
        assert (result.success, result.retryable) == (False, True)
        assert result.error == "AcmeConsumer.get_contact raised ConnectionError"

    def test_a_time_out_is_retryable(self) -> None:
        with FaultySite(silent=True) as site:
            result = after(lambda: fetch(site.url, timeout=0.1))
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised ReadTimeout", True)

    def test_a_connection_that_is_reset_is_retryable(self) -> None:
        with FaultySite(reset=True) as site:
            result = after(lambda: fetch(site.url))
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised ConnectionError", True)

    def test_a_body_that_breaks_off_is_retryable(self) -> None:
        with FaultySite(200, '{"half":', {"Transfer-Encoding": "chunked"}) as site:
            result = after(lambda: fetch(site.url))
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised ChunkedEncodingError", True)

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_what_may_pass_is_retryable(self, status: int) -> None:
        with FaultySite(status, "<h1>later</h1>") as site:
            result = after(lambda: fetch(site.url))
        assert result.error == f"AcmeConsumer.get_contact raised HTTPError (HTTP {status})"
        assert (result.retryable, result.retry_after) == (True, None)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 422])
    def test_what_will_not_pass_is_not_retryable(self, status: int) -> None:
        """And a 404 that was raised is no NOT_FOUND: a wrong base URL gives the same."""
        with FaultySite(status, "no", {"Retry-After": "5"}) as site:
            result = after(lambda: fetch(site.url))
        assert result.error == f"AcmeConsumer.get_contact raised HTTPError (HTTP {status})"
        assert (result.retryable, result.retry_after, result.not_found) == (False, None, False)

    @pytest.mark.parametrize(
        ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", None), ("-5", None), ("", None), ("9" * 40, 86_400.0)]
    )
    def test_the_server_says_when(self, header: str, seconds: float | None) -> None:
        with FaultySite(429, "", {"Retry-After": header}) as site:
            assert after(lambda: fetch(site.url)).retry_after == seconds

    def test_the_server_says_when_by_date(self) -> None:
        date = email.utils.formatdate(time.time() + 3600, usegmt=True)
        with FaultySite(503, "", {"Retry-After": date}) as site:
            seconds = after(lambda: fetch(site.url)).retry_after
        assert seconds is not None
        assert 3000 < seconds <= 3600

    @pytest.mark.parametrize("body", ["", "<html>", '{"half":'])
    def test_a_body_that_is_no_json_is_not_retryable(self, body: str) -> None:
        with FaultySite(200, body) as site:
            result = after(lambda: fetch(site.url))
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised JSONDecodeError", False)

    @pytest.mark.parametrize("url", ["no-scheme", "http://", "ftp://127.0.0.1/"])
    def test_a_wrong_url_is_not_retryable(self, url: str) -> None:
        assert not after(lambda: fetch(url)).retryable

    def test_retries_that_were_used_up_are_retryable(self) -> None:
        with FaultySite(503) as site, requests.Session() as session:
            retry = urllib3.Retry(1, status_forcelist=[503], backoff_factor=0)
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
            result = after(lambda: session.get(site.url, timeout=5))
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised RetryError", True)


class TestOtherClients:
    def test_urllib_with_nobody_listening_is_retryable(self) -> None:
        result = after(lambda: urllib.request.urlopen(closed_port(), timeout=5))
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised URLError", True)

    def test_urllib_with_an_unknown_host_is_retryable(self) -> None:
        assert after(lambda: urllib.request.urlopen("http://crm.invalid", timeout=5)).retryable

    def test_urllib_that_is_reset_is_retryable(self) -> None:
        with FaultySite(reset=True) as site:
            assert after(lambda: urllib.request.urlopen(site.url, timeout=5)).retryable

    def test_urllib_that_times_out_is_retryable(self) -> None:
        with FaultySite(silent=True) as site:
            assert after(lambda: urllib.request.urlopen(site.url, timeout=0.1)).retryable

    @pytest.mark.parametrize(("status", "retryable"), [(429, True), (503, True), (404, False), (401, False)])
    def test_urllib_status_and_header_are_read(self, status: int, retryable: bool) -> None:
        with FaultySite(status, "", {"Retry-After": "9"}) as site:
            error = raised(lambda: urllib.request.urlopen(site.url, timeout=5))
        assert isinstance(error, urllib.error.HTTPError)
        result = translate(error, "f")
        error.close()
        assert result.error == f"f raised HTTPError (HTTP {status})"
        assert (result.retryable, result.retry_after) == (retryable, 9.0 if retryable else None)

    def test_an_address_that_is_no_url_is_not_retryable(self) -> None:
        assert not after(lambda: urllib.request.urlopen("nowhere")).retryable

    def test_urllib3_with_nobody_listening_is_retryable(self) -> None:
        with urllib3.PoolManager() as pool:
            result = after(lambda: pool.request("GET", closed_port(), retries=False, timeout=5))
            again = after(lambda: pool.request("GET", closed_port(), retries=0, timeout=5))
        assert (result.retryable, again.retryable) == (True, True)

    def test_a_certificate_that_does_not_fit_is_not_retryable(self) -> None:
        assert not translate(urllib.error.URLError(ssl.SSLCertVerificationError("no")), "f").retryable

    @pytest.mark.parametrize(
        "error",
        [
            ConnectionResetError(),
            BrokenPipeError(),
            TimeoutError(),
            OSError(errno.EHOSTUNREACH, "no route"),
            OSError(errno.ENETUNREACH, "no network"),
            http.client.RemoteDisconnected(""),
            http.client.IncompleteRead(b""),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_what_sockets_raise_is_retryable(self, error: Exception) -> None:
        assert translate(error, "f").retryable

    @pytest.mark.parametrize(
        "error",
        [
            ValueError(SECRET),
            KeyError(SECRET),
            TypeError(),
            OSError(errno.ENOENT, SECRET),
            StopIteration(),
            RecursionError(),
            MemoryError(),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_mistakes_are_not_retryable(self, error: Exception) -> None:
        result = translate(error, "f")
        assert (result.error, result.retryable) == (f"f raised {type(error).__name__}", False)


class WrappedError(Exception):
    """What an SDK or a user makes of another exception."""


class StatusError(Exception):
    def __init__(self, **attributes: object) -> None:
        super().__init__(SECRET)
        self.__dict__.update(attributes)


class ShyError(Exception):
    """Cannot be looked into."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("response", "status", "status_code", "code", "reason", "headers"):
            raise RuntimeError(SECRET)
        return super().__getattribute__(name)


class TestWrapped:
    def test_an_exception_from_another_is_judged_by_what_is_inside(self) -> None:
        def wrap() -> None:
            try:
                fetch(closed_port())
            except requests.RequestException as error:
                raise WrappedError from error

        result = after(wrap)
        assert (result.error, result.retryable) == ("AcmeConsumer.get_contact raised WrappedError", True)

    def test_status_and_header_come_from_inside_too(self) -> None:
        def wrap(url: str) -> None:
            try:
                fetch(url)
            except requests.HTTPError as error:
                raise WrappedError from error

        with FaultySite(429, "", {"Retry-After": "3"}) as site:
            result = after(lambda: wrap(site.url))
        assert result.error == "AcmeConsumer.get_contact raised WrappedError (HTTP 429)"
        assert (result.retryable, result.retry_after) == (True, 3.0)

    def test_a_mistake_while_handling_a_time_out_is_a_mistake(self) -> None:
        def slip() -> None:
            try:
                raise TimeoutError
            except TimeoutError:
                {}["missing"]  # type: ignore[index]  # the slip

        assert not after(slip).retryable

    def test_causes_in_a_circle_end(self) -> None:
        one, two = WrappedError(), WrappedError()
        one.__cause__, two.__cause__ = two, one
        assert not translate(one, "f").retryable

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (StatusError(status=503), 503),
            (StatusError(status_code=429), 429),
            (StatusError(code=404), 404),
            (StatusError(code="e3q8"), None),
            (StatusError(code=1), None),
            (StatusError(status=True), None),
            (StatusError(status=99999), None),
            (StatusError(response=None), None),
            (StatusError(response=StatusError(status=500), code=404), 500),
        ],
    )
    def test_the_status_is_found_where_libraries_keep_it(self, error: Exception, status: int | None) -> None:
        assert status_of(error) == status

    @pytest.mark.parametrize("headers", [None, 5, "Retry-After: 5", {"retry-after": 7}, {"Retry-After": ["5"]}, {}])
    def test_odd_headers_are_no_header(self, headers: object) -> None:
        assert translate(StatusError(status=429, headers=headers), "f").retry_after is None

    def test_a_header_in_small_letters_is_read(self) -> None:
        assert translate(StatusError(status=429, headers={"retry-after": "8"}), "f").retry_after == 8.0

    def test_an_exception_that_cannot_be_looked_into_is_translated_all_the_same(self) -> None:
        assert translate(ShyError(), "f") == Result.failed("f raised ShyError")

    def test_a_time_out_during_a_successful_answer_is_still_a_time_out(self) -> None:
        error = TimeoutError()
        error.response = StatusError(status_code=200)  # type: ignore[attr-defined]  # as HTTP libraries do it
        assert translate(error, "f").retryable


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("0", 0.0),
            ("120", 120.0),
            (" 5 ", 5.0),
            ("1.5", 1.5),
            ("86401", 86_400.0),
            ("9" * 5000, 86_400.0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
            ("Wed, 21 Oct 2015 07:28:00", 0.0),
            ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ],
    )
    def test_seconds_and_dates_are_read_a_day_at_the_most(self, header: str, seconds: float) -> None:
        assert parse_retry_after(header) == seconds

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            " ",
            "-1",
            "+1",
            "1e3",
            "nan",
            "inf",
            "soon",
            "²",
            "٣",
            "0x10",
            "1,5",
            "Wed, 99 Oct 2015 07:28:00 GMT",
            "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
        ],
        ids=lambda header: repr(header)[:40],
    )
    def test_anything_else_says_nothing(self, header: str | None) -> None:
        assert parse_retry_after(header) is None


class TestOurOwn:
    """Exceptions of this project hold no ids and no values: their messages are shown."""

    @pytest.mark.parametrize(
        "error", [ConfigurationError("x: give one"), KeyStoreError("odd answer"), MappingError("row 1")]
    )
    def test_their_messages_are_shown(self, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
        assert translate(error, "the store") == Result.failed(str(error))
        assert f"the store: {error}" in caplog.text

    @pytest.mark.parametrize("error", [StoreUnavailable("no answer in 5 s"), Busy("held by somebody else")])
    def test_what_passes_is_retryable(self, error: Exception) -> None:
        assert translate(error, "the store") == Result.failed(str(error), retryable=True)


class TestSecrets:
    def test_neither_error_nor_log_shows_what_an_exception_quotes(self, caplog: pytest.LogCaptureFixture) -> None:
        """A URL with an e-mail address in it is enough."""
        caplog.set_level(logging.DEBUG, logger="contact_sync")
        with FaultySite(404) as site:
            errors = [raised(lambda: fetch(site.url)), raised(lambda: fetch(closed_port() + f"/{SECRET}"))]
        errors += [ValueError(f"{SECRET} is taken"), raised(lambda: json.loads(f'"{SECRET}'))]
        assert "ann" in str(errors[0])
        for error in errors:
            result = translate(error, "AcmeConsumer.get_contact")
            assert "ann" not in f"{result} {result.error}"
        assert len(caplog.records) == len(errors)
        assert "ann@" not in caplog.text
        assert "ann%40" not in caplog.text

    def test_the_log_names_the_line_that_its_reader_can_change(self, caplog: pytest.LogCaptureFixture) -> None:
        after(lambda: fetch("no-scheme"))
        assert "AcmeConsumer.get_contact raised MissingSchema at test_failures.py:" in caplog.text

    def test_an_exception_that_was_never_raised_has_no_place(self, caplog: pytest.LogCaptureFixture) -> None:
        translate(ValueError(), "f")
        assert "f raised ValueError at an unknown place" in caplog.text
