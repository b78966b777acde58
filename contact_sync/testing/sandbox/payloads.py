"""What the REST API accepts: the shapes of requests, checked as strictly as a real platform may."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

PROPERTY_TYPES: Final = ("text", "number", "date")


class Refusal(Exception):
    """A request is answered with an error instead of being carried out."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def json_object(body: bytes, content_type: str) -> dict[str, Any]:
    """Read a body that must be a JSON object."""
    if content_type.split(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "the Content-Type must be application/json")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal(400, "the body is not a JSON object")
    return value


def only(body: Mapping[str, Any], *names: str) -> None:
    """Refuse keys that no call of this kind has."""
    for name in body:
        if name not in names:
            raise Refusal(422, f"unknown key {name!r}; expected {', '.join(names)}")


def checked_contact(
    value: object, properties: Mapping[str, str], *, strict: bool, own_id: object = None
) -> dict[str, Any]:
    """Take the properties of a contact from a request.

    Args:
        value: What was sent.
        properties: The declared properties and their types.
        strict: Whether an undeclared property or a foreign id is refused; it is ignored otherwise.
        own_id: The id of the contact, if there is one already; it may be sent along.
    """
    if not isinstance(value, dict):
        raise Refusal(422, "a contact must be an object")
    taken: dict[str, Any] = {}
    for name, content in value.items():
        if name == "id":
            if strict and (own_id is None or str(content) != str(own_id)):
                raise Refusal(422, "a contact's id is given by the platform and cannot be set")
        elif name in properties:
            _check_value(name, content, properties[name])
            taken[name] = content
        elif strict:
            raise Refusal(422, f"the property {name!r} is not declared")
    return taken


def checked_properties(value: object) -> dict[str, str]:
    """Take property declarations: name and type."""
    if not isinstance(value, list):
        raise Refusal(422, "'properties' must be a list")
    declared = {}
    for row in value:
        name = row.get("name") if isinstance(row, dict) else None
        if not isinstance(name, str) or not name or name == "id":
            raise Refusal(422, "a property needs a 'name' that is text, not empty and not 'id'")
        kind = row.get("type", "text")
        if kind not in PROPERTY_TYPES:
            raise Refusal(422, f"the type of {name!r} must be one of {', '.join(PROPERTY_TYPES)}")
        declared[name] = kind
    return declared


def checked_ids(value: object) -> list[str]:
    """Take a list of contact ids."""
    if not isinstance(value, list) or not all(_is_id(id) for id in value):
        raise Refusal(422, "'contacts' must be a list of ids")
    return [str(id) for id in value]


def checked_id(value: object) -> str:
    """Take one contact id."""
    if not _is_id(value):
        raise Refusal(422, "'contact_id' must be an id")
    return str(value)


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _check_value(name: str, value: object, kind: str) -> None:
    if isinstance(value, dict | list):
        raise Refusal(422, f"the property {name!r} must be text, a number, a boolean or null")
    if kind == "number" and not _is_numeric(value):
        raise Refusal(422, f"the property {name!r} must be a number")
    if kind == "date" and isinstance(value, bool):
        raise Refusal(422, f"the property {name!r} must be a date")


def _is_numeric(value: object) -> bool:
    if value is None or value == "":
        return True
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        return math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
