"""What has changed in HubSpot since a moment, told by a search for `lastmodifieddate`.

The first time it is the list of all contacts. Later it is a search, page by page in the order of ids: each page asks
for what is beyond the last id, so that there is no end at 10,000 contacts, however many were changed in one moment, and
no page moves while it is walked. What is edited meanwhile is told the next time, since the next time begins where this
one began, by HubSpot's own clock.

A search knows of a change a little later than it was made, so that each one reaches back a while further. What it tells
twice changes nothing.

A search does not find what was archived; full pulls and webhooks (`contact.deletion`) tell of that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, ParamSpec, Self, TypeVar

from contact_sync.consumer import Changes, CursorExpired
from contact_sync.consumers.http import ApiError

from .calls import PAGE_LIMIT, Calls, Page
from .records import MERGED, contact_of, merged_into
from .refusals import refused

LONGEST_PAUSE: Final = 10.0
"""How long a walk waits when HubSpot is called too often, in seconds: the window of its limit. A longer wait, such as
that of the daily limit, ends the walk."""

_PAUSES: Final = 5
_CURSOR: Final = re.compile(r"([0-9]{1,16})(?: (all|[0-9]{1,16}) ([^\s]{1,100}))?")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk goes on. Times are in milliseconds since the epoch, by HubSpot's clock.

    Attributes:
        start: When the walk began, from which the next one tells.
        since: Within a walk: from when it tells; 0 for one that lists all contacts.
        after: Within a walk: what the next page begins after; `None` once a walk has come to its end.
    """

    start: int
    since: int = 0
    after: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor.

        Raises:
            CursorExpired: It is none of ours.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise CursorExpired("the cursor is none of HubSpotConsumer's")
        start, since, after = found.groups()
        return cls(int(start), 0 if since in (None, "all") else int(since), after)

    def __str__(self) -> str:
        return f"{self.start}" if self.after is None else f"{self.start} {self.since or 'all'} {self.after}"


def changed(calls: Calls, properties: tuple[str, ...], cursor: str | None, lag: float) -> Iterator[Changes]:
    """Walk over what has changed.

    Args:
        properties: Those that the contacts are to have.
        cursor: The last one that was given; `None` for all contacts.
        lag: How much later than a change a search may find it, in seconds.
    """
    asked = tuple(dict.fromkeys((*properties, *MERGED)))
    at = None if cursor is None else Cursor.parse(cursor)
    begun = at if at is not None and at.after is not None else None
    since = 0 if at is None else at.since if begun else max(1, at.start - int(lag * 1000))
    start, after = (begun.start, begun.after) if begun else (None, None)
    while True:
        page = patiently(_page_of, calls, asked, since, after)
        start = page.at if start is None else start
        after = _beyond(page, listing=since == 0)
        yield Changes(
            cursor=str(Cursor(start) if after is None else Cursor(start, since, after)),
            contacts=[contact_of(record, properties) for record in page.records],
            merged=[(loser, record.id) for record in page.records for loser in merged_into(record)],
        )
        if after is None:
            return


def _beyond(page: Page, *, listing: bool) -> str | None:
    """Where the next page begins: the list says so itself, a search goes on beyond the last id."""
    if page.after is None or not page.records:
        return None
    return page.after if listing else str(max(int(record.id) for record in page.records))


def _page_of(calls: Calls, properties: tuple[str, ...], since: int, after: str | None) -> Page:
    if since == 0:
        return _listed(calls, properties, after)
    filters = [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}]
    if after is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": after})
    return calls.search([filters], properties)


def _listed(calls: Calls, properties: tuple[str, ...], after: str | None) -> Page:
    try:
        return calls.page(properties, PAGE_LIMIT, after)
    except ApiError as error:
        if error.status_code == 400 and after is not None:
            raise CursorExpired("HubSpot does not know the place in the list any more") from error
        raise


def patiently(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Make a call of a walk; where HubSpot is called too often, wait and make it again, a few times.

    Raises:
        ApiError: It is refused for another reason, for longer, or still.
    """
    for _ in range(_PAUSES):
        try:
            return call(*args, **named)
        except ApiError as error:
            wait = refused(error).retry_after
            if error.status_code != 429 or wait is None or wait > LONGEST_PAUSE:
                raise
            time.sleep(wait)
    return call(*args, **named)
