"""By what texts a match row recognises a contact, and when two of them mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .field_types import Conversions, read_list
from .phones import has_digit
from .values import Unfit
from .words import FieldType, Side


def match_texts(type: FieldType, conversions: Conversions, value: Any, side: Side) -> Iterator[str]:
    """Give the texts by which a contact with this value can be looked up; none if the value is empty or does not fit.

    Args:
        type: The row's type.
        conversions: What the row does to values.
        value: The value as it stands on a side.
        side: That side.
    """
    if type == "list":
        yield from _texts_of_list(conversions, value, side)
    elif type == "text":
        if isinstance(value, str) and (text := value.strip()):
            yield text
    elif type == "email" and not isinstance(value, str):
        return  # no address is a number
    elif isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        text = _form(conversions, value, side)
        if text and (type != "phone" or has_digit(text)):
            yield text


def match_form(type: FieldType, conversions: Conversions, text: str, side: Side) -> str:
    """Give the form that match texts share which mean the same; empty if it is none for this row."""
    return text.strip().casefold() if type in ("text", "list") else _form(conversions, text, side)


def _form(conversions: Conversions, value: Any, side: Side) -> str:
    if isinstance(value, str) and not value.strip():
        return ""
    form = conversions.of_botmatic if side == "botmatic" else conversions.of_ext
    try:
        return str(form(value))
    except Unfit:
        return ""


def _texts_of_list(conversions: Conversions, value: Any, side: Side) -> list[str]:
    """Read a list of texts, be it one on this side or, by a transform, on the other side alone."""
    across = conversions.to_external if side == "botmatic" else conversions.to_botmatic
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    for read in (read_list, lambda given: read_list(across(given))):
        try:
            items = read(value)
        except Unfit:
            continue
        if texts := [item.strip() for item in items if isinstance(item, str) and item.strip()]:
            return texts
    return []
