"""Finding a user's address books, from no more than the address of the server (RFC 6764)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from requests.utils import requote_uri

from contact_sync.consumers.http import (
    Api,
    ApiError,
    OtherOrigin,
    Timeouts,
    UnreadableAnswer,
    checked_url,
    is_same_origin,
    joined,
)

from .answers import CARDDAV, DAV, Row, read_answer
from .book import NoAddressBook
from .credentials import Credentials, checked_auth
from .questions import ask_for

WELL_KNOWN: Final = "/.well-known/carddav"

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5
_LONGEST: Final = 300
_NOT_HERE: Final = frozenset({400, 403, 404, 405, 501})


@dataclass(frozen=True, slots=True)
class AddressBook:
    """An address book that a user has.

    Attributes:
        url: What `CardDAVConsumer` is given.
        name: What the user calls it. Left out of `repr`.
    """

    url: str
    name: str = field(repr=False)


def discover(url: str, auth: Credentials = None, *, timeouts: Timeouts | None = None) -> list[AddressBook]:
    """List a user's address books.

    Args:
        url: The server's, such as `https://dav.example.com`, or any place on it that knows of address books.
        auth: A user's name and password, or what authorizes requests in another way.
        timeouts: How long each call may take.

    Raises:
        NoAddressBook: There are none to be found.
        OtherOrigin: They are on another server. The message says where; if it is yours, ask there.
        ApiError: A call was refused, such as 401 for a wrong password.
        UnreadableAnswer: An answer is not one of a WebDAV server.
        requests.RequestException: There was no answer.
    """
    parts = urlsplit(checked_url(url))
    server = f"{parts.scheme}://{parts.netloc}"
    start = server + requote_uri(parts.path)
    api = Api(server, auth=checked_auth(auth), timeouts=timeouts)
    try:
        search = _Search(api)
        books: dict[str, AddressBook] = {}
        for place in dict.fromkeys((start, server + WELL_KNOWN)):
            for home in search.homes(place):
                books |= {book.url: book for book in search.books(home)}
            if books:
                return list(books.values())
    finally:
        api.close()
    raise NoAddressBook("no address books were found at the URL that was given, nor where the server says they are")


class _Search:
    """Asks a server where its address books are."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def homes(self, place: str) -> Iterator[str]:
        """The places at or below which address books are, from one that may know of them or of the user."""
        seen: set[str] = set()
        rest = [place]
        while rest:
            place = rest.pop()
            if place in seen:
                continue
            seen.add(place)
            place, rows = self._ask(place, 0, "d:resourcetype", "d:current-user-principal", "c:addressbook-home-set")
            for row in rows:
                if row.is_a(f"{CARDDAV}addressbook"):
                    yield place
                for href in row.hrefs(f"{CARDDAV}addressbook-home-set"):
                    yield _within(place, href)
                rest += [_within(place, href) for href in row.hrefs(f"{DAV}current-user-principal")]

    def books(self, home: str) -> Iterator[AddressBook]:
        """The address books at or below a place."""
        home, rows = self._ask(home, 1, "d:resourcetype", "d:displayname")
        for row in rows:
            if row.is_a(f"{CARDDAV}addressbook"):
                url = _within(home, row.href)
                name = (row.text(f"{DAV}displayname") or "").strip()
                yield AddressBook(url, name or unquote(url.rstrip("/").rpartition("/")[2]))

    def _ask(self, url: str, depth: int, *props: str) -> tuple[str, list[Row]]:
        """Ask about a place: where that turned out to be, and what is said; nothing, if it is no place of WebDAV."""
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": str(depth)}
        for _ in range(_MOST_REDIRECTS):
            try:
                reply = self._api.call("PROPFIND", url, data=ask_for(*props), headers=headers, allow=_REDIRECTS)
            except ApiError as error:
                if error.status_code not in _NOT_HERE:
                    raise
                return url, []
            if reply.status not in _REDIRECTS:
                return url, read_answer(reply).rows if reply.status == 207 else []
            url = _within(url, reply.headers.get("Location", ""))
        raise UnreadableAnswer(f"the server redirects more than {_MOST_REDIRECTS} times")


def _within(place: str, link: str) -> str:
    """Follow a link of a server, within that server."""
    url = joined(place, link)
    if not is_same_origin(url, place):
        there = url.partition("?")[0][:_LONGEST]
        raise OtherOrigin(f"the address books are on another server; if it is yours, too, ask there: {there}")
    return url
