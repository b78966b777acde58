"""The suite for consumers is itself tested: right consumers pass whole, each wrong one fails where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.testing import ConsumerContract

from .rest import RestConsumer, rest_crm
from .suites import FEWER_TEXTS, HEAD, QUIET, failed, names_of

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

pytest_plugins = ["pytester"]

HOSTILE = {"a_hostile_id_reads_nothing", "a_hostile_id_changes_nothing", "a_hostile_id_deletes_nothing"}
FULL = "a_full_last_page_is_not_lost"
BACK = "an_edit_back_to_what_was_is_written"
CREATING = {"create_answers_with_an_id", "get_gives_back_what_was_created"}
WALKS = {
    "iter_contacts_gives_every_contact_once",
    "list_all_contacts_gives_what_its_pages_held",
    "listed_contacts_are_whole",
}
MISSING = {
    "get_of_a_missing_record_is_not_found",
    "update_of_a_missing_record_is_not_found",
    "delete_of_a_missing_record_is_not_found",
}
THREADS = {"calls_from_several_threads_do_not_meet", "reads_from_several_threads_do_not_meet"}
UPDATING = {
    BACK,
    "text_survives",
    "update_changes_only_what_it_is_given",
    "update_writes_every_field_it_is_given",
    "none_clears_a_field",
    "calls_from_several_threads_do_not_meet",
    "each_field_can_be_updated_alone",
}
KINDS = "declarations_are_of_their_kind"
CREATED = "a_record_that_a_create_gives_back_is_whole"
UPDATED = "a_record_that_an_update_gives_back_is_whole"
FIND_OF_NOBODY = "find_contact_of_what_nobody_has_is_not_found"
ARCHIVED = "an_archived_record_is_out_of_sight"
ARCHIVED_MISSING = "archiving_a_missing_record_is_not_found"
BATCH_CREATES = "a_batch_of_creates_is_answered_one_for_each_in_order"
BATCH_UPDATES = "a_batch_of_updates_is_answered_one_for_each_in_order"
BATCH_CLEARS = "a_batch_of_updates_clears_what_is_none"
BATCH_MISSING = "a_missing_record_in_a_batch_of_updates_does_not_stop_the_others"
BATCH_REFUSED = "a_refused_contact_in_a_batch_of_creates_leaves_the_others_or_stops_all"
DELETING = {"a_deleted_record_is_gone", "a_deleted_contact_is_in_no_page"}
BUSY = "too_many_requests_is_a_retryable_failure_that_says_when"

WRONG: dict[str, set[str]] = {
    "ArchiveFails": {ARCHIVED, ARCHIVED_MISSING},
    "ArchiveHidesHalf": {ARCHIVED},
    "ArchiveOfMissingSucceeds": {ARCHIVED_MISSING},
    "ArchivePretends": {ARCHIVED},
    "AsciiOnly": {"text_survives", "special_characters_in_an_email_survive"},
    "BatchSizeIsText": {
        KINDS,
        BATCH_CREATES,
        BATCH_UPDATES,
        BATCH_CLEARS,
        BATCH_MISSING,
        BATCH_REFUSED,
        "a_batch_of_none_is_answered_with_none",
    },
    "BatchesAnswerInAnOrderOfTheirOwn": {BATCH_CREATES, BATCH_MISSING},
    "BatchesAnswerOnceForAll": {BATCH_UPDATES, BATCH_CLEARS, BATCH_MISSING, "a_batch_of_none_is_answered_with_none"},
    "BatchesAnswerWithWhatWorked": {BATCH_MISSING},
    "BatchesChangeTheirArgument": {BATCH_UPDATES, BATCH_CLEARS, BATCH_MISSING},
    "BatchesCreateWhatIsMissing": {BATCH_MISSING},
    "BatchesDropWhatIsNone": {BATCH_CLEARS},
    "BatchesFailWholeAndDoSome": {BATCH_REFUSED},
    "BatchesGiveBackTheChange": {BATCH_UPDATES},
    "BatchesOfNoneFail": {"a_batch_of_none_is_answered_with_none"},
    "BatchesRefuseWithoutAnId": {BATCH_REFUSED},
    "BatchesStopAtTheFirstFailure": {BATCH_MISSING},
    "BatchesTakeLessThanSaid": {BATCH_CREATES},
    "BeyondTheEndFails": {
        FULL,
        "a_page_beyond_the_end_is_empty",
        "a_deleted_contact_is_in_no_page",
        "numbered_pages_hold_every_contact_once",
        *WALKS,
    },
    "ChangesItsArgument": {"create_leaves_its_argument_alone", "update_leaves_its_argument_alone"},
    "CreateGivesBackWhatItWasGiven": {CREATED},
    "DeleteFails": {ARCHIVED_MISSING, "calls_from_several_threads_do_not_meet", *DELETING, *MISSING},
    "DeleteOfMissingSucceeds": {"delete_of_a_missing_record_is_not_found"},
    "DeletePretends": {*DELETING, *MISSING},
    "EmailPrefix": {"a_look_up_is_for_the_whole_address"},
    "FindGivesTheNewest": {"find_contact_agrees_with_the_look_up_by_email"},
    "FindKnowsNoEmails": {"find_contact_agrees_with_the_look_up_by_email"},
    "FindOfNobodyIsAnEmptyList": {FIND_OF_NOBODY},
    "FindTakesParts": {FIND_OF_NOBODY},
    "FirstOfSeveral": {"two_records_with_one_email_are_both_given"},
    "FullLastPageIsLost": {FULL},
    "FullLastPageOfAWalkIsLost": {FULL},
    "LimitIgnored": {"a_page_holds_no_more_than_its_limit"},
    "ListsSummaries": {"listed_contacts_are_whole"},
    "MissingHasOtherWords": {"get_of_a_missing_record_is_not_found", "update_of_a_missing_record_is_not_found"},
    "MissingIsSuccess": {
        "get_of_a_missing_record_is_not_found",
        "update_of_a_missing_record_is_not_found",
        "a_deleted_record_is_gone",
    },
    "NoIdInContacts": {"get_gives_back_what_was_created"},
    "NobodyIsAnEmptyList": {
        FIND_OF_NOBODY,
        "an_unknown_email_is_not_found",
        "a_look_up_is_for_the_whole_address",
        "a_changed_email_is_followed",
        "a_deleted_record_is_gone",
    },
    "NoneAsText": {"none_clears_a_field"},
    "NoneIsIgnored": {"none_clears_a_field"},
    "NothingForTheCallback": {"list_all_contacts_gives_what_its_pages_held"},
    "NumbersForIds": {
        ARCHIVED,
        "an_empty_field_is_told_of",
        "get_gives_back_what_was_created",
        "a_deleted_record_is_gone",
        *UPDATING,
        *THREADS,
    },
    "OldEmails": {"a_changed_email_is_followed"},
    "PagesFromZero": {FULL, "numbered_pages_hold_every_contact_once", "page_and_limit_may_be_left_out", *WALKS},
    "PagesOverlap": {
        "numbered_pages_hold_every_contact_once",
        "a_page_beyond_the_end_is_empty",
        *WALKS - {"listed_contacts_are_whole"},
    },
    "PartialUpdatesIsText": {KINDS},
    "PlusIsASpace": {"special_characters_in_an_email_survive"},
    "RaisesOnMissing": {"get_of_a_missing_record_is_not_found", "update_of_a_missing_record_is_not_found"},
    "SamePageForEver": {FULL, "numbered_pages_hold_every_contact_once", "a_page_beyond_the_end_is_empty", *WALKS},
    "SendsNoEditTwice": {BACK},
    "SharesAQuestion": THREADS,
    "SharesAContact": {"calls_from_several_threads_do_not_meet"},
    "TextToNumbers": {"text_survives"},
    "UpdateAnswersNothing": {
        UPDATED,
        "update_leaves_its_argument_alone",
        "a_changed_email_is_followed",
        "update_of_a_missing_record_is_not_found",
        *UPDATING,
    },
    "UpdateCreates": {"update_of_a_missing_record_is_not_found"},
    "UpdateExpectsTheName": {"each_field_can_be_updated_alone"},
    "UpdateGivesBackTheChange": {UPDATED},
    "UpdateIgnoresMissing": {"update_of_a_missing_record_is_not_found"},
    "UpdateReplaces": {
        "each_field_can_be_updated_alone",
        "none_clears_a_field",
        "update_changes_only_what_it_is_given",
    },
    "UpsertByEmail": {"two_records_with_one_email_are_both_given"},
    "WalksOnePage": WALKS,
}
"""The tests that each wrong consumer fails, those with hostile ids aside."""

WRONG_WITH_IDS: dict[str, set[str]] = {
    "DeleteOfMissingSucceeds": {"a_hostile_id_deletes_nothing"},
    "EmptyIdIsTheCollection": {"a_hostile_id_reads_nothing", "a_hostile_id_deletes_nothing"},
    "NotQuoted": HOSTILE,
    "UpdateCreates": {"a_hostile_id_changes_nothing"},
}
"""The tests with hostile ids that wrong consumers fail."""

WRONG_WITH_A_BROKEN_CRM: dict[str, set[str]] = {
    "AnswersUnread": {"an_answer_that_is_not_json_is_a_failure", "an_answer_without_a_record_is_a_failure"},
    "NoTimeOut": {"a_crm_that_never_answers_is_given_up"},
    "SaysNotWhen": {BUSY},
    "ServerErrorsAreMissing": {
        "a_refused_key_is_not_a_missing_record",
        "a_server_error_is_a_retryable_failure",
        BUSY,
    },
    "StatusUnread": {
        "a_server_error_is_a_retryable_failure",
        "a_wrong_address_is_not_an_empty_crm",
        "an_answer_that_is_not_json_is_a_failure",
        BUSY,
    },
    "SwallowsErrors": {"an_unreachable_crm_is_a_retryable_failure", "a_broken_connection_is_a_retryable_failure"},
}
"""The tests with a broken CRM that wrong consumers fail."""

HOPELESS = ["NoIdFromCreate"]
"""Consumers that fail every test in which a record is needed."""

SUITE = """
class Test{name}(ConsumerContract):
    text_field = "first_name"

    @pytest.fixture
    def consumer(self):
        return {module}.{name}()
