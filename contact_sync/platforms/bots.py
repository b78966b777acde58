"""Results of the calls that read and write bots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from contact_sync.results import Result

from .replies import json_of
from .wire import Call, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class BotResult(Result):
    """A result that carries a bot, or several, as the platform describes them.

    Attributes:
        bot: The bot. Left out of `repr`.
        bots: The bots. Left out of `repr`.
    """

    bot: Mapping[str, Any] | None = field(default=None, repr=False)
    bots: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)


def as_bot_result(result: Result) -> BotResult:
    """The same result as one of a bot."""
    return BotResult(**{each.name: getattr(result, each.name) for each in fields(result)})


def bot_of(call: Call, reply: Reply) -> BotResult:
    """Read one bot: an object, alone or under `bot`."""
    answer = json_of(reply)
    bot = answer.get("bot", answer) if isinstance(answer, dict) else None
    if not isinstance(bot, dict):
        return BotResult.failed(f"{call.name}: the answer (HTTP {reply.status}) has no bot")
    return BotResult(success=True, bot=bot)


def bots_of(call: Call, reply: Reply) -> BotResult:
    """Read a list of bots: objects, alone or under `bots`."""
    answer = json_of(reply)
    bots = answer.get("bots") if isinstance(answer, dict) else answer
    if not isinstance(bots, list) or not all(isinstance(bot, dict) for bot in bots):
        return BotResult.failed(f"{call.name}: the answer (HTTP {reply.status}) has no list of bots")
    return BotResult(success=True, bots=bots)
