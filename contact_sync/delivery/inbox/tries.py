"""The tries of an event that failed, as they are kept: when, and what failed. JSON in ASCII, the last few."""

from __future__ import annotations

import json
from typing import Final

from contact_sync.delivery.base import Attempt

MOST: Final = 20


def with_try(log: str | None, at: float, error: str) -> str:
    """Add a try to those that are kept."""
    return json.dumps([*_read(log), [round(at, 3), error]][-MOST:], separators=(",", ":"))


def attempts(log: str | None) -> tuple[Attempt, ...]:
    """Read the tries that are kept."""
    return tuple(Attempt(at, error) for at, error in _read(log))


def _read(log: str | None) -> list[tuple[float, str]]:
    return [] if log is None else json.loads(log)
