"""What a batch is made of: its contacts, and what is to be written for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contact_sync.events import Change
from contact_sync.plans import Plan
from contact_sync.results import Result
from key_stores import KnownContact

QUEUED: Final = Result.ok(action="batched", reason="it is written with the others of its batch")
"""What `next()` gives to `send` and `format` middleware for a contact of a batch."""


@dataclass(frozen=True, slots=True)
class Contact:
    place: int
    id: str
    contact: Mapping[str, Any]
    guards: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Writing:
    """What is to be written for a contact.

    Attributes:
        one: The contact.
        known: What the store knows of it.
        plan: What was decided.
        change: What has come through `send`.
        payload: What has come through `format`.
        decided: Whether it is created because a person has decided so.
    """

    one: Contact
    known: KnownContact
    plan: Plan
    change: Change
    payload: dict[str, Any]
    decided: bool = False
