"""What the tests of `ConsumerContract` are written with: an author's declarations, and a probe."""

from __future__ import annotations

import copy
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple

import pytest

from contact_sync.consumer import CANNOT_CLEAR, ExternalAPIConsumer, ask, ask_many
from contact_sync.results import Result, id_text

from .paths import contact_of, leaves, put, steps, value_at
from .people import People

PAGE: Final = 3
"""How many contacts the tests ask for at once."""

RECORDS: Final = 2 * PAGE + 1
"""How many contacts the tests of paging create: enough for two full pages and a rest."""

FEWEST: Final = 2
"""How many records have to exist where none can be made."""


class ConsumerDeclaration:
    """What the suite has to know about a CRM. Names are written as in a mapping: `properties.email` lies in an object,
    `e\\.mail` is a name with a dot in it.
    """

    id_field: ClassVar[str] = "id"
    """The field of a contact that holds its id."""

    email_field: ClassVar[str] = "email"
    """The field of a contact that holds its e-mail address."""

    text_field: ClassVar[str] = ""
    """A field of free text, 40 characters at least, that may be changed and cleared. It has to be declared."""

    can_create: ClassVar[bool] = True
    """Whether the consumer can create, as it says itself. Otherwise it has to refuse that, and the records to test with
    come from the fixture `people` or `existing`."""

    can_update: ClassVar[bool] = True
    """Whether the consumer can update, as it says itself."""

    can_delete: ClassVar[bool] = True
    """Whether the consumer can delete, as it says itself. Otherwise what the suite creates is deleted by `people`, or
    stays."""

    email_domain: ClassVar[str] = "example.com"
    """The domain of the addresses that the suite makes up."""

    missing_id: ClassVar[str | None] = None
    """An id of the CRM's form that no record has ever had. The ids of deleted records are tried in any case; where none
    can be deleted, it has to be declared."""

    tells_deletes: ClassVar[bool] = True
    """Whether `list_changed` tells what was deleted."""

    settle_seconds: ClassVar[float] = 0.0
    """How long what was written may take until it is found by e-mail and in lists, where the CRM's index lags."""

    time_limit: ClassVar[float] = 30.0
    """The seconds within which every call has to come back, also from a server that never answers."""

    has_people: ClassVar[bool] = False
    """Whether the suite has a fixture `people` of its own. Known by itself."""

    edits: ClassVar[int] = 12
    """How many edits a story of the sync has. Fewer for a CRM that takes long."""

    seeds: ClassVar[Sequence[int]] = (1,)
    """The stories that are told: each seed is another one, and always the same."""

    def new_contact(self, n: int) -> dict[str, Any]:
        """Make a contact without id, in the CRM's own names. Override it where the CRM needs more fields.

        Args:
            n: A number that is different for each contact. The e-mail address is set by the suite.
        """
        return contact_of({self.text_field: f"Contact {n}"})

    def consumer_at(self, url: str) -> ExternalAPIConsumer:
        """Make a consumer whose CRM is at a URL (`http://127.0.0.1:50123`), with a time-out of a second or less.

        Optional. Overriding it adds tests in which that CRM is unreachable, hangs, is overloaded, or answers nonsense.
        With a fixture `crm_url` beside it, which gives the URL of the CRM that the fixture `consumer` speaks to, in the
        form that this method takes, it adds tests in which single requests and answers get lost on the way to it.
        """
        raise NotImplementedError("override consumer_at for the tests with a broken CRM")


def check_declared(suite: ConsumerDeclaration) -> None:
    """Fail a test whose suite lacks what has to be declared."""
    if not suite.text_field:
        pytest.fail(
            f"{type(suite).__name__} needs 'text_field': the name of a field of free text that may be changed and "
            "cleared (text_field = 'first_name')",
            pytrace=False,
        )


class Record(NamedTuple):
    """A contact that is there: its id, and what was sent, or what an existing one is said to have."""

    id: str
    sent: dict[str, Any]


