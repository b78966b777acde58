"""How the batches of one run go, and whether it makes sense to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .failures import translate
from .platforms import NOTHING_DONE, Platform
from .results import Result

PATIENCE: Final = 3
"""How many batches in a row may fail for now before an import ends: what is away is not asked for thousands more."""


class Course:
    """The course of one run of batches.

    Attributes:
        end: What all the rest would fail with, too.
        read_at: When the contacts of a batch were read; `None` if the CRM has told of them.
    """

    def __init__(self, platform: Platform, token: str) -> None:
        self._platform = platform
        self._token = token
        self._doubtful = False
        self._failed_for_now = 0
        self.end: Result | None = None
        self.read_at: float | None = None

    def heard(self, results: list[Result]) -> list[Result]:
        """Take what came of a call to the platform: a plain failure of no contact's own may be about the token."""
        self._doubtful |= any(not (r.success or r.retryable or r.reason == NOTHING_DONE) for r in results)
        return results

    def note(self, results: Sequence[Result]) -> None:
        """Take what came of a whole batch."""
        doubtful, self._doubtful = self._doubtful, False
        if any(result.success and result.action != "skipped" for result in results):
            self._failed_for_now = 0
            return
        away = next((result for result in results if result.retryable), None)
        self._failed_for_now = 0 if away is None else self._failed_for_now + 1
        if away is not None and self._failed_for_now == PATIENCE:
            self.end = away.with_(error=f"{PATIENCE} batches in a row failed for now, the last with: {away.error}")
        elif doubtful:
            self.end = self._refusal_of_token()

    def _refusal_of_token(self) -> Result | None:
        try:
            answer = self._platform.validate_token(self._token)
        except Exception as error:  # noqa: BLE001 - a user's platform may raise anything
            answer = translate(error, "validating the token").with_(retryable=True)
        return None if answer.success or answer.retryable else answer
