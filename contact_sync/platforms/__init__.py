"""The chatbot side: the `Platform` interface and Botmatic's client."""

from __future__ import annotations

from .base import NOTHING_DONE, Platform
from .botmatic import BotmaticPlatform
from .bots import BotResult

__all__ = ["NOTHING_DONE", "BotResult", "BotmaticPlatform", "Platform"]
