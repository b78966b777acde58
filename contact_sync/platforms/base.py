"""The platform: how the chatbot side is reached. Botmatic is the first; others subclass `Platform`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contact_sync.results import Result

NOTHING_DONE: Final = "the call was refused, and nothing was done"
"""The `reason` of the failures of a batch that was turned down whole. Its contacts may be sent again, one by one."""


class Platform(ABC):
    """A chatbot platform's REST calls. Every one takes the token of the installation that it speaks for.

    Nothing here raises for what the other side does: an unreachable platform, a wrong status, an answer that is not
    JSON or lacks an id are failed results; `retryable` where a later try may succeed. Calls come from several threads
    at once.
    """

    @abstractmethod
    def validate_token(self, token: str) -> Result:
        """Ask whether a token is one of the platform's.

        Returns:
            Success if the platform confirms it; a plain failure if it refuses; a *retryable* failure if it could not
            be asked. The last must never be read as either of the others.
        """

    @abstractmethod
    def create_contact(self, token: str, contact: Mapping[str, Any]) -> Result:
        """Create a contact. Success has its `id`."""

    @abstractmethod
    def create_contacts(self, token: str, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Create contacts in one call.

        Returns:
            One result for each, in the order given; success has the `id`. Where the call was turned down whole and it
            is certain that nothing was done, the failures have the `reason` `NOTHING_DONE`.
        """

    @abstractmethod
    def update_contact(self, token: str, id: str, contact: Mapping[str, Any]) -> Result:
        """Update a contact; `NOT_FOUND` if there is none."""

    @abstractmethod
    def update_contacts(self, token: str, contacts: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Result]:
        """Update contacts, given as (id, properties), in one call. One result for each, in the order given."""

    @abstractmethod
    def delete_contact(self, token: str, id: str) -> Result:
        """Delete a contact; `NOT_FOUND` if there is none."""

    @abstractmethod
    def create_properties(self, token: str, properties: Sequence[Mapping[str, str]]) -> Result:
        """Declare properties (`{"name": …, "type": …}`); those that exist are left as they are."""

    @abstractmethod
    def send_event_on_campaign(self, token: str, name: str, contact_ids: Sequence[str]) -> Result:
        """Send a campaign event to contacts."""

    def close(self) -> None:
        """Close what the platform client opened. Does nothing unless overridden."""
        return
