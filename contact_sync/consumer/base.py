"""The consumer: how a CRM is reached. Users subclass `ExternalAPIConsumer`, or `ReadOnlyConsumer`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from contact_sync.results import NOT_FOUND, Result

from .calls import ask, ask_at_once
from .declared import READ_ONLY, Ability, Changes, CRMField, ManyResults, RateBudget, ResultLike
from .walks import PAGE_SIZE, checked, pages

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

    can_create: bool = True
    """Whether records can be created. Otherwise a contact that is found nowhere in the CRM is skipped, or fails
    (`read_only` of `ContactSync`)."""

    can_update: bool = True
    """Whether records can be changed. Otherwise all fields are read-only."""

    can_delete: bool = True
    """Whether records can be deleted. Otherwise a delete of the platform's ends the pair alone."""

    clear_value: object = None
    """What `update_contact` is given for a field that is to be empty: `None`, `""`, or what else the CRM takes for it.
    `CANNOT_CLEAR` says that its fields cannot be emptied: they keep their values then."""

    unique_keys: Collection[str] = ()
    """The fields, in the CRM's names, of which no two records have the same value. Where a create fails because the
    record exists (`EXISTS`), the record is looked for by these too."""

    read_only_fields: Collection[str] = ()
    """The fields, in the CRM's names, that cannot be written, such as those that it computes. They travel to the
    platform alone; what becomes of an edit there is said by `read_only` of `ContactSync`."""

    rate_budget: RateBudget | None = None
    """How many calls the CRM takes in what time. Calls wait for their turn, or fail as retryable if that is far."""

    lacks: Collection[Ability] = ()
    """The optional methods that this one has not, though its class does: where a declaration decides about it."""

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

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:  # noqa: ARG002 - overriders
        """Tell what has changed in the CRM, so that it need not have webhooks: `sync.pull_changes` asks for it.

        Optional: the default fails. Read it through `changes`, which checks what an overridden one does.

        Args:
            cursor: The last one that was given; `None` for the first time: then everything that there is, followed
                by a cursor from which later changes are told.

        Yields:
            Pages, oldest first; each holds the cursor to go on from after it. A page may repeat what was told before,
            but must not leave anything out: a time as cursor needs some overlap. A failure ends the walk; it may be
            raised instead.

        Raises:
            CursorExpired: The CRM does not know the cursor any more.
        """
        yield Result.failed(f"{type(self).__name__} has no list_changed; it cannot tell what has changed")

    def list_fields(self) -> Sequence[CRMField]:
        """Name the fields that the CRM's contacts have; `contact-sync check` compares the mapping with them.

        Optional: the default names none, which says nothing about them. It may raise as the other methods do.
        """
        return ()

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
        return checked(self._numbered_pages(page_size), f"{type(self).__name__}.list_contacts")

    def _numbered_pages(self, page_size: int) -> Iterator[Result]:
        page = 1
        while page_size >= 1:
            result = ask_at_once(self, "list_contacts", page, page_size)  # `pages` waits for each turn
            yield result
            if not result.contacts:
                return
            page += 1
        yield Result.failed(f"a page holds at least one record, not {page_size}")

    def close(self) -> None:
        """Close what the consumer opened, such as a session; whoever made the consumer calls it."""
        return


class ReadOnlyConsumer(ExternalAPIConsumer):
    """A CRM, or a directory, whose records can only be read. Three methods to write: two that find, one that lists."""

    can_create = False
    can_update = False
    can_delete = False

    def create_contact(self, contact: dict[str, Any]) -> Result:  # noqa: ARG002 - nothing is done with it
        """Fail: nothing can be written."""
        return self._refused()

    def update_contact(self, contact: dict[str, Any]) -> Result:  # noqa: ARG002 - nothing is done with it
        """Fail: nothing can be written."""
        return self._refused()

    def delete_contact(self, id: str) -> Result:  # noqa: ARG002 - nothing is done with it
        """Fail: nothing can be written."""
        return self._refused()

    def _refused(self) -> Result:
        return Result.failed(f"{type(self).__name__} can only be read", reason=READ_ONLY)


def offers(consumer: ExternalAPIConsumer, ability: Ability) -> bool:
    """Whether a consumer has an optional method of its own."""
    own = getattr(type(consumer), ability) is not getattr(ExternalAPIConsumer, ability)
    return own and ability not in consumer.lacks


def abilities_of(consumer: ExternalAPIConsumer) -> list[Ability]:
    """The optional methods that a consumer has of its own."""
    return [ability for ability in get_args(Ability) if offers(consumer, ability)]
