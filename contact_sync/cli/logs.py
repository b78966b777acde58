"""What is logged goes to stderr. The packages only have loggers; to set them up is the commands' part."""

from __future__ import annotations

import logging
from typing import Final

OWN: Final = ("contact_sync", "key_stores", "mappers")
LEVELS: Final = ("debug", "info", "warning", "error")


def set_up_logging(level: str) -> None:
    """Log from a level on. Handlers of a program that has set logging up itself are left alone.

    At `debug` it is our own loggers that say more. HTTP and Redis libraries log addresses and arguments there, which
    hold contact values.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(number, logging.INFO))
    for name in OWN:
        logging.getLogger(name).setLevel(number)
