"""The consumer: how a CRM is reached. Users subclass `ExternalAPIConsumer`; the engine calls it through `ask`, and for
batches through `ask_many`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from .failures import FAULTS, status_of, translate
from .observing import observers
from .results import NOT_FOUND, Result, to_result

ResultLike = Result | Mapping[str, Any]
"""What a consumer's method may return: a `Result`, or a dict of the Node library's shape."""

ManyResults = Sequence[ResultLike] | ResultLike
"""What a batch call may return: a result for each record, in order; or a single failed one, which counts for all."""

TURNED_DOWN: Final = "the call for all of them was turned down, and nothing of it was done"
"""The `reason` of the failures of a batch that was turned down whole. Its contacts may be sent again, one by one."""

_ABOUT_THE_KEY: Final = frozenset({401, 403, 407})  # a refused key is refused for each contact alone, too
PAGE_SIZE: Final = 30
_EMPTY_PAGES: Final = 100  # CRMs that filter after paging do give a few of them
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


class ExternalAPIConsumer(ABC):
    """A CRM's contacts. Six methods to write; the rest is given.

    Contacts are dicts in the CRM's own field names. Every method returns a `Result` or a dict of the same keys
    (`{"success": True, "id": "42"}`). A record that does not exist is `Result.failed(NOT_FOUND)`. A method may also
    raise: connection errors, time-outs, 429 and 5xx become retryable failures, anything else a plain failure.

    `create_contact` and `update_contact` may answer with the record as the CRM has it now, whole, as `contact`: the
    sync compares later changes with that. Without it, it takes it that the CRM keeps what it is sent as it is.

    Calls come from several threads at once, and must not hang: give your HTTP client a time-out.
    """

    partial_updates: bool = False
    """Whether `update_contact` is to be given the changed fields alone, with the id. It is given every mapped field
    that the change has otherwise. Fields that it is not given stay as they are, either way."""

    omits_empty: bool = False
    """Whether the CRM's records leave out fields that are empty: what is absent in a record counts as empty then, so
    that a clear travels. Otherwise it is not told of. Only for consumers that always give all the mapped fields."""

    batch_size: int = 1
    """How many records `create_contacts` and `update_contacts` take at once; 1: it has no batch calls, and they are not
    called."""

    @abstractmethod
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        """Create a record.

        Returns:
            Success with the new `id`, and perhaps the whole record as `contact`. If the CRM says that it exists
            already, a failure that carries the existing record's `id`: it is adopted.
        """

    @abstractmethod
    def get_contact(self, id: str) -> ResultLike:
        """Read a record by its id.

        Returns:
            Success with `contact`, or `NOT_FOUND`.
        """

    @abstractmethod
    def get_contact_by_email(self, email: str) -> ResultLike:
        """Find a record by e-mail address.

        Returns:
            Success with `contact`, or with `contacts` as a list; `NOT_FOUND` if there is none. If several records have
            that address, all of them: nothing is guessed, the event fails as ambiguous and names them.
        """

    @abstractmethod
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        """Read one page of records.

        Args:
            page: The page's number, from 1.
            limit: How many records a page holds at the most.

        Returns:
            Success with `contacts`; a page beyond the end is a success with an empty list.
        """

    @abstractmethod
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        """Update the record whose id is in `contact`, under the CRM's own id field. A `None` clears a field.

        Returns:
            Success, perhaps with the whole record as `contact`; or `NOT_FOUND`.
        """

    @abstractmethod
    def delete_contact(self, id: str) -> ResultLike:
        """Delete a record.

        Returns:
            Success, or `NOT_FOUND` if it was not there.
        """

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        """Create several records with one call: two at least, `batch_size` at the most.

        Optional: the default calls `create_contact` for each.

        Returns:
            A result for each, in the order given, as `create_contact` answers. Where the CRM turned the call down whole
            and made none, a single failure will do: unless it is retryable, each is then created by itself. So is what
            raised an exception that carries the status (400 to 499); after any other one nobody knows what was made.
        """
        return [ask(self, "create_contact", contact) for contact in contacts]

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        """Update several records with one call: two at least, `batch_size` at the most, each as for `update_contact`.

        Optional: the default calls `update_contact` for each.

        Returns:
            A result for each, in the order given, as `update_contact` answers: a record that is missing is `NOT_FOUND`
            and does not stop the others. Where the CRM turned the call down whole, a single failure will do, or an
            exception: unless it is retryable, each is then updated by itself.
        """
        return [ask(self, "update_contact", contact) for contact in contacts]

    def find_contact(self, field: str, value: str) -> ResultLike:  # noqa: ARG002 - for overriders
        """Find records by the value of a field. Override it to match contacts by more than their e-mail address.

        The default cannot search: it hands a value that looks like an e-mail address to `get_contact_by_email`,
        whatever the field, and answers `NOT_FOUND` for every other value, though a record may have it.

        Args:
            field: The field in the CRM's own name, as in the mapping; `properties.phone` lies in an object.
            value: What the field has to be, whole. A phone number (a row of type `phone`) is asked for in E.164 first
                (`+33612345678`) and, if nobody has that, as the platform writes it.

        Returns:
            Success with `contact`, or with `contacts` if there are several; `NOT_FOUND` if there is none.
        """
        return self.get_contact_by_email(value) if EMAIL.fullmatch(value) else Result.failed(NOT_FOUND)

    def archive_contact(self, id: str) -> ResultLike:  # noqa: ARG002 - for overriders
        """Put a record away without deleting it. Afterwards it is read, found and listed no more.

        Optional: the default fails, since only the CRM's consumer knows how its records are archived.

        Returns:
            Success, or `NOT_FOUND` if it was not there.
        """
        return Result.failed(f"{type(self).__name__} has no archive_contact; write one, or let records be deleted")

    def list_all_contacts(
        self,
        page_size: int = PAGE_SIZE,
        callback: Callable[[list[Mapping[str, Any]]], object] | None = None,
    ) -> Result:
        """Read every record, page by page.

        Args:
            page_size: How many records to ask for at once.
            callback: Is handed each successful page.

        Returns:
            Success with all `contacts`; or the failure that ended the walk, with the contacts that came before it.
        """
        everything: list[Mapping[str, Any]] = []
        for page in pages(self, page_size):
            if not page.success:
                return page.with_(contacts=everything)
            contacts = list(page.contacts or ())
            if callback is not None:
                callback(contacts)
            everything += contacts
        return Result.ok(contacts=everything)

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        """Walk over every record, a page at a time. Override it for a CRM that pages by cursor.

        Read it through `pages`, which checks what an overridden one does.

        Yields:
            A success with the `contacts` of each page. A page that cannot be read is yielded as a failure and ends
            the walk, since what comes after it is unknown. It may be raised instead.
        """
        return _checked(lambda: self._numbered_pages(page_size), f"{type(self).__name__}.list_contacts")

    def _numbered_pages(self, page_size: int) -> Iterator[Result]:
        page = 1
        while page_size >= 1:
            result = ask(self, "list_contacts", page, page_size)
            yield result
            if not result.contacts:
                return
            page += 1
        yield Result.failed(f"a page holds at least one record, not {page_size}")

    def close(self) -> None:
        """Close what the consumer opened, such as a session; whoever made the consumer calls it."""
        return


def ask(consumer: ExternalAPIConsumer, method: str, *args: object) -> Result:
    """Call a consumer's method and get a `Result`, whatever it does: the one place where its faults are translated."""
    source = f"{type(consumer).__name__}.{method}"
    began = observers.clock()
    try:
        result = to_result(getattr(consumer, method)(*args), source)
    except FAULTS as error:
        result = translate(error, source)
    observers.called("consumer", method, result, began)
    return result


