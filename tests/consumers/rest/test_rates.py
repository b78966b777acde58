"""How many calls an API takes, as it is declared and as its headers say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from contact_sync.consumer import RateBudget, ask, ask_many, changes, pages, unhurried
from contact_sync.consumers.rest import RestConsumer, rates
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


def test_a_batch_keeps_it_too(api: Script) -> None:
    api.then({"id": "7"}, Backoff="30")
    crm = api.consumer("rate: {pause: Backoff}\ncreate_many: {path: /b, size: 2}")
    assert crm.get_contact("7").success
    for result in ask_many(crm, "create_contacts", [{}, {}]):
        assert (result.success, result.retryable) == (False, True)
    assert len(api.calls) == 1


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited; the time passes at once."""
    naps: list[float] = []
    now = time.monotonic

    def sleep(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr(rates, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now() + sum(naps)))
    return naps


def test_a_short_pause_is_waited_out(api: Script, naps: list[float]) -> None:
    """So that what takes two calls, such as to look for a record and then to create it, comes to its end."""
    answers: list[object] = [[], {"id": "7"}, {"id": "7"}]
    for answer in answers:
        api.then(answer, X_Left="0", X_Reset="2")
    crm = api.consumer(LEFT)
    assert ask(crm, "get_contact_by_email", "a@b.c").not_found
    assert ask(crm, "create_contact", {"email": "a@b.c"}).id == "7"
    assert ask(crm, "get_contact", "7").success
    assert [round(nap) for nap in naps] == [2, 2]


WALKS: dict[str, Callable[[RestConsumer], Iterator[Any]]] = {
    "list": pages,
    "changed": lambda crm: changes(crm, None),
}


@pytest.mark.parametrize("walk", WALKS)
class TestWalks:
    """Walks, for which nobody waits."""

    declared = f"{LEFT}\nrecord: {{list: items}}\nchanged: {{query: {{s: '{{since}}'}}, next: n}}"

    def test_they_wait_as_long_as_they_are_asked_to(self, api: Script, walk: str, naps: list[float]) -> None:
        """Each page says that no call is left for a minute."""
        for ids in ("a", "b", ""):
            api.then({"items": [{"id": id} for id in ids], "n": "s1"}, X_Left="0", X_Reset="60")
        told = [page.contacts for page in WALKS[walk](api.consumer(self.declared))]
        assert [one["id"] for contacts in told for one in contacts] == ["a", "b"]
        assert [round(nap) for nap in naps] == [60, 60]

    def test_a_page_that_is_refused_until_then_is_asked_for_again(
        self, api: Script, walk: str, naps: list[float]
    ) -> None:
        """Another program has used up what was left."""
        api.then({}, 429, X_Left="0", X_Reset="60").then({"items": [{"id": "a"}], "n": "s1"}).then(
            {"items": [], "n": "s1"}
        )
        told = [page.contacts for page in WALKS[walk](api.consumer(self.declared))]
        assert [one["id"] for contacts in told for one in contacts] == ["a"]
        assert [round(nap) for nap in naps] == [60]

    def test_they_do_not_wait_for_ever(self, api: Script, walk: str, naps: list[float]) -> None:
        """Neither longer than a minute and a half, nor again and again for the same page."""
        api.then({"items": [{"id": "a"}], "n": "s1"}, X_Left="0", X_Reset="100")
        *_, last = WALKS[walk](api.consumer(self.declared))
        assert (last.success, last.retryable, naps) == (False, True, [])
        assert 95 < (last.retry_after or 0) <= 100
        for _ in range(20):
            api.then({}, 429, X_Left="0", X_Reset="60")
        *_, last = WALKS[walk](api.consumer(self.declared))
        assert (last.success, last.retryable, len(naps)) == (False, True, 10)


def test_bulk_work_waits_too(api: Script, naps: list[float]) -> None:
    """Such as a pull that looks whether records are gone."""
    api.then({"id": "7"}, X_Left="0", X_Reset="60").then({"id": "7"})
    crm = api.consumer(LEFT)
    assert crm.get_contact("7").success
    assert ask(crm, "get_contact", "7").retryable, "a single call does not wait that long"
    with unhurried():
        assert ask(crm, "get_contact", "7").success
    assert [round(nap) for nap in naps] == [60]
