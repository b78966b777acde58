"""Walks over a consumer's records, checked: a walk that stands still or never ends is a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from contact_sync.failures import FAULTS, translate
from contact_sync.results import Result, id_text, to_result

from .declared import Changes, CursorExpired, ResultLike
from .pace import wait_long_for_turn

if TYPE_CHECKING:
    from .base import ExternalAPIConsumer

T = TypeVar("T")

PAGE_SIZE: Final = 30
"""How many records a page holds unless somebody says otherwise."""

_EMPTY_PAGES: Final = 100  # CRMs that filter after paging do give a few of them


def pages(consumer: ExternalAPIConsumer, page_size: int = PAGE_SIZE) -> Iterator[Result]:
    """Walk over every record of a consumer, whatever its `iter_contacts` does.

    Yields:
        A success with the `contacts` of each page that is not empty. A failure is the last thing it yields.
    """
    source = f"{type(consumer).__name__}.iter_contacts"
    try:
        walk = consumer.iter_contacts(page_size)
    except FAULTS as error:
        yield translate(error, source)
        return
    yield from checked(_paced(consumer, walk), source)


def checked(walk: Iterator[ResultLike], source: str) -> Iterator[Result]:
    """Walk over pages of records, and see that they are some and come to an end."""
    try:
        seen: list[list[Mapping[str, Any]]] = []
        empty = 0
        for page in walk:
            result = to_result(page, source)
            contacts = list(result.contacts or ())
            empty = 0 if contacts else empty + 1
            if result.success and result.contacts is None:
                result = Result.failed(f"{source} gave a page without 'contacts'")
            elif contacts and contacts in seen:
                result = Result.failed(
                    f"{source} gave the same records twice; it has to use its page number or cursor, and what is "
                    "beyond the end is empty"
                )
            elif empty > _EMPTY_PAGES:
                result = Result.failed(f"{source} gave {empty} empty pages in a row; a walk has to end")
            if contacts or not result.success:
                yield result
            if not result.success:
                return
            # The first page and the one before are enough: a walk that never ends stands still or starts again.
            seen = [*seen[:1], contacts] if contacts else seen
    except FAULTS as error:
        yield translate(error, source)


def _paced(consumer: ExternalAPIConsumer, walk: Iterator[T]) -> Iterator[T]:
    """Wait for the consumer's turn before each page: getting it is a call."""
    walk = iter(walk)
    while True:
        wait_long_for_turn(consumer)
        try:
            page = next(walk)
        except StopIteration:
            return
        yield page


def changes(consumer: ExternalAPIConsumer, cursor: str | None) -> Iterator[Changes | Result]:
    """Walk over what has changed in a CRM since a cursor, whatever its `list_changed` does.

    Yields:
        Pages whose cursor is text and whose ids are, too. A failure is the last thing that it yields.

    Raises:
        CursorExpired: The CRM does not know the cursor any more.
    """
    source = f"{type(consumer).__name__}.list_changed"
    still = 0
    try:
        for page in _paced(consumer, consumer.list_changed(cursor)):
            told = _told(page, source)
            if isinstance(told, Changes):
                still = still + 1 if told.cursor == cursor else 0
                cursor = told.cursor
                if still > _EMPTY_PAGES:
                    told = Result.failed(f"{source} gave {still} pages whose cursor stays the same; a walk has to end")
            yield told
            if isinstance(told, Result):
                return
    except CursorExpired:
        raise
    except FAULTS as error:
        yield translate(error, source)


def _told(page: Changes | ResultLike, source: str) -> Changes | Result:
    if not isinstance(page, Changes):
        result = to_result(page, source)
        return Result.failed(f"{source} yielded a success that is no Changes") if result.success else result
    if not isinstance(page.cursor, str) or not page.cursor:
        return Result.failed(f"{source} yielded Changes without a cursor; it has to be text that is not empty")
    try:
        deleted = [id_text(id) for id in page.deleted]
        merged = [(id_text(loser), id_text(winner)) for loser, winner in page.merged]
    except (TypeError, ValueError):
        return Result.failed(f"{source} yielded Changes with an id that is no id, in deleted or merged")
    if not all(isinstance(contact, Mapping) for contact in page.contacts):
        return Result.failed(f"{source} yielded Changes with a contact that is no dict")
    return Changes(cursor=page.cursor, contacts=page.contacts, deleted=deleted, merged=merged)
