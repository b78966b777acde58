"""The arguments of `ContactSync`, checked: from what a user gave to what the sync needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import mappers
from key_stores import KeyStore, KeyStoreError, open_key_store
from mappers import Mapper, MappingDefinitionError

from .delivery import Delivery, open_delivery
from .errors import ConfigurationError
from .platforms import BotmaticPlatform, Platform
from .results import id_text

MISSING: Final[Any] = None
"""The default of an argument that has to be given: so that its absence is a `ConfigurationError`, as `None` is."""

Mappings = Mapper | Sequence[mappers.Mapping] | Sequence[Mapping[str, Any]]

_EMAIL: Final = "email"


def to_mapper(mappings: Mappings) -> Mapper:
    """Take a table of fields in any of its forms.

    Node's rows do not say by what contacts are matched, since there it is always the e-mail address. So where such a
    table names no match row, the one whose Botmatic name is `email` is it.
    """
    if isinstance(mappings, Mapper):
        return mappings
    if mappings is None:
        raise ConfigurationError("mappings: missing; pass a Mapper, a list of Mapping, or a list of dicts")
    try:
        mapper = Mapper(list(mappings))
        if mapper.match_fields or not any(isinstance(row, Mapping) for row in mappings):
            return mapper
        return Mapper([replace(row, match=row.botmatic == _EMAIL and not row.id) for row in mapper.rows])
    except TypeError:
        kind = type(mappings).__name__
        raise ConfigurationError(
            f"mappings: expected a Mapper, a list of Mapping, or a list of dicts, got {kind}"
        ) from None
    except MappingDefinitionError as error:
        raise ConfigurationError(f"mappings: {error}") from error


def to_key_store(key_store: KeyStore | str) -> tuple[KeyStore, bool]:
    """Take a store or a URL. Answers also whether the store was opened here, and so is to be closed here."""
    if isinstance(key_store, KeyStore):
        return key_store, False
    if key_store is None:
        raise ConfigurationError("key_store: missing; pass a KeyStore or a URL such as 'redis://localhost'")
    if not isinstance(key_store, str):
        raise ConfigurationError(
            f"key_store: expected a KeyStore or a URL such as 'redis://localhost', got {type(key_store).__name__}"
        )
    try:
        return open_key_store(key_store), True
    except (KeyStoreError, ValueError, ImportError) as error:
        raise ConfigurationError(f"key_store: {error}") from error


def to_platform(platform: Platform | None) -> tuple[Platform, bool]:
    """Take a platform, or make Botmatic's. Answers also whether it was made here."""
    if platform is None:
        return BotmaticPlatform(), True
    if not isinstance(platform, Platform):
        raise ConfigurationError(f"platform: expected a Platform, got {type(platform).__name__}")
    return platform, False


def to_delivery(delivery: Delivery | str) -> tuple[Delivery, bool]:
    """Take a delivery or a URL. Answers also whether it was opened here, and so is to be closed here."""
    return (delivery, False) if isinstance(delivery, Delivery) else (open_delivery(delivery), True)


def checked_server(server: Any) -> Any:
    """Take an app to mount the blueprint on."""
    if server is not None and not callable(getattr(server, "register_blueprint", None)):
        raise ConfigurationError(f"server: expected a Flask app, got {type(server).__name__}")
    return server


def checked_endpoint(endpoint: str) -> str:
    """Take the path of the webhook."""
    if not isinstance(endpoint, str) or not endpoint.startswith("/") or set(endpoint) & set("<>?# \t\r\n"):
        raise ConfigurationError("endpoint: expected a path that begins with '/', such as '/botmatic'")
    return endpoint


def checked_port(port: int) -> int:
    """Take a port; 0 lets the system choose."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ConfigurationError("port: expected a whole number from 0 to 65535")
    return port


def checked_limit(name: str, limit: int) -> int:
    """Take a number of bytes."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ConfigurationError(f"{name}: expected a number of bytes, at least 1")
    return limit


def checked_ids(ids: Sequence[str]) -> list[str]:
    """Take ids of contacts. One text is no list of them, though Python could walk over its letters."""
    if isinstance(ids, str | bytes | Mapping):
        raise ConfigurationError("contact_ids: expected a list of ids")
    try:
        return [id_text(id) for id in ids]
    except ValueError as error:
        raise ConfigurationError(f"contact_ids: {error}") from None


def checked_installations(installations: Literal["any"] | None) -> Literal["any"] | None:
    """Take who may be installed."""
    if installations not in (None, "any"):
        raise ConfigurationError('installations: expected None (the default) or "any"')
    return installations


def checked_function(name: str, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Take an optional function of the user's."""
    if function is not None and not callable(function):
        raise ConfigurationError(f"{name}: expected a function, got {type(function).__name__}")
    if inspect.iscoroutinefunction(function):
        raise ConfigurationError(f"{name}: it is called from threads; write 'def', not 'async def'")
    return function
