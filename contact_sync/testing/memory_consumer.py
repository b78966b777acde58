"""An in-memory CRM for tests: a correct consumer whose calls can be read and whose faults can be scripted."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from contact_sync.consumer import PAGE_SIZE, ExternalAPIConsumer, ResultLike
from contact_sync.results import NOT_FOUND, Result

Hook = Callable[..., object]
"""Runs before a call takes effect and is given the call's arguments. It may wait, raise, or change the records."""

_METHODS: Final = (
    "create_contact",
    "get_contact",
    "get_contact_by_email",
    "list_contacts",
    "update_contact",
    "delete_contact",
)


class Call(NamedTuple):
    """A call that was made: the method's name and the id in its arguments, if it has one."""

    method: str
    id: str | None


@dataclass(slots=True)
class _Fault:
    outcome: object
    method: str | None
    times: int
    after: bool

    def strike(self) -> ResultLike:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return cast(ResultLike, self.outcome)  # nonsense too, where a test wants a consumer that returns it


class MemoryConsumer(ExternalAPIConsumer):
    """A CRM in memory, for tests of what is built on a consumer. Safe to call from several threads.

    It gives ids by itself (`"1"`, `"2"`, …), keeps what is not sent in an update, stores `None` for a cleared field,
    and finds e-mail addresses whatever their case.

    Args:
        contacts: Records to begin with. One without an id gets one.
        id_field: The key of a contact that holds its id.
        email_field: The key of a contact that holds its e-mail address.
        unique_email: Whether a second record with an e-mail address is refused, with the first one's id.

    Attributes:
        calls: Every call so far as `(method, id)`, in order; also the ones that failed. Yours to clear.
    """

    def __init__(
        self,
        contacts: Iterable[Mapping[str, Any]] = (),
        *,
        id_field: str = "id",
        email_field: str = "email",
        unique_email: bool = False,
    ) -> None:
        self.id_field = id_field
        self.email_field = email_field
        self.unique_email = unique_email
        self.calls: list[Call] = []
        self._records: dict[str, dict[str, Any]] = {}
        self._faults: list[_Fault] = []
        self._hooks: dict[str, Hook] = {}
        self._last_id = 0
        self._lock = threading.RLock()
        for contact in contacts:
            given = contact.get(id_field)
            self._keep(contact, None if given is None or given == "" else str(given))

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """What the CRM holds now, by id. A copy."""
        with self._lock:
            return copy.deepcopy(self._records)

    def fail_next(
        self,
        outcome: object,
        method: str | None = None,
        *,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """Let the next calls go wrong. Faults are used up in the order in which they were set.

        Args:
            outcome: An exception, which is raised; or anything else, which is returned in place of the result.
            method: The method that it waits for; the next call of any method by default.
            times: For how many calls.
            after: Whether the call takes effect first and fails then, like an answer that got lost.
        """
        if method is not None:
            _check_method(method)
        with self._lock:
            self._faults.append(_Fault(outcome, method, times, after))

    def before(self, method: str, hook: Hook | None) -> None:
        """Run something before each call of a method; `None` takes it out again. Other threads are not held up."""
        _check_method(method)
        with self._lock:
            if hook is None:
                self._hooks.pop(method, None)
            else:
                self._hooks[method] = hook

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        def create() -> Result:
            taken = self._with_email(contact.get(self.email_field)) if self.unique_email else []
            if taken:
                return Result.failed("a record with that e-mail address exists already", id=taken[0])
            return Result.ok(self._keep(contact, None))

        return self._run("create_contact", None, contact, create)

    def get_contact(self, id: str) -> ResultLike:
        def get() -> Result:
            if id not in self._records:
                return Result.failed(NOT_FOUND)
            return Result.ok(id, contact=copy.deepcopy(self._records[id]))

        return self._run("get_contact", id, id, get)

    def get_contact_by_email(self, email: str) -> ResultLike:
        def find() -> Result:
            found = self._with_email(email)
            if not found:
                return Result.failed(NOT_FOUND)
            contacts = [copy.deepcopy(self._records[id]) for id in found]
            return Result.ok(found[0], contact=contacts[0]) if len(found) == 1 else Result.ok(contacts=contacts)

        return self._run("get_contact_by_email", None, email, find)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        def read() -> Result:
            everything = list(self._records.values())
            return Result.ok(contacts=copy.deepcopy(everything[(page - 1) * limit : page * limit]))

        return self._run("list_contacts", None, (page, limit), read)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        given = contact.get(self.id_field)
        id = None if given is None else str(given)

        def update() -> Result:
            if id is None:
                return Result.failed(f"the contact has no {self.id_field!r}")
            if id not in self._records:
                return Result.failed(NOT_FOUND)
            others = [other for other in self._with_email(contact.get(self.email_field)) if other != id]
            if self.unique_email and others:
                return Result.failed("another record has that e-mail address", id=others[0])
            self._records[id] |= copy.deepcopy(contact) | {self.id_field: id}
            return Result.ok(id)

        return self._run("update_contact", id, contact, update)

    def delete_contact(self, id: str) -> ResultLike:
        def delete() -> Result:
            return Result.failed(NOT_FOUND) if self._records.pop(id, None) is None else Result.ok(id)

        return self._run("delete_contact", id, id, delete)

    def _run(self, method: str, id: str | None, given: object, act: Callable[[], Result]) -> ResultLike:
        with self._lock:
            self.calls.append(Call(method, id))
            hook = self._hooks.get(method)
        if hook is not None:
            hook(*given if isinstance(given, tuple) else (given,))
        with self._lock:
            fault = self._next_fault(method)
            if fault is not None and not fault.after:
                return fault.strike()
            result = act()
        return result if fault is None else fault.strike()

    def _next_fault(self, method: str) -> _Fault | None:
        for fault in self._faults:
            if fault.method in (None, method):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _keep(self, contact: Mapping[str, Any], id: str | None) -> str:
        while id is None:
            self._last_id += 1
            if str(self._last_id) not in self._records:
                id = str(self._last_id)
        self._records[id] = copy.deepcopy(dict(contact)) | {self.id_field: id}
        return id

    def _with_email(self, email: object) -> list[str]:
        if not isinstance(email, str) or email == "":
            return []
        wanted = email.casefold()
        return [
            id for id, record in self._records.items() if str(record.get(self.email_field) or "").casefold() == wanted
        ]


def _check_method(method: str) -> None:
    if method not in _METHODS:
        raise ValueError(f"a consumer has no method {method!r}; it has {', '.join(_METHODS)}")
