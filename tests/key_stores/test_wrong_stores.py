"""The contract suite itself: it passes a right store and catches each wrong one, by the test that is meant to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

ROOT = Path(__file__).parents[2]
WRONG = ["tests/key_stores/wrong_stores.py", "tests/key_stores/wrong_claims.py"]

CAUGHT_BY = {
    "TestRight": set(),
    "TestJoinedKeys": {"test_no_joint_of_installation_and_id_is_mistaken"},
    "TestStaleReverse": {
        "test_a_botmatic_id_that_moves_leaves_its_external_id_alone",
        "test_an_external_id_that_moves_leaves_its_botmatic_id_alone",
        "test_any_sequence_of_calls_keeps_the_pairs_one_to_one",
    },
    "TestPrefixDeletion": {"test_removing_an_installation_leaves_those_alone_whose_ids_are_alike"},
    "TestPatternDeletion": {"test_removing_an_installation_leaves_those_alone_whose_ids_are_alike"},
    "TestLostType": {"test_numbers_become_text", "test_text_that_looks_like_something_else_stays_as_it_is"},
    "TestNonAtomicPair": {"test_a_crash_in_the_middle_of_saving_leaves_the_old_pairs_or_the_new"},
    "TestHalfDeletion": {"test_a_crash_in_the_middle_of_removing_leaves_the_pair_or_nothing"},
    "TestNoLock": {"test_threads_at_once_leave_the_pairs_one_to_one"},
    "TestUnreachable": {"test_an_unreachable_backend_is_said_and_never_answered_for"},
    "TestCarelessDeletion": {"test_ids_that_are_not_paired_with_each_other_are_not_removed"},
    "TestRefusesZero": {"test_numbers_become_text"},
    "TestTakesNone": {"test_what_is_no_id_is_refused"},
    "TestFoldsCase": {"test_ids_that_look_alike_are_different"},
    "TestNormalises": {"test_ids_that_look_alike_are_different"},
    "TestTruncates": {"test_hostile_ids_are_all_different"},
    "TestMixesSides": {"test_the_sides_do_not_mix"},
    "TestSaysFalse": {"test_saving_a_pair_again_changes_nothing"},
    "TestBatchByBatch": {
        "test_a_batch_with_something_that_is_no_id_is_refused_whole",
        "test_a_crash_in_the_middle_of_a_batch_saves_all_or_none",
    },
    "TestGivesTwice": {"test_pairs_are_counted_and_given_once_each"},
    "TestNeverLifts": {"test_saving_a_pair_lifts_the_tombstones_of_its_ids"},
    "TestOneLeaseAtATime": {"test_all_leases_are_taken_or_none", "test_only_the_holder_gives_a_lease_back"},
    "TestNoFence": {
        "test_nothing_is_recorded_under_a_claim_that_was_taken_over",
        "test_nothing_is_recorded_under_a_claim_that_ended",
        "test_nothing_is_recorded_under_anothers_claim",
        "test_nothing_is_recorded_for_an_installation_that_was_removed",
    },
    "TestFenceOfOne": {"test_all_of_the_leases_have_to_be_held"},
    "TestWriteByWrite": {
        "test_a_crash_in_the_middle_records_all_or_nothing",
        "test_odd_writes_are_refused_whole",
    },
    "TestForgetsThePartner": {"test_whoever_comes_from_the_other_side_waits"},
    "TestAlwaysGuards": {"test_paired_contacts_do_not_lease_guards"},
    "TestNeverGuards": {"test_unpaired_contacts_with_a_guard_in_common_wait"},
    "TestContactByContact": {"test_all_contacts_are_claimed_or_none"},
    "TestGivesBackOthers": {"test_only_the_holder_gives_a_claim_back", "test_a_claim_ends_by_itself"},
    "TestClaimsOutliveTheInstallation": {
        "test_removing_an_installation_ends_its_claims",
        "test_nothing_is_recorded_for_an_installation_that_was_removed",
    },
    "TestBaselineOfTheId": {"test_a_baseline_is_gone_when_an_id_is_paired_with_another"},
    "TestDropsBaselines": {"test_saving_the_pair_again_leaves_its_baseline"},
    "TestNoEmptyBaseline": {"test_a_baseline_replaces_the_one_before", "test_a_baseline_may_hold_anything"},
    "TestSharedRecords": {"test_records_of_installations_are_apart"},
}


WHOLE = ("TestRight", "TestGivesTwice", "TestUnreachable")
"""The classes of which all tests are run; of the others, those that are to catch them."""


def _selection() -> str:
    named = (f"({store} and ({' or '.join(sorted(tests))}))" for store, tests in CAUGHT_BY.items() if tests)
    return " or ".join([*WHOLE, *named])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """For each class of tests, each test that was run and whether it passed, whatever it was given."""
    report = tmp_path_factory.mktemp("wrong") / "report.xml"
    arguments = ["-q", "--tb=no", "-p", "no:cacheprovider", f"--junitxml={report}", "-k", _selection()]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *WRONG, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), run.stdout + run.stderr
    found: dict[str, dict[str, bool]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        assert case.find("skipped") is None
        assert case.find("error") is None, case.attrib
        of_store = found.setdefault(case.attrib["classname"].rpartition(".")[2], {})
        test = case.attrib["name"].partition("[")[0]
        of_store[test] = of_store.get(test, True) and case.find("failure") is None
    return found


def test_the_suite_passes_a_right_store_and_catches_every_wrong_one(outcomes: dict[str, dict[str, bool]]) -> None:
    """Each wrong store fails at least the tests that are named for it, and nothing is skipped."""
    failed = {store: {test for test, passed in tests.items() if not passed} for store, tests in outcomes.items()}
    assert set(failed) == set(CAUGHT_BY)
    missed = {store: tests - failed[store] for store, tests in CAUGHT_BY.items() if not tests <= failed[store]}
    assert missed == {}
    assert failed["TestRight"] == set()


def test_what_a_store_lacks_is_not_collected(outcomes: dict[str, dict[str, bool]]) -> None:
    """The suite of a store of five methods has no tests of abilities, nor of a backend that cannot be away."""
    tests = " ".join(outcomes["TestRight"])
    assert "test_a_saved_pair_is_found_from_both_sides" in tests
    for other in ("batch", "baseline", "lease", "claim", "tombstone", "record", "counted", "answers", "unreachable"):
        assert other not in tests
        assert other in " ".join([*outcomes["TestGivesTwice"], *outcomes["TestUnreachable"]])
