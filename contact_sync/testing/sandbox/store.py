"""What the sandbox knows: workspaces, their contacts and properties, and who holds a token."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from contact_sync.errors import ConfigurationError

from .changes import Changes

Placement = Literal["flat", "nested"]
"""Where a contact event has its contact: `data` itself, or `data[event name]`."""

Ids = Literal["number", "text"]
"""How ids look in JSON."""


@dataclass(slots=True, kw_only=True)
class Switches:
    """How the platform behaves; may be changed at any time.

    Attributes:
        strict: Whether requests with undeclared properties are refused (422). They are ignored otherwise.
        echo: Whether calls of the REST API make events as well, for the integration that made the call too.
        placement: Where a contact event has its contact.
        held: Whether events of contacts are kept back until they are delivered by hand.
    """

    strict: bool = True
    echo: bool = False
    placement: Placement = "flat"
    held: bool = False


@dataclass(frozen=True, slots=True)
class CampaignEvent:
    """A campaign event that was sent to contacts."""

    name: str
    contact_ids: tuple[str, ...]


@dataclass(slots=True)
class WorkspaceData:
    """One customer's corner of the platform."""

    name: str
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    bots: dict[str, dict[str, Any]] = field(default_factory=dict)
    campaign_events: list[CampaignEvent] = field(default_factory=list)
    tokens: dict[str, str | None] = field(default_factory=dict)
    """Token → the webhook that was installed with it, if one was."""


Emit = Callable[[WorkspaceData, str, Mapping[str, Any], str], object]
"""Is called for each change that makes an event: workspace, event name, data, contact id. The lock is held."""


class Store:
    """All of the sandbox's data. Every method may be called from any thread."""

    def __init__(self, changes: Changes, ids: Ids, emit: Emit) -> None:
        self.lock = changes.lock
        self._changes = changes
        self._emit = emit
        self._ids = ids
        self._next_contact = itertools.count(10_001)
        self._next_bot = itertools.count(1)
        self._workspaces: dict[str, WorkspaceData] = {}

    def workspace(self, name: str) -> WorkspaceData:
        """The workspace of a name, made when it is first asked for."""
        with self._changes.lock:
            if name not in self._workspaces:
                self._workspaces[name] = WorkspaceData(name)
                self._changes.note()
            return self._workspaces[name]

    def workspaces(self) -> tuple[WorkspaceData, ...]:
        """All workspaces."""
        with self._changes.lock:
            return tuple(self._workspaces.values())

    def issue_token(self, workspace: WorkspaceData, token: str | None = None) -> str:
        """Issue a token for a workspace: a new one, or one that nobody has yet."""
        with self._changes.lock:
            new = secrets.token_urlsafe(24) if token is None else token
            if not new or not new.isascii() or not new.isprintable() or " " in new:
                raise ConfigurationError("a token must be printable ASCII without blanks")
            if self.holder(new) is not None:
                raise ConfigurationError("this token was issued already")
            workspace.tokens[new] = None
            self._changes.note()
            return new

    def revoke_token(self, token: str) -> None:
        """Forget a token, and the webhook that was installed with it."""
        with self._changes.lock:
            holder = self.holder(token)
            if holder is not None:
                del holder.tokens[token]
                self._changes.note()

    def holder(self, token: str) -> WorkspaceData | None:
        """The workspace that a token was issued for; none if it is unknown."""
        with self._changes.lock:
            return next((workspace for workspace in self._workspaces.values() if token in workspace.tokens), None)

    def set_webhook(self, token: str, url: str | None) -> str | None:
        """Remember or forget the webhook of a token. The one that was there before."""
        with self._changes.lock:
            holder = self.holder(token)
            if holder is None:
                raise ConfigurationError("this token was not issued, or was revoked")
            before = holder.tokens[token]
            holder.tokens[token] = url
            self._changes.note()
            return before

    def forget_webhook(self, token: str, url: str) -> None:
        """Forget the webhook of a token if it is this one."""
        with self._changes.lock:
            holder = self.holder(token)
            if holder is not None and holder.tokens[token] == url:
                self.set_webhook(token, None)

    def create(self, workspace: WorkspaceData, contact: Mapping[str, Any], *, event: bool) -> dict[str, Any]:
        """Create a contact: it gets an id. A copy of it."""
        with self._changes.lock:
            number = next(self._next_contact)
            id: int | str = number if self._ids == "number" else str(number)
            workspace.contacts[str(number)] = {"id": id, **contact}
            return self._changed(workspace, "contact_created", str(number), event)

    def update(
        self, workspace: WorkspaceData, id: str, contact: Mapping[str, Any], *, event: bool
    ) -> dict[str, Any] | None:
        """Set properties of a contact. A copy of it; none if there is no such contact."""
        with self._changes.lock:
            if id not in workspace.contacts:
                return None
            workspace.contacts[id].update(contact)
            return self._changed(workspace, "contact_updated", id, event)

    def delete(self, workspace: WorkspaceData, id: str, *, event: bool) -> bool:
        """Delete a contact. Whether it was there."""
        with self._changes.lock:
            contact = workspace.contacts.pop(id, None)
            if contact is None:
                return False
            if event:
                self._emit(workspace, "contact_deleted", {"contact_id": contact["id"]}, id)
            self._changes.note()
            return True

    def merge(self, workspace: WorkspaceData, loser: str, winner: str) -> bool:
        """Fill a contact's blanks from another one, which is deleted. Whether both were there."""
        with self._changes.lock:
            if loser not in workspace.contacts or winner not in workspace.contacts:
                return False
            kept, gone = workspace.contacts[winner], workspace.contacts[loser]
            blanks = {name: value for name, value in gone.items() if kept.get(name) is None or kept[name] == ""}
            self.update(workspace, winner, blanks, event=True)
            return self.delete(workspace, loser, event=True)

    def declare(self, workspace: WorkspaceData, properties: Mapping[str, str]) -> None:
        """Declare properties; those that exist stay as they are."""
        with self._changes.lock:
            for name, kind in properties.items():
                workspace.properties.setdefault(name, kind)
            self._changes.note()

    def add_bot(self, workspace: WorkspaceData, bot: Mapping[str, Any]) -> str:
        """Add a bot. Its id."""
        with self._changes.lock:
            number = next(self._next_bot)
            workspace.bots[str(number)] = {**bot, "id": number}
            self._changes.note()
            return str(number)

    def _changed(self, workspace: WorkspaceData, name: str, id: str, event: bool) -> dict[str, Any]:
        contact = dict(workspace.contacts[id])
        if event:
            self._emit(workspace, name, contact, id)
        self._changes.note()
        return contact
