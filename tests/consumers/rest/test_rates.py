"""How many calls an API takes, as it is declared and as its headers say."""

from __future__ import annotations

import time

import pytest

from contact_sync.consumer import RateBudget, ask, ask_many, pages
from contact_sync.results import Result

from .script import Script

LEFT = "rate: {remaining: X-Left, reset: X-Reset}"


def second_call(api: Script, declared: str, **headers: str) -> Result:
    """What becomes of the call after one that is answered with these headers."""
    api.then({"id": "7"}, 200, **headers).then({"id": "7"})
    crm = api.consumer(declared)
    assert crm.get_contact("7").success
    return ask(crm, "get_contact", "7")


def test_a_budget_is_handed_on(api: Script) -> None:
    assert api.consumer("rate: {calls: 100, per: 10}").rate_budget == RateBudget(100, 10)
    assert api.consumer("rate: {calls: 5}").rate_budget == RateBudget(5, 1)
    assert api.consumer().rate_budget is None


@pytest.mark.parametrize(
    ("declared", "headers"),
    [
        ("rate: {pause: Backoff}", {"Backoff": "30"}),
        (LEFT, {"X_Left": "0", "X_Reset": "30"}),
        (LEFT, {"X_Left": "0, 0;w=60", "X_Reset": "29.5"}),
        ("rate: {remaining: X-Left, reset: X-Reset, pause: Backoff}", {"X_Left": "0", "X_Reset": "5", "Backoff": "30"}),
    ],
)
def test_a_pause_that_a_success_asks_for_is_kept(api: Script, declared: str, headers: dict[str, str]) -> None:
    """Calls fail for that long without bothering the server, and say when to come again."""
    result = second_call(api, declared, **headers)
    assert (result.success, result.retryable, result.in_doubt) == (False, True, False)
    assert 28 < (result.retry_after or 0) <= 30
    assert len(api.calls) == 1


@pytest.mark.parametrize(("form", "factor"), [("epoch_s", 1), ("epoch_ms", 1000)])
def test_the_end_may_be_a_moment(api: Script, form: str, factor: int) -> None:
    until = str(int((time.time() + 30) * factor))
    result = second_call(
        api, f"rate: {{remaining: X-Left, reset: X-Reset, reset_as: {form}}}", X_Left="0", X_Reset=until
    )
    assert 25 < (result.retry_after or 0) <= 30


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Left": "1", "X_Reset": "30"},
        {"X_Left": "0"},
        {"X_Reset": "30"},
        {"X_Left": "none", "X_Reset": "30"},
        {"X_Left": "0", "X_Reset": "soon"},
        {"X_Left": "0", "X_Reset": "-5"},
        {"X_Left": "0", "X_Reset": "1e9"},
        {"X_Left": "0", "X_Reset": "0"},
    ],
)
def test_without_a_reason_there_is_no_pause(api: Script, headers: dict[str, str]) -> None:
    assert second_call(api, LEFT, **headers).success


def test_a_pause_lasts_a_day_at_the_most(api: Script) -> None:
    result = second_call(api, "rate: {pause: Backoff}", Backoff="9999999999")
    assert 86_000 < (result.retry_after or 0) <= 86_400


def test_walks_and_batches_keep_it_too(api: Script) -> None:
    api.then({"id": "7"}, Backoff="30")
    crm = api.consumer(
        "rate: {pause: Backoff}\ncreate_many: {path: /b, size: 2}\nchanged: {query: {s: '{since}'}, next: n}"
    )
    assert crm.get_contact("7").success
    (page,) = pages(crm)
    (change,) = crm.list_changed()
    assert isinstance(change, Result)
    for result in (page, change, *ask_many(crm, "create_contacts", [{}, {}])):
        assert (result.success, result.retryable) == (False, True)
    assert len(api.calls) == 1