"""

SUITE_WITH_A_BROKEN_CRM = """
class Test{name}(ConsumerContract):
    text_field = "first_name"
    time_limit = 1.0

    def consumer_at(self, url):
        consumer = {module}.{name}(url)
        consumer.timeout = consumer.timeout and 0.2
        return consumer
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with rest_crm() as url:
        yield url


class TestRestConsumer(ConsumerContract):
    """A correct consumer of a REST API passes the whole suite, with the tests of a broken CRM."""

    text_field = "first_name"

    @pytest.fixture
    def consumer(self, url: str) -> RestConsumer:
        return RestConsumer(url)

    @pytest.fixture
    def crm_url(self, url: str) -> str:
        return url

    def consumer_at(self, url: str) -> RestConsumer:
        consumer = RestConsumer(url)
        consumer.timeout = 0.2
        return consumer


def test_each_wrong_consumer_fails_where_it_is_wrong(pytester: pytest.Pytester) -> None:
    """A consumer with one fault fails the tests of what it gets wrong, and no others."""
    assert failed(pytester, SUITE, WRONG, FEWER_TEXTS) == WRONG


def test_consumers_for_which_an_id_is_more_than_an_id_are_caught(pytester: pytest.Pytester) -> None:
    """A consumer that does not quote ids, or deletes blindly, fails the tests with hostile ids."""
    assert failed(pytester, SUITE, WRONG_WITH_IDS, "hostile") == WRONG_WITH_IDS


