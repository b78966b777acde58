"""What the tests of `ConsumerContract` are written with: an author's declarations, and a probe."""

from __future__ import annotations

import copy
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple

from contact_sync.consumer import ExternalAPIConsumer, ask, ask_many
from contact_sync.results import Result, id_text

from .paths import contact_of, leaves, put, steps, value_at

PAGE: Final = 3
"""How many contacts the tests ask for at once."""

RECORDS: Final = 2 * PAGE + 1
"""How many contacts the tests of paging create: enough for two full pages and a rest."""


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

    email_domain: ClassVar[str] = "example.com"
    """The domain of the addresses that the suite makes up."""

    missing_id: ClassVar[str | None] = None
    """An id of the CRM's form that no record has ever had. The ids of deleted records are tried in any case."""

    settle_seconds: ClassVar[float] = 0.0
    """How long what was written may take until it is found by e-mail and in lists, where the CRM's index lags."""

    time_limit: ClassVar[float] = 30.0
    """The seconds within which every call has to come back, also from a server that never answers."""

    def new_contact(self, n: int) -> dict[str, Any]:
        """Make a contact without id, in the CRM's own names. Override it where the CRM needs more fields.

        Args:
            n: A number that is different for each contact. The e-mail address is set by the suite.
        """
        return contact_of({self.text_field: f"Contact {n}"})

    def consumer_at(self, url: str) -> ExternalAPIConsumer:
        """Make a consumer whose CRM is at a URL (`http://127.0.0.1:50123`), with a time-out of a second or less.

        Optional. Overriding it adds tests in which that CRM is unreachable, hangs, is overloaded, or answers nonsense.
        """
        raise NotImplementedError("override consumer_at for the tests with a broken CRM")


class Record(NamedTuple):
    """A contact that the suite created: its id, and what was sent."""

    id: str
    sent: dict[str, Any]


class Probe:
    """Calls a consumer as the engine does, makes contacts up, and deletes what it created."""

    def __init__(self, consumer: ExternalAPIConsumer, declared: ConsumerDeclaration) -> None:
        self.consumer = consumer
        self.declared = declared
        self.name = type(consumer).__name__
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._created: list[str] = []

    def ask(self, method: str, *args: object) -> Result:
        """Call the consumer as the engine does, and remember what was created."""
        result = ask(self.consumer, method, *args)
        if method == "create_contact" and result.success and result.id is not None:
            self._created.append(result.id)
        return result

    def ask_many(
        self, method: Literal["create_contacts", "update_contacts"], contacts: Sequence[dict[str, Any]]
    ) -> list[Result]:
        """Make a batch call as the engine does, and remember what was created."""
        results = ask_many(self.consumer, method, contacts)
        if method == "create_contacts":
            self._created += [result.id for result in results if result.success and result.id is not None]
        return results

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

    def create(self, **fields: object) -> Record:
        """Create a contact, which has to succeed."""
        __tracebackhide__ = True
        contact = self.contact(**fields)
        result = self.ask("create_contact", copy.deepcopy(contact))
        assert result.success, f"create_contact has to succeed for an ordinary contact, but it {said(result)}"
        assert result.id, "create_contact succeeded without an id; answer Result.ok(<the new record's id>)"
        return Record(result.id, contact)

    def change(self, id: str, contact: Mapping[str, Any] | None = None, **fields: object) -> dict[str, Any]:
        """The argument of an update: an id, a contact's fields and, by name, `email` and `text`."""
        contact = copy.deepcopy(dict(contact or {}))
        put(contact, self.declared.id_field, id)
        for name, path in (("email", self.declared.email_field), ("text", self.declared.text_field)):
            if name in fields:
                put(contact, path, fields[name])
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
        id = self.create().id
        result = self.ask("delete_contact", id)
        assert result.success, f"delete_contact has to delete the record that was created, but it {said(result)}"
        return id

    def clean_up(self) -> list[str]:
        """Delete what was created. Gives the ids that could not be deleted."""
        left = []
        for id in self._created:
            result = self.ask("delete_contact", id)
            if not result.success and not result.not_found:
                left.append(f"{id} ({result.error})")
        return left


def said(result: Result) -> str:
    """What a result says, for a message."""
    if not result.success:
        again = " (retryable)" if result.retryable else ""
        return f"failed with {result.error!r}{again}"
    parts = {"id": result.id, "contact": result.contact, "contacts": result.contacts}
    return f"succeeded with {', '.join(f'{k}={v!r}' for k, v in parts.items() if v is not None) or 'nothing'}"
