"""What a delivery tells of events, for logs and metrics: a line for each step, with the event's id and no values."""

from __future__ import annotations

import logging
import time
from typing import Literal

from contact_sync.events import Event
from contact_sync.log_lines import ACCEPTED, APPLIED, DIED, FAILED, HELD, KNOWN, RETRIED, log_event
from contact_sync.observing import EventOutcome, applied_outcome, observers

log = logging.getLogger("contact_sync.delivery")


def tell_accepted(event: Event, id: str, reason: str | None) -> None:
    """Tell that an event is stored, or why it was not stored again."""
    if reason is None:
        observers.event_accepted(event.full_name)
    log_event(
        log,
        logging.DEBUG,
        ACCEPTED if reason is None else KNOWN,
        event_id=id,
        installation=event.installation,
        event=event.full_name,
    )


def tell_settled(
    id: str,
    installation: str,
    name: str,
    outcome: Literal["applied", "failed", "again"],
    *,
    action: str | None,
    tries: int,
    arrived: float,
    wait: float,
    died: bool = False,
) -> None:
    """Tell what came of an event, by its full name. Its error is found under its id: logs go further than the store."""
    seconds = time.time() - arrived
    said: EventOutcome
    if outcome == "again":
        observers.event_retried(name)
        level, message, said = logging.WARNING, DIED if died else RETRIED, "for_now"
    elif outcome == "failed":
        said = "held" if action == "held" else "failed"
        observers.event_settled(name, said, seconds)
        level, message = logging.WARNING, HELD if said == "held" else FAILED
    else:
        said = applied_outcome(action)
        observers.event_settled(name, said, seconds)
        level, message = logging.INFO, APPLIED
    log_event(
        log,
        level,
        message,
        event_id=id,
        installation=installation,
        event=name,
        outcome=said,
        tries=tries,
        seconds=seconds,
        retry_in=wait if outcome == "again" else None,
    )
