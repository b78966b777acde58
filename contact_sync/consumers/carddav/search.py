"""Searching an address book: what a server is asked, and which of its answers count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .card import clean
from .fields import FIELDS
from .kinds import Field, comparable
from .questions import Match

_ALL: Final = {"email": "emails", "phone": "phones"}  # it counts wherever it is on the card
_SPECIAL: Final = re.compile(r"[,;:\\\n]")


@dataclass(frozen=True, slots=True)
class Search:
    """A search for a value.

    Attributes:
        property: The name of the card's property.
        text: What it has to be or contain, for the server. Left out of `repr`.
        match: Which of the two.
    """

    property: str
    text: str = field(repr=False)
    match: Match
    _name: str
    _wanted: str = field(repr=False)

    def finds(self, contact: Mapping[str, Any]) -> bool:
        """Whether a contact has the whole value: servers give near ones, too."""
        told = contact.get(self._name)
        return self._wanted in {comparable(self.property, one) for one in (told if isinstance(told, list) else [told])}


def search_for(name: str, value: str) -> Search | None:
    """Make a search for a field that is `searchable`; `None` for what no card can have."""
    named: Field = FIELDS[_ALL.get(name, name)]
    wanted = comparable(named.property, value)
    if not wanted or clean(value) != value:
        return None
    text, match = _question(named.property, value, wanted)
    return Search(named.property, text, match, named.name, wanted)


def _question(property: str, value: str, wanted: str) -> tuple[str, Match]:
    if property in ("EMAIL", "UID"):
        return value.strip(), "equals"
    if property == "TEL":
        return wanted[-2:], "contains"  # the digits that people write together, mostly
    # Some servers look at the card's own text, in which these are escaped, or parts of a whole.
    return max(_SPECIAL.split(value), key=len), "contains"
