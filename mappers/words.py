"""The words of a declaration, and the hint for one that was misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, Literal, get_args

Side = Literal["botmatic", "ext"]
"""A side of the mapping: the chatbot platform or the external service."""

FieldType = Literal["text", "email", "phone", "number", "boolean", "date", "datetime", "list", "object"]
"""What a field holds. It decides how values are converted and compared."""

Direction = Literal["both", "to_botmatic", "to_external"]
"""Which way a field travels."""

OnEmpty = Literal["clear", "ignore"]
"""What an empty value does on the other side: it empties the field there, or it does not travel."""

PropertyType = Literal["text", "number", "date"]
"""The types of properties that the platform knows."""

Conflict = Literal["last_write", "botmatic", "external"]
"""Whose value stays where both sides changed a field: the one that is written last, or always the same side's."""

SIDES: Final = get_args(Side)
FIELD_TYPES: Final = get_args(FieldType)
DIRECTIONS: Final = get_args(Direction)
ON_EMPTY: Final = get_args(OnEmpty)
PROPERTY_TYPES: Final = get_args(PropertyType)
CONFLICTS: Final = get_args(Conflict)
MATCH_TYPES: Final[tuple[FieldType, ...]] = ("text", "email", "phone", "number", "list")


def one_of(words: Iterable[str]) -> str:
    """List words for a message: `"a", "b" or "c"`."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def instead_of(word: str, known: Iterable[str]) -> str:
    """Say what to write instead of an unknown word, in whole sentences: the nearest known one, and all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    guess = f'Did you mean "{near[0]}"? ' if near else ""
    return f"{guess}Use {one_of(known)}"
