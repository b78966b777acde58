"""What has changed since a cursor, told page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contact_sync.consumer import Changes, CursorExpired
from contact_sync.errors import ContactSyncError

from .calling import Caller, UnexpectedAnswer
from .paging import NUMBERED, Ask, BrokenPaging, Page, walk
from .positions import Position
from .special import Changed

_SIZE: Final = 100
_MOST_TOLD: Final = 10_000
_UNORDERED: Final = (
    "changed: the records do not come in the order of changed.position; let changed.query ask for that order, or what "
    "changes meanwhile could be left out"
)


_UNFINISHED: Final = "unfinished:"
"""How the cursor of a page begins that is not the last: `unfinished:2:` and the cursor that the walk began with."""


class Unordered(ContactSyncError):
    """Records do not come in the order of their changes."""


def tell(caller: Caller, changed: Changed, cursor: str | None) -> Iterator[Changes]:
    """Tell what has changed.

    Raises:
        CursorExpired: The API does not know the cursor any more.
        ContactSyncError: The API does not keep to its declaration.
    """
    telling = _Telling(caller, changed)
    if changed.position is None:
        return telling.by_cursor(cursor)
    return telling.by_position(changed.position, cursor)


class _Telling:
    def __init__(self, caller: Caller, changed: Changed) -> None:
        self._caller = caller
        self._changed = changed
        self._shape = caller.declared.shape

    def by_cursor(self, cursor: str | None) -> Iterator[Changes]:
        """The answer holds the cursor for the next time, which counts once the walk is at its end.

        A page may hold one that is beyond the pages after it. So until the end, the cursor is one that begins again.
        """
        since = _begun(cursor)
        following = before = None
        told = 0
        for page in walk(self._changed.paging, lambda ask: self._page(ask, since), _SIZE):
            if before is not None:
                if self._changed.paging.type in NUMBERED and page.records and page.records == before.records:
                    raise BrokenPaging("changed: the API gave the same records twice; a walk has to end")
                told += 1
                yield self._told(before.records, f"{_UNFINISHED}{told}:{since or ''}")
            following = _cursor(page.answer.at(self._changed.next)) or following
            before = page
        if before is None or (following is None and not told and not before.records):
            return
        if following is None:
            raise UnexpectedAnswer(self._changed.endpoint, "no page holds a cursor for the next time; see changed.next")
        yield self._told(before.records, following)

    def by_position(self, position: Position, cursor: str | None) -> Iterator[Changes]:
        """The position of the last record is the cursor. What has been told is not told again within a walk."""
        reached = None if cursor is None else position.read(cursor)
        told: dict[str | None, Any] = {}
        for page in self._pages(position, reached):
            fresh = []
            for record in page.records:
                id, moment = self._shape.id_of(record), position.of(record)
                if told.get(id) != moment:
                    told[id] = moment
                    fresh.append(record)
                reached = moment if reached is None else max(reached, moment)
            if fresh:
                yield self._told(fresh, position.cursor(reached))
            if len(told) > _MOST_TOLD:
                told.clear()  # telling twice is no harm

    def _pages(self, position: Position, reached: Any) -> Iterator[Page]:
        """Walk over pages, in order.

        A record that is changed meanwhile moves to the end, and where pages have numbers, those behind it move up, over
        the edge of a page. So each page is asked for as the first one after what has been seen; the next number is
        only asked for where that would be the same page again.
        """
        since = None if reached is None else position.back(reached)
        again = self._changed.paging.type in NUMBERED
        while True:
            for page in self._in_order(position, since):
                yield page
                if again and page.records:
                    last = position.just_before(position.of(page.records[-1]))
                    if since is None or last > since:
                        since = last
                        break
            else:
                return

    def _in_order(self, position: Position, since: Any) -> Iterator[Page]:
        text = None if since is None else position.cursor(since)
        before = None
        for page in walk(self._changed.paging, lambda ask: self._page(ask, text), _SIZE):
            for record in page.records:
                moment = position.of(record)
                if before is not None and moment < before:
                    raise Unordered(_UNORDERED)
                before = moment
            yield page

    def _page(self, ask: Ask, since: str | None) -> Page:
        changed = self._changed
        if since is None:
            return self._caller.patient_page(changed.endpoint, changed.paging, ask, {})
        page = self._caller.patient_page(changed.endpoint, changed.paging, ask, {"since": since}, also=changed.expired)
        if changed.expired.fits(page.answer):
            raise CursorExpired("the API does not know the cursor of the last time any more")
        return page

    def _told(self, records: list[Any], cursor: str) -> Changes:
        gone = [self._shape.id_of(record) for record in records if self._shape.is_gone(record)]
        return Changes(
            cursor=cursor,
            contacts=self._caller.contacts(records, self._changed.endpoint),
            deleted=[id for id in gone if id is not None],
        )


def _begun(cursor: str | None) -> str | None:
    """The cursor that a walk begins with: the API's own, or none."""
    if cursor is None or not cursor.startswith(_UNFINISHED):
        return cursor
    return cursor.removeprefix(_UNFINISHED).partition(":")[2] or None


def _cursor(found: Any) -> str | None:
    """The API's cursor, if there is one."""
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        return None
    text = str(found)
    return f"{_UNFINISHED}0:{text}" if text.startswith(_UNFINISHED) else text
