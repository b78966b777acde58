"""The checks of one row, and what its type, codecs and transforms come to.

Every problem is a `ValueError` whose text names the key, says what is wrong with it and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

from . import field_types, phones
from .codecs import Codec, date_codec, datetime_codec
from .field_types import Conversions, Convert
from .transforms import Transform, named
from .user_functions import guarded, is_async
from .values import kind_of
from .words import CONFLICTS, FieldType, instead_of

T = TypeVar("T")

_WITHOUT_CODEC: dict[FieldType, Callable[[], Conversions]] = {
    "text": field_types.text_conversions,
    "email": field_types.email_conversions,
    "number": field_types.number_conversions,
    "boolean": field_types.boolean_conversions,
    "list": field_types.list_conversions,
    "object": field_types.object_conversions,
}

_REGION: Final = re.compile("[A-Z]{2}")


def check_name(key: str, name: object) -> None:
    """Check that a field's name is text, and not blank."""
    if not isinstance(name, str):
        raise ValueError(f"{key}: expected a name, got {kind_of(name)}. Write it as text; in a file, between quotes")
    if not name.strip():
        raise ValueError(f"{key}: the name is empty. Write the field's name on that side")


def check_flag(key: str, flag: object) -> None:
    """Check that a flag is a boolean."""
    if not isinstance(flag, bool):
        raise ValueError(f"{key}: expected true or false, got {kind_of(flag)}. Write one of the two, without quotes")


def check_word(key: str, word: object, known: Iterable[str]) -> None:
    """Check that a word is one of the known ones."""
    if not isinstance(word, str):
        raise ValueError(f"{key}: expected text, got {kind_of(word)}. {instead_of('', known)}")
    if word not in known:
        raise ValueError(f'{key}: "{word}" is not known. {instead_of(word, known)}')


def check_conflict(key: str, given: object) -> None:
    """Check that it is a known policy, or a function that decides."""
    if isinstance(given, str):
        check_word(key, given, CONFLICTS)
    elif not callable(given):
        raise ValueError(f"{key}: expected text or a function, got {kind_of(given)}. {instead_of('', CONFLICTS)}")
    elif is_async(given):
        raise ValueError(f"{key}: it is an async function. Give a plain one")


def check_region(key: str, region: object, known: Collection[str] | None = None) -> None:
    """Check that it is a country's code, and one of the known ones if they are given."""
    remedy = 'Use the two capital letters of a country, such as "FR" or "GB"'
    if not isinstance(region, str):
        raise ValueError(f"{key}: expected text, got {kind_of(region)}. {remedy}, between quotes")
    if not _REGION.fullmatch(region) or (known is not None and region not in known):
        meant = {"UK": "GB"}.get(region.strip().upper(), region.strip().upper())
        exists = meant in known if known is not None else _REGION.fullmatch(meant)
        guess = f'Did you mean "{meant}"? ' if meant != region and exists else ""
        raise ValueError(f'{key}: "{region}" is not known. {guess}{remedy}')


def typed_conversions(
    type: FieldType, botmatic_codec: str | None, external_codec: str | None, region: str | None, *, numeric: bool
) -> Conversions:
    """Put together what a type does.

    Args:
        type: A known type.
        botmatic_codec: As declared; checked here.
        external_codec: Likewise.
        region: Likewise.
        numeric: Whether a field of type text is a number on the platform.
    """
    if region is not None and type != "phone":
        raise ValueError(f'region: a field of type "{type}" has none. Leave it out, or make the type "phone"')
    names = {"botmatic_codec": botmatic_codec, "external_codec": external_codec}
    if type == "date":
        return field_types.date_conversions(*_codecs(names, date_codec))
    if type == "datetime":
        return field_types.datetime_conversions(*_codecs(names, datetime_codec))
    for key, name in names.items():
        if name is not None:
            raise ValueError(
                f'{key}: a field of type "{type}" has none. Leave it out, or make the type "date" or "datetime"'
            )
    if type == "phone":
        if region is not None:
            check_region("region", region, phones.regions())
        return field_types.phone_conversions(phones.phone_form(region))
    if type == "text" and numeric:
        return field_types.numeric_text_conversions()
    return _WITHOUT_CODEC[type]()


def transform_of(key: str, given: object, pair: object, direction: str) -> Convert | None:
    """Find the function that makes one side's values, if the row declares one.

    Args:
        key: `to_botmatic` or `to_external`.
        given: What the row has under that key.
        pair: What the row has under `transform`.
        direction: The row's direction.
    """
    if pair is not None:
        if given is not None:
            raise ValueError(f"{key}: transform is given as well. Leave one of them out")
        given = getattr(_pair(pair), key)
    elif given is not None and direction not in ("both", key):
        raise ValueError(f'{key}: it is never used, since direction is "{direction}". Leave one of them out')
    if given is None:
        return None
    if isinstance(given, str):
        given = getattr(_by_name(key, given), key)
    if not callable(given):
        raise ValueError(
            f"{key}: expected a function or the name of a ready-made transform, got {kind_of(given)}. "
            'Take "transform" for a pair of functions'
        )
    if is_async(given):
        raise ValueError(f"{key}: it is an async function. Give a plain one")
    return guarded(given, key)


def _pair(pair: object) -> Transform:
    if isinstance(pair, str):
        return _by_name("transform", pair)
    if isinstance(pair, Transform):
        return pair
    raise ValueError(
        f"transform: expected a Transform or the name of a ready-made one, got {kind_of(pair)}. "
        "Give a single function as to_botmatic or to_external"
    )


def _by_name(key: str, name: str) -> Transform:
    try:
        return named(name)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _codecs(names: dict[str, str | None], make: Callable[[str], Codec[T]]) -> list[Codec[T]]:
    codecs = []
    for key, name in names.items():
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{key}: expected text, got {kind_of(name)}. Write iso, epoch_s, epoch_ms or a format")
        try:
            codecs.append(make("iso" if name is None else name))
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    return codecs
