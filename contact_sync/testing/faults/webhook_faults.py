"""What may go wrong with news on its way: it comes twice, in another order, or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class WebhookFaults:
    """Lets news arrive as the networks of this world let it. The same seed and the same news arrive in the same way.

    Args:
        seed: Of the chance.
        duplicate: Which part comes twice, from 0 to 1.
        reorder: How often what waits together comes in another order.
        lose: Which part never comes.

    Attributes:
        done: What has happened, in order.
    """

    def __init__(self, seed: int | str = 0, *, duplicate: float = 0.0, reorder: float = 0.0, lose: float = 0.0) -> None:
        self.done: list[str] = []
        self._seed = seed
        self._rates = {"duplicate": duplicate, "reorder": reorder, "lose": lose}
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    def arrive(self, news: Iterable[T], lane: Callable[[T], Hashable] | None = None) -> list[T]:
        """Give what arrives of some news, in the order in which it arrives.

        Args:
            news: What is sent, oldest first.
            lane: What keeps its order, as a sender promises it for each contact: news of one lane arrives in its own
                order, and a copy directly after its original. Without, any order is possible.
        """
        arriving: list[T] = []
        for one in news:
            if self._happens("lose", one):
                continue
            arriving += [one, one] if self._happens("duplicate", one) else [one]
        if len(arriving) > 1 and self._happens("reorder", f"{len(arriving)} news"):
            shuffled = arriving[:]
            self._chance.shuffle(shuffled)
            arriving = shuffled if lane is None else _in_lanes(arriving, shuffled, lane)
        return arriving

    def end(self) -> None:
        """Let everything arrive from now on, once and in order."""
        self._rates = dict.fromkeys(self._rates, 0.0)

    def _happens(self, what: str, to: object) -> bool:
        rate = self._rates[what]
        happens = rate > 0 and self._chance.random() < rate
        if happens:
            self.done.append(f"{what}: {to}")
        return happens

    def __repr__(self) -> str:
        rates = ", ".join(f"{name}={rate:g}" for name, rate in self._rates.items() if rate)
        return f"<WebhookFaults seed={self._seed} {rates}; done: {self.done}>"


def _in_lanes(in_order: list[T], shuffled: list[T], lane: Callable[[T], Hashable]) -> list[T]:
    """The lanes in the shuffled order, and within each lane its own order."""
    waiting: dict[Hashable, list[Any]] = {}
    for one in reversed(in_order):
        waiting.setdefault(lane(one), []).append(one)
    return [waiting[lane(one)].pop() for one in shuffled]
