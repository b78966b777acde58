"""Where a delivery's id is in a request: by it, one that is delivered again is recognised, however late."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .errors import ConfigurationError

DeliveryId = Callable[[Mapping[str, str], Mapping[str, Any]], str | None]
"""Reads the id out of a request's headers (by lower-case name) and body; `None` if it has none."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORM: Final = "expected 'header:NAME' or 'field:NAME', where dots lead into objects"


def delivery_id_reader(given: str) -> DeliveryId:
    """Make what reads the id out of a request.

    Args:
        given: `header:X-Delivery-Id`, or `field:delivery.id` for a field of the body.

    Raises:
        ConfigurationError: It is neither.
    """
    place, _, name = given.partition(":") if isinstance(given, str) else ("", "", "")
    if place == "header" and _NAME.fullmatch(name):
        return lambda headers, _: _usable(headers.get(name.lower()))
    steps = name.split(".")
    if place == "field" and all(steps):
        return lambda _, body: _usable(_found(body, steps))
    raise ConfigurationError(f"delivery_id: {_FORM}")


def _found(body: object, steps: list[str]) -> object:
    for step in steps:
        body = body.get(step) if isinstance(body, Mapping) else None
    return body


def _usable(value: object) -> str | None:
    """An id is text that is not empty, or a whole number. Anything else is as good as none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None
