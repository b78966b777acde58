"""`ConsumerContract`: what a consumer makes of a CRM that is away, slow, overloaded or broken."""

from __future__ import annotations

import threading
from typing import Any, Final

import pytest

from contact_sync.consumer import ask
from contact_sync.results import Result

from .contract_applies import needs
from .contract_probe import ConsumerDeclaration, said
from .faulty_server import FaultySite, closed_port
from .paths import put

HTML: Final = "<!doctype html><title>Sorry</title><p>We are down for maintenance."
RETRY_AFTER: Final = 7


class FaultTests(ConsumerDeclaration):
    """Tests that `ConsumerContract` has only where `consumer_at` is written."""

    @needs("consumer_at")
    def test_an_unreachable_crm_is_a_retryable_failure(self) -> None:
        """Nobody listens at the CRM's address."""
        _assert_retryable(_ask_all(self, closed_port()))

    @needs("consumer_at")
    def test_a_broken_connection_is_a_retryable_failure(self) -> None:
        """The CRM closes the connection instead of answering."""
        with FaultySite(reset=True) as site:
            _assert_retryable(_ask_all(self, site.url))

    @needs("consumer_at")
    def test_a_crm_that_never_answers_is_given_up(self) -> None:
        """The CRM accepts the request and is silent."""
        with FaultySite(silent=True) as site:
            _assert_retryable(_ask_all(self, site.url))

    @needs("consumer_at")
    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_server_error_is_a_retryable_failure(self, status: int) -> None:
        """The CRM answers 5xx, with a page of HTML."""
        with FaultySite(status, HTML) as site:
            _assert_retryable(_ask_all(self, site.url))

    @needs("consumer_at")
    def test_too_many_requests_is_a_retryable_failure_that_says_when(self) -> None:
        """The CRM answers 429 with Retry-After."""
        with FaultySite(429, HTML, {"Retry-After": str(RETRY_AFTER)}) as site:
            results = _ask_all(self, site.url)
        _assert_retryable(results)
        for method, result in results.items():
            assert result.retry_after == RETRY_AFTER, (
                f"{method} was answered 429 with 'Retry-After: {RETRY_AFTER}', and its retry_after is "
                f"{result.retry_after}; let the HTTP error out (response.raise_for_status()), or hand it on: "
                "Result.failed(…, retryable=True, retry_after=7)"
            )

    @needs("consumer_at")
    def test_a_refused_key_is_not_a_missing_record(self) -> None:
        """The CRM answers 401 to everything."""
        with FaultySite(401, '{"error": "unauthorized"}') as site:
            for method, result in _ask_all(self, site.url).items():
                assert not result.success, f"{method} was answered 401 and {said(result)}"
                assert not result.not_found, (
                    f"{method} was answered 401 and says NOT_FOUND; contacts would be created again or forgotten "
                    "when a key runs out. Only a missing record is NOT_FOUND"
                )

    @needs("consumer_at")
    def test_a_wrong_address_is_not_an_empty_crm(self) -> None:
        """The CRM answers 404 to everything, as it does below a wrong base URL."""
        with FaultySite(404, HTML) as site:
            results = _ask_all(self, site.url)
        for method in _of(results, "create_contact", "list_contacts"):
            assert not results[method].success, (
                f"{method} was answered 404 and {said(results[method])}; check the status (response.raise_for_status())"
            )

    @needs("consumer_at")
    @pytest.mark.parametrize("body", [HTML, ""], ids=["HTML", "nothing"])
    def test_an_answer_that_is_not_json_is_a_failure(self, body: str) -> None:
        """The CRM answers 200 with something that cannot be read."""
        with FaultySite(200, body) as site:
            results = _ask_all(self, site.url)
        for method in _of(results, "create_contact", "get_contact", "get_contact_by_email", "list_contacts"):
            assert not results[method].success, f"{method} was answered {body!r} and {said(results[method])}"

    @needs("consumer_at")
    @pytest.mark.parametrize("body", ["{}", "[]", "null", '"ok"'])
    def test_an_answer_without_a_record_is_a_failure(self, body: str) -> None:
        """The CRM answers 200 with JSON in which there is no record."""
        with FaultySite(200, body) as site:
            results = _ask_all(self, site.url)
        for method in _of(results, "create_contact", "get_contact"):
            assert not results[method].success, (
                f"{method} was answered {body} and {said(results[method])}; without an id in the answer there is no "
                "record, and that is a failure"
            )


def _ask_all(declared: FaultTests, url: str) -> dict[str, Result]:
    """Call all methods that the consumer can at once, and fail if one does not come back."""
    __tracebackhide__ = True
    consumer = declared.consumer_at(url)
    contact = declared.new_contact(1)
    email = f"contact@{declared.email_domain}"
    put(contact, declared.email_field, email)
    update = declared.new_contact(1)
    id = declared.missing_id or "1"  # of the CRM's form: a consumer may know better than to ask for any other one
    put(update, declared.id_field, id)
    given: dict[str, tuple[Any, ...]] = {
        "create_contact": (contact,),
        "get_contact": (id,),
        "get_contact_by_email": (email,),
        "list_contacts": (1, 30),
        "update_contact": (update,),
        "delete_contact": (id,),
    }
    can = {"create": declared.can_create, "update": declared.can_update, "delete": declared.can_delete}
    given = {method: args for method, args in given.items() if can.get(method.removesuffix("_contact"), True)}
    results: dict[str, Result] = {}

    def call(method: str) -> None:
        results[method] = ask(consumer, method, *given[method])

    threads = {method: threading.Thread(target=call, args=(method,), daemon=True) for method in given}
    for thread in threads.values():
        thread.start()
    for method, thread in threads.items():
        thread.join(declared.time_limit)
        assert method in results, (
            f"{method} did not come back within {declared.time_limit:g} seconds; give the HTTP client a time-out "
            "(requests has none unless every call is given one)"
        )
    consumer.close()
    return results


def _of(results: dict[str, Result], *methods: str) -> list[str]:
    """Those of the methods that were called, since the consumer can them."""
    return [method for method in methods if method in results]


def _assert_retryable(results: dict[str, Result]) -> None:
    __tracebackhide__ = True
    for method, result in results.items():
        assert not result.success, f"{method} {said(result)}, though the CRM did not do anything"
        assert result.retryable, (
            f"{method} {said(result)}, which is not retryable, so the change would be lost; let the exception of the "
            "HTTP client out, or answer Result.failed(…, retryable=True)"
        )
