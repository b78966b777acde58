"""What saving pairs does to the links between ids: the one-to-one rule itself, without any storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal

Side = Literal["b", "e"]
Key = tuple[Side, str]
"""An id and the side that it is of: `b` for Botmatic, `e` for external."""

OTHER: Final[dict[Side, Side]] = {"b": "e", "e": "b"}


def links_after(
    pairs: Iterable[tuple[str, str]], partner: Callable[[Key], str | None] = lambda _: None
) -> dict[Key, str | None]:
    """Work out what saving (Botmatic id, external id) pairs in order changes.

    Args:
        partner: Looks up with what an id is paired before.

    Returns:
        Each id whose link changes or is confirmed, with its new partner; `None` where it is left without one.
    """
    after: dict[Key, str | None] = {}
    for botmatic_id, external_id in pairs:
        ends: tuple[tuple[Key, str], tuple[Key, str]] = (
            (("b", botmatic_id), external_id),
            (("e", external_id), botmatic_id),
        )
        for key, _ in ends:
            former = after[key] if key in after else partner(key)
            if former is not None:
                after[OTHER[key[0]], former] = None
        after.update(ends)
    return after
