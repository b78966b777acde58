"""Contacts from the CSV that somebody once exported: taken as they are, with all that is odd about them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Final

_YES_NO: Final = {"yes": True, "no": False}


def read_contacts(file: Path) -> list[dict[str, Any]]:
    """Read a CSV of contacts as the CRM keeps them. A cell stays the text that it is, unless its field is no text."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [_contact(row) for row in csv.DictReader(lines)]


def _contact(row: dict[str, str]) -> dict[str, Any]:
    text = {name: cell if cell != "" else None for name, cell in row.items()}
    return {
        "properties": {name: text[name] for name in ("given_name", "family_name", "email", "phone")},
        "address": {name: text[name] for name in ("street", "postcode", "city", "country")},
        "born_on": text["born_on"],
        "customer_since": text["customer_since"],
        "last_seen_at": _whole(text["last_seen_at"]),
        "opted_in": _YES_NO.get(row["opted_in"]),
        "order_count": _whole(text["order_count"]),
        "balance_cents": _whole(text["balance_cents"]),
        "tags": row["tags"].split(";") if row["tags"] else [],
        "preferences": None if text["preferences"] is None else json.loads(row["preferences"]),
        "notes": text["notes"],
    }


def _whole(cell: str | None) -> int | None:
    return None if cell is None else int(cell)
