"""What writes do to the links between ids: the one-to-one rule itself, without any storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

Side = Literal["b", "e"]
Key = tuple[Side, str]
"""An id and the side that it is of: `b` for Botmatic, `e` for external."""

OTHER: Final[dict[Side, Side]] = {"b": "e", "e": "b"}


class Link(NamedTuple):
    """With what an id is paired. The baseline stands at the Botmatic id alone."""

    other: str
    baseline: bytes | None = None


class Links:
    """The links as they are after some writes, and which of them those changed.

    Args:
        before: Looks up the link that an id has before.
    """

    def __init__(self, before: Callable[[Key], Link | None]) -> None:
        self._before = before
        self.changed: dict[Key, Link | None] = {}

    def get(self, key: Key) -> Link | None:
        """Give the link of an id as it is now."""
        return self.changed[key] if key in self.changed else self._before(key)

    def save(self, botmatic_id: str, external_id: str, baseline: bytes | None = None) -> None:
        """Save a pair; remove those that either id was in. Without a baseline, that of the very pair stays."""
        former = self.get(("b", botmatic_id))
        if former is not None and former.other == external_id:
            baseline = former.baseline if baseline is None else baseline
        else:
            self._cut(("b", botmatic_id))
            self._cut(("e", external_id))
        self.changed["b", botmatic_id] = Link(external_id, baseline)
        self.changed["e", external_id] = Link(botmatic_id)

    def remove(self, botmatic_id: str, external_id: str) -> bool:
        """Remove a pair, if the two are paired with each other. Whether they were."""
        link = self.get(("b", botmatic_id))
        if link is None or link.other != external_id:
            return False
        self._cut(("b", botmatic_id))
        return True

    def _cut(self, key: Key) -> None:
        link = self.get(key)
        if link is not None:
            self.changed[key] = None
            self.changed[OTHER[key[0]], link.other] = None


class Saved(NamedTuple):
    """What a row of savings comes to.

    Attributes:
        pairs: The pairs that are there in the end, with the baselines that were given.
        same: Those among them whose ids are in no other pair of the row: if one was there before, it is still the
            same pair, and keeps its baseline.
        keys: All ids that are named.
    """

    pairs: dict[tuple[str, str], bytes | None]
    same: list[tuple[str, str]]
    keys: list[Key]


def saved(savings: Iterable[tuple[str, str, bytes | None]]) -> Saved:
    """Work out what saving (Botmatic id, external id, baseline) in order comes to, whatever was there before."""
    links = Links(lambda _: None)
    partners: dict[Key, set[str]] = {}
    for botmatic_id, external_id, baseline in savings:
        links.save(botmatic_id, external_id, baseline)
        partners.setdefault(("b", botmatic_id), set()).add(external_id)
        partners.setdefault(("e", external_id), set()).add(botmatic_id)
    pairs = {
        (id, link.other): link.baseline
        for (side, id), link in links.changed.items()
        if side == "b" and link is not None
    }
    same = [pair for pair in pairs if len(partners["b", pair[0]]) == len(partners["e", pair[1]]) == 1]
    return Saved(pairs, same, list(partners))
