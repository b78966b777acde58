"""When a failed event is tried again, and when it is given up."""

from __future__ import annotations

import random
from dataclasses import dataclass

from contact_sync.errors import ConfigurationError
from contact_sync.rules import check_seconds


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a durable delivery is: exponential back-off with jitter.

    Attributes:
        first: Seconds until the second try; each further wait is twice as long.
        longest: The longest wait in seconds. A CRM that asks for more (`Retry-After`) gets more.
        give_up: An event that was accepted this many seconds ago and fails once more is a dead letter.
        crashes: So many workers may die while they apply an event; then it is a dead letter.

    Raises:
        ConfigurationError: One of them is no positive number; the message names it.
    """

    first: float = 1.0
    longest: float = 600.0
    give_up: float = 3 * 86_400.0
    crashes: int = 4

    def __post_init__(self) -> None:
        for name in ("first", "longest", "give_up"):
            check_seconds(f"retries.{name}", getattr(self, name))
        if isinstance(self.crashes, bool) or not isinstance(self.crashes, int) or self.crashes < 1:
            raise ConfigurationError("retries.crashes: expected a whole number, at least 1")

    def wait(self, tries: int, retry_after: float | None = None) -> float:
        """How many seconds to wait after so many tries.

        Waits are spread by a half, so that what failed together does not come back together. What the other side asked
        for is never undercut.
        """
        back_off = min(self.longest, self.first * 2.0 ** min(tries - 1, 60))
        spread = back_off * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
        return spread if retry_after is None else max(spread, retry_after + random.uniform(0.0, self.first))  # noqa: S311

    def after_crash(self, crashes: int) -> float:
        """How many seconds to wait after a worker died: spread, so that what died together is tried apart."""
        return random.uniform(0.0, min(2.0, self.first) * (crashes - 0.5))  # noqa: S311
