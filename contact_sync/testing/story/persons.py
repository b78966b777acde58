"""Whose contact it is, whatever its ids are: so that it can be said what has to come of the edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Side = Literal["platform", "CRM"]
OTHER: Final[Mapping[Side, Side]] = {"platform": "CRM", "CRM": "platform"}


@dataclass(slots=True, eq=False)
class Person:
    """Whose contact it is, on both sides.

    Attributes:
        number: Who.
        emails: All addresses that were given, the last one last. Nobody else has one of them.
        text: The text that was given last.
        ids: The contact's id on each side, as far as it is known.
        gone: The side on which the contact was deleted first, if it was.
        untold: The sides that have edits to tell.
        contested: Whether one side was edited while the other had edits to tell: either may be the last one then.
    """

    number: int
    emails: list[str]
    text: str | None
    ids: dict[Side, str] = field(default_factory=dict)
    gone: Side | None = None
    untold: set[Side] = field(default_factory=set)
    contested: bool = False

    def edited(self, side: Side) -> None:
        """Take note of an edit."""
        self.contested |= OTHER[side] in self.untold
        self.untold.add(side)