def test_consumers_that_mistake_a_broken_crm_are_caught(pytester: pytest.Pytester) -> None:
    """A consumer that makes the wrong thing of a broken CRM fails the tests that `consumer_at` adds."""
    tests = "crm or broken or server_error or too_many or refused_key or answer_that or answer_without"
    found = failed(pytester, SUITE_WITH_A_BROKEN_CRM, WRONG_WITH_A_BROKEN_CRM, tests)
    assert found == WRONG_WITH_A_BROKEN_CRM


def test_what_cannot_create_fails_with_the_reason(pytester: pytest.Pytester) -> None:
    """Tests that cannot begin say what is missing."""
    found = failed(pytester, SUITE, HOPELESS, "create_answers or beyond_the_end")
    assert found == {"NoIdFromCreate": {"create_answers_with_an_id", "a_page_beyond_the_end_is_empty"}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("text_field = 'name'", "TestOne needs a pytest fixture 'consumer'"),
        ("consumer = pytest.fixture(lambda self: wrong_consumers.DeleteFails())", "TestOne needs 'text_field'"),
    ],
)
def test_a_missing_declaration_is_named(pytester: pytest.Pytester, body: str, said: str) -> None:
    """A suite that lacks a declaration says which, and how to write it."""
    pytester.makepyfile(test_wrong=f"{HEAD}class TestOne(ConsumerContract):\n    {body}")
    run = pytester.inline_run(*QUIET, "-k", "create_answers", "test_wrong.py")
    assert [report.when for report in run.getfailures()] == ["setup"]
    assert said in run.getfailures()[0].longreprtext


def test_records_that_cannot_be_deleted_are_reported(pytester: pytest.Pytester) -> None:
    """The suite does not leave records behind in silence."""
    pytester.makepyfile(test_wrong=HEAD + SUITE.format(module="wrong_consumers", name="DeleteFails"))
    run = pytester.inline_run(*QUIET, "-k", "create_answers", "test_wrong.py")
    assert [report.when for report in run.getfailures()] == ["teardown"]
    assert "still in the CRM: ['1 (this key may not delete)', '2 (this key may not delete)']" in (
        run.getfailures()[0].longreprtext
    )


def test_every_wrong_consumer_is_in_a_table() -> None:
    """None of the wrong consumers is left out."""
    there = names_of("wrong_consumers") | names_of("wrong_optional")
    assert there == {*WRONG, *WRONG_WITH_IDS, *WRONG_WITH_A_BROKEN_CRM, *HOPELESS}