class Probe:
    """Calls a consumer as the engine does, makes contacts up, and deletes what it created.

    Args:
        consumer: The consumer under test.
        declared: The suite.
        people: Who else can create and delete records, if somebody can.
        existing: Records that are there, for a CRM in which nobody can create.
    """

    def __init__(
        self,
        consumer: ExternalAPIConsumer,
        declared: ConsumerDeclaration,
        people: People | None = None,
        existing: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.consumer = consumer
        self.declared = declared
        self.people = people
        self.name = type(consumer).__name__
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._created: list[str] = []
        self._existing = [copy.deepcopy(dict(contact)) for contact in existing]
        self._next_existing = itertools.cycle(range(len(self._existing)))
        self._changed: set[str] = set()

    @property
    def makes(self) -> bool:
        """Whether records can be made as a test wants them."""
        return self.declared.can_create or self.people is not None

    @property
    def clears(self) -> bool:
        """Whether the consumer says that fields can be cleared."""
        return self.consumer.clear_value is not CANNOT_CLEAR

    def ask(self, method: str, *args: object) -> Result:
        """Call the consumer as the engine does, and remember what was created."""
        result = ask(self.consumer, method, *args)
        if method == "create_contact" and result.success and result.id is not None:
            self._created.append(result.id)
        if method == "update_contact" and result.success and isinstance(args[0], Mapping):
            self._changed.add(self.id_of(args[0]) or "")
        return result

    def ask_many(
        self, method: Literal["create_contacts", "update_contacts"], contacts: Sequence[dict[str, Any]]
    ) -> list[Result]:
        """Make a batch call as the engine does, and remember what was created."""
        results = ask_many(self.consumer, method, contacts)
        if method == "update_contacts":
            self._changed |= {self.id_of(contact) or "" for contact in contacts}
        else:
            self._created += [result.id for result in results if result.success and result.id is not None]
        return results

    def remember(self, id: str) -> None:
        """Take note of a record that somebody else created, so that it is deleted in the end."""
        if id not in self._created:
            self._created.append(id)

    def address(self, start: str = "contact") -> str:
        """An e-mail address that no record has."""
        return f"{start}-{self._run}-{next(self._numbers)}@{self.declared.email_domain}"

    def contact(self, **fields: object) -> dict[str, Any]:
        """A contact with an e-mail address of its own. Takes `email` and `text` for those two fields."""
        contact = copy.deepcopy(self.declared.new_contact(next(self._numbers)))
        put(contact, self.declared.email_field, fields.get("email") or self.address())
        if "text" in fields:
            put(contact, self.declared.text_field, fields["text"])
        return contact

    def record(self, **fields: object) -> Record:
        """A record that is there: created by the consumer, by people, or the next of those that exist."""
        __tracebackhide__ = True
        if self.declared.can_create:
            return self.create(**fields)
        if self.people is not None:
            contact = self.contact(**fields)
            id = self.people.create(copy.deepcopy(contact))
            self._created.append(id)
            return Record(id, contact)
        return self.existing()[next(self._next_existing)]

    def records(self, count: int) -> list[Record]:
        """So many records, each of which is another one; fewer if no more exist."""
        __tracebackhide__ = True
        return [self.record() for _ in range(count)] if self.makes else self.existing()[:count]

    def create(self, **fields: object) -> Record:
        """Create a contact, which has to succeed."""
        __tracebackhide__ = True
        contact = self.contact(**fields)
        result = self.ask("create_contact", copy.deepcopy(contact))
        assert result.success, f"create_contact has to succeed for an ordinary contact, but it {said(result)}"
        assert result.id, "create_contact succeeded without an id; answer Result.ok(<the new record's id>)"
        return Record(result.id, contact)

    def existing(self) -> list[Record]:
        """The records that the suite's author says are there."""
        __tracebackhide__ = True
        suite = type(self.declared).__name__
        if len(self._existing) < FEWEST:
            pytest.fail(
                f"{suite} says can_create = False: it needs a pytest fixture 'people' who can create records "
                f"there, or one named 'existing' that gives {FEWEST} records at least that are there, whole, with ids",
                pytrace=False,
            )
        ids = [self.id_of(contact) for contact in self._existing]
        if None in ids or len(set(ids)) < len(ids):
            pytest.fail(
                f"the fixture 'existing' of {suite} has to give records with their ids in {self.declared.id_field!r}, "
                "each of which is another one",
                pytrace=False,
            )
        return [Record(str(id), copy.deepcopy(contact)) for id, contact in zip(ids, self._existing, strict=True)]

    def change(self, id: str, contact: Mapping[str, Any] | None = None, **fields: object) -> dict[str, Any]:
        """The argument of an update: an id, a contact's fields and, by name, `email` and `text`; `None` is a clear."""
        contact = copy.deepcopy(dict(contact or {}))
        put(contact, self.declared.id_field, id)
        for name, path in (("email", self.declared.email_field), ("text", self.declared.text_field)):
            if name in fields:
                value = fields[name]
                put(contact, path, self.consumer.clear_value if value is None and self.clears else value)
        return contact

    def read(self, id: str) -> Mapping[str, Any]:
        """Read a contact, which has to be there."""
        __tracebackhide__ = True
        result = self.ask("get_contact", id)
        assert result.success, f"get_contact has to find the record that was created, but it {said(result)}"
        assert result.contact is not None, "get_contact succeeded without a contact; answer Result.ok(contact=…)"
        return result.contact

    def id_of(self, contact: Mapping[str, Any]) -> str | None:
        """The id that a contact of the CRM carries, as text."""
        try:
            return id_text(value_at(contact, self.declared.id_field))
        except ValueError:
            return None

    def lost(self, sent: Mapping[str, Any], contact: Mapping[str, Any], *, but: str | None = None) -> list[str]:
        """Describe the fields that a contact does not have as they were sent."""
        skipped = {steps(path) for path in (self.declared.id_field, but) if path is not None}
        return [
            f"{'.'.join(path)}: sent {value!r}, got {value_at(contact, path)!r}"
            for path, value in leaves(sent)
            if path not in skipped and value_at(contact, path) != value
        ]

    def settled(self, call: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """Call until the outcome is good, for as long as the CRM may take to settle; give the last outcome."""
        deadline = time.monotonic() + self.declared.settle_seconds
        while not good(outcome := call()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return outcome

    def gone(self) -> str:
        """The id of a record that has been deleted."""
        __tracebackhide__ = True
        id = self.record().id
        if self.declared.can_delete:
            result = self.ask("delete_contact", id)
            assert result.success, f"delete_contact has to delete the record that was created, but it {said(result)}"
        else:
            self.deleted(id)
        return id

    def changed(self, id: str, text: str) -> bool:
        """Have a record's text changed, by people or else through the consumer. Whether anybody can."""
        if self.people is not None:
            fields: dict[str, Any] = {}
            put(fields, self.declared.text_field, text)
            self.people.update(id, fields)
        elif self.declared.can_update:
            result = self.ask("update_contact", self.change(id, text=text))
            assert result.success, f"update_contact {said(result)}"
        return self.people is not None or self.declared.can_update

    def deleted(self, id: str) -> bool:
        """Have a record deleted, by people or else through the consumer. Whether anybody can."""
        __tracebackhide__ = True
        if self.people is not None:
            self.people.delete(id)
        elif self.declared.can_delete:
            result = self.ask("delete_contact", id)
            assert result.success, f"delete_contact has to delete the record that was created, but it {said(result)}"
        return self.people is not None or self.declared.can_delete

    def missing(self) -> list[str]:
        """Ids that no record has: of a deleted one, where one can be deleted, and the one that is declared."""
        __tracebackhide__ = True
        never = self.declared.missing_id
        ids = [] if never is None else [never]
        if self.makes and (self.declared.can_delete or self.people is not None):
            return [self.gone(), *ids]
        if not ids:
            pytest.fail(
                f"{type(self.declared).__name__} needs 'missing_id', an id of the CRM's form that no record has had, "
                "since no record can be deleted",
                pytrace=False,
            )
        return ids

    def clean_up(self) -> list[str]:
        """Delete what was created, and put back what existing records had. Gives the ids with which that failed."""
        left = []
        for id in self._created:
            if self.declared.can_delete:
                result = self.ask("delete_contact", id)
                if not result.success and not result.not_found:
                    left.append(f"{id} ({result.error})")
            elif self.people is not None and self.ask("get_contact", id).success:
                self.people.delete(id)
        for contact in self._existing:
            if self.id_of(contact) in self._changed:
                result = self.ask("update_contact", copy.deepcopy(contact))
                if not result.success:
                    left.append(f"{self.id_of(contact)} ({result.error})")
        return left


def said(result: Result) -> str:
    """What a result says, for a message."""
    if not result.success:
        again = " (retryable)" if result.retryable else ""
        return f"failed with {result.error!r}{again}"
    parts = {"id": result.id, "contact": result.contact, "contacts": result.contacts}
    return f"succeeded with {', '.join(f'{k}={v!r}' for k, v in parts.items() if v is not None) or 'nothing'}"
