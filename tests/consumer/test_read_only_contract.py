"""The suite has the tests of what a consumer can; for what it cannot, it has to refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from contact_sync.consumer import READ_ONLY, ExternalAPIConsumer
from contact_sync.results import Result
from contact_sync.testing import ConsumerContract, ConsumerPeople, MemoryConsumer, People, ReadOnlyContract

from .read_only import Directory
from .suites import HEAD, NO_STORIES, failed, names_of

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

pytest_plugins = ["pytester"]

WRONG: dict[str, set[str]] = {
    "ChangesAndRefuses": {"an_update_is_refused_where_nothing_can_be_changed"},
    "CreatesAllTheSame": {"a_create_is_refused_where_nothing_can_be_created"},
    "CreatesAndRefuses": {"a_create_is_refused_where_nothing_can_be_created"},
    "DeletesAndRefuses": {"a_delete_is_refused_where_nothing_can_be_deleted"},
    "GivesTheFirst": {
        "get_gives_back_what_was_created",
        "reads_from_several_threads_do_not_meet",
        "text_survives",
    },
    "RefusesForNow": {"a_delete_is_refused_where_nothing_can_be_deleted"},
    "RefusesWithoutTheReason": {"an_update_is_refused_where_nothing_can_be_changed"},
    "SaysThatItCanUpdate": {"the_suite_knows_what_the_consumer_can"},
    "UpdatesDoNothing": {"an_update_is_refused_where_nothing_can_be_changed"},
}

SUITE = """
class Test{name}(ReadOnlyContract):
    text_field = "first_name"

    @pytest.fixture
    def crm(self):
        return MemoryConsumer([{{"id": "7", "email": "old@example.org"}}])

    @pytest.fixture
    def consumer(self, crm):
        return {module}.{name}(crm)

    @pytest.fixture
    def people(self, crm):
        return ConsumerPeople(crm)
"""

OTHERS = [{"id": f"U{n}", "email": f"u{n}@example.org", "first_name": f"User {n}"} for n in range(9)]


class TestDirectory(ReadOnlyContract):
    """Of a consumer that only reads, its reads are tested with what people write there, and its refusals."""

    text_field = "first_name"

    @pytest.fixture
    def crm(self) -> MemoryConsumer:
        return MemoryConsumer(OTHERS)

    @pytest.fixture
    def consumer(self, crm: MemoryConsumer) -> Directory:
        return Directory(crm)

    @pytest.fixture
    def people(self, crm: MemoryConsumer) -> People:
        return ConsumerPeople(crm)

    @pytest.fixture(autouse=True)
    def _cleaned_up(self, crm: MemoryConsumer, request: pytest.FixtureRequest) -> Any:
        request.getfixturevalue("people")
        yield
        assert list(crm.records) == [it["id"] for it in OTHERS]


class TestDirectoryThatNobodyCanEdit(ReadOnlyContract):
    """Where nobody can create records for the suite, it reads those that its author says are there."""

    text_field = "first_name"
    missing_id = "U99"

    @pytest.fixture
    def consumer(self) -> Directory:
        return Directory(MemoryConsumer(OTHERS))

    @pytest.fixture
    def existing(self) -> Sequence[Mapping[str, Any]]:
        return OTHERS


class Unmakeable(MemoryConsumer):
    """Records can be changed there, and neither created nor deleted."""

    can_create = False
    can_delete = False

    def create_contact(self, contact: dict[str, Any]) -> Result:
        return Result.failed("no", reason=READ_ONLY)

    def delete_contact(self, id: str) -> Result:
        return Result.failed("no", reason=READ_ONLY)


class TestThatCanOnlyUpdate(ConsumerContract):
    """Updates of records that exist are tested too, and put back afterwards."""

    text_field = "first_name"
    missing_id = "U99"
    can_create = False
    can_delete = False

    @pytest.fixture
    def consumer(self) -> Any:
        crm = Unmakeable(OTHERS)
        yield crm
        assert crm.records == {it["id"]: it for it in OTHERS}

    @pytest.fixture
    def existing(self) -> Sequence[Mapping[str, Any]]:
        return OTHERS


class Undeletable(MemoryConsumer):
    can_delete = False

    def delete_contact(self, id: str) -> Result:
        return Result.failed("no", reason=READ_ONLY)


class TestThatCannotDelete(ConsumerContract):
    """What cannot be deleted stays there, and is no failure of the suite."""

    text_field = "first_name"
    missing_id = "never"
    can_delete = False

    @pytest.fixture
    def consumer(self) -> ExternalAPIConsumer:
        return Undeletable()


def test_each_wrong_consumer_fails_where_it_is_wrong(pytester: pytest.Pytester) -> None:
    """A read-only consumer with one fault fails the tests of what it gets wrong, and no others."""
    assert failed(pytester, SUITE, WRONG, NO_STORIES) == WRONG


def test_every_wrong_consumer_is_in_the_table() -> None:
    assert names_of("read_only") - {"Directory"} == {*WRONG}


def test_a_suite_has_no_tests_of_what_its_consumer_cannot() -> None:
    """They are not there: nothing passes without having looked, and nothing is skipped."""
    writes = {"test_create_answers_with_an_id", "test_a_hostile_id_changes_nothing", "test_a_deleted_record_is_gone"}
    refusals = {"test_a_create_is_refused_where_nothing_can_be_created"}
    assert [getattr(TestDirectory, name) for name in writes] == [None] * len(writes)
    assert [getattr(ConsumerContract, name) is None for name in writes] == [False] * len(writes)
    assert all(getattr(TestDirectory, name) for name in refusals)

    class Able(TestDirectory):
        can_create = can_update = can_delete = True

    assert all(getattr(Able, name) for name in writes)
    assert not any(getattr(Able, name) for name in refusals)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "TestOne says can_create = False: it needs a pytest fixture 'people'"),
        ("existing = pytest.fixture(lambda self: [{'id': '7'}] * 2)", "'existing' of TestOne has to give records with"),
        (
            "existing = pytest.fixture(lambda self: [{'id': '7', 'email': 'old@example.org'}, {'id': '8'}])",
            "TestOne needs 'missing_id'",
        ),
    ],
)
def test_a_missing_declaration_is_named(pytester: pytest.Pytester, body: str, said: str) -> None:
    """A suite that cannot create says what it needs in place of that."""
    consumer = "lambda self: read_only.Directory(MemoryConsumer([{'id': '7', 'email': 'old@example.org'}]))"
    lines = ["text_field = 'name'", f"consumer = pytest.fixture({consumer})", body]
    pytester.makepyfile(test_wrong=f"{HEAD}class TestOne(ReadOnlyContract):\n    " + "\n    ".join(lines))
    run = pytester.inline_run("-q", "-p", "no:cacheprovider", "-k", "get_of_a_missing or found_by", "test_wrong.py")
    assert any(said in report.longreprtext for report in run.getfailures())
