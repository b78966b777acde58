"""A sync with a wrong consumer does not have the two properties; the suite says so, with the whole story."""

from __future__ import annotations

import pytest

from .suites import HEAD, QUIET, failed, names_of

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

pytest_plugins = ["pytester"]

COSTS = "each_edit_costs_at_most_one_write_a_side"
ADOPTS = "adopting_costs_at_most_one_write_a_side"
CONVERGES = "both_sides_converge"
UNANSWERED = "both_sides_converge[time-outs after the write]"

WRONG: dict[str, set[str]] = {
    "BlanksTheRest": {COSTS, ADOPTS},
    "ClearsNothing": {COSTS},
    "DeletesNothing": {COSTS},
    "FindsNobody": {ADOPTS, UNANSWERED},
    "MakesWhatIsMissing": set(),
    "ReadsOtherwise": {COSTS, ADOPTS},
    "RemembersWhatItRead": {COSTS},
    "TellsOfWhatItWasSent": {COSTS},
}
"""Tests that each wrong consumer fails, and in each case the two sides do not converge in some story."""

SUITE = """
class Test{name}(ConsumerContract):
    text_field = "first_name"
    edits = 14

    @pytest.fixture
    def consumer(self):
        return {module}.{name}()

    @pytest.fixture
    def people(self, consumer):
        return ConsumerPeople(consumer.for_others)
"""


def test_a_sync_with_a_wrong_consumer_does_not_have_the_properties(pytester: pytest.Pytester) -> None:
    some = "costs or (converge and (write or lost or clock or shift))"
    found = failed(pytester, SUITE, WRONG, some, whole=True)
    assert [(name, sorted(WRONG[name] - found[name])) for name in WRONG] == [(name, []) for name in WRONG]
    converging = [name for name, tests in found.items() if not any(test.startswith(CONVERGES) for test in tests)]
    assert converging == []


def test_every_wrong_consumer_is_in_the_table() -> None:
    assert names_of("wrong_synced") - {"Shared"} == {*WRONG}


def test_a_failure_tells_the_whole_story_and_how_to_have_it_again(pytester: pytest.Pytester) -> None:
    """What people did, what went wrong, how the sides differ, and the seed."""
    pytester.makepyfile(test_wrong=HEAD + SUITE.format(module="wrong_synced", name="FindsNobody"))
    run = pytester.inline_run(*QUIET, "-k", "converge and crashes", "test_wrong.py")
    said = run.getfailures()[0].longreprtext
    assert "This story again: seed '1 crashes after the create'" in said
    assert ") is created" in said
    assert "went wrong: create_contact 1: crash after the create" in said
    assert "times, in the CRM" in said
    assert "@example.com" not in said
