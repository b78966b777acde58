"""The words that travel: what a side says has happened, who says it, and what is to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from mappers import Side

from .results import Result

EXTERNAL: Final = "ext:"
"""What the full name of a CRM's event begins with."""


class EventName(StrEnum):
    """The names that the platform sends. Any other name is a custom event and goes to `on_event`."""

    INSTALL = "install"
    UNINSTALL = "uninstall"
    CONTACT_CREATED = "contact_created"
    CONTACT_UPDATED = "contact_updated"
    CONTACT_DELETED = "contact_deleted"
    USER_REPLY = "user_reply"
    BOT_REPLY = "bot_reply"


MERGED: Final = "contact_merged"
RESTORED: Final = "contact_restored"
EXTERNAL_EVENTS: Final = frozenset(
    {EventName.CONTACT_CREATED, EventName.CONTACT_UPDATED, EventName.CONTACT_DELETED, MERGED, RESTORED}
)
"""The names of what the CRM tells of its records."""


@dataclass(frozen=True, slots=True)
class Auth:
    """Who speaks: the token of the request and, if the user's `auth` gave one, a client object of theirs.

    Neither appears in `repr`.
    """

    token: str = field(repr=False)
    client: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a side says has happened. What listeners and middleware receive.

    Attributes:
        name: The final name (`contact_updated`, `user_reply`, the name of an action, …).
        kind: `event` or `action`, the key of the body that carried the name.
        data: The inner object: for contact events the contact, wherever it was nested. For the CRM's, a dict with the
            record's `id` and, where they are told, the record as `contact` and what it was merged into as `into`. Left
            out of `repr`.
        auth: Who speaks; for the CRM's events, for whom the installation speaks.
        installation: The id of the installation (`token:…` or `client:…`).
        raw: The whole body, untouched; for the CRM's, what it said of this record. Left out of `repr`.
        result: What the sync made of it; set for listeners on contact events, which run afterwards.
        delivery_id: What the sender calls this delivery, if it has a name for it (`delivery_id=` of `ContactSync`).
        side: Who says it: `botmatic` for the platform, `ext` for the CRM.
    """

    name: str
    kind: Literal["event", "action"]
    data: Any = field(repr=False)
    auth: Auth
    installation: str
    raw: Mapping[str, Any] = field(repr=False)
    result: Result | None = None
    delivery_id: str | None = None
    side: Side = "botmatic"

    @property
    def full_name(self) -> str:
        """The name with its side, for where it is all that is kept or told: of the CRM's, `ext:contact_updated`."""
        return self.name if self.side == "botmatic" else f"{EXTERNAL}{self.name}"


def split_name(full: str) -> tuple[Side, str]:
    """Give the side and the name of a contact event's full name."""
    if full.startswith(EXTERNAL):
        return "ext", full.removeprefix(EXTERNAL)
    return "botmatic", full


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written to a side. The `send` stage sees it before it is given a shape.

    Attributes:
        side: The side that is written to: `botmatic` or `ext`.
        kind: `create`, `update` or `delete`.
        contact: The source's contact, in the source's own names; empty for a delete. Left out of `repr`.
        id: The id on the side that is written to; none for a create.
        installation: The id of the installation.
        auth: For whom it is written.
        fields: The fields that are to be written, by their names on the platform: those that have changed. `None` for
            all that the contact has. A field to which middleware gives another value is written as well.
    """

    side: Side
    kind: Literal["create", "update", "delete"]
    contact: Mapping[str, Any] = field(repr=False)
    id: str | None
    installation: str
    auth: Auth
    fields: tuple[str, ...] | None = None
