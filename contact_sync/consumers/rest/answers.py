"""An answer of the API, or the part of a batch's answer that is about one record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contact_sync.consumers.http import Reply
from mappers.values import MISSING

from .lookup import at
from .reading import Path


@dataclass(frozen=True)
class Answer:
    """What was answered.

    Attributes:
        reply: The whole answer.
        status: Its status; within a batch, that of one record.
        part: Within a batch, what is about one record; otherwise `MISSING`, and the body is what counts.
    """

    reply: Reply = field(repr=False)
    status: int
    part: Any = field(default=MISSING, repr=False)

    @cached_property
    def data(self) -> Any:
        """What the body says; `MISSING` if it is no JSON."""
        if self.part is not MISSING:
            return self.part
        try:
            return json.loads(self.reply.body)
        except (ValueError, RecursionError):
            return MISSING

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by any case."""
        return self.reply.headers

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said: the body is empty, or `null`."""
        return self.data is None or not self.says_something

    @property
    def says_something(self) -> bool:
        """Whether there is a body."""
        return self.part is not MISSING or bool(self.reply.body.strip())

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people: that of a proxy, or of a wrong address.

        What is JSON is none, whatever its type says; nor is nothing at all, to which frameworks give that type as well.
        """
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return kind in ("text/html", "application/xhtml+xml") and self.says_something and self.data is MISSING

    def at(self, path: Path) -> Any:
        """What lies at a path; `MISSING` if nothing does.

        Raises:
            UnreadableAnswer: The answer is not JSON.
        """
        return at(self.reply.json() if self.data is MISSING else self.data, path)
