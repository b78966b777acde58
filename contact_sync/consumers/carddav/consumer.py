"""The contacts of a CardDAV address book."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import requests

from contact_sync.consumer import PAGE_SIZE, Changes, CRMField, ExternalAPIConsumer, ask
from contact_sync.consumers.http import Api, ApiError, Timeouts, UnreadableAnswer
from contact_sync.errors import Busy
from contact_sync.results import NOT_FOUND, Result

from .book import CHUNK, Book, Delta, is_name, tell_skipped
from .card import Card, UnreadableCard, checked_library
from .credentials import Credentials, checked_auth
from .cursors import Place
from .fields import FIELDS, ID, UID, change, contact_of
from .search import search_for

log = logging.getLogger(__name__)

TRIES: Final = 5
"""How often an update reads a card that somebody else is changing."""

_CHANGED: Final = 412
_NOTHING_DONE: Final = frozenset({501, 503, 507})


class CardDAVConsumer(ExternalAPIConsumer):
    """Keeps contacts in a CardDAV address book. Safe to call from several threads.

    A contact's id is its card's name on the server: the last part of its path, such as `1f2e.vcf`. It stays when the
    card is edited, and every card has one, which is not so of the `UID`. An update changes the fields that it is given;
    all else on the card stays as it is, to the letter.

    Args:
        url: The address book's, as `discover` gives it.
        auth: A user's name and password, or what authorizes requests in another way.
        timeouts: How long a call may take.

    Raises:
        ConfigurationError: The URL or `auth` is none, or the package `vobject` is missing.
    """

    partial_updates = True
    read_only_fields = (UID,)

    def __init__(self, url: str, auth: Credentials = None, *, timeouts: Timeouts | None = None) -> None:
        checked_library()
        self._book = Book(Api(url, auth=checked_auth(auth), timeouts=timeouts))

    def create_contact(self, contact: dict[str, Any]) -> Result:
        """Make a card, of version 3.0, under a new name."""
        uid = str(uuid.uuid4())
        card, name = Card.new(uid), f"{uid}.vcf"
        change(card, _fields(contact))
        return self._written(name, card, self._create(name, card.serialize()))

    def get_contact(self, id: str) -> Result:
        """Read a card."""
        stored = self._book.get(id) if is_name(id) else None
        if stored is None:
            return Result.failed(NOT_FOUND)
        card = Card.parse(stored.text)
        if card.is_group:
            return Result.failed("the card is a list of people, and no contact")
        return Result.ok(id, contact=contact_of(id, card))

    def get_contact_by_email(self, email: str) -> Result:
        """Find the cards that have an e-mail address, be it the preferred one or another, in any case."""
        return self._found("email", email)

    def find_contact(self, field: str, value: str) -> Result:
        """Find the cards whose field is a value. Phone numbers are compared without what stands between the digits."""
        if field not in FIELDS or not FIELDS[field].searchable:
            able = ", ".join(name for name, known in FIELDS.items() if known.searchable)
            return Result.failed(f"an address book cannot be searched by {field!r}; it can by {able}")
        return self._found(field, value)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> Result:
        """Read a page of cards. Those of the pages before are read as well; imports use `iter_contacts`."""
        start = (page - 1) * limit
        return Result.ok(contacts=list(islice(self._contacts(self._book.names()), start, start + limit)))

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        """Walk over the cards that there are when it begins. Cards that cannot be read are left out, and logged."""
        if page_size < 1:
            yield Result.failed(f"a page holds at least one record, not {page_size}")
            return
        contacts = self._contacts(self._book.names())
        while page := list(islice(contacts, page_size)):
            yield Result.ok(contacts=page)

    def update_contact(self, contact: dict[str, Any]) -> Result:
        """Change fields of a card, on top of what others make of it meanwhile."""
        id, fields = str(contact[ID]), _fields(contact)
        for _ in range(TRIES):
            stored = self._book.get(id) if is_name(id) else None
            if stored is None:
                return Result.failed(NOT_FOUND)
            card = Card.parse(stored.text)
            if not change(card, fields):
                return Result.ok(id, contact=contact_of(id, card))
            if stored.etag is None:
                raise UnreadableAnswer("the server gives no ETag with a card, so it cannot be changed safely")
            try:
                etag = self._book.replace(id, card.serialize(), stored.etag)
            except ApiError as error:
                if error.status_code != _CHANGED:
                    raise
                log.info("A card was changed by somebody else at the same time; the fields are merged")
                continue
            return self._written(id, card, etag)
        # An ETag that comes again tells nothing: where it is made of the content, somebody may have changed it back.
        raise Busy(
            "a card could not be stored (HTTP 412): somebody else changes it again and again, or the server does not "
            "take it; try again later"
        )

    def delete_contact(self, id: str) -> Result:
        """Delete a card, whatever others make of it meanwhile."""
        return Result.ok(id) if is_name(id) and self._book.delete(id) else Result.failed(NOT_FOUND)

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes]:
        """Tell what has changed, by `sync-collection`.

        Raises:
            CursorExpired: The server does not know the cursor's sync token any more.
            CannotTellChanges: The server has no `sync-collection`.
        """
        place = Place.read(cursor)
        while True:
            delta = self._book.changes(place.since)
            yield from self._pages(place, delta)
            if not delta.truncated:
                return
            if delta.token == place.since:
                raise UnreadableAnswer("the server says that there are more changes, and not how to ask for them")
            place = Place(delta.token)

    def list_fields(self) -> Sequence[CRMField]:
        """Name the fields of a contact, which are the same for every address book."""
        name = CRMField(ID, "text", read_only=True, unique=True, label="Name of the card on the server")
        return [name, *(field.described() for field in FIELDS.values())]

    def close(self) -> None:
        """Close the connections."""
        self._book.close()

    def _create(self, name: str, card: str) -> str | None:
        """Store a new card. If nobody knows whether that was done, it is done again: there is one of that name then."""
        try:
            return self._stored(name, card)
        except (requests.RequestException, TimeoutError):
            pass
        except ApiError as error:
            if error.status_code < 500 or error.status_code in _NOTHING_DONE:
                raise
        return self._stored(name, card)

    def _stored(self, name: str, card: str) -> str | None:
        try:
            return self._book.create(name, card)
        except ApiError as error:
            # The name is new, so a card that has it is ours, from a call whose answer did not arrive.
            if error.status_code != _CHANGED or self._book.get(name) is None:
                raise
            return None

    def _written(self, id: str, card: Card, etag: str | None) -> Result:
        """Tell what was written. Without an ETag, the server may have made something else of it (RFC 6352, 6.3.2.3)."""
        if etag is not None:
            return Result.ok(id, contact=contact_of(id, card))
        return Result.ok(id, contact=ask(self, "get_contact", id).contact)

    def _found(self, field: str, value: str) -> Result:
        search = search_for(field, value)
        if search is None:
            return Result.failed(NOT_FOUND)
        near = self._read(self._book.find(search.property, search.text, search.match))
        contacts = [contact for contact in near if search.finds(contact)]
        return Result.ok(contacts=contacts) if contacts else Result.failed(NOT_FOUND)

    def _contacts(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        return self._read(self._book.read(names))

    def _read(self, cards: Iterable[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """The contacts of cards. What is no contact, or cannot be read, is left out."""
        for name, text in cards:
            try:
                card = Card.parse(text)
            except UnreadableCard as error:
                tell_skipped(name, str(error))
                continue
            if not card.is_group:
                yield contact_of(name, card)

    def _pages(self, place: Place, delta: Delta) -> Iterator[Changes]:
        """What has changed, in pages. A part of the changes is one: the next time, it may be another part."""
        until, after = place.until, place.after
        if until is None or delta.truncated:
            until, after = delta.token, ""
        names = sorted(name for name in delta.changed if name > after)
        size = max(1, len(names)) if delta.truncated else CHUNK
        while len(names) > size:
            page, names = names[:size], names[size:]
            yield Changes(cursor=Place(place.since, until, page[-1]).written(), contacts=list(self._contacts(page)))
        last = list(self._contacts(names))
        yield Changes(cursor=Place(until).written(), contacts=last, deleted=sorted(delta.gone))


def _fields(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if name != ID}
