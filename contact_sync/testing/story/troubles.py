"""What goes wrong in a story of both sides, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from contact_sync.testing.faults import (
    Fault,
    FaultScript,
    WebhookFaults,
    crash_after_create,
    cursor_expired,
    id_reuse,
    older_cursor,
    page_shift,
    server_error,
    timeout_after_write,
    timeout_before_write,
    too_many,
)

RATE: Final = 0.25
"""Which part of the calls goes wrong."""

HOUR: Final = 3600.0


@dataclass(slots=True)
class Troubles:
    """What goes wrong.

    Attributes:
        script: With calls of the CRM.
        events: With events of the platform, on their way.
        notices: With notices of the CRM, on their way.
        skew: By how many seconds our process's clock is wrong, now ahead and now behind.
        small_pages: Whether walks have pages of two records.
        reuses_ids: Whether the CRM gives ids of deleted records to new ones.
    """

    script: FaultScript = field(default_factory=FaultScript)
    events: WebhookFaults = field(default_factory=WebhookFaults)
    notices: WebhookFaults = field(default_factory=WebhookFaults)
    skew: float = 0.0
    small_pages: bool = False
    reuses_ids: bool = False

    @property
    def done(self) -> list[str]:
        """What has happened."""
        return [*self.script.done, *self.events.done, *self.notices.done]

    def end(self) -> None:
        """Let nothing go wrong any more."""
        self.script.end()
        self.events.end()
        self.notices.end()
        self.skew = 0.0


def _with(*kinds: Fault, rate: float = RATE) -> Callable[[str], Troubles]:
    return lambda seed: Troubles(script=FaultScript.random(seed, rate, kinds, first=True))


TROUBLES: Final[dict[str, Callable[[str], Troubles]]] = {
    "429": _with(too_many()),
    "429 with Retry-After": _with(too_many(retry_after=2)),
    "5xx": _with(server_error(500), server_error(503)),
    "time-outs before the write": _with(timeout_before_write()),
    "time-outs after the write": _with(timeout_after_write()),
    "crashes after the create": _with(crash_after_create(), rate=0.5),
    "webhooks come twice": lambda seed: Troubles(
        events=WebhookFaults(seed, duplicate=0.5), notices=WebhookFaults(seed, duplicate=0.5)
    ),
    "webhooks come in another order": lambda seed: Troubles(
        events=WebhookFaults(seed, reorder=1), notices=WebhookFaults(seed, reorder=1)
    ),
    "webhooks get lost": lambda seed: Troubles(notices=WebhookFaults(seed, lose=0.4)),
    "the clock is wrong": lambda _: Troubles(skew=HOUR),
    "ids come again": lambda seed: Troubles(script=FaultScript.random(seed, 1.0, [id_reuse()]), reuses_ids=True),
    "pages shift": lambda seed: Troubles(
        script=FaultScript.random(seed, RATE, [page_shift(), older_cursor(), cursor_expired()], first=True),
        notices=WebhookFaults(seed, lose=0.5),
        small_pages=True,
    ),
    "everything": lambda seed: Troubles(
        script=FaultScript.random(seed, RATE),
        events=WebhookFaults(seed, duplicate=0.2, reorder=0.3),
        notices=WebhookFaults(seed, duplicate=0.2, reorder=0.3, lose=0.2),
        skew=60.0,
        small_pages=True,
    ),
}
"""What goes wrong in the stories, by name: a function of a seed."""
