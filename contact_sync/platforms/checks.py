"""What is checked before anything is sent: the base URL, tokens, ids, values."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from contact_sync.errors import ConfigurationError
from contact_sync.results import Result

log = logging.getLogger(__name__)

_TOKEN: Final = re.compile(r"[!-~\xa1-\xff]+(?: +[!-~\xa1-\xff]+)*")


def checked_base_url(value: object, source: str) -> str:
    """Take a base URL, without the slash at its end.

    Args:
        value: The URL.
        source: Where it comes from, for the message.

    Raises:
        ConfigurationError: It is none that can be spoken to. The message does not repeat it: it may hold a password.
    """
    if not isinstance(value, str) or any(ord(char) <= 32 or ord(char) == 127 for char in value):
        raise ConfigurationError(f"{source} must be a URL without blanks, like 'https://app.botmatic.ai'")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"{source} is not a URL: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError(f"{source} must begin with https:// (or http://) and a host")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{source} must not hold a user or password; the platform is spoken to with tokens")
    if "?" in value or "#" in value:
        raise ConfigurationError(f"{source} must not have a query or fragment")
    if parts.scheme == "http" and not _is_loopback(host):
        log.warning("%s begins with http://: tokens and contacts can be read on the way", source)
    return value.rstrip("/")


def token_problem(token: object) -> str | None:
    """Say why a token cannot be sent in a header; none if it can."""
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return None
    return "the token cannot be sent in a header; it is empty or has characters that do not belong there"


def quoted_id(id: object) -> str | None:
    """Quote an id whole, for a URL; none if it cannot be part of one."""
    if not isinstance(id, str) or id in ("", ".", ".."):
        return None
    try:
        return quote(id, safe="")
    except UnicodeEncodeError:
        return None


def json_body(name: str, payload: Mapping[str, Any]) -> bytes | Result:
    """Write a payload as JSON; a failed result that names the call and the kind of value if JSON cannot carry it."""
    try:
        return json.dumps(payload, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = {TypeError: "a type that JSON does not have", RecursionError: "too deeply nested"}.get(
            type(error), "not a number, or refers to itself"
        )
        return Result.failed(f"{name}: a value cannot be sent as JSON ({kind}); give text, numbers, booleans or None")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
