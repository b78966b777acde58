"""What Slack's errors mean. They come as `{"ok": false, "error": "…"}`, mostly with the HTTP status 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from slack_sdk.errors import SlackApiError

from contact_sync.failures import status_of
from contact_sync.results import NOT_FOUND, Result

_NOBODY: Final = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
"""`user_not_visible` is said of people of other workspaces, whom this one has no channel with."""

_FOR_NOW: Final = frozenset(
    {
        "fatal_error",
        "internal_error",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)

STALE: Final = "Slack does not know the page's cursor any more"
"""The `reason` of a walk that has to begin anew."""

_TOKEN: Final = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "two_factor_setup_required"}
)

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,60}")
_SCOPES: Final = re.compile(r"[a-z][a-z0-9_.:,| -]{0,200}")


def failure_of(error: SlackApiError, method: str) -> Result | None:
    """Give the result that an error of Slack's stands for.

    Args:
        method: Slack's name of what was called, for the message.

    Returns:
        The failure. `None` if the HTTP status says it all: such an error is let out as it is.
    """
    if status_of(error) != 200:
        return None
    data = getattr(error.response, "data", None)
    answer: Mapping[str, Any] = data if isinstance(data, dict) else {}
    code = _safe(answer.get("error"), _CODE) or "an error without a code"
    said = f"Slack answers {code} to {method}"
    if code in _NOBODY:
        return Result.failed(NOT_FOUND)
    if code in _FOR_NOW:
        return Result.failed(said, retryable=True)
    if code == "invalid_cursor":
        return Result.failed(said, reason=STALE, retryable=True)
    if code == "missing_scope":
        needed = _safe(answer.get("needed"), _SCOPES) or "which it does not name"
        return Result.failed(f"{said}: add the scope ({needed}) to the app at Slack, and install the app again there")
    if code in _TOKEN:
        return Result.failed(f"{said}: the token is not good any more; take that of the app as it is installed now")
    return Result.failed(said)


def _safe(text: object, form: re.Pattern[str]) -> str | None:
    # slack_sdk puts the beginning of an answer that it cannot read where the code should be.
    return text if isinstance(text, str) and form.fullmatch(text) else None
