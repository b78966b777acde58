"""The cursor of `list_changed`: a sync token, or a place between two."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from contact_sync.consumer import CursorExpired


@dataclass(frozen=True, slots=True)
class Place:
    """From where to go on.

    What a server tells at once is given page by page. Between two of them, the sync token of before is kept: what it is
    asked with tells the rest once more.

    Attributes:
        since: The sync token to ask with; empty for the first time.
        until: Between pages: the token from which to go on when all of them are done.
        after: Between pages: the name of the last card that was given. They come in order.
    """

    since: str = ""
    until: str | None = None
    after: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """Read a cursor.

        Raises:
            CursorExpired: It is none of ours.
        """
        if cursor is None:
            return cls()
        try:
            parts = json.loads(cursor)
        except ValueError:
            parts = None
        if not isinstance(parts, list) or len(parts) not in (1, 3) or not all(isinstance(part, str) for part in parts):
            raise CursorExpired("the cursor is none of CardDAVConsumer's")
        return cls(*parts)

    def written(self) -> str:
        """The cursor as text."""
        return json.dumps([self.since] if self.until is None else [self.since, self.until, self.after])
