"""A workspace as a test or a person uses it: the platform's own screens, so to say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from contact_sync.errors import ConfigurationError
from contact_sync.results import NOT_FOUND

from .delivery import Courier, Delivery
from .payloads import Refusal, checked_contact, checked_properties
from .post import checked_url
from .store import CampaignEvent, Placement, Store, Switches, WorkspaceData


class UnknownContact(KeyError):
    """There is no contact of this id in the workspace."""


class Workspace:
    """One customer's workspace: contacts, properties, bots, and what is installed there.

    What is edited here is edited by a person or a bot on the platform: installed webhooks are told of it. Several
    objects of the same workspace are alike.
    """

    def __init__(self, data: WorkspaceData, store: Store, courier: Courier, switches: Switches) -> None:
        self._data = data
        self._store = store
        self._courier = courier
        self._switches = switches

    def __repr__(self) -> str:
        return f"<Workspace {self.name!r}, {len(self._data.contacts)} contacts>"

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._data.name

    # Contacts

    @property
    def contacts(self) -> dict[str, dict[str, Any]]:
        """A copy of all contacts, by id (text)."""
        with self._store.lock:
            return {id: dict(contact) for id, contact in self._data.contacts.items()}

    def create_contact(self, contact: Mapping[str, Any]) -> str:
        """Create a contact as a person does; properties that are new are declared as text. Its id."""
        contact = self._checked(contact)
        return str(self._store.create(self._data, contact, event=True)["id"])

    def update_contact(self, id: str | int, contact: Mapping[str, Any]) -> None:
        """Set properties of a contact as a person does; `None` clears one.

        Raises:
            UnknownContact: There is no such contact.
        """
        contact = self._checked(contact)
        if self._store.update(self._data, str(id), contact, event=True) is None:
            raise UnknownContact(NOT_FOUND)

    def delete_contact(self, id: str | int) -> None:
        """Delete a contact as a person does.

        Raises:
            UnknownContact: There is no such contact.
        """
        if not self._store.delete(self._data, str(id), event=True):
            raise UnknownContact(NOT_FOUND)

    def merge_contacts(self, loser: str | int, winner: str | int) -> None:
        """Merge a contact into another as a person does: the winner's blanks are filled, the loser is deleted.

        Raises:
            UnknownContact: One of them is not there.
            ConfigurationError: They are the same.
        """
        if str(loser) == str(winner):
            raise ConfigurationError("a contact cannot be merged into itself")
        if not self._store.merge(self._data, str(loser), str(winner)):
            raise UnknownContact(NOT_FOUND)

    def _checked(self, contact: Mapping[str, Any]) -> dict[str, Any]:
        with self._store.lock:
            new = [{"name": name} for name in contact if name != "id" and name not in self._data.properties]
            properties = self._data.properties | {row["name"]: "text" for row in new}
            try:
                checked_properties(new)
                taken = checked_contact(dict(contact), properties, strict=True)
            except Refusal as refusal:
                raise ConfigurationError(refusal.error) from None
            self._store.declare(self._data, checked_properties(new))
            return taken

    # What else it has

    @property
    def properties(self) -> dict[str, str]:
        """A copy of the declared properties: name → type."""
        with self._store.lock:
            return dict(self._data.properties)

    @property
    def campaign_events(self) -> tuple[CampaignEvent, ...]:
        """The campaign events that integrations have sent."""
        with self._store.lock:
            return tuple(self._data.campaign_events)

    @property
    def bots(self) -> dict[str, dict[str, Any]]:
        """A copy of all bots, by id (text)."""
        with self._store.lock:
            return {id: dict(bot) for id, bot in self._data.bots.items()}

    def add_bot(self, bot: Mapping[str, Any]) -> str:
        """Add a bot. Its id."""
        return self._store.add_bot(self._data, bot)

    # Installations

    @property
    def token(self) -> str:
        """The first token that was issued and not revoked; one is issued if there is none."""
        with self._store.lock:
            return next(iter(self._data.tokens), None) or self.issue_token()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that were issued and not revoked."""
        with self._store.lock:
            return tuple(self._data.tokens)

    @property
    def webhooks(self) -> dict[str, str]:
        """A copy of what is installed: token → webhook address."""
        with self._store.lock:
            return {token: url for token, url in self._data.tokens.items() if url is not None}

    def issue_token(self, token: str | None = None) -> str:
        """Issue a further token for this workspace, or the one given."""
        return self._store.issue_token(self._data, token)

    def revoke_token(self, token: str) -> None:
        """Revoke a token: from now on it is unknown, and its webhook is told nothing more."""
        self._store.revoke_token(token)

    def install(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> Delivery:
        """Install an integration and wait for its answer. If the event is given up, nothing is installed.

        Args:
            url: The integration's webhook.
            token: The token that it gets; else the workspace's first.
            timeout: Seconds to wait. An installation that is still under way then goes on.
        """
        token = self.token if token is None else token
        self._store.set_webhook(token, checked_url(url, "a webhook's url"))
        forget = partial(self._store.forget_webhook, token, url)
        return self._wait(self._courier.send(url, token, "event", "install", {}, given_up=forget), timeout)

    def uninstall(self, *, token: str | None = None, timeout: float = 30.0) -> Delivery:
        """Uninstall an integration and wait for its answer. Events that are still under way come first.

        Raises:
            ConfigurationError: Nothing is installed with this token.
        """
        token = self.token if token is None else token
        url = self._store.set_webhook(token, None)
        if url is None:
            raise ConfigurationError("nothing is installed with this token")
        self._courier.wait_idle(timeout, token)
        return self._wait(self._courier.send(url, token, "event", "uninstall", {}), timeout)

    def send_event(self, name: str, data: Mapping[str, Any] | None = None, *, token: str | None = None) -> Delivery:
        """Send an event of any name (`user_reply`, …). It is under way when this returns.

        Contact events are put where the sandbox's `placement` says. An event that names its contact by `id` or
        `contact_id` keeps its place among that contact's events.

        Raises:
            ConfigurationError: Nothing is installed.
        """
        data = dict(data or {})
        id = data.get("id", data.get("contact_id"))
        inner = placed(name, data, self._switches.placement) if name.startswith("contact_") else data
        return self._send("event", name, inner, token, None if id is None else str(id))

    def send_action(self, name: str, data: Mapping[str, Any] | None = None, *, token: str | None = None) -> Delivery:
        """Send an action. It is under way when this returns.

        Raises:
            ConfigurationError: Nothing is installed.
        """
        return self._send("action", name, dict(data or {}), token, None)

    def _send(
        self, kind: Any, name: str, data: Mapping[str, Any], token: str | None, contact_id: str | None
    ) -> Delivery:
        webhooks = self.webhooks
        token = next(iter(webhooks), None) if token is None else token
        if token not in webhooks:
            raise ConfigurationError("nothing is installed in this workspace, or not with this token; install first")
        return self._courier.send(webhooks[token], token, kind, name, data, contact_id)

    def _wait(self, delivery: Delivery, timeout: float) -> Delivery:
        try:
            return delivery.wait(timeout)
        except TimeoutError:
            return delivery


def placed(name: str, data: Mapping[str, Any], placement: Placement) -> dict[str, Any]:
    """Put a contact event's data in one of the two places where the wire has it."""
    return {name: dict(data)} if placement == "nested" else dict(data)
