"""The two sides as the engine sees them: the same few calls on each, whatever is behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from key_stores import ContactRef, KnownContact
from mappers import Mapper, Side, paths
from mappers import Mapping as Row
from mappers.values import MISSING

from .consumer import CANNOT_CLEAR, EMAIL, TURNED_DOWN, ask, ask_many, batch_size_of, offers
from .events import Change
from .platforms import NOTHING_DONE, Platform
from .results import NOT_FOUND, Result
from .scopes import Scope

NO_SUCH_RECORD: Final = Result.failed(NOT_FOUND)

BATCH_SIZE: Final = 100
"""How many contacts are written with one call to the platform."""

Write = tuple[Change, dict[str, Any]]
"""A change that is to be written, and the payload that is written."""


class EngineSide(ABC):
    """One side, for one scope: where its ids are, and how it is written to."""

    name: Side
    noun: str
    """What a contact of this side is called in messages."""

    def __init__(self, scope: Scope, mapper: Mapper) -> None:
        self.scope = scope
        self.mapper = mapper

    @abstractmethod
    def id_of(self, contact: Mapping[str, Any]) -> str | None:
        """Read the id of one of this side's contacts, as text; `None` if it has none that is usable."""

    @abstractmethod
    def pair(self, own_id: str, other_id: str) -> tuple[str, str]:
        """Put an id of this side and one of the other into the key store's order: (Botmatic id, external id)."""

    @abstractmethod
    def ref(self, own_id: str, guards: tuple[str, ...] = ()) -> ContactRef:
        """Name one of this side's contacts to the key store, with what else is to be claimed if it is in no pair."""

    @abstractmethod
    def id_in(self, known: KnownContact) -> str | None:
        """Read this side's id in what the key store knows of a contact."""

    @property
    @abstractmethod
    def partial(self) -> bool:
        """Whether an update takes the changed fields alone."""

    @property
    @abstractmethod
    def readable(self) -> bool:
        """Whether its records can be read."""

    @property
    @abstractmethod
    def omits_empty(self) -> bool:
        """Whether what its contacts do not have is empty."""

    creates: bool = True
    """Whether contacts can be created on it."""

    updates: bool = True
    """Whether its contacts can be changed."""

    deletes: bool = True
    """Whether its contacts can be deleted."""

    unique_keys: Collection[str] = ()
    """The fields, in its own names, of which no two contacts have the same value."""

    def takes(self, row: Row, *, clear: bool) -> bool:  # noqa: ARG002 - for a side that cannot take everything
        """Whether a field of a contact that is there can be written, or emptied."""
        return True

    @abstractmethod
    def shape(self, change: Change) -> dict[str, Any]:
        """Build the payload with which a change is written to this side."""

    @abstractmethod
    def write(self, change: Change, payload: dict[str, Any]) -> Result:
        """Make the call. A create's success has the `id`."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many contacts `write_many` takes at once; 1 if there are no batch calls."""

    @abstractmethod
    def write_many(self, kind: Literal["create", "update"], writes: Sequence[Write]) -> list[Result]:
        """Make one call for several changes of one kind.

        Returns:
            One result for each, in order, as `write` gives it; `nothing_done` tells which may be written again.
        """

    @abstractmethod
    def searches(self, value: str) -> bool:
        """Whether its records can be searched for such a match value."""

    @abstractmethod
    def archive(self, id: str) -> Result:
        """Archive a record."""

    @abstractmethod
    def find(self, field: str, value: str) -> Result:
        """Find records by a match value of a field, in this side's own name of it.

        Returns:
            Success with `contact`, or with `contacts` if there are several; `NOT_FOUND` if there is none, or where the
            side cannot be searched for such a value.
        """

    @abstractmethod
    def read(self, id: str) -> Result:
        """Read a record. Success has the `contact`; `NOT_FOUND` if there is none, or where the side cannot be read."""


