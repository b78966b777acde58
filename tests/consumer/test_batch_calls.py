"""Batch calls of a consumer: whatever they do, who makes one gets a `Result` for each contact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest
import requests

from contact_sync.consumer import TURNED_DOWN, ExternalAPIConsumer, ask_many, batch_size_of
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import ConsumerContract, MemoryConsumer

from .batches import Batches

Method = Literal["create_contacts", "update_contacts"]
METHODS: Sequence[Method] = ("create_contacts", "update_contacts")
TWO: list[dict[str, Any]] = [{"id": "1", "email": "a"}, {"id": "2", "email": "b"}]


class TestBatches(ConsumerContract):
    """A consumer with batch calls passes the whole suite."""

    text_field = "first_name"

    @pytest.fixture
    def consumer(self) -> Batches:
        return Batches()


class TestFewAtOnce(ConsumerContract):
    """However few it takes, and if it refuses an address that is taken."""

    text_field = "first_name"
    edits = 4

    @pytest.fixture
    def consumer(self) -> Batches:
        crm = Batches(unique_email=True)
        crm.batch_size = 3
        return crm


class AllOrNone(Batches):
    """A CRM that does a batch whole or not at all."""

    def create_contacts(self, contacts: list[dict[str, Any]]) -> Any:
        before = self.records
        results: Any = super().create_contacts(contacts)
        failed = [result for result in results if not result.success]
        if failed:
            self._records = before
        return Result.failed("one of them was refused") if failed else results

    def update_contacts(self, contacts: list[dict[str, Any]]) -> Any:
        if any(str(contact["id"]) not in self._records for contact in contacts):
            raise _status(404)
        return super().update_contacts(contacts)


class TestAllOrNone(ConsumerContract):
    """A batch may be turned down whole, as long as nothing of it is done."""

    text_field = "first_name"
    edits = 4

    @pytest.fixture
    def consumer(self) -> AllOrNone:
        return AllOrNone(unique_email=True)


class SixMethods(MemoryConsumer):
    """Says that it takes several at once, and has no calls for that."""

    batch_size = 10
    create_contacts = ExternalAPIConsumer.create_contacts
    update_contacts = ExternalAPIConsumer.update_contacts

    def __init__(self) -> None:
        super().__init__(batch_size=10)


class TestDefaults(ConsumerContract):
    """What is given in place of batch calls calls the single ones."""

    text_field = "first_name"
    edits = 4

    @pytest.fixture
    def consumer(self) -> SixMethods:
        return SixMethods()


def _status(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


def asked(outcome: object, method: Method = "create_contacts") -> list[Result]:
    """What comes of a batch call of two contacts whose consumer gives, or raises, some outcome."""
    crm = MemoryConsumer(batch_size=10)
    crm.fail_next(outcome)
    return ask_many(crm, method, TWO)


def test_there_are_no_batch_calls_unless_the_consumer_says_otherwise() -> None:
    assert ExternalAPIConsumer.batch_size == 1
    assert batch_size_of(MemoryConsumer()) == 1


@pytest.mark.parametrize("size", [0, -1, True, "10", None, 2.5])
def test_a_batch_size_that_is_no_number_of_records_counts_as_one(size: Any) -> None:
    assert batch_size_of(MemoryConsumer(batch_size=size)) == 1


def test_without_batch_calls_the_single_ones_are_made_and_each_has_its_own_result() -> None:
    crm = SixMethods()
    crm.fail_next(TimeoutError(), "create_contact")
    made = ask_many(crm, "create_contacts", TWO)
    assert [(result.success, result.id, result.retryable) for result in made] == [
        (False, None, True),
        (True, "1", False),
    ]
    updated = ask_many(crm, "update_contacts", TWO)
    assert [(result.success, result.error) for result in updated] == [(True, None), (False, NOT_FOUND)]
    assert [call.method for call in crm.calls] == ["create_contact"] * 2 + ["update_contact"] * 2


def test_each_result_is_taken_as_that_of_a_single_call_would_be() -> None:
    given = [{"success": True, "id": 7}, Result.failed("it exists", id=8)]
    assert asked(given) == [Result.ok("7"), Result.failed("it exists", id="8")]
    assert asked(tuple(given))[0].id == "7"
    first, second = asked([None, Result.ok("8")])
    assert first.error == (
        "MemoryConsumer.create_contacts returned nothing; expected a Result or a dict with a 'success'"
    )
    assert second.success


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([Result.ok("1")], "1 results for 2 contacts; expected one for each, in order"),
        ([Result.ok("1")] * 3, "3 results for 2 contacts; expected one for each, in order"),
        ([], "0 results for 2 contacts; expected one for each, in order"),
        (Result.ok("1"), "one result for 2 contacts; expected one for each, in order"),
        (None, "nothing; expected a Result or a dict with a 'success', one for each contact"),
        ("ok", "str; expected a Result or a dict with a 'success', one for each contact"),
        (iter([Result.ok("1")]), "list_iterator; expected a Result or a dict with a 'success', one for each contact"),
        ({"results": []}, "a result without 'success'; expected True or False"),
    ],
    ids=["too few", "too many", "none", "one for all", "nothing", "text", "an iterator", "what the CRM answered"],
)
def test_an_answer_that_is_not_one_for_each_is_a_failure_of_each_that_says_so(
    method: Method, answer: Any, said: str
) -> None:
    """Something may have been done all the same, so nothing is sent again."""
    failure = Result.failed(f"MemoryConsumer.{method} returned {said}")
    assert asked(answer, method) == [failure] * 2


def test_methods_of_coroutines_are_closed_and_refused() -> None:
    class Async(MemoryConsumer):
        async def create_contacts(self, contacts: Any) -> Any: ...  # type: ignore[override]  # the mistake shown here

    (result, _) = ask_many(Async(), "create_contacts", TWO)
    assert "write 'def', not 'async def'" in str(result.error)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("answer", [Result.failed("it is refused"), {"success": False, "error": "it is refused"}])
def test_a_single_failure_counts_for_all_and_each_may_be_sent_alone(method: Method, answer: Any) -> None:
    assert asked(answer, method) == [Result.failed("it is refused", reason=TURNED_DOWN)] * 2


def test_a_single_failure_that_names_a_record_is_not_taken_for_that_of_each() -> None:
    """Adopted by every contact of the batch, the record would be each one's in turn."""
    failure = Result.failed("it exists", id="8").with_(contact={"id": "8"}, contacts=[{"id": "8"}])
    assert asked(failure) == [Result.failed("it exists", reason=TURNED_DOWN)] * 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "failure",
    [
        Result.failed("slow down", retryable=True, retry_after=20),
        Result.failed("no answer", retryable=True, in_doubt=True),
        Result.failed("who knows", in_doubt=True, reason="the line broke"),
    ],
    ids=lambda failure: failure.error,
)
def test_a_failure_for_now_or_in_doubt_is_that_of_each(method: Method, failure: Result) -> None:
    assert asked(failure, method) == [failure] * 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("error", "retryable", "in_doubt", "again"),
    [
        (TimeoutError(), True, True, False),
        (ConnectionRefusedError(111, "refused"), True, False, False),
        (_status(429), True, False, False),
        (_status(500), True, True, False),
        (_status(400), False, False, True),
        (_status(422), False, False, True),
        (_status(401), False, False, False),
        (_status(403), False, False, False),
        (_status(302), False, False, False),
    ],
    ids=lambda value: str(getattr(getattr(value, "response", value), "status_code", value)),
)
def test_what_is_raised_is_translated_for_each(
    method: Method, error: Exception, retryable: bool, in_doubt: bool, again: bool
) -> None:
    """Only what the CRM turned down because of what is in it may be sent one by one, not what a key was refused for."""
    results = asked(error, method)
    assert len(results) == 2
    for result in results:
        assert (result.retryable, result.in_doubt, result.reason == TURNED_DOWN) == (retryable, in_doubt, again)
        assert str(result.error).startswith(f"MemoryConsumer.{method} raised {type(error).__name__}")


