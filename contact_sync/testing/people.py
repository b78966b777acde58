"""Who edits in a CRM beside the sync: people, its own screens, other programs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Protocol

from contact_sync.consumer import ExternalAPIConsumer, ask
from contact_sync.results import Result

from .paths import put


class People(Protocol):
    """What people do in a CRM, without the consumer that is tested: through a fake server, a test account, a database.

    Contacts are in the CRM's own names. Each method raises if it cannot be done.
    """

    def create(self, contact: Mapping[str, Any]) -> str:
        """Create a record. Its id."""

    def update(self, id: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a record, and keep the others; `None` clears one."""

    def delete(self, id: str) -> None:
        """Delete a record."""


class ConsumerPeople:
    """People who edit through a consumer of their own, since the CRM has no other way in.

    Args:
        consumer: Theirs; it may be the one that is tested.
        id_field: The path of a contact's id.
    """

    def __init__(self, consumer: ExternalAPIConsumer, id_field: str = "id") -> None:
        self._consumer = consumer
        self._id_field = id_field

    def create(self, contact: Mapping[str, Any]) -> str:
        """Create a record. Its id."""
        result = self._done("create_contact", copy.deepcopy(dict(contact)))
        assert result.id, f"{type(self._consumer).__name__}.create_contact succeeded without an id"
        return result.id

    def update(self, id: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a record."""
        change = copy.deepcopy(dict(fields))
        put(change, self._id_field, id)
        if self._consumer.clear_value is not None:
            change = _cleared(change, self._consumer.clear_value)
        self._done("update_contact", change)

    def delete(self, id: str) -> None:
        """Delete a record."""
        self._done("delete_contact", id)

    def _done(self, method: str, given: object) -> Result:
        result = ask(self._consumer, method, given)
        name = f"{type(self._consumer).__name__}.{method}"
        assert result.success, f"{name}, as a person who edits in the CRM: failed with {result.error!r}"
        return result


def _cleared(change: dict[str, Any], clear_value: object) -> dict[str, Any]:
    """Write what the CRM takes for an empty field in place of `None`, as the sync does."""
    return {
        name: _cleared(value, clear_value) if isinstance(value, dict) else clear_value if value is None else value
        for name, value in change.items()
    }
