"""Origins as browsers write them: who may frame the page, and talk with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from contact_sync.errors import ConfigurationError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f.]*:[0-9a-f:.]+")


def origin_of(url: str) -> str:
    """Give the origin of an absolute `http` or `https` URL, as a browser writes it (`https://app.botmatic.ai`).

    Raises:
        ConfigurationError: It has no such origin. The message does not repeat the URL, which may hold a password.
    """
    parts = _split(url)
    host = parts and _host(parts)
    if not parts or not host or parts.scheme not in _DEFAULT_PORTS:
        raise ConfigurationError("a URL with an http or https origin is needed, such as 'https://app.botmatic.ai'")
    port = parts.port
    suffix = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def checked_origins(origins: Sequence[str], setting: str) -> tuple[str, ...]:
    """Check a setting that lists origins, and give them as a browser writes them, each once.

    Raises:
        ConfigurationError: It is no list, is empty, or holds something else than exact origins.
    """
    if isinstance(origins, str) or not origins:
        raise ConfigurationError(f"{setting} must be a list of origins, such as ['https://app.botmatic.ai']")
    found: dict[str, None] = {}
    for number, origin in enumerate(origins, start=1):
        # A wildcard would let any page of that domain press the platform's button.
        parts = _split(origin)
        if (
            parts is None
            or "*" in origin
            or parts.path not in ("", "/")
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
        ):
            raise ConfigurationError(
                f"{setting}: entry {number} is no exact origin; write scheme, host and port alone, "
                "such as 'https://app.botmatic.ai'"
            )
        try:
            found[origin_of(origin)] = None
        except ConfigurationError as error:
            raise ConfigurationError(f"{setting}: entry {number}: {error}") from None
    return tuple(found)


def _split(url: object) -> SplitResult | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # it is read late, and may be out of range
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    try:
        host = (
            (parts.hostname or "").encode("idna").decode("ascii") if ":" not in parts.netloc else parts.hostname or ""
        )
    except UnicodeError:
        return None
    if not _HOST.fullmatch(host):
        return None
    return f"[{host}]" if ":" in host else host