class PlatformSide(EngineSide):
    """The chatbot platform. It cannot be read: contacts are never looked up there."""

    name: Side = "botmatic"
    noun = "contact"

    def __init__(self, scope: Scope, mapper: Mapper, platform: Platform) -> None:
        super().__init__(scope, mapper)
        self._platform = platform

    def id_of(self, contact: Mapping[str, Any]) -> str | None:
        return self.mapper.botmatic_id(contact)

    def pair(self, own_id: str, other_id: str) -> tuple[str, str]:
        return own_id, other_id

    def ref(self, own_id: str, guards: tuple[str, ...] = ()) -> ContactRef:
        return ContactRef(botmatic_id=own_id, guards=guards)

    def id_in(self, known: KnownContact) -> str | None:
        return known.botmatic_id

    @property
    def partial(self) -> bool:
        return True

    @property
    def readable(self) -> bool:
        return False

    @property
    def omits_empty(self) -> bool:
        return False

    def shape(self, change: Change) -> dict[str, Any]:
        payload = self.mapper.to_botmatic(change.contact)
        payload.pop("id", None)  # the platform gives ids itself, and an update names it in the call
        return without_empty(payload) if change.kind == "create" else payload

    def write(self, change: Change, payload: dict[str, Any]) -> Result:
        token = self.scope.auth.token
        if change.kind == "create":
            return self._platform.create_contact(token, payload)
        if change.id is None:
            return Result.failed(f"a {change.kind} on the platform needs an id")
        if change.kind == "update":
            return self._platform.update_contact(token, change.id, payload)
        return self._platform.delete_contact(token, change.id)

    @property
    def batch_size(self) -> int:
        return BATCH_SIZE

    def write_many(self, kind: Literal["create", "update"], writes: Sequence[Write]) -> list[Result]:
        token = self.scope.auth.token
        if kind == "create":
            results = self._platform.create_contacts(token, [payload for _, payload in writes])
        else:
            results = self._platform.update_contacts(token, [(str(change.id), payload) for change, payload in writes])
        if len(results) != len(writes):
            return [Result.failed(f"the platform gave {len(results)} results for {len(writes)} contacts")] * len(writes)
        return results

    def searches(self, value: str) -> bool:
        del value
        return False

    def archive(self, id: str) -> Result:
        del id
        return Result.failed("the platform has no archive")

    def find(self, field: str, value: str) -> Result:
        del field, value
        return NO_SUCH_RECORD

    def read(self, id: str) -> Result:
        del id
        return NO_SUCH_RECORD


