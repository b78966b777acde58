"""What has to come of a story: both sides have the same contacts, once, paired, with what was given to them last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contact_sync.plans import canonical
from contact_sync.testing.paths import value_at
from mappers import Mapping as Row
from mappers import Side
from mappers.values import MISSING

from .both_sides import BothSides
from .persons import Person

Contact = tuple[str, Mapping[str, Any]]
"""A contact with its id."""


def differences(
    sides: BothSides, persons: Iterable[Person], email_field: str, text_field: str, *, mark: str
) -> list[str]:
    """Say how the two sides differ from each other, and from what people have made of them.

    Args:
        sides: Both sides, of which everything has been told.
        persons: Whose contacts they are.
        email_field: The path of a record's e-mail address.
        text_field: The path of its text.
        mark: What every address of this story holds. Other contacts are not looked at.
    """
    contacts = _by_email(sides.workspace.contacts, lambda it: it.get("email"), mark)
    records = _by_email(sides.live_records(), lambda it: value_at(it, email_field), mark)
    wrong = []
    for person in persons:
        here = [one for email in person.emails for one in contacts.pop(email, [])]
        there = [one for email in person.emails for one in records.pop(email, [])]
        if person.gone:
            wrong += [f"person {person.number} was deleted, and is still on the platform"] if here else []
            wrong += [f"person {person.number} was deleted, and is still in the CRM"] if there else []
        elif len(here) != 1 or len(there) != 1:
            on, among = _times(len(here)), _times(len(there))
            wrong.append(f"person {person.number} is on the platform {on}, in the CRM {among}")
        else:
            wrong += _unlike(sides, person, here[0], there[0])
            wrong += _lost(person, there[0], {text_field: person.text, email_field: person.emails[-1]})
    wrong += [f"the platform has a contact {one[0][0]} that nobody knows" for one in contacts.values()]
    wrong += [f"the CRM has a record {one[0][0]} that nobody knows" for one in records.values()]
    return wrong


def _unlike(sides: BothSides, person: Person, here: Contact, there: Contact) -> list[str]:
    """How the two sides of a contact differ."""
    (botmatic_id, contact), (external_id, record) = here, there
    who = f"person {person.number} ({botmatic_id}, {external_id})"
    paired = sides.store.get_external_id(sides.installation, botmatic_id)
    wrong = [] if paired == external_id else [f"{who} is paired with {paired}"]
    for row in sides.mapper.rows:
        values = _value(row, contact, "botmatic"), _value(row, record, "ext")
        if not row.id and values[0] != values[1]:
            wrong.append(f"{row.external} of {who}: platform {values[0]!r}, CRM {values[1]!r}")
    return wrong


def _lost(person: Person, there: Contact, last: Mapping[str, str | None]) -> list[str]:
    """Which edits are lost that nobody else touched."""
    if person.contested:
        return []
    id, record = there
    has = {path: value_at(record, path) or None for path in last}
    return [
        f"person {person.number} ({id}) was given the {path} {given!r} last, which nobody touched since, and has "
        f"{has[path]!r}"
        for path, given in last.items()
        if has[path] != given
    ]


def _by_email(
    all_of: Mapping[str, Mapping[str, Any]], email: Callable[[Mapping[str, Any]], Any], mark: str
) -> dict[str, list[Contact]]:
    found: dict[str, list[Contact]] = {}
    for id, contact in all_of.items():
        address = str(email(contact)).casefold()
        if mark in address:
            found.setdefault(address, []).append((id, contact))
    return found


def _value(row: Row, contact: Mapping[str, Any], side: Side) -> object:
    """What a contact has in a field; `None` if that is empty or not there."""
    value = row.read(contact, side)
    return None if value is MISSING or value == "" else canonical(row, value, side)


def _times(count: int) -> str:
    return {0: "not at all", 1: "once"}.get(count, f"{count} times")
