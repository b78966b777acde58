"""What the platform tests share."""

from __future__ import annotations

from typing import Any

from contact_sync.platforms import BotmaticPlatform

BASE = "https://platform.example"
TOKEN = "t0ken-Abc.123"
SECRET = "Ännchen van der Secret"
"""A contact value that must appear in no error, log or repr."""


class Waits(list[float]):
    """Stands in for `time.sleep` and notes what was waited for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def platform(base_url: str = BASE, **settings: Any) -> BotmaticPlatform:
    """A client that does not really wait between repeats."""
    return BotmaticPlatform(base_url, **{"sleep": Waits(), "timeout": (2.0, 5.0), **settings})
