"""The chatbot side: the `Platform` interface and Botmatic's client."""

from __future__ import annotations

from .base import Platform
from .botmatic import BotmaticPlatform
from .bots import BotResult

__all__ = ["BotResult", "BotmaticPlatform", "Platform"]
