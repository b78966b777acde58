"""The arguments of authorizations, checked. A message names the argument and the kind of what was given, never that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from contact_sync.consumers.http import checked_url
from contact_sync.errors import ConfigurationError
from mappers.values import kind_of
from mappers.words import one_of

LONGEST: Final = 16_384
"""How long a token or a header may be. Servers refuse longer ones."""

NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""A header's name, or an authorization scheme (RFC 9110, token)."""

BARE: Final = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
"""A token that fits into a header by itself."""

_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")

_LINE: Final = re.compile(rf"[\x21-\x7e]([\x20-\x7e\t]{{0,{LONGEST}}}[\x21-\x7e])?")


def shown(key: object) -> str:
    """A key of a declaration, for a message. What looks like none is not repeated: it may be a value in the wrong
    place, as in YAML after a missing space (`token:…`)."""
    return key if isinstance(key, str) and _KEY.fullmatch(key) else "a key"


def text(name: str, value: object, *, empty: bool = False) -> str:
    """Take a text.

    Raises:
        ConfigurationError: It is missing, empty though it must not be, or something else.
    """
    if value is None:
        raise ConfigurationError(f"{name}: missing; give it as text")
    if not isinstance(value, str):
        quotes = "; in YAML, put it in quotes" if isinstance(value, int | float) else ""
        raise ConfigurationError(f"{name}: expected text, got {kind_of(value)}{quotes}")
    if not value and not empty:
        raise ConfigurationError(f"{name}: it is empty; if it comes from the environment, see that it is set")
    return value


def bare(name: str, value: object) -> str:
    """Take a token: text without spaces, line breaks and what else does not fit into a header."""
    if not BARE.fullmatch(text(name, value)):
        raise ConfigurationError(
            f"{name}: it holds a space, a line break or a character that no header takes, or is too long; "
            "give the token alone"
        )
    return str(value)


def header_name(name: str, value: object) -> str:
    """Take the name of a header."""
    if not NAME.fullmatch(text(name, value)):
        raise ConfigurationError(f"{name}: it is no name of a header; write one such as X-Api-Key, without ':'")
    return str(value)


def header_value(name: str, value: object) -> str:
    """Take what is to stand in a header."""
    if not _LINE.fullmatch(text(name, value)):
        raise ConfigurationError(
            f"{name}: it has a line break in it, a space at an end, or a character beyond ASCII; no header takes that"
        )
    return str(value)


def scheme(name: str, value: object) -> str:
    """Take what stands before a token in a header, and may be empty."""
    if text(name, value, empty=True) and not NAME.fullmatch(str(value)):
        raise ConfigurationError(f"{name}: expected one word, such as Bearer, or empty text for none")
    return str(value)


def choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """Take one of several words."""
    if value not in known:
        raise ConfigurationError(f"{name}: expected {one_of(known)}, got {_other(value)}")
    return str(value)


def url(name: str, value: object) -> str:
    """Take the URL of a page, which may have a query, and holds no name or password."""
    given = text(name, value)
    try:
        checked_url(given.partition("?")[0])
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {str(error).partition(': ')[2]}") from None
    if "#" in given or not BARE.fullmatch(given):
        raise ConfigurationError(f"{name}: expected an http:// or https:// URL without spaces and without '#'")
    return given


def form(name: str, value: object) -> dict[str, str]:
    """Take the fields of a form."""
    return {key: text(f"{name}.{shown(key)}", field, empty=True) for key, field in table(name, value).items()}


def table(name: str, value: object) -> dict[str, Any]:
    """Take an object whose keys are text."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name}: expected an object of names and values, got {kind_of(value)}")
    for key in value:
        text(f"a name in {name}", key)
    return dict(value)


def _other(value: object) -> str:
    return "another text" if isinstance(value, str) else kind_of(value)
