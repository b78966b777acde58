"""The words that travel: what a side says has happened, who says it, and what is to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from mappers import Side

from .results import Result


class EventName(StrEnum):
    """The names that the platform sends. Any other name is a custom event and goes to `on_event`."""

    INSTALL = "install"
    UNINSTALL = "uninstall"
    CONTACT_CREATED = "contact_created"
    CONTACT_UPDATED = "contact_updated"
    CONTACT_DELETED = "contact_deleted"
    USER_REPLY = "user_reply"
    BOT_REPLY = "bot_reply"


@dataclass(frozen=True, slots=True)
class Auth:
    """Who speaks: the token of the request and, if the user's `auth` gave one, a client object of theirs.

    Neither appears in `repr`.
    """

    token: str = field(repr=False)
    client: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the platform says has happened. What listeners and middleware receive.

    Attributes:
        name: The final name (`contact_updated`, `user_reply`, the name of an action, …).
        kind: `event` or `action`, the key of the body that carried the name.
        data: The inner object: for contact events the contact, wherever it was nested. Left out of `repr`.
        auth: Who speaks.
        installation: The id of the installation (`token:…` or `client:…`).
        raw: The whole body, untouched. Left out of `repr`.
        result: What the sync made of it; set for listeners on contact events, which run afterwards.
        delivery_id: What the sender calls this delivery, if it has a name for it (`delivery_id=` of `ContactSync`).
    """

    name: str
    kind: Literal["event", "action"]
    data: Any = field(repr=False)
    auth: Auth
    installation: str
    raw: Mapping[str, Any] = field(repr=False)
    result: Result | None = None
    delivery_id: str | None = None


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
