"""One address book on a server: its cards by name, and the calls that are made of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from requests.utils import requote_uri

from contact_sync.consumer import CursorExpired
from contact_sync.consumers.http import Api, ApiError, OtherOrigin, Reply, UnreadableAnswer, is_same_origin
from contact_sync.errors import Busy, ContactSyncError

from .answers import CARDDAV, DAV, Answer, Row, read_answer, read_conditions
from .card import UnreadableCard
from .questions import Match, ask_for, ask_for_cards, ask_for_changes, ask_for_matches

log = logging.getLogger(__name__)

CHUNK: Final = 100
"""How many cards are asked for with one call."""

GONE: Final = (404, 410)
LOCKED: Final = 423
TRUNCATED: Final = 507

_CARD_TYPE: Final = "text/vcard; charset=utf-8"
_LONGEST_NAME: Final = 1000
_NO_NAME: Final = re.compile("[\x00-\x1f\x7f/\ud800-\udfff]")
_FORBIDDEN: Final = frozenset({401, 403})
_NO_REPORT: Final = frozenset({405, 501})


class NoAddressBook(ContactSyncError):
    """There is no address book where one should be. Nothing is taken for deleted on that account."""


class CannotTellChanges(ContactSyncError):
    """The server has no sync-collection (RFC 6578), so it cannot tell what has changed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A card as the server has it.

    Attributes:
        text: The vCard. Left out of `repr`.
        etag: Its version, as it is said in `If-Match`; `None` if the server does not say.
    """

    text: str = field(repr=False)
    etag: str | None


@dataclass(frozen=True, slots=True)
class Delta:
    """What has changed since a sync token.

    Attributes:
        token: The token from which to ask next.
        changed: The names of cards that are new or changed.
        gone: The names of those that are there no more.
        truncated: Whether there is more to be asked for, with the new token.
    """

    token: str
    changed: set[str]
    gone: set[str]
    truncated: bool


class Book:
    """An address book.

    Args:
        api: The client; its base URL is the address book's.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        path = urlsplit(api.base_url).path
        self._steps = _steps(path)
        self._path = requote_uri(path)

    def get(self, name: str) -> Stored | None:
        """Read a card; `None` if it is not there.

        Raises:
            NoAddressBook: The address book is not there either.
            UnreadableCard: It is not in UTF-8.
            UnreadableAnswer: It is no card at all.
        """
        # Asked for as it is: servers that compress an answer make its ETag a weak one, with which none can write.
        headers = {"Accept": "text/vcard", "Accept-Encoding": "identity"}
        reply = self._call("GET", _below(name), headers=headers, allow=GONE)
        if self._is_gone(reply):
            return None
        return Stored(_card_text(reply), _etag(reply))

    def create(self, name: str, card: str) -> str | None:
        """Store a new card; its ETag, if the server has stored it exactly as it is.

        Raises:
            ApiError: 412: there is one of that name. Otherwise it was not stored.
            UnreadableAnswer: The answer does not say that it was created.
        """
        reply = self._put(name, card, {"If-None-Match": "*"})
        if reply.status not in (201, 204):
            raise UnreadableAnswer(f"the server answered {reply.status} to a new card, and not that it was created")
        return _etag(reply)

    def replace(self, name: str, card: str, etag: str) -> str | None:
        """Store a card in place of that version of it; its ETag, if the server has stored it exactly as it is.

        Raises:
            ApiError: 412: it is another version by now, or gone.
        """
        return _etag(self._put(name, card, {"If-Match": etag}))

    def delete(self, name: str) -> bool:
        """Delete a card, whichever version it is; whether it was there.

        Raises:
            NoAddressBook: The address book is not there either.
        """
        return not self._is_gone(self._call("DELETE", _below(name), allow=GONE))

    def names(self) -> list[str]:
        """The names of all that is in the address book, in order.

        Raises:
            NoAddressBook: It is not there, or is none.
            UnreadableAnswer: The server leaves some out.
        """
        answer = read_answer(self._ask("PROPFIND", ask_for("d:getetag", "d:resourcetype"), depth=1))
        self._assert_there(answer)
        _assert_whole(answer)
        rows = [row for row in answer.rows if row.status == 200 and not row.is_a(f"{DAV}collection")]
        return sorted({name for row in rows if (name := self._name(row))})

    def read(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Read cards: name and text of each that is still there and can be read. The others are logged.

        Raises:
            ApiError: The server lets nothing of the address book be read (401, 403), or is in trouble.
        """
        for start in range(0, len(names), CHUNK):
            chunk = names[start : start + CHUNK]
            try:
                found = dict(self._cards(self._multiget(chunk)))
            except UnreadableAnswer:
                found = {}  # too large for one answer, or with a character in it that is none of XML's
            for name in chunk:
                text = found.get(name) or self._text(name)
                if text is not None:
                    yield name, text

    def find(self, property: str, text: str, match: Match) -> list[tuple[str, str]]:
        """Read the cards with such a property: name and text of each. There may be some among them that do not match.

        Raises:
            UnreadableAnswer: The server leaves some out.
        """
        answer = read_answer(self._ask("REPORT", ask_for_matches(property, text, match), depth=1))
        _assert_whole(answer)
        return list(self._cards(answer))

    def changes(self, token: str) -> Delta:
        """Ask what has changed since a token; for all that there is, if it is empty.

        Raises:
            CursorExpired: The server does not know the token any more.
            CannotTellChanges: It knows no tokens.
        """
        try:
            answer = read_answer(self._ask("REPORT", ask_for_changes(token), depth=0))
        except ApiError as error:
            conditions = read_conditions(error.reply)
            if f"{DAV}valid-sync-token" in conditions:
                raise CursorExpired("the server does not know the sync token any more") from None
            if f"{DAV}supported-report" in conditions or error.status_code in _NO_REPORT:
                raise CannotTellChanges(
                    "the server has no sync-collection, so it cannot tell what has changed; say so on the consumer "
                    "(lacks = ['list_changed']), and pull with full=True (--full), which lists everything"
                ) from None
            raise
        if not answer.token:
            raise UnreadableAnswer("the answer about what has changed has no sync token")
        changed: set[str] = set()
        gone: set[str] = set()
        truncated = False
        for row in answer.rows:
            name = self._name(row)
            if not name:
                truncated = truncated or row.status == TRUNCATED
            else:
                (gone if row.status in GONE else changed).add(name)
        return Delta(answer.token, changed - gone, gone, truncated)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _text(self, name: str) -> str | None:
        """The text of a card by itself."""
        try:
            stored = self.get(name)
        except UnreadableCard as error:
            tell_skipped(name, str(error))
            return None
        except ApiError as error:
            if error.status_code not in _FORBIDDEN:
                raise
            self._look()  # raises the same if it is not for the card alone
            tell_skipped(name, f"the server does not let it be read (HTTP {error.status_code})")
            return None
        return None if stored is None else stored.text

    def _put(self, name: str, card: str, condition: dict[str, str]) -> Reply:
        return self._call("PUT", _below(name), card.encode(), {"Content-Type": _CARD_TYPE, **condition})

    def _multiget(self, names: Sequence[str]) -> Answer:
        hrefs = [self._path + _below(name) for name in names]
        return read_answer(self._ask("REPORT", ask_for_cards(hrefs), depth=0))

    def _cards(self, answer: Answer) -> Iterator[tuple[str, str]]:
        for row in answer.rows:
            name, text = self._name(row), row.text(f"{CARDDAV}address-data")
            if name and text and text.strip():
                yield name, text

    def _ask(self, method: str, question: bytes, *, depth: int) -> Reply:
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": str(depth)}
        return self._call(method, "/", question, headers)

    def _call(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
    ) -> Reply:
        try:
            return self._api.call(method, path, data=data, headers=headers, allow=allow)
        except ApiError as error:
            if error.status_code == LOCKED:
                raise Busy("another program has locked the card; try again later") from None
            raise

    def _is_gone(self, reply: Reply) -> bool:
        """Whether a card is missing, rather than the whole address book, which looks the same."""
        if reply.status not in GONE:
            return False
        self._look()
        return True

    def _look(self) -> None:
        """Make sure that the address book is there.

        Raises:
            NoAddressBook: It is not.
            ApiError: It cannot be told.
        """
        try:
            answer = read_answer(self._ask("PROPFIND", ask_for("d:resourcetype"), depth=0))
        except ApiError as error:
            if error.status_code not in GONE:
                raise
            answer = Answer([], None)
        self._assert_there(answer)

    def _assert_there(self, answer: Answer) -> None:
        if not any(row.is_a(f"{CARDDAV}addressbook") and not self._steps_below(row) for row in answer.rows):
            raise NoAddressBook(
                "there is no address book at the URL that CardDAVConsumer was given; "
                "contact_sync.consumers.carddav.discover lists those that there are"
            )

    def _name(self, row: Row) -> str:
        """The name of the card that a row is about; empty if it is about none."""
        below = self._steps_below(row)
        if len(below) != 1:
            return ""
        if not is_name(below[0]):
            log.warning("Skipped a card whose name is no name of a card")
            return ""
        return below[0]

    def _steps_below(self, row: Row) -> list[str]:
        """The steps from the address book to what a row is about; those of a collection end with an empty one.

        Raises:
            OtherOrigin: It leads to another server.
            UnreadableAnswer: It leads out of the address book.
        """
        url = urljoin(self._api.base_url + "/", row.href)
        if not is_same_origin(url, self._api.base_url):
            raise OtherOrigin("an answer tells of cards on another server than that of the address book")
        steps = _steps(urlsplit(url).path)
        own = len(self._steps)
        if steps[:own] != self._steps:
            raise UnreadableAnswer(
                "an answer tells of cards outside of the address book; give its URL as the server writes it "
                "(contact_sync.consumers.carddav.discover tells it)"
            )
        return [] if steps[own:] == [""] else steps[own:]


def tell_skipped(name: str, cause: str) -> None:
    """Log that a card is left out of a walk: it must not stop the others."""
    log.warning("Skipped the card %r: %s", name, cause)


def is_name(name: str) -> bool:
    """Whether a text can be the name of a card: one step of a path, and no way to another place."""
    return 0 < len(name) <= _LONGEST_NAME and name not in (".", "..") and not _NO_NAME.search(name)


def _assert_whole(answer: Answer) -> None:
    if any(row.status == TRUNCATED for row in answer.rows):
        raise UnreadableAnswer("the server leaves out some of the cards that it was asked for (507)")


def _below(name: str) -> str:
    return "/" + quote(name, safe="")


def _steps(path: str) -> list[str]:
    """The steps of a path, decoded one by one, so that a coded slash stays within its step."""
    return [unquote(step, errors="surrogateescape") for step in path.split("/")]


def _etag(reply: Reply) -> str | None:
    etag = reply.headers.get("ETag", "").strip().removeprefix("W/")
    return etag or None


def _card_text(reply: Reply) -> str:
    """The text of a card. What is none, such as a page that asks to log in, is not to be taken for a broken one."""
    try:
        text = reply.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableCard("a card is not in UTF-8") from None
    if text.lstrip()[:11].upper() != "BEGIN:VCARD":
        raise UnreadableAnswer(f"the server answered {reply.status} with something else than a vCard")
    return text
