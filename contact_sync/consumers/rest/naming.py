"""The fields that the API's contacts have, as they are declared, or as the API names them."""

from __future__ import annotations

from typing import Any

from contact_sync.consumer import CRMField
from mappers.values import MISSING

from .calling import Caller
from .lookup import at
from .special import FieldsFrom


def name_fields(caller: Caller, declared: FieldsFrom) -> list[CRMField]:
    """Ask the API for the fields. What has no name is left out."""
    answer = caller.send(declared.endpoint, {}, "list")
    return [
        CRMField(
            declared.prefix + named["name"],
            type=_text(named.get("type")),
            read_only=named.get("read_only") is True,
            unique=named.get("unique") is True,
            label=_text(named.get("label")),
        )
        for named in (_named(declared, each) for each in caller.records(answer, declared.endpoint))
        if isinstance(named["name"], str) and named["name"]
    ]


def _named(declared: FieldsFrom, data: Any) -> dict[str, Any]:
    return {key: at(data, path) for key, path in declared.paths.items()}


def _text(value: object) -> str:
    return "" if value is None or value is MISSING else str(value)
