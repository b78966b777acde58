"""Answers of HubSpot in the shape in which they come, with made-up values: the files of `payloads/`."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

FOLDER = Path(__file__).parent / "payloads"


@cache
def _load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def payload(name: str, /, **fields: Any) -> Any:
    """Give a file's content, with what its `$names` stand for."""
    return _filled(copy.deepcopy(_load(name)), fields)


def _filled(part: Any, fields: dict[str, Any]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, fields) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, fields) for value in part]
    if not isinstance(part, str):
        return part
    whole = fields.get(part[1:]) if part.startswith("$") else None
    return whole if isinstance(whole, list | dict) else Template(part).safe_substitute(fields)