class ExternalSide(EngineSide):
    """The CRM, reached through the scope's consumer."""

    name: Side = "ext"
    noun = "record"

    def __init__(self, scope: Scope, mapper: Mapper) -> None:
        super().__init__(scope, mapper)
        consumer = scope.consumer
        self.creates = consumer.can_create is not False
        self.updates = consumer.can_update is not False
        self.deletes = consumer.can_delete is not False
        self.unique_keys = consumer.unique_keys
        self._read_only = _paths(tuple(consumer.read_only_fields)) if consumer.read_only_fields else frozenset()

    def takes(self, row: Row, *, clear: bool) -> bool:
        if clear and self.scope.consumer.clear_value is CANNOT_CLEAR:
            return False
        return self.updates and not self._is_read_only(row)

    def id_of(self, contact: Mapping[str, Any]) -> str | None:
        return self.mapper.external_id(contact)

    def pair(self, own_id: str, other_id: str) -> tuple[str, str]:
        return other_id, own_id

    def ref(self, own_id: str, guards: tuple[str, ...] = ()) -> ContactRef:
        return ContactRef(external_id=own_id, guards=guards)

    def id_in(self, known: KnownContact) -> str | None:
        return known.external_id

    @property
    def partial(self) -> bool:
        return self.scope.consumer.partial_updates is True

    @property
    def readable(self) -> bool:
        return True

    @property
    def omits_empty(self) -> bool:
        return self.scope.consumer.omits_empty is True

    def shape(self, change: Change) -> dict[str, Any]:
        contact = without_empty(change.contact) if change.kind == "create" else change.contact
        payload = self.mapper.to_external(contact)
        if self._read_only:
            payload = self._writable(payload)
        return self.mapper.with_external_id(payload, change.id)

    def write(self, change: Change, payload: dict[str, Any]) -> Result:
        if change.kind == "create":
            return ask(self.scope.consumer, "create_contact", payload)
        if change.kind == "update":
            return ask(self.scope.consumer, "update_contact", self._cleared(payload))
        return ask(self.scope.consumer, "delete_contact", change.id)

    @property
    def batch_size(self) -> int:
        return batch_size_of(self.scope.consumer)

    def write_many(self, kind: Literal["create", "update"], writes: Sequence[Write]) -> list[Result]:
        if len(writes) == 1:
            return [self.write(*writes[0])]
        if kind == "create":
            return ask_many(self.scope.consumer, "create_contacts", [payload for _, payload in writes])
        return ask_many(self.scope.consumer, "update_contacts", [self._cleared(payload) for _, payload in writes])

    def searches(self, value: str) -> bool:
        return offers(self.scope.consumer, "find_contact") or EMAIL.fullmatch(value) is not None

    def _is_read_only(self, row: Row) -> bool:
        """Whether a field is read-only, or lies in one that is."""
        path = row.path_on("ext")
        return any(path[:length] in self._read_only for length in range(1, len(path) + 1))

    def _writable(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Leave out the fields that the CRM does not take."""
        for row in self.mapper.rows:
            if self._is_read_only(row):
                payload = paths.replaced(payload, row.path_on("ext"), MISSING)
        return payload

    def _cleared(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Write empty fields as the CRM wants them written."""
        value = self.scope.consumer.clear_value
        if value is None or value is CANNOT_CLEAR:
            return payload
        for row in self.mapper.rows:
            if row.read(payload, "ext") is None:
                payload = paths.replaced(payload, row.path_on("ext"), value)
        return payload

    def archive(self, id: str) -> Result:
        return ask(self.scope.consumer, "archive_contact", id)

    def find(self, field: str, value: str) -> Result:
        return ask(self.scope.consumer, "find_contact", field, value)

    def read(self, id: str) -> Result:
        return ask(self.scope.consumer, "get_contact", id)


@lru_cache(maxsize=64)
def _paths(names: tuple[str, ...]) -> frozenset[paths.Path]:
    return frozenset(map(paths.split, names))


@dataclass(frozen=True, slots=True)
class Route:
    """From the side that something happened on to the side that is written to."""

    source: EngineSide
    target: EngineSide

    @property
    def scope(self) -> Scope:
        """For whom."""
        return self.source.scope

    @property
    def back(self) -> Route:
        """The same route, the other way."""
        return Route(self.target, self.source)


def nothing_done(result: Result) -> bool:
    """Whether a contact was in a batch that was turned down whole, so that it may be written by itself."""
    return not result.success and result.reason in (NOTHING_DONE, TURNED_DOWN)


def without_empty(contact: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields that are empty: in a new record there is nothing to clear."""
    return {name: value for name, value in contact.items() if not is_empty(value)}


def is_empty(value: object) -> bool:
    """Whether a field's value is empty: `None` or `""`. `0` and `False` are values."""
    return value is None or (isinstance(value, str) and not value)


def holds(record: object, value: str) -> bool:
    """Whether a record holds a text somewhere, such as among a person's further addresses; case does not matter."""
    wanted = value.strip().casefold()
    rest = [record]
    while rest:
        part = rest.pop()
        if isinstance(part, str) and part.strip().casefold() == wanted:
            return True
        rest += part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else ()
    return False


def hits(found: Result) -> Sequence[Mapping[str, Any]]:
    """The records that a successful look-up gave."""
    if found.contacts is not None:
        return found.contacts
    return [] if found.contact is None else [found.contact]