def ask_many(
    consumer: ExternalAPIConsumer,
    method: Literal["create_contacts", "update_contacts"],
    contacts: Sequence[dict[str, Any]],
) -> list[Result]:
    """Call a consumer's batch method and get a `Result` for each contact, in order, whatever it does.

    Those of a call that was turned down whole, so that its contacts may be sent one by one, have the `reason`
    `TURNED_DOWN`. Of creates that has to be certain, since a repeated one makes everything twice.
    """
    source = f"{type(consumer).__name__}.{method}"
    began = observers.clock()
    try:
        results = _each(getattr(consumer, method)(list(contacts)), len(contacts), source)
    except FAULTS as error:
        status = status_of(error)
        if status is None:
            nothing_done = method == "update_contacts"  # perhaps it was, but it may be done again
        else:
            nothing_done = 400 <= status < 500 and status not in _ABOUT_THE_KEY
        results = _whole(translate(error, source), len(contacts), nothing_done=nothing_done)
    if results:
        worked = next((result for result in results if result.success), results[0])
        observers.called("consumer", method, worked, began)
    return results


def _each(answer: object, count: int, source: str) -> list[Result]:
    """Read what a batch method returned."""
    if isinstance(answer, Result | Mapping):
        one = to_result(answer, source)
        if not one.success:
            said = answer.success if isinstance(answer, Result) else answer.get("success")
            return _whole(one, count, nothing_done=said is False)
        given = "one result"
    elif isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        if len(answer) == count:
            return [to_result(each, source) for each in answer]
        given = f"{len(answer)} results"
    else:
        return [Result.failed(f"{to_result(answer, source).error}, one for each contact")] * count
    return [Result.failed(f"{source} returned {given} for {count} contacts; expected one for each, in order")] * count


def _whole(failure: Result, count: int, *, nothing_done: bool) -> list[Result]:
    """Give every contact of a batch the failure of the whole call; an id or a record in it is that of one alone."""
    reason = TURNED_DOWN if nothing_done and not (failure.retryable or failure.in_doubt) else failure.reason
    return [failure.with_(id=None, contact=None, contacts=None, reason=reason)] * count


def batch_size_of(consumer: ExternalAPIConsumer) -> int:
    """How many records a consumer's batch calls take; 1 if it has none, or if what it says is no number of records."""
    size: object = consumer.batch_size
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 1 else 1


def pages(consumer: ExternalAPIConsumer, page_size: int = PAGE_SIZE) -> Iterator[Result]:
    """Walk over every record of a consumer, whatever its `iter_contacts` does.

    Yields:
        A success with the `contacts` of each page that is not empty. A failure is the last thing it yields.
    """
    return _checked(lambda: consumer.iter_contacts(page_size), f"{type(consumer).__name__}.iter_contacts")


def _checked(walk: Callable[[], Iterator[Result]], source: str) -> Iterator[Result]:
    try:
        seen: list[list[Mapping[str, Any]]] = []
        empty = 0
        for page in walk():
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
