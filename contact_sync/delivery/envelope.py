"""An event as it is stored, and back.

The body is JSON and holds all that is needed to apply the event elsewhere: also the token, since a worker speaks for
who sent it. With secret keys it is encrypted and bound to its installation; nothing of it is readable.
"""

from __future__ import annotations

import json
from typing import Any, Final

from contact_sync.errors import ContactSyncError
from contact_sync.events import Event
from mappers import Side

from .base import Revive, Seal

FORMAT: Final = 1
FORMAT_OF_EXTERNAL: Final = 2
"""Of the CRM's events: a release that does not know of them must not take them for the platform's."""

UNREADABLE: Final = "what was stored of the event cannot be read: none of the secret_keys opens it"
NOT_LET_IN: Final = "who sent it is not let in any more (auth), or cannot be asked now"


class Unreadable(ContactSyncError):
    """A stored event cannot be opened."""


class NotLetIn(ContactSyncError):
    """The user's `auth` does not let in any more who sent a stored event."""


def pack(event: Event, seal: Seal) -> bytes:
    """Make the body under which an event is stored."""
    inner = event.raw.get("data")
    if event.data == inner:
        data: dict[str, Any] = {"at": []}
    elif isinstance(inner, dict) and event.data == inner.get(event.name):
        data = {"at": [event.name]}
    else:  # middleware has changed it
        data = {"is": event.data}
    whole = {"v": FORMAT, "name": event.name, "data": data, "raw": event.raw, "token": event.auth.token}
    if event.side != "botmatic":
        whole |= {"v": FORMAT_OF_EXTERNAL, "side": event.side}
    if event.delivery_id is not None:
        whole["delivery"] = event.delivery_id
    return seal.close(event.installation, json.dumps(whole, separators=(",", ":")).encode())


def unpack(installation: str, body: bytes, seal: Seal, revive: Revive) -> Event:
    """Make an event of its stored body.

    Raises:
        Unreadable: No key opens it, or it is of another release's format.
        NotLetIn: Who sent it is not let in any more, or cannot be asked now.
    """
    opened = seal.open(installation, body)
    if opened is None:
        raise Unreadable(UNREADABLE)
    try:
        whole = json.loads(opened)
        if whole["v"] not in (FORMAT, FORMAT_OF_EXTERNAL):
            raise Unreadable(
                f"the event is stored in format {whole['v']!r}; this release reads {FORMAT} and {FORMAT_OF_EXTERNAL}"
            )
        side: Side = "ext" if whole.get("side") == "ext" else "botmatic"
        raw = whole["raw"]
        data = whole["data"]["is"] if "is" in whole["data"] else raw.get("data")
        for step in whole["data"].get("at", ()):
            data = data[step]
        token, name, delivery_id = whole["token"], whole["name"], whole.get("delivery")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Unreadable("what was stored of the event is damaged") from None
    auth = revive(installation, token)
    if auth is None:
        raise NotLetIn(NOT_LET_IN)
    return Event(name, "event", data, auth, installation, raw, delivery_id=delivery_id, side=side)


def fingerprint(event: Event, seal: Seal) -> bytes:
    """A keyed digest of what an event says, by which its copy is recognised."""
    said = json.dumps([event.installation, event.name, event.data], sort_keys=True, separators=(",", ":"))
    return seal.digest(said.encode())
