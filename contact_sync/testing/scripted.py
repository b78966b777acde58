"""Doubles of a CRM whose calls can be read and whose faults can be scripted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar, cast

from contact_sync.results import NOT_FOUND, Result

T = TypeVar("T")

Hook = Callable[..., object]
"""Runs before a call takes effect and is given the call's arguments. It may wait, raise, or change the records."""

_METHODS: Final = (
    "create_contact",
    "get_contact",
    "get_contact_by_email",
    "list_contacts",
    "update_contact",
    "delete_contact",
    "find_contact",
    "archive_contact",
    "iter_contacts",
    "create_contacts",
    "update_contacts",
    "list_changed",
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

    def strike(self) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome  # nonsense too, where a test wants a consumer that returns it


class Scripted:
    """What the doubles have in common: every call is written down, then its hook and its faults come, then it acts.

    Attributes:
        calls: Every call so far as `(method, id)`, in order; also the ones that failed. Yours to clear.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._faults: list[_Fault] = []
        self._hooks: dict[str, Hook] = {}
        self._lock = threading.RLock()

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

    def clear_faults(self) -> None:
        """Forget the faults that still wait for calls."""
        with self._lock:
            self._faults.clear()

    def before(self, method: str, hook: Hook | None) -> None:
        """Run something before each call of a method; `None` takes it out again. Other threads are not held up."""
        _check_method(method)
        with self._lock:
            if hook is None:
                self._hooks.pop(method, None)
            else:
                self._hooks[method] = hook

    def _admit(self) -> None:
        """Let a call in, or raise what it is refused with. The lock is held."""
        return

    def _run(self, method: str, id: str | None, given: object, act: Callable[[], T]) -> T:
        with self._lock:
            self.calls.append(Call(method, id))
            hook = self._hooks.get(method)
        if hook is not None:
            hook(*given if isinstance(given, tuple) else (given,))
        with self._lock:
            self._admit()
            fault = self._next_fault(method)
            if fault is not None and not fault.after:
                return cast(T, fault.strike())
            result = act()
        return result if fault is None else cast(T, fault.strike())

    def _next_fault(self, method: str) -> _Fault | None:
        for fault in self._faults:
            if fault.method in (None, method):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None


def _check_method(method: str) -> None:
    if method not in _METHODS:
        raise ValueError(f"a consumer has no method {method!r}; it has {', '.join(_METHODS)}")


def found_in(records: Sequence[Mapping[str, Any]]) -> Result:
    """The result of a look-up: none, one or several records."""
    if not records:
        return Result.failed(NOT_FOUND)
    return Result.ok(contact=records[0]) if len(records) == 1 else Result.ok(contacts=records)
