"""What is logged goes to stderr. The packages only have loggers; to set them up is the commands' part."""

from __future__ import annotations

import logging
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")


def set_up_logging(level: str) -> None:
    """Log from a level on. Loggers of a program that has set logging up itself are left alone."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger().setLevel(level.upper())
