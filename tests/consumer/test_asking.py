"""Whatever a user's consumer does, who asks it gets a `Result`, and a walk over its contacts ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contact_sync.consumer import PAGE_SIZE, ExternalAPIConsumer, ask, pages
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer

CONTACTS = [{"email": f"c{n}@example.com"} for n in range(7)]


class Returns(MemoryConsumer):
    """Gives what it is told to, whichever method is called."""

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self.fail_next(outcome, times=1_000)


class Pages(MemoryConsumer):
    """Its `list_contacts` is the function that it is given."""

    def __init__(self, page: Callable[[int, int], Any]) -> None:
        super().__init__()
        self.page = page

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> Any:
        return self.page(page, limit)


class Walks(MemoryConsumer):
    """Its `iter_contacts` is the function that it is given."""

    def __init__(self, walk: Callable[[], Any]) -> None:
        super().__init__()
        self.walk = walk

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Any:
        return self.walk()


class TestAsk:
    def test_it_gives_what_the_method_answers(self) -> None:
        crm = MemoryConsumer(CONTACTS)
        assert ask(crm, "get_contact", "1") == Result.ok("1", contact={"email": "c0@example.com", "id": "1"})
        assert ask(crm, "delete_contact", "99").not_found

    def test_what_it_returns_is_made_a_result(self) -> None:
        assert ask(Returns({"success": True, "id": 0}), "create_contact", {}) == Result.ok("0")
        assert ask(Returns(None), "update_contact", {}).error == (
            "Returns.update_contact returned nothing; expected a Result or a dict with a 'success'"
        )

    def test_what_it_raises_is_made_a_result(self) -> None:
        assert ask(Returns(TimeoutError()), "get_contact", "1") == Result.failed(
            "Returns.get_contact raised TimeoutError", retryable=True, in_doubt=True
        )
        assert ask(Returns(StopIteration()), "get_contact", "1").error == "Returns.get_contact raised StopIteration"

    def test_wrong_arguments_and_missing_methods_are_failures(self) -> None:
        assert ask(MemoryConsumer(), "get_contact").error == "MemoryConsumer.get_contact raised TypeError"
        assert ask(MemoryConsumer(), "get_contacts").error == "MemoryConsumer.get_contacts raised AttributeError"

    def test_what_would_exit_the_program_is_made_a_result(self) -> None:
        assert ask(Returns(SystemExit(1)), "get_contact", "1").error == "Returns.get_contact raised SystemExit"

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()])
    def test_what_is_meant_to_end_the_program_passes_through(self, error: BaseException) -> None:
        with pytest.raises(type(error)):
            ask(Returns(error), "get_contact", "1")

    def test_a_dict_that_fights_back_is_a_failure(self) -> None:
        class Bad(dict[str, Any]):
            def get(self, *_: Any) -> Any:
                raise RuntimeError

        assert ask(Returns(Bad()), "get_contact", "1").error == "Returns.get_contact raised RuntimeError"

    def test_a_consumer_that_lacks_methods_cannot_be_made(self) -> None:
        class Half(ExternalAPIConsumer):
            pass

        with pytest.raises(TypeError, match="create_contact"):
            Half()  # type: ignore[abstract]  # what is refused here

    def test_closing_does_nothing_unless_it_is_written(self) -> None:
        crm = MemoryConsumer(CONTACTS)
        crm.close()
        assert len(crm.records) == len(CONTACTS)


@pytest.mark.parametrize("walk", [pages, ExternalAPIConsumer.iter_contacts], ids=["pages", "iter_contacts"])
class TestWalk:
    """`pages`, and the `iter_contacts` that is given."""

    def test_pages_come_in_order_until_one_is_empty(self, walk: Callable[..., Iterator[Result]]) -> None:
        crm = MemoryConsumer(CONTACTS)
        found = [[contact["id"] for contact in page.contacts or ()] for page in walk(crm, 3)]
        assert found == [["1", "2", "3"], ["4", "5", "6"], ["7"]]
        assert [call.method for call in crm.calls] == ["list_contacts"] * 4

    def test_an_empty_crm_has_no_pages(self, walk: Callable[..., Iterator[Result]]) -> None:
        assert list(walk(MemoryConsumer())) == []

    def test_pages_are_asked_for_as_they_are_needed(self, walk: Callable[..., Iterator[Result]]) -> None:
        crm = MemoryConsumer(CONTACTS)
        assert next(iter(walk(crm, 2))).success
        assert len(crm.calls) == 1

    def test_a_page_that_fails_is_given_and_ends_the_walk(self, walk: Callable[..., Iterator[Result]]) -> None:
        crm = MemoryConsumer(CONTACTS)
        crm.before("list_contacts", lambda page, limit: crm.fail_next(TimeoutError()) if page == 2 else None)
        first, failed = walk(crm, 3)
        assert first.success
        assert (failed.error, failed.retryable) == ("MemoryConsumer.list_contacts raised TimeoutError", True)

    def test_a_page_without_contacts_is_a_failure(self, walk: Callable[..., Iterator[Result]]) -> None:
        """An answer that was read wrongly must not look like the end."""
        (failed,) = walk(Returns({"success": True}))
        assert failed.error == "Returns.list_contacts gave a page without 'contacts'"

    @pytest.mark.parametrize(
        "page",
        [
            lambda page, limit: Result.ok(contacts=[{"id": 1}, {"id": 2}]),
            lambda page, limit: Result.ok(contacts=([{"id": 1}], ({"id": 1},))[page % 2]),
            lambda page, limit: Result.ok(contacts=[{"id": min(page, 5)}]),
            lambda page, limit: Result.ok(contacts=[{"id": page % 7}]),
        ],
        ids=["page ignored", "list and tuple", "last page again", "from the start again"],
    )
    def test_a_crm_that_repeats_its_pages_is_noticed(
        self, walk: Callable[..., Iterator[Result]], page: Callable[[int, int], Any]
    ) -> None:
        """Instead of being read for ever."""
        *good, failed = walk(Pages(page), 3)
        assert 1 <= len(good) <= 7
        assert failed.error == (
            "Pages.list_contacts gave the same records twice; it has to use its page number or cursor, and what is "
            "beyond the end is empty"
        )

    @pytest.mark.parametrize("size", [0, -1])
    def test_a_page_of_nothing_is_a_failure(self, walk: Callable[..., Iterator[Result]], size: int) -> None:
        """Else it would look like an empty CRM."""
        (failed,) = walk(MemoryConsumer(CONTACTS), size)
        assert failed.error == f"a page holds at least one record, not {size}"

    def test_a_page_larger_than_asked_for_is_taken(self, walk: Callable[..., Iterator[Result]]) -> None:
        crm = Pages(lambda page, limit: Result.ok(contacts=CONTACTS if page == 1 else []))
        assert [len(page.contacts or ()) for page in walk(crm, 2)] == [7]

    def test_an_interruption_passes_through(self, walk: Callable[..., Iterator[Result]]) -> None:
        with pytest.raises(KeyboardInterrupt):
            list(walk(Returns(KeyboardInterrupt())))


def _raises_on_the_way() -> Iterator[Result]:
    yield Result.ok(contacts=[{"id": 1}])
    raise ConnectionResetError


def _endless_empty() -> Iterator[Result]:
    while True:
        yield Result.ok(contacts=[])


def _endless() -> Iterator[Result]:
    while True:
        yield Result.ok(contacts=[{"id": 1}])


def _goes_on_after_a_failure() -> Iterator[Result]:
    yield Result.failed("limit", retryable=True)
    yield Result.ok(contacts=[{"id": 1}])


class TestWalksOfUsers:
    """`pages` makes the best of an `iter_contacts` that a user wrote."""

    def test_pages_may_be_dicts_in_any_iterable(self) -> None:
        assert list(pages(Walks(lambda: [{"success": True, "contacts": [{"id": 1}]}]))) == [
            Result.ok(contacts=[{"id": 1}])
        ]

    def test_empty_pages_on_the_way_are_passed_over(self) -> None:
        """CRMs that filter after paging have them."""
        walk = [
            Result.ok(contacts=[]),
            Result.ok(contacts=[{"id": 1}]),
            Result.ok(contacts=[]),
            Result.ok(contacts=[{"id": 2}]),
        ]
        assert [page.contacts for page in pages(Walks(lambda: walk))] == [[{"id": 1}], [{"id": 2}]]

    @pytest.mark.parametrize(
        ("walk", "said"),
        [
            (lambda: None, "Walks.iter_contacts raised TypeError"),
            (lambda: 5, "Walks.iter_contacts raised TypeError"),
            (lambda: 1 / 0, "Walks.iter_contacts raised ZeroDivisionError"),
            (lambda: [[{"id": 1}]], "Walks.iter_contacts returned list; expected a Result or a dict with a 'success'"),
            (lambda: [{"id": 1}], "Walks.iter_contacts returned a result without 'success'; expected True or False"),
            (lambda: [Result.ok()], "Walks.iter_contacts gave a page without 'contacts'"),
            (lambda: "ab", "Walks.iter_contacts returned str; expected a Result or a dict with a 'success'"),
            (_endless_empty, "Walks.iter_contacts gave 101 empty pages in a row; a walk has to end"),
        ],
    )
    def test_nonsense_is_a_failed_page(self, walk: Callable[[], Any], said: str) -> None:
        assert [page.error for page in pages(Walks(walk))] == [said]

    def test_an_exception_on_the_way_is_a_failed_page(self) -> None:
        first, failed = pages(Walks(_raises_on_the_way))
        assert first.contacts == [{"id": 1}]
        assert (failed.error, failed.retryable) == ("Walks.iter_contacts raised ConnectionResetError", True)

    def test_a_cursor_that_does_not_move_is_noticed(self) -> None:
        first, failed = pages(Walks(_endless))
        assert first.success
        assert "gave the same records twice" in str(failed.error)

    def test_nothing_comes_after_a_failure(self) -> None:
        (failed,) = pages(Walks(_goes_on_after_a_failure))
        assert failed.retryable

    def test_a_walk_that_is_left_early_is_closed(self) -> None:
        closed = []

        def walk() -> Iterator[Result]:
            try:
                yield Result.ok(contacts=[{"id": 1}])
                yield Result.ok(contacts=[{"id": 2}])
            finally:
                closed.append(True)

        left = pages(Walks(walk))
        next(left)
        del left
        assert closed == [True]


class TestListAllContacts:
    def test_it_gives_all_and_hands_each_page_to_the_callback(self) -> None:
        handed: list[int] = []
        result = MemoryConsumer(CONTACTS).list_all_contacts(3, lambda page: handed.append(len(page)))
        assert result.success
        assert [contact["id"] for contact in result.contacts or ()] == ["1", "2", "3", "4", "5", "6", "7"]
        assert handed == [3, 3, 1]

    def test_pages_are_of_thirty_unless_told_otherwise(self) -> None:
        asked = []
        crm = MemoryConsumer(CONTACTS)
        crm.before("list_contacts", lambda page, limit: asked.append((page, limit)))
        assert len(crm.list_all_contacts().contacts or ()) == 7
        assert asked == [(1, 30), (2, 30)]

    def test_an_empty_crm_is_a_success_with_an_empty_list(self) -> None:
        assert MemoryConsumer().list_all_contacts() == Result.ok(contacts=[])

    def test_a_failure_comes_with_what_was_read_before_it(self) -> None:
        handed: list[Any] = []
        crm = Pages(lambda page, limit: Result.ok(contacts=[{"id": page}]) if page < 3 else Result.failed(NOT_FOUND))
        result = crm.list_all_contacts(1, handed.append)
        assert (result.success, result.error) == (False, NOT_FOUND)
        assert result.contacts == [{"id": 1}, {"id": 2}]
        assert handed == [[{"id": 1}], [{"id": 2}]]

    def test_it_follows_an_overridden_walk(self) -> None:
        assert Walks(lambda: [Result.ok(contacts=[{"id": 9}])]).list_all_contacts().contacts == [{"id": 9}]

    def test_a_callback_that_raises_is_its_callers_affair(self) -> None:
        def callback(page: object) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            MemoryConsumer(CONTACTS).list_all_contacts(callback=callback)
