"""A relay that counts the round trips on a line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.relay import Relay


class _Noting(asyncio.StreamReader):
    def __init__(self, reader: asyncio.StreamReader, note: Callable[[], None]) -> None:
        super().__init__()
        self._reader, self._note = reader, note

    async def read(self, n: int = -1) -> bytes:
        data = await self._reader.read(n)
        if data:
            self._note()
        return data


class CountingRelay(Relay):
    """Counts round trips: how often something is sent after something was answered."""

    round_trips = 0
    _answered = True

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        await super()._pump(_Noting(reader, self._answer if answers else self._ask), writer, answers=answers)

    def _ask(self) -> None:
        self.round_trips += self._answered
        self._answered = False

    def _answer(self) -> None:
        self._answered = True

    def count(self, call: Callable[[], object]) -> int:
        """Count the round trips of a call."""
        before = self.round_trips
        call()
        return self.round_trips - before
