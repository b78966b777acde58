"""Events whose contact was held for a person: once that is settled, they are tried again."""

from __future__ import annotations

from typing import Final

from contact_sync.results import Result

from .base import Delivery, State

MOST: Final = 1_000


def replay_held(delivery: Delivery, installation: str, contact: str) -> list[Result]:
    """Let the dead letters of a contact be tried again that failed since it was held, as they came.

    Returns:
        What `Delivery.replay` gave for each.

    Raises:
        DeliveryUnavailable: The delivery's store cannot be reached.
    """
    failed = delivery.events(states=[State.FAILED], installation=installation, contact=contact, limit=MOST)
    return [delivery.replay(event.id) for event in reversed(failed) if event.action == "held"]
