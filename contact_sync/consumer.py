"""The consumer: how a CRM is reached. Users subclass `ExternalAPIConsumer`; the engine calls it through `ask`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .failures import FAULTS, translate
from .results import NOT_FOUND, Result, to_result

ResultLike = Result | Mapping[str, Any]
"""What a consumer's method may return: a `Result`, or a dict of the Node library's shape."""

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
    try:
        return to_result(getattr(consumer, method)(*args), source)
    except FAULTS as error:
        return translate(error, source)


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
