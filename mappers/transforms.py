"""Ready-made transforms, by name, for mapping files and for Python alike.

A transform is a pair of functions: one makes the platform's value, the other the external one. Whatever the first
takes, the second gives back; what would not come back the same is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from . import json_text
from .json_text import whole
from .numeric import boolean, number
from .values import MISSING, Unfit, unfit
from .words import instead_of

TransformFunction = Callable[[Any], Any]
"""Makes a side's value from the other side's. It never sees an empty value; `None` and `""` that it returns are a
clear."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A pair of functions.

    Attributes:
        to_botmatic: Makes the platform's value from the external one.
        to_external: Makes the external value from the platform's.
    """

    to_botmatic: TransformFunction
    to_external: TransformFunction


_WHOLE: Final = re.compile(r"-?[0-9]{1,1000}")
_LARGEST_AMOUNT: Final = 10**13  # up to here a float tells every cent


def named(name: str, known: Mapping[str, Transform] | None = None) -> Transform:
    """Find a transform by its name.

    Args:
        name: The name.
        known: Where to look; among the ready-made ones if left out.

    Raises:
        ValueError: There is none of that name; says which there are.
    """
    known = TRANSFORMS if known is None else known
    if name not in known:
        raise ValueError(f'there is no transform "{name}". {instead_of(name, known)}')
    return known[name]


def _two_words(true: str | int, false: str | int) -> Transform:
    meanings = {str(true).lower(): True, str(false).lower(): False}
    expected = f'"{true}" or "{false}"'

    def to_botmatic(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        meaning = meanings.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
        if meaning is None:
            raise unfit(expected, value)
        return meaning

    def to_external(value: Any) -> str | int:
        return true if boolean(value) else false

    return Transform(to_botmatic, to_external)


def _integer(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    made = None if isinstance(value, str) else number(value)
    if not isinstance(made, int):
        raise unfit("a whole number", value)
    return made


def _cents_to_amount(value: Any) -> int | float:
    cents = _integer(value)
    if abs(cents) > _LARGEST_AMOUNT * 100:
        raise Unfit("expected cents of an amount below 10,000,000,000,000, got a larger number")
    return whole(cents / 100)


def _amount_to_cents(value: Any) -> int:
    amount = Decimal(repr(number(value)))
    if abs(amount) > _LARGEST_AMOUNT or amount.as_tuple().exponent not in (0, -1, -2):
        raise Unfit("expected an amount below 10,000,000,000,000 with at most two decimals, got another number")
    return int(amount * 100)


def _join(separator: str, items: Any) -> str:
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise unfit("a list of texts", items)
    sign = separator.strip()
    if any(sign in item or item != item.strip() or not item for item in items):
        raise Unfit(f'expected a list of texts, got one that is empty, has spaces around it or holds "{sign}"')
    return separator.join(items)


def _split(sign: str, text: Any) -> list[str]:
    if not isinstance(text, str):
        raise unfit("text", text)
    return [item.strip() for item in text.split(sign) if item.strip()]


def _list_to_semicolons(value: Any) -> str:
    parsed = json_text.parse(value) if isinstance(value, str) else value
    if parsed is MISSING:
        raise unfit("a list, or JSON text of one", value)
    return _join(";", parsed)


def _on_text(change: Callable[[str], str]) -> TransformFunction:
    def transform(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    return transform


TRANSFORMS: Final[Mapping[str, Transform]] = MappingProxyType(
    {
        "yes_no": _two_words("yes", "no"),
        "y_n": _two_words("Y", "N"),
        "true_false": _two_words("true", "false"),
        "one_zero": _two_words(1, 0),
        "integer": Transform(lambda value: str(_integer(value)), _integer),
        "number_text": Transform(number, lambda value: str(number(value))),
        "cents": Transform(_cents_to_amount, _amount_to_cents),
        "comma_list": Transform(lambda value: _join(", ", value), lambda value: _split(",", value)),
        "semicolon_list": Transform(lambda value: _split(";", value), _list_to_semicolons),
        "lowercase": Transform(_on_text(str.lower), _on_text(str.lower)),
        "trim": Transform(_on_text(str.strip), _on_text(str.strip)),
    }
)
"""The ready-made transforms, by name. `docs/mapping.md` says what each is for."""
