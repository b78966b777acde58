"""Events whose contact was held for a person: once that is settled, they are tried again."""

from __future__ import annotations

from typing import Final

from contact_sync.results import Result
from mappers import Side

from .base import Delivery, State

MOST: Final = 1_000


def replay_held(delivery: Delivery, installation: str, contact: str, side: Side = "botmatic") -> list[Result]:
    """Let the dead letters of a contact be tried again that failed since it was held, as they came.

    Args:
        contact: The id of the contact.
        side: The side that has that id, and told of it.

    Returns:
        What `Delivery.replay` gave for each.

    Raises:
        DeliveryUnavailable: The delivery's store cannot be reached.
    """
    failed = delivery.events(states=[State.FAILED], installation=installation, contact=contact, limit=MOST)
    return [delivery.replay(event.id) for event in reversed(failed) if event.action == "held" and event.side == side]
