"""Phone numbers: one form for all the ways in which people write the same one.

The library behind it is loaded with the first row that needs it, since most tables have none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

_PLUS: Final = "+＋"
_ROUNDS: Final = 4


def regions() -> Collection[str]:
    """Give the regions whose numbers are known, as ISO 3166 writes them.

    Raises:
        ValueError: The library is missing; says what to install.
    """
    known: Collection[str] = _library().SUPPORTED_REGIONS
    return known


def phone_form(region: str | None) -> Callable[[str], str]:
    """Make the function that gives a number's canonical form.

    That is E.164, with `;ext=` where there is an extension. What is no possible number is no error: it is compared by
    its digits and the plus before them, or, where it has letters too, as the text that it is.

    Args:
        region: Where numbers without a country's code are from; without it they have no country, and stay digits.

    Raises:
        ValueError: The library is missing; says what to install.
    """
    library = _library()
    possible = library.ValidationResult.IS_POSSIBLE
    e164 = library.PhoneNumberFormat.E164

    def international(text: str) -> str:
        try:
            number = library.parse(text, region)
        except library.NumberParseException:
            return ""
        if library.is_possible_number_with_reason(number) != possible:
            return ""
        written: str = library.format_number(number, e164)
        return f"{written};ext={number.extension}" if number.extension else written

    def once(text: str) -> str:
        digits = _digits(text)
        return (
            international(text)
            or (international(digits) if digits else "")
            or (text.strip().casefold() if not digits or any(sign.isalpha() for sign in text) else digits)
        )

    def form(text: str) -> str:
        # A form has to be its own form. A number that is possible but not in use may lose its first digit, which looks
        # like a prefix, only when it is read again.
        for _ in range(_ROUNDS):
            before, text = text, once(text)
            if text == before:
                break
        return text

    return form


def has_digit(text: str) -> bool:
    """Whether a text can be a phone number at all."""
    return any(sign.isdecimal() for sign in text)


def _digits(text: str) -> str:
    digits = "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())
    return f"+{digits}" if digits and text.lstrip(" (\t").startswith(tuple(_PLUS)) else digits


def _library() -> ModuleType:
    try:
        import phonenumbers
    except ImportError:
        raise ValueError(
            "type: a field of type \"phone\" needs phonenumbers. Install it with: pip install 'contact-sync[phone]'"
        ) from None
    return phonenumbers
