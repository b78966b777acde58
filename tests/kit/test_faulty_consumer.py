"""`FaultyConsumer`: any consumer, as it is, with what the script makes of its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contact_sync.consumer import (
    CANNOT_CLEAR,
    Changes,
    CRMField,
    CursorExpired,
    RateBudget,
    abilities_of,
    ask,
    ask_many,
    changes,
    pages,
)
from contact_sync.testing import (
    ConsumerContract,
    Crash,
    FaultScript,
    FaultyConsumer,
    MemoryConsumer,
    Quirks,
    QuirkyConsumer,
)
from contact_sync.testing.faults import (
    Fault,
    crash_after_create,
    cursor_expired,
    id_reuse,
    older_cursor,
    page_shift,
    server_error,
    timeout_after_write,
    timeout_before_write,
)

ANA = {"email": "ana@example.org", "first_name": "Ana"}


class Declares(MemoryConsumer):
    clear_value = CANNOT_CLEAR
    unique_keys = ("vat",)
    read_only_fields = ("score",)
    rate_budget = RateBudget(9)
    omits_empty = True
    can_delete = False

    def list_fields(self) -> list[CRMField]:
        return [CRMField("email")]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MemoryConsumer(tells_changes=True, batch_size=50),
        lambda: QuirkyConsumer(Quirks(ids="number", paging="cursor", archives=True, clears="absent", partial=True)),
    ],
    ids=["memory", "quirky"],
)
class TestWithoutFaults(ConsumerContract):
    """Without a script, a wrapped consumer passes the suite as it does by itself."""

    text_field = "first_name"

    @pytest.fixture
    def consumer(self, make: Callable[[], Any]) -> FaultyConsumer:
        return FaultyConsumer(make())


def faulty(*planned: tuple[str, int, Fault], contacts: Any = (ANA,), **options: Any) -> FaultyConsumer:
    script = FaultScript({(method, call): fault for method, call, fault in planned})
    return FaultyConsumer(MemoryConsumer(contacts, tells_changes=True, batch_size=9), script, **options)


def emails(consumer: FaultyConsumer) -> list[Any]:
    return [contact["email"] for page in pages(consumer) for contact in page.contacts or ()]


def test_abilities_and_declarations_are_those_of_the_wrapped_one() -> None:
    for inner in (Declares(), MemoryConsumer(tells_changes=True, partial_updates=True, batch_size=7)):
        wrapper = FaultyConsumer(inner)
        assert abilities_of(wrapper) == abilities_of(inner)
        for name in ("clear_value", "unique_keys", "read_only_fields", "rate_budget", "omits_empty", "can_delete"):
            assert getattr(wrapper, name) == getattr(inner, name)
        assert (wrapper.partial_updates, wrapper.batch_size) == (inner.partial_updates, inner.batch_size)
    assert FaultyConsumer(Declares()).list_fields() == [CRMField("email")]


@pytest.mark.parametrize(("fault", "there"), [(timeout_before_write(), 0), (timeout_after_write(), 1)], ids=str)
def test_a_time_out_comes_before_or_after_the_write(fault: Fault, there: int) -> None:
    consumer = faulty(("create_contact", 1, fault), contacts=())
    result = ask(consumer, "create_contact", dict(ANA))
    assert (result.success, result.retryable, result.in_doubt) == (False, True, True)
    assert len(emails(consumer)) == there == consumer.writes


def test_a_crash_comes_after_the_create_and_no_exception_handler_stops_it() -> None:
    consumer = faulty(("create_contact", 1, crash_after_create()), contacts=())
    with pytest.raises(Crash):
        ask(consumer, "create_contact", dict(ANA))
    assert emails(consumer) == ["ana@example.org"]


def test_faults_befall_batches_and_each_record_of_one_is_a_write() -> None:
    consumer = faulty(("create_contacts", 1, timeout_after_write()), ("update_contacts", 1, server_error(500)))
    made = ask_many(consumer, "create_contacts", [{"email": "b@example.org"}, {"email": "c@example.org"}])
    assert [result.in_doubt for result in made] == [True, True]
    assert (len(emails(consumer)), consumer.writes) == (3, 2)
    changes_of = [{"id": "2", "first_name": "Bea"}, {"id": "3", "first_name": "Cleo"}]
    assert not any(result.success for result in ask_many(consumer, "update_contacts", changes_of))
    assert [result.success for result in ask_many(consumer, "update_contacts", changes_of)] == [True, True]
    assert consumer.writes == 4


def test_every_call_is_written_down_with_what_went_wrong_and_no_values() -> None:
    told: list[tuple[str, str]] = []
    consumer = faulty(("get_contact", 1, server_error()), on_write=lambda method, id: told.append((method, id)))
    ask(consumer, "get_contact", "1")
    ask(consumer, "update_contact", {"id": "1", "first_name": "Anna"})
    ask(consumer, "delete_contact", "7")
    assert [(call.method, call.ids, call.fault) for call in consumer.calls] == [
        ("get_contact", (), "server error (503)"),
        ("update_contact", ("1",), None),
        ("delete_contact", (), None),
    ]
    assert told == [("update_contact", "1")]
    assert "Ann" not in repr(consumer) + repr(consumer.calls)


def test_a_new_record_may_get_the_id_of_a_deleted_one() -> None:
    consumer = faulty(("create_contact", 1, id_reuse()))
    ask(consumer, "delete_contact", "1")
    made = ask(consumer, "create_contact", {"email": "bea@example.org"})
    assert made.id == "1"
    assert ask(consumer, "update_contact", {"id": "1", "first_name": "Bea"}).success
    bea = {"id": "1", "email": "bea@example.org", "first_name": "Bea"}
    assert ask(consumer, "get_contact", "1").contact == bea
    assert ask(consumer, "get_contact_by_email", "bea@example.org").contact == bea
    assert [contact for page in pages(consumer) for contact in page.contacts or ()] == [bea]
    told = [page for page in changes(consumer, None) if isinstance(page, Changes)]
    assert [(list(page.contacts), list(page.deleted)) for page in told] == [([bea], [])]
    assert ask(consumer, "delete_contact", "1").success
    assert ask(consumer, "get_contact", "1").not_found


def test_records_come_and_go_between_pages_of_a_walk() -> None:
    inner = MemoryConsumer([{"email": f"{n}@example.org"} for n in range(5)])
    script = FaultScript({("list_contacts", 2): page_shift()})
    consumer = FaultyConsumer(inner, script, page_size=2, between_pages=lambda: inner.delete_contact("1"))
    assert emails(consumer) == ["0@example.org", "1@example.org", "3@example.org", "4@example.org"]


def test_an_older_cursor_tells_again_and_one_that_has_expired_says_so() -> None:
    consumer = faulty(("list_changed", 3, older_cursor()), ("list_changed", 4, cursor_expired()), contacts=())

    def told(cursor: str | None) -> tuple[list[Any], str]:
        found = [page for page in changes(consumer, cursor) if isinstance(page, Changes)]
        return [contact["id"] for page in found for contact in page.contacts], found[-1].cursor

    ask(consumer, "create_contact", dict(ANA))
    _, first = told(None)
    ask(consumer, "create_contact", {"email": "bea@example.org"})
    news, second = told(first)
    assert news == ["2"]
    assert told(second)[0] == ["2"]
    with pytest.raises(CursorExpired):
        told(second)
