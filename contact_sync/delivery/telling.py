"""What a delivery tells of events, for logs: one line for each step, with the event's id and without values."""

from __future__ import annotations

import logging
import time
from typing import Literal

from contact_sync.events import Event

log = logging.getLogger("contact_sync.delivery")


def tell_accepted(event: Event, id: str, reason: str | None) -> None:
    """Tell that an event is stored, or why it was not stored again."""
    log.info("accepted %s %s of %.200r%s", event.name, id, event.installation, f" ({reason})" if reason else "")


def tell_settled(
    id: str,
    installation: str,
    name: str,
    outcome: Literal["applied", "failed", "again"],
    *,
    action: str | None,
    error: str | None,
    tries: int,
    arrived: float,
    wait: float,
) -> None:
    """Tell what came of an event."""
    seconds = time.time() - arrived
    if outcome == "applied":
        log.info("%s %s %s of %.200r, %.3f s after it arrived", action or "applied", name, id, installation, seconds)
    elif outcome == "failed":
        log.warning("gave up %s %s of %.200r after %d tries: %s", name, id, installation, tries, error)
    else:
        log.info("%s %s of %.200r is tried again in %.1f s: %s", name, id, installation, wait, error)
