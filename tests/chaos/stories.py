"""The lives of contacts: what the platform tells of each, and what the CRM has to show after each event."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.sync.http_crm import EXTERNAL, VALUES

PARTIAL: Final = 0.3
"""How many of the updates tell of the edited fields alone."""

Shown = Mapping[str, Any] | None
"""What the CRM shows of a contact; `None` if it has no record."""


@dataclass(frozen=True)
class Told:
    """An event: what is sent, and what the CRM has to show when it is applied."""

    name: str
    data: dict[str, Any]
    shown: Shown


@dataclass(frozen=True)
class Story:
    """A contact's life: it is created, edited, cleared, and perhaps deleted in the end."""

    number: int
    events: tuple[Told, ...]

    @property
    def code(self) -> str:
        """By what the CRM recognises it; unlike its address, it has it for life."""
        return f"c{self.number}"


def stories(contacts: int, events: int, seed: int) -> list[Story]:
    """Make up so many events of so many contacts; every twelfth contact is deleted in the end."""
    each, more = divmod(events, contacts)
    lengths = [each + (number <= more) for number in range(1, contacts + 1)]
    return [_story(number, length, random.Random(f"{seed}:{number}")) for number, length in enumerate(lengths, 1)]


def _story(number: int, length: int, chance: random.Random) -> Story:
    addresses = (f"p{number}@example.org", f"p{number}@example.net", None)
    values = VALUES | {"email": addresses if number % 3 else (None,)}
    contact = {"id": number, "code": f"c{number}"} | {name: chance.choice(all) for name, all in values.items()}
    events = [Told("contact_created", contact, shown(contact))]
    for _ in range(length - 1):
        edit = {name: chance.choice(values[name]) for name in chance.sample(sorted(values), chance.randint(1, 3))}
        contact = contact | edit
        data = {"id": number} | edit if chance.random() < PARTIAL else contact
        events.append(Told("contact_updated", data, shown(contact)))
    if number % 12 == 0 and length > 1:
        events[-1] = Told("contact_deleted", {"contact_id": number}, None)
    return Story(number, tuple(events))


def shown(contact: Mapping[str, Any]) -> dict[str, Any]:
    """What the CRM has to show of a contact."""
    return filled({EXTERNAL[name]: value for name, value in contact.items() if name != "id"})


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not empty; a cleared one is as good as one that never was."""
    return {name: value for name, value in fields.items() if value not in (None, "") and name != "ref"}
