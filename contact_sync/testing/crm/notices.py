"""What the CRM has to tell of its records: kept until a test delivers it, late, twice, or in an order of its own."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["created", "updated", "deleted", "merged"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a CRM's webhook would tell.

    Attributes:
        kind: What happened. A record that was archived is `deleted` to the outside.
        id: The record, as text.
        record: The whole record as of then, the last one if it is gone. Left out of `repr`.
        winner: The record that it was merged into, if it was.
    """

    kind: Kind
    id: str
    record: Mapping[str, Any] = field(repr=False)
    winner: str | None = None


class NoticeFeed:
    """A queue of notices for each record. Whoever calls holds the CRM's lock."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Notice]] = {}

    def tell(self, kind: Kind, id: str, record: Mapping[str, Any], winner: str | None = None) -> None:
        """Append a notice, with the record as it is now."""
        self._queues.setdefault(id, deque()).append(Notice(kind, id, copy.deepcopy(dict(record)), winner))

    def take(self, id: str) -> Notice | None:
        """Take the oldest notice of a record; none if nothing waits."""
        queue = self._queues.get(id)
        if queue is None:
            return None
        notice = queue.popleft()
        if not queue:
            del self._queues[id]
        return notice

    def pending(self) -> dict[str, int]:
        """How many notices wait, by record; the record that has waited longest comes first."""
        return {id: len(queue) for id, queue in self._queues.items()}
