"""The nine types of fields: how each is converted from side to side, and the one form in which it is compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from . import json_text
from .codecs import Codec, floor, iso
from .numeric import boolean, number, number_or_text
from .values import MISSING, Unfit, kind_of, unfit

Convert = Callable[[Any], Any]
T = TypeVar("T")


class Conversions(NamedTuple):
    """What a row does to a value that is not empty. Each returns `None` where the value turns out to say nothing.

    Attributes:
        to_botmatic: Makes the platform's value from the external one.
        to_external: Makes the external value from the platform's.
        of_botmatic: Makes the canonical form of the platform's value.
        of_ext: Makes the canonical form of the external value.
    """

    to_botmatic: Convert
    to_external: Convert
    of_botmatic: Convert
    of_ext: Convert


def text_conversions() -> Conversions:
    """Pass everything as it is, but objects and lists: they are JSON text on the platform."""
    return Conversions(text_for_botmatic, _text_for_external, canonical_text, canonical_text)


def numeric_text_conversions() -> Conversions:
    """Do what text does, and turn text that is exactly a number into that number."""

    def to_botmatic(value: Any) -> Any:
        return text_for_botmatic(number_or_text(value))

    def to_external(value: Any) -> Any:
        return _text_for_external(number_or_text(value))

    return Conversions(to_botmatic, to_external, canonical_text, canonical_text)


def email_conversions() -> Conversions:
    """E-mail addresses, as they are. Two that differ in case alone are one mailbox, and have one canonical form."""
    return _passed(lambda text: text.strip().casefold())


def phone_conversions(form: Callable[[str], str]) -> Conversions:
    """Phone numbers, as they are.

    Args:
        form: Makes the canonical form.
    """
    return _passed(form)


def number_conversions() -> Conversions:
    """Numbers on both sides."""
    return _typed(number, number, _same, _same, _same)


def boolean_conversions() -> Conversions:
    """Booleans on both sides."""
    return _typed(boolean, boolean, _same, _same, _same)


def date_conversions(here: Codec[date], there: Codec[date]) -> Conversions:
    """Days, as each side's codec writes them. The canonical form is `2018-02-09`."""
    return _typed(here.decode, there.decode, here.encode, there.encode, date.isoformat)


def datetime_conversions(here: Codec[datetime], there: Codec[datetime]) -> Conversions:
    """Moments, as each side's codec writes them.

    The canonical form is `2018-02-09T12:44:26.000Z`, cut to what both sides can hold: otherwise a side that keeps
    seconds alone would seem to change every moment that it is given.
    """
    precision = max(here.precision, there.precision)
    return _typed(here.decode, there.decode, here.encode, there.encode, lambda moment: iso(floor(moment, precision)))


def list_conversions() -> Conversions:
    """Lists; JSON text on the platform."""
    return _typed(_copying(read_list), read_list, json_text.dump, _same, json_text.canonical)


def object_conversions() -> Conversions:
    """Objects; JSON text on the platform."""
    return _typed(_copying(_read_object), _read_object, json_text.dump, _same, json_text.canonical)


def text_for_botmatic(value: Any) -> Any:
    """Make what the platform can carry: objects and lists become JSON text, everything else passes as it is.

    Raises:
        Unfit: It is no value that JSON has, such as a Python date.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list, tuple)):
        return json_text.dump(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        number(value)
        return value
    raise Unfit(f"got {kind_of(value)}, which JSON cannot carry. Give the row a fitting type, or a transform")


def canonical_text(value: Any) -> str:
    """Give the text that stands for a value of type text on either side.

    A platform may keep the number 5 as the text `5`, and an object is JSON text there: neither is an edit.
    """
    if isinstance(value, str):
        parsed = json_text.parse(value)
        return value if parsed is MISSING else json_text.canonical(parsed)
    if isinstance(value, (dict, list, tuple)):
        return json_text.canonical(value)
    return canonical_scalar(value)


def canonical_scalar(value: Any) -> str:
    """Give the text that stands for text, a boolean or a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(number(value))


def or_as_text(form: Convert) -> Convert:
    """Make the canonical form of what a transform made: the type's where the value fits it, otherwise as text."""

    def canonical(value: Any) -> Any:
        try:
            return form(value)
        except Unfit:
            return canonical_text(value)

    return canonical


def _passed(form: Callable[[str], str]) -> Conversions:
    canonical = _chain(_scalar, lambda value: form(canonical_scalar(value)))
    return Conversions(_scalar, _scalar, canonical, canonical)


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return None if value.isspace() else value
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        number(value)
        return value
    raise unfit("text or a number", value)


def _text_for_external(value: Any) -> Any:
    if isinstance(value, str):
        parsed = json_text.parse(value)
        return value if parsed is MISSING else parsed
    return json_text.copy(value) if isinstance(value, (dict, list)) else value


def _typed(
    decode_botmatic: Callable[[Any], T],
    decode_ext: Callable[[Any], T],
    encode_botmatic: Callable[[T], Any],
    encode_ext: Callable[[T], Any],
    canonical: Callable[[T], Any],
) -> Conversions:
    return Conversions(
        _chain(decode_ext, encode_botmatic),
        _chain(decode_botmatic, encode_ext),
        _chain(decode_botmatic, canonical),
        _chain(decode_ext, canonical),
    )


def _chain(decode: Callable[[Any], T], encode: Callable[[T], Any]) -> Convert:
    def convert(value: Any) -> Any:
        # A blank can be no number, date or list; people and forms send it for "nothing".
        if isinstance(value, str) and value.isspace():
            return None
        return encode(decode(value))

    return convert


def _same(value: T) -> T:
    return value


def read_list(value: Any) -> Any:
    """Give a list, or the list that JSON text writes."""
    if isinstance(value, str):
        parsed = json_text.parse(value)
        if isinstance(parsed, list):
            return parsed
    elif isinstance(value, (list, tuple)):
        return value
    raise unfit("a list, or JSON text of one", value)


def _read_object(value: Any) -> Any:
    if isinstance(value, str):
        parsed = json_text.parse(value)
        if isinstance(parsed, dict):
            return parsed
    elif isinstance(value, dict):
        return value
    raise unfit("an object, or JSON text of one", value)


def _copying(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a reader whose result shares nothing with what it read; what is parsed from text does so anyway."""

    def decode(value: Any) -> Any:
        return read(value) if isinstance(value, str) else json_text.copy(read(value))

    return decode
