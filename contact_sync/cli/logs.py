"""What is logged goes to stderr. The packages only have loggers; to set them up is the commands' part."""

from __future__ import annotations

import logging
from typing import Final, Literal

from contact_sync.log_lines import JSONLines, TextLines

OWN: Final = ("contact_sync", "key_stores", "mappers")
LEVELS: Final = ("debug", "info", "warning", "error")

Form = Literal["text", "json"]
FORMS: Final[tuple[Form, ...]] = ("text", "json")


def set_up_logging(level: str, form: Form = "text") -> None:
    """Log from a level on, in a form. Handlers of a program that has set logging up itself are left alone.

    It may be called again with another level or form, which replace the ones before.

    At `debug` it is our own loggers that say more. HTTP and Redis libraries log addresses and arguments there, which
    hold contact values.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
        root.handlers[0].setFormatter(TextLines())
    for handler in root.handlers:
        if isinstance(handler.formatter, TextLines | JSONLines):  # it was added here
            handler.setFormatter(JSONLines() if form == "json" else TextLines())
    number = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(number, logging.INFO))
    for name in OWN:
        logging.getLogger(name).setLevel(number)
