"""`ConsumerContract`: what a consumer makes of a CRM that is away, slow, overloaded or broken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import pytest

from contact_sync.results import Result

from .contract_applies import needs
from .contract_calls import WALKS, ask_all, find_by_text
from .contract_probe import ConsumerDeclaration, said
from .faulty_server import HTML, FaultySite, closed_port

RETRY_AFTER: Final = 7
AN_HOUR: Final = 3600

MAY_HAVE_NO_ANSWER: Final = frozenset(("archive_contact", "delete_contact", "update_contact", "update_contacts"))
"""Methods for which an answer's status may be enough."""

NOT_OF_A_SYNC: Final = frozenset(("list_fields",))
"""Methods with which nothing is lost: a person asks, and asks again."""

STATUS: Final = "check the status (response.raise_for_status())"

TELL: Final = (
    "Let the exception of the HTTP client out (response.raise_for_status() raises for a status), or answer "
    "Result.failed(…, retryable=True)"
)
TELL_WALK: Final = (
    "A walk that ends quietly says that there is no more: let the exception of the HTTP client out "
    "(response.raise_for_status() raises for a status), or yield Result.failed(…, retryable=True)"
)


class FaultTests(ConsumerDeclaration):
    """Tests that `ConsumerContract` has only where `consumer_at` is written."""

    @needs("consumer_at")
    def test_an_unreachable_crm_is_a_retryable_failure(self) -> None:
        """Nobody listens at the CRM's address."""
        _assert_retryable(ask_all(self, closed_port()), "unreachable")

    @needs("consumer_at")
    def test_a_broken_connection_is_a_retryable_failure(self) -> None:
        """The CRM closes the connection instead of answering."""
        with FaultySite(reset=True) as site:
            _assert_retryable(ask_all(self, site.url), "closing its connections")

    @needs("consumer_at")
    def test_a_crm_that_never_answers_is_given_up(self) -> None:
        """The CRM accepts the request and is silent."""
        with FaultySite(silent=True) as site:
            _assert_retryable(ask_all(self, site.url), "silent")

    @needs("consumer_at")
    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_server_error_is_a_retryable_failure(self, status: int) -> None:
        """The CRM answers 5xx, with a page of HTML."""
        with FaultySite(status, HTML) as site:
            results = ask_all(self, site.url)
            asked = site.requests
            found = find_by_text(self, site.url)
            if site.requests > asked:  # otherwise it cannot look for that
                results["find_contact"] = found
        _assert_retryable(results, f"answering {status}")

    @needs("consumer_at")
    @pytest.mark.parametrize("when", ["seconds", "a date", "nothing"])
    def test_too_many_requests_is_a_retryable_failure_that_says_when(self, when: str) -> None:
        """The CRM answers 429, with Retry-After in seconds, as a date, or without."""
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=AN_HOUR), usegmt=True)
        after = {"seconds": str(RETRY_AFTER), "a date": date}.get(when)
        with FaultySite(429, HTML, {} if after is None else {"Retry-After": after}) as site:
            # A walk may wait for some seconds, since nobody waits for it; not for an hour.
            results = ask_all(self, site.url, walks=when == "a date")
        _assert_retryable(results, f"answering 429, with {'no' if after is None else after} Retry-After")
        for method in results.keys() - NOT_OF_A_SYNC:
            result = results[method]
            good = {
                "seconds": result.retry_after == RETRY_AFTER,
                "a date": result.retry_after is None or AN_HOUR / 2 < result.retry_after <= AN_HOUR,
                "nothing": True,
            }
            assert good[when], (
                f"{method} was answered 429 with 'Retry-After: {after}', and its retry_after is "
                f"{result.retry_after}; let the HTTP error out (response.raise_for_status()), or hand it on: "
                f"Result.failed(…, retryable=True, retry_after={RETRY_AFTER if when == 'seconds' else AN_HOUR})"
            )

    @needs("consumer_at")
    def test_a_refused_key_is_not_a_missing_record(self) -> None:
        """The CRM answers 401 to everything."""
        with FaultySite(401, '{"error": "unauthorized"}') as site:
            for method, result in ask_all(self, site.url).items():
                assert not result.success, f"{method} was answered 401 and {said(result)}; {STATUS}"
                assert not result.not_found, (
                    f"{method} was answered 401 and says NOT_FOUND; contacts would be created again or forgotten "
                    "when a key runs out. Only a missing record is NOT_FOUND"
                )

    @needs("consumer_at")
    def test_a_wrong_address_is_not_an_empty_crm(self) -> None:
        """The CRM answers 404 to everything, as it does below a wrong base URL."""
        with FaultySite(404, HTML) as site:
            results = ask_all(self, site.url)
        for method in _of(
            results, "create_contact", "create_contacts", "list_contacts", "iter_contacts", "list_changed"
        ):
            assert not results[method].success, f"{method} was answered 404 and {said(results[method])}; {STATUS}"

    @needs("consumer_at")
    @pytest.mark.parametrize("body", [HTML, ""], ids=["HTML", "nothing"])
    def test_an_answer_that_is_not_json_is_a_failure(self, body: str) -> None:
        """The CRM answers 200 with something that cannot be read."""
        with FaultySite(200, body) as site:
            results = ask_all(self, site.url)
        for method in results.keys() - MAY_HAVE_NO_ANSWER:
            assert not results[method].success, (
                f"{method} was answered {body!r} and {said(results[method])}; read the answer, and fail if it cannot "
                "be read (response.json() raises)"
            )
            assert not (body and results[method].not_found), (
                f"{method} was answered with a page of HTML and says NOT_FOUND; nobody knows whether the record is "
                "missing. Fail if the answer cannot be read (response.json() raises)"
            )

    @needs("consumer_at")
    @pytest.mark.parametrize("body", ["{}", "[]", "null", '"ok"'])
    def test_an_answer_without_a_record_is_a_failure(self, body: str) -> None:
        """The CRM answers 200 with JSON in which there is no record."""
        with FaultySite(200, body) as site:
            results = ask_all(self, site.url)
        for method in _of(results, "create_contact", "create_contacts", "get_contact"):
            assert not results[method].success, (
                f"{method} was answered {body} and {said(results[method])}; without an id in the answer there is no "
                "record, and that is a failure"
            )


def _of(results: dict[str, Result], *methods: str) -> list[str]:
    """Those of the methods that were called, since the consumer can them."""
    return [method for method in methods if method in results]


def _assert_retryable(results: dict[str, Result], crm: str) -> None:
    __tracebackhide__ = True
    for method, result in results.items():
        tell = TELL_WALK if method in WALKS else TELL
        assert not result.success, f"{method} {said(result)}, though the CRM did nothing: it was {crm}. {tell}"
        assert result.retryable or method in NOT_OF_A_SYNC, (
            f"{method} {said(result)}, which is not retryable, so the change would be lost; the CRM was {crm}. {tell}"
        )
