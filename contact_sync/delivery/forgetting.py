"""Erasing what a delivery keeps of a contact, whichever side told of it."""

from __future__ import annotations

from collections.abc import Mapping

from mappers import Side

from .base import Delivery


def forget_events(delivery: Delivery, installation: str, ids: Mapping[Side, str | None]) -> int:
    """Erase the events of a contact. Gives how many there were.

    Args:
        ids: Its id on each side, as far as it is known.

    Raises:
        DeliveryUnavailable: The delivery's store cannot be reached.
    """
    return sum(delivery.forget(installation, id, side=side) for side, id in ids.items() if id is not None)
