"""A delivery by its URL."""

from __future__ import annotations

from typing import Final

from contact_sync.errors import ConfigurationError

from .base import Delivery
from .inline import Inline

_FORMS: Final = '"inline", sqlite:///inbox.db, postgresql://… or dramatiq+redis://…'


def open_delivery(url: str) -> Delivery:
    """Make the delivery that a URL names. Nothing is connected to before its first use; `close` closes it.

    Args:
        url: `inline`; `sqlite:///inbox.db` (a fourth slash for an absolute path) or `postgresql://…`, for an `Inbox`;
            `dramatiq+redis://…` or `dramatiq+rediss://…`, for a `DramatiqDelivery`.

    Raises:
        ConfigurationError: The URL is wrong, or what it needs is not installed. The message never repeats the URL.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"delivery: expected a Delivery or one of {_FORMS}, got {type(url).__name__}")
    scheme = url.partition("://")[0].lower()
    if url == "inline":
        return Inline()
    if scheme.partition("+")[0] in ("sqlite", "postgresql", "postgres"):
        from .inbox import Inbox

        return Inbox(url)
    if scheme in ("dramatiq+redis", "dramatiq+rediss"):
        from .dramatiq import DramatiqDelivery

        return DramatiqDelivery(url.partition("+")[2])
    raise ConfigurationError(f"delivery: expected one of {_FORMS}")
