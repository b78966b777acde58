"""Asking a server for a token, once, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from requests.auth import AuthBase

from contact_sync.consumers.http import Api, ApiError, Reply, Timeouts, UnreadableAnswer
from contact_sync.errors import ContactSyncError

_FOR_NOW: Final = frozenset({408, 425, 429})

_CODES: Final = frozenset(
    # RFC 6749, 5.2. Other words of a server are not repeated: they may be what it was sent.
    {
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)


Remedies = Mapping[str | int, str]
"""What to do about a refusal, by OAuth's code or the HTTP status; `""` holds what to do about any other one."""


class TokenRefused(ContactSyncError):
    """A server gives no token for what is declared. Trying again does not help; the message says what to renew.

    Attributes:
        code: The server's word for it, if it is one of OAuth's (`invalid_grant`); else empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def ask(
    url: str,
    remedies: Remedies,
    *,
    timeouts: Timeouts,
    auth: AuthBase | None = None,
    form: Mapping[str, str] | None = None,
    json: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Post a form, or JSON, to a server that gives tokens. Redirects are not followed.

    Args:
        url: Its page for that.
        remedies: What to do about a refusal.
        timeouts: How long it may take.
        auth: What authorizes the call, if anything does.
        form: The fields of a form; or
        json: an object.

    Returns:
        The answer, an object.

    Raises:
        TokenRefused: It gives no token for this.
        ApiError: It is in trouble, or has too much to do (408, 425, 429, 5xx).
        UnreadableAnswer: The answer is no JSON object, or too large.
        requests.RequestException: There was no answer.
    """
    parts = urlsplit(url)
    # Tokens are rarely asked for, so nothing is kept open meanwhile.
    api = Api(f"{parts.scheme}://{parts.netloc}", auth=auth, headers={"Accept": "application/json"}, timeouts=timeouts)
    try:
        reply = api.call("POST", url, data=form, json=json, allow=range(300, 500))
    finally:
        api.close()
    if reply.status in _FOR_NOW:
        raise ApiError(reply)
    code = _code(reply)
    if reply.status >= 300 or code:
        raise TokenRefused(_said(reply.status, code, remedies), code)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise UnreadableAnswer("the answer of the server that gives tokens is no JSON object")
    return answer


def _code(reply: Reply) -> str:
    """OAuth's word for what is wrong; some servers say it with a success."""
    try:
        answer = reply.json()
    except UnreadableAnswer:
        return ""
    said = answer.get("error") if isinstance(answer, dict) else None
    return said if isinstance(said, str) and said in _CODES else ""


def _said(status: int, code: str, remedies: Remedies) -> str:
    if status < 400 and not code:
        remedy = "it redirects, and is not followed: declare the address where it leads"
    else:
        remedy = (code and remedies.get(code)) or remedies.get(status) or remedies[""]
    found = f"HTTP {status}, {code}" if code else f"HTTP {status}"
    return f"the server that gives tokens gave none ({found}): {remedy}"
