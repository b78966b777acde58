"""The fields of a contact, and where each is on a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .card import Card, escape
from .kinds import UNTOLD, Day, Field, FieldRefused, Main, Many, Part, Text, Uid, Words, put

ID: Final = "id"
"""The field that holds a card's name."""

UID: Final = "uid"
FULL_NAME: Final = "full_name"


_FULL_NAME: Final = Text(FULL_NAME, "FN", "Name as shown")
_NAME: Final = [
    Part("last_name", "N", "Family name", 0, 5),
    Part("first_name", "N", "Given name", 1, 5),
    Part("middle_name", "N", "Further given names", 2, 5),
    Part("name_prefix", "N", "Title before the name", 3, 5),
    Part("name_suffix", "N", "What follows the name", 4, 5),
]
_ORGANIZATION: Final = Part("organization", "ORG", "Organization", 0, 2)
_EMAIL: Final = Main("email", "EMAIL", "E-mail address, the preferred one")
_PHONE: Final = Main("phone", "TEL", "Phone number, the preferred one")

FIELDS: Final[Mapping[str, Field]] = {
    field.name: field
    for field in (  # in the order in which they are written: a list before the preferred one of it
        Uid(UID, "UID", "Unique id"),
        *_NAME,
        Text("nickname", "NICKNAME", "Nickname"),
        _ORGANIZATION,
        Part("department", "ORG", "Department", 1, 2),
        Text("title", "TITLE", "Job title"),
        Text("role", "ROLE", "Role"),
        Many("emails", "EMAIL", "E-mail addresses, all of them"),
        _EMAIL,
        Many("phones", "TEL", "Phone numbers, all of them"),
        _PHONE,
        Part("street", "ADR", "Street", 2, 7),
        Part("city", "ADR", "City", 3, 7),
        Part("region", "ADR", "State or province", 4, 7),
        Part("postal_code", "ADR", "Postal code", 5, 7),
        Part("country", "ADR", "Country", 6, 7),
        Day("birthday", "BDAY", "Birthday"),
        Text("url", "URL", "Web site"),
        Text("note", "NOTE", "Note"),
        Words("categories", "CATEGORIES", "Categories"),
        _FULL_NAME,
    )
}
"""Every field but the id, by name."""


def contact_of(id: str, card: Card) -> dict[str, Any]:
    """Read a contact: every field, `None` where the card has nothing."""
    told = {name: field.read(card) for name, field in FIELDS.items()}
    return {ID: id} | {name: value for name, value in told.items() if value is not UNTOLD}


def change(card: Card, fields: Mapping[str, object]) -> bool:
    """Write fields to a card, and leave everything else as it is.

    The full name goes along where it was nothing but the name, the organization or the address that changes.

    Returns:
        Whether the card has changed.

    Raises:
        FieldRefused: There is no such field, or it cannot be written so.
    """
    for name in fields:
        if name not in FIELDS:
            raise FieldRefused(f"an address book has no field {name!r}; it has {', '.join(FIELDS)}")
    before, shown = card.serialize(), list(_shown(card))
    for name, field in FIELDS.items():
        if name in fields:
            value = field.wanted(fields[name])
            if value != field.read(card):
                field.write(card, value)
    _follow(card, shown, given=fields.get(FULL_NAME) not in (None, ""))
    return card.serialize() != before


def _follow(card: Card, before: list[str], *, given: bool) -> None:
    """Let the full name, which every card has to have, be what it was made of, unless it was given."""
    if given:
        return
    now = list(_shown(card))
    full_name = _FULL_NAME.read(card)
    new = next((after for was, after in zip(before, now, strict=True) if was == full_name), full_name)
    new = new or next(filter(None, now), "")
    if new != (full_name or "") or not card.all("FN"):
        put(card, "FN", escape(str(new)))


def _shown(card: Card) -> Iterator[str]:
    """What a full name may be made of."""
    family, given, *others = (str(field.read(card) or "") for field in _NAME)
    yield " ".join(filter(None, (given, family)))
    yield " ".join(filter(None, (others[1], given, others[0], family, others[2])))
    for field in (_ORGANIZATION, _EMAIL, _PHONE):
        yield str(field.read(card) or "")
