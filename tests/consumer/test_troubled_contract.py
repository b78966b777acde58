"""A consumer that is wrong only when its CRM is in trouble is caught; where a request or an answer gets lost, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.testing import ConsumerContract

from .rest import rest_crm
from .suites import failed, names_of
from .wrong_troubled import Full

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

pytest_plugins = ["pytester"]

ERROR = "a_server_error_is_a_retryable_failure"
BUSY = "too_many_requests_is_a_retryable_failure_that_says_when"
KEY = "a_refused_key_is_not_a_missing_record"
ADDRESS = "a_wrong_address_is_not_an_empty_crm"
UNREADABLE = "an_answer_that_is_not_json_is_a_failure"
UPDATE = "an_update_without_an_answer_is_no_success_unless_it_was_done"
CREATE = "a_create_without_an_answer_makes_one_record_at_the_most"
WALK = "a_walk_with_an_error_on_its_way_leaves_nothing_out"

WRONG_IN_AN_OUTAGE: dict[str, set[str]] = {
    "ExpectsRetryAfter": {BUSY},
    "ExpectsSeconds": {BUSY},
    "OutageArchives": {ERROR, BUSY, KEY},
    "OutageEndsTheWalk": {ERROR, BUSY, KEY, ADDRESS, UNREADABLE},
    "OutageHasNoFields": {ERROR, BUSY, KEY, UNREADABLE},
    "OutageIsDoneInBatches": {ERROR, BUSY, KEY},
    "OutageIsForGoodInBatches": {ERROR, BUSY},
    "OutageIsFoundByNobody": {ERROR, BUSY, KEY, UNREADABLE},
    "OutageIsFoundByNoName": {ERROR},
    "OutageIsNoNews": {ERROR, BUSY, KEY, ADDRESS, UNREADABLE},
}
"""The tests that `consumer_at` adds, and wrong consumers fail."""

WRONG_ONCE: dict[str, set[str]] = {
    "OutageOfOldNewsIsNoNews": {WALK},
    "SkipsPagesThatFail": {WALK},
    "TimeOutOfACreateIsSuccess": {CREATE},
    "TimeOutOfACreateIsTriedAgain": {CREATE},
    "TimeOutOfAnUpdateIsForGood": {UPDATE},
    "TimeOutOfAnUpdateIsSuccess": {UPDATE},
}
"""The tests that `crm_url` adds, and wrong consumers fail."""

SUITE = """
class Test{name}(ConsumerContract):
    text_field = "first_name"
    time_limit = 3.0

    @pytest.fixture
    def crm_url(self):
        with rest_crm() as url:
            yield url

    @pytest.fixture
    def consumer(self, crm_url):
        return {module}.{name}(crm_url)

    def consumer_at(self, url):
        return {module}.{name}(url)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with rest_crm() as url:
        yield url


class TestFull(ConsumerContract):
    """A right consumer that has all that is optional passes the whole suite."""

    text_field = "first_name"
    tells_deletes = False
    edits = 4

    @pytest.fixture
    def crm_url(self, url: str) -> str:
        return url

    @pytest.fixture
    def consumer(self, crm_url: str) -> Full:
        return Full(crm_url)

    def consumer_at(self, url: str) -> Full:
        return Full(url)


def test_consumers_that_mistake_an_outage_for_something_else_are_caught(pytester: pytest.Pytester) -> None:
    """It is not without news, not the end of a walk, no missing record, and over some time."""
    which = "(server_error and 503) or too_many or refused_key or wrong_address or (not_json and HTML)"
    assert failed(pytester, SUITE, WRONG_IN_AN_OUTAGE, which) == WRONG_IN_AN_OUTAGE


def test_consumers_that_mistake_a_single_lost_answer_are_caught(pytester: pytest.Pytester) -> None:
    """What was not written is no success, what may be written is not written twice, and no page is skipped."""
    which = f"(OfAnUpdate and {UPDATE}) or (OfACreate and {CREATE}) or ((Skips or News) and {WALK})"
    assert failed(pytester, SUITE, WRONG_ONCE, which) == WRONG_ONCE


def test_every_wrong_consumer_is_in_a_table() -> None:
    assert names_of("wrong_troubled") - {"Full", "Quick", "Slow"} == {*WRONG_IN_AN_OUTAGE, *WRONG_ONCE}
