"""Fault scripts: data that says which calls go wrong, and how; the same each time."""

from __future__ import annotations

import pytest

from contact_sync.errors import ConfigurationError
from contact_sync.failures import translate
from contact_sync.testing import FaultScript
from contact_sync.testing.faults import (
    ANY,
    Fault,
    crash_after_create,
    cursor_expired,
    id_reuse,
    page_shift,
    server_error,
    timeout_after_write,
    timeout_before_write,
    too_many,
)

CALLS = ["create_contact", "update_contact", "get_contact", "list_changed", "iter_contacts"] * 40


def test_a_planned_fault_befalls_the_call_that_it_is_planned_for() -> None:
    script = FaultScript({("update_contact", 2): too_many(retry_after=3), ("get_contact", 1): server_error()})
    assert [script.take("update_contact") for _ in range(3)] == [None, too_many(retry_after=3), None]
    assert script.take("get_contact") == server_error(503)
    assert script.done == ["update_contact 2: too many (429, Retry-After 3)", "get_contact 1: server error (503)"]


def test_the_same_seed_gives_the_same_faults_and_another_one_others() -> None:
    def faults(seed: int | str) -> list[Fault | None]:
        script = FaultScript.random(seed, 0.3)
        return [script.take(method) for method in CALLS]

    assert faults(7) == faults(7)
    assert faults(7) != faults("another")
    assert {fault for seed in range(9) for fault in faults(seed)} == {None, *ANY}


def test_a_fault_befalls_the_methods_alone_that_it_fits() -> None:
    script = FaultScript.random(1, 1.0, [timeout_after_write(), page_shift(), cursor_expired()])
    by_method = {method: {script.take(method) for _ in range(60)} for method in dict.fromkeys(CALLS)}
    assert by_method == {
        "create_contact": {timeout_after_write()},
        "update_contact": {timeout_after_write()},
        "get_contact": {None},
        "list_changed": {page_shift(), cursor_expired()},
        "iter_contacts": {page_shift()},
    }


def test_the_first_call_of_each_method_can_be_made_sure_to_go_wrong() -> None:
    script = FaultScript.random(1, 0.001, [server_error()], first=True)
    assert [script.take(method) for method in ("get_contact", "update_contact", "get_contact")] == [
        server_error(),
        server_error(),
        None,
    ]


def test_a_script_that_has_ended_lets_all_calls_succeed() -> None:
    for script in (FaultScript.random(1, 1.0), FaultScript({("get_contact", 1): server_error()})):
        script.end()
        assert script.take("get_contact") is None


@pytest.mark.parametrize(
    "planned",
    [
        {("get_contact", 1): timeout_after_write()},
        {("update_contact", 1): crash_after_create()},
        {("delete_contact", 1): id_reuse()},
        {("merge_contacts", 1): server_error()},
        {("create_contact", 0): server_error()},
    ],
    ids=str,
)
def test_a_fault_that_cannot_befall_a_call_is_refused(planned: dict[tuple[str, int], Fault]) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be planned for call \d of '\w+'; it befalls \w+"):
        FaultScript(planned)


def test_a_script_says_what_has_happened_and_what_waits() -> None:
    script = FaultScript({("get_contact", 1): server_error(500), ("create_contact", 3): crash_after_create()})
    script.take("get_contact")
    assert repr(script) == (
        "<FaultScript done: ['get_contact 1: server error (500)']; "
        "planned: ['create_contact 3: crash after the create']>"
    )
    assert repr(FaultScript.random(7)).startswith("<FaultScript seed=7; done: []")


@pytest.mark.parametrize(
    ("fault", "retryable", "retry_after", "in_doubt"),
    [
        (too_many(), True, None, False),
        (too_many(retry_after=2.5), True, 2.5, False),
        (server_error(500), True, None, True),
        (timeout_before_write(), True, None, True),
        (timeout_after_write(), True, None, True),
    ],
    ids=str,
)
def test_the_engine_sees_in_a_fault_what_it_sees_in_a_real_one(
    fault: Fault, retryable: bool, retry_after: float | None, in_doubt: bool
) -> None:
    assert fault.error is not None
    result = translate(fault.error, "Crm.create_contact")
    assert (result.retryable, result.retry_after, result.in_doubt) == (retryable, retry_after, in_doubt)
