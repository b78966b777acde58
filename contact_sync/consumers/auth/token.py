"""A token that runs out, and how it is read from the answer of a hostile server."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from contact_sync.consumers.http import UnreadableAnswer

from .checks import BARE, LONGEST

FORMAT: Final = 1

_MARGIN: Final = 60.0
_SHARE: Final = 0.1
_LONGEST_LIFE: Final = 10 * 365 * 86_400.0
_MILLISECONDS: Final = 1e11  # as seconds, the year 5138


@dataclass(frozen=True, slots=True)
class Token:
    """A token, as it is kept.

    Attributes:
        access: What authorizes a call. Left out of `repr`.
        due: When to renew it, in seconds since 1970; none if nobody knows when it ends.
        ends: When it ends, likewise.
        refresh: The refresh token that the server gave in place of the declared one. Left out of `repr`.
    """

    access: str = field(repr=False)
    due: float | None = None
    ends: float | None = None
    refresh: str | None = field(default=None, repr=False)

    @classmethod
    def lasting(cls, access: object, seconds: float | None, began: float, refresh: str | None = None) -> Token:
        """A token that lasts for so many seconds. It is renewed a little earlier: 60 s, or a tenth of its life.

        Args:
            access: What the server gave for a token.
            seconds: How long it lasts; none if nobody knows.
            began: When it was asked for, in seconds since 1970.

        Raises:
            UnreadableAnswer: It is no text that fits into a header.
        """
        if not isinstance(access, str) or not BARE.fullmatch(access):
            raise UnreadableAnswer("the answer holds no token that fits into a header, where one is expected")
        if seconds is None or not 0 < seconds <= _LONGEST_LIFE:  # 0 is "never" to some, and NaN is nothing
            return cls(access, refresh=refresh)
        return cls(access, began + seconds - min(_MARGIN, seconds * _SHARE), began + seconds, refresh)

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew it."""
        return self.due is not None and time.time() >= self.due

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.ends is not None and time.time() >= self.ends

    def to_json(self) -> str:
        """As it is sealed and stored."""
        kept = {"access": self.access, "due": self.due, "ends": self.ends, "refresh": self.refresh}
        return json.dumps({"v": FORMAT, **kept}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Token | None:
        """As it was stored; none if another release has written it in a form that this one does not know."""
        kept = json.loads(text)
        if kept["v"] != FORMAT:
            return None
        return cls(kept["access"], kept["due"], kept["ends"], kept["refresh"])


def oauth_token(answer: Mapping[str, Any], began: float, kept: str | None = None, sent: str | None = None) -> Token:
    """Read the answer of a token endpoint (RFC 6749, 5.1).

    Args:
        answer: The answer.
        began: When it was asked for, in seconds since 1970.
        kept: The refresh token that the server gave in place of the declared one before, if it did.
        sent: The refresh token that it was sent, which goes on to hold if it gives no other one.

    Raises:
        UnreadableAnswer: There is no usable token in it.
    """
    given = answer.get("refresh_token")
    if isinstance(given, str) and 0 < len(given) <= LONGEST and given != sent:
        kept = given
    return Token.lasting(answer.get("access_token"), lifetime(answer.get("expires_in")), began, kept)


def lifetime(given: object) -> float | None:
    """Read a number of seconds, be it a number or text; none if it is neither."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        seconds = float(given)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None


def time_left(given: object) -> float | None:
    """Read when a token ends: seconds from now, seconds or milliseconds since 1970, or a time in ISO 8601.

    Returns:
        The seconds that are left; none if it is nothing of that.
    """
    seconds = lifetime(given)
    if seconds is not None:
        since_1970 = seconds / 1000 if seconds >= _MILLISECONDS else seconds
        return since_1970 - time.time() if since_1970 > _LONGEST_LIFE else seconds
    if not isinstance(given, str):
        return None
    try:
        when = datetime.fromisoformat(given)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return when.timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
