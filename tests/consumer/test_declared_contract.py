"""What a consumer declares of its CRM, and how it tells of changes, is proven too; each wrong one fails where it is
wrong."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.testing import ConsumerContract, MemoryConsumer

from .suites import NO_STORIES, failed, names_of
from .wrong_changes import TellingInSmallPages, TellsOfNoDeletes
from .wrong_declared import CannotClear, ClearedByText, Unique, UniqueUnnamed

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

pytest_plugins = ["pytester"]

KINDS = "declarations_are_of_their_kind"
CLEARS = "none_clears_a_field"
ABSENT = "an_empty_field_is_told_of"
UNIQUE = "unique_keys_keep_a_second_record_out"
FIXED = "read_only_fields_keep_their_values"
FIXED_IN_CREATES = "read_only_fields_are_not_set_by_a_create"
FIELDS = "the_fields_that_are_listed_are_those_of_the_contacts"
FIRST = "the_first_walk_tells_everything"
SINCE = "what_changes_is_told_from_the_cursor_on"
QUIET = "nothing_is_lost_when_nothing_has_changed"
AGAIN = "an_old_cursor_tells_at_least_the_same_again"
PAGES = "each_page_has_a_cursor_from_which_the_rest_is_told"
NONSENSE = "a_nonsense_cursor_is_never_no_news"
TELLING = {FIRST, SINCE, QUIET, AGAIN, PAGES, NONSENSE}

WRONG: dict[str, set[str]] = {
    "ClearedIsAbsent": {ABSENT},
    "ClearsWhatItSaysItCannot": {CLEARS},
    "FieldsAreAllReadOnly": {FIELDS},
    "FieldsAreLabels": {FIELDS},
    "FieldsAreNone": {FIELDS},
    "FieldsAreTexts": {FIELDS},
    "FieldsComeTwice": {FIELDS},
    "KeysAreText": {KINDS, UNIQUE},
    "LacksNothingThatIsKnown": {KINDS},
    "ListedAsReadOnlyIsWritten": {FIXED, FIXED_IN_CREATES},
    "OmitsIsText": {KINDS},
    "ReadOnlyIsTheText": {FIXED},
    "ReadOnlyIsWritten": {FIXED, FIXED_IN_CREATES},
    "ReadOnlyIsWrittenByBatches": {FIXED, FIXED_IN_CREATES},
    "ReadOnlyIsWrittenByCreates": {FIXED_IN_CREATES},
    "TakesOtherClears": {CLEARS},
    "UniqueCannotBeFound": {UNIQUE},
    "UniqueHasNoValue": {UNIQUE},
    "UniqueIsMadeAllTheSame": {UNIQUE},
    "UniqueIsNotNamed": {UNIQUE},
    "UniqueIsNotUnique": {UNIQUE},
    "UniqueIsRetryable": {UNIQUE},
    "UniqueNamesAnother": {UNIQUE},
    "CursorIsANumber": TELLING - {NONSENSE},
    "CursorOfTheEnd": {PAGES},
    "CursorStandsStill": {QUIET},
    "LacksAndTellsNoNews": TELLING,
    "NonsenseIsNoNews": {NONSENSE},
    "TellsNothingAtFirst": {FIRST},
    "TellsOfNewOnesAlone": {SINCE},
    "TellsOfNoDeletes": {SINCE},
    "TellsOnce": {AGAIN, NONSENSE},
    "TellsSummaries": {FIRST, SINCE},
    "TellsWhatIsDeletedAsThere": {SINCE},
    "TellsWhatIsThereAsDeleted": {SINCE},
    "TellsWhatWas": {SINCE},
}
"""The tests that each wrong consumer fails."""

SUITE = """
class Test{name}(ConsumerContract):
    text_field = "first_name"

    @pytest.fixture
    def consumer(self):
        return {module}.{name}()
"""


@pytest.mark.parametrize("kind", [CannotClear, ClearedByText, TellingInSmallPages, Unique, UniqueUnnamed])
class TestRightOnes(ConsumerContract):
    """A consumer whose declarations are true passes the whole suite."""

    text_field = "first_name"

    @pytest.fixture
    def consumer(self, kind: type[MemoryConsumer]) -> MemoryConsumer:
        return kind()

    def new_contact(self, n: int) -> dict[str, Any]:
        return {"first_name": f"Contact {n}"}


class TestThatTellsOfNoDeletes(ConsumerContract):
    """Where the CRM tells of no deletes, the suite is told so."""

    text_field = "first_name"
    tells_deletes = False

    @pytest.fixture
    def consumer(self) -> MemoryConsumer:
        return TellsOfNoDeletes()


def test_each_wrong_consumer_fails_where_it_is_wrong(pytester: pytest.Pytester) -> None:
    """A consumer with one fault in what it declares or tells fails the tests of that, and no others."""
    assert failed(pytester, SUITE, WRONG, f"{NO_STORIES} and not survive and not look_up") == WRONG


def test_every_wrong_consumer_is_in_the_table() -> None:
    right = {"CannotClear", "ClearedByText", "Telling", "TellingInSmallPages", "Unique", "UniqueUnnamed"}
    assert (names_of("wrong_declared") | names_of("wrong_changes")) - right == {*WRONG}
