"""Which field is which: the platform's name first, then the CRM's."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from mappers import Mapper, Mapping

DAYS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%Y/%m/%d")
"""The ways in which people have written days into this CRM's free fields."""


def read_day(text: str) -> date:
    """Read a day, whoever wrote it."""
    for layout in DAYS:
        try:
            return datetime.strptime(text.strip(), layout).date()
        except ValueError:
            continue
    raise ValueError("no day in any form that is known here")


def write_day(text: str) -> str:
    """Write a day in the one form that is to stay."""
    return date.fromisoformat(text).strftime(DAYS[0])


CONTACTS: Final = Mapper(
    [
        Mapping("id", "id", id=True),
        Mapping("email", "properties.email", match=True),
        Mapping("firstname", "properties.given_name"),
        Mapping("lastname", "properties.family_name"),
        Mapping("phone", "properties.phone", conflict="external"),  # the front desk has people on the line
        Mapping("street", "address.street"),
        Mapping("postcode", "address.postcode"),
        Mapping("city", "address.city"),
        Mapping("country", "address.country"),
        Mapping("birthdate", "born_on", type="date", external_codec="%d/%m/%Y"),
        Mapping("last_seen", "last_seen_at", type="datetime", external_codec="epoch_s"),
        Mapping("customer_since", "customer_since", to_botmatic=read_day, to_external=write_day, property_type="date"),
        Mapping("newsletter", "opted_in", type="boolean"),
        Mapping("orders", "order_count", type="number"),
        Mapping("balance", "balance_cents", transform="cents", property_type="number"),
        Mapping("tags", "tags", type="list"),
        Mapping("preferences", "preferences", type="object"),
        Mapping("notes", "notes"),
    ]
)