@pytest.mark.parametrize("error", [ValueError(), KeyError("id"), SystemExit(1)], ids=repr)
def test_after_an_unknown_error_updates_may_be_sent_alone_and_creates_may_not(error: BaseException) -> None:
    """It may be the reading of the answer that failed, when everything was made; an update can be done twice."""
    assert [result.reason for result in asked(error, "update_contacts")] == [TURNED_DOWN] * 2
    assert [result.reason for result in asked(error, "create_contacts")] == [None] * 2


def test_what_is_meant_to_end_the_program_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        asked(KeyboardInterrupt())


class TestMemoryConsumer:
    """Batches of the CRM in memory."""

    def test_a_batch_is_one_call_with_a_result_for_each(self) -> None:
        crm = MemoryConsumer([{"email": "ann@example.org"}], unique_email=True, batch_size=3)
        created = ask_many(crm, "create_contacts", [{"email": "bea"}, {"email": "Ann@example.org"}, {"email": "cem"}])
        assert [(result.success, result.id) for result in created] == [(True, "2"), (False, "1"), (True, "3")]
        updated = ask_many(crm, "update_contacts", [{"id": 3, "email": "c"}, {"id": 9}, {"email": "nobody"}])
        assert [result.error for result in updated] == [None, NOT_FOUND, "the contact has no 'id'"]
        assert [record["email"] for record in crm.records.values()] == ["ann@example.org", "bea", "c"]
        assert crm.calls == [("create_contacts", None), ("update_contacts", None)]

    def test_more_than_it_takes_are_turned_down_and_nothing_is_done(self) -> None:
        crm = MemoryConsumer(batch_size=2)
        (result, *_) = ask_many(crm, "create_contacts", [{}, {}, {}])
        assert result == Result.failed("a batch holds at most 2 records, not 3", reason=TURNED_DOWN)
        assert crm.records == {}

    def test_faults_and_hooks_strike_a_batch_as_any_call(self) -> None:
        crm = MemoryConsumer(batch_size=2)
        seen: list[Any] = []
        crm.before("create_contacts", seen.append)
        crm.fail_next(TimeoutError(), "create_contacts", after=True)
        assert [result.in_doubt for result in ask_many(crm, "create_contacts", [{"email": "a"}, {}])] == [True, True]
        assert (list(crm.records), seen) == (["1", "2"], [[{"email": "a"}, {}]])
