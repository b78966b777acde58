"""One POST to a webhook, with the standard library alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from contact_sync.errors import ConfigurationError
from contact_sync.failures import parse_retry_after

_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered."""

    status: int
    body: str
    retry_after: float | None


def checked_url(url: object, what: str) -> str:
    """Take the address of something to speak to.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        parts = urlsplit(url) if isinstance(url, str) else SplitResult("", "", "", "", "")
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not isinstance(url, str) or any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise ConfigurationError(f"{what} must be an address like 'http://127.0.0.1:3000/'")
    return url


def connection_to(url: str, timeout: float) -> http.client.HTTPConnection:
    """A connection to a webhook, not opened yet."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=timeout)


def post(connection: http.client.HTTPConnection, url: str, token: str, body: Mapping[str, Any]) -> Answer | str:
    """Post JSON with a bearer token, and close the connection. Redirects are not followed.

    Returns:
        The answer, or why there was none.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": f"Bearer {token}",
        "User-Agent": "contact-sync-sandbox",
        "Connection": "close",
    }
    try:
        connection.request("POST", path, json.dumps(body).encode(), headers)
        with connection.getresponse() as answer:
            text = answer.read(_MOST).decode("utf-8", "replace")
            return Answer(answer.status, text, parse_retry_after(answer.getheader("Retry-After")))
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def cut(connection: http.client.HTTPConnection) -> None:
    """End an exchange that another thread waits for."""
    sock = connection.sock
    with contextlib.suppress(OSError):
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
