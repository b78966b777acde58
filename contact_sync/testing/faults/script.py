"""What may go wrong in a CRM, as data: which call, and how. Used by `FaultyConsumer`.

FaultScript({("create_contact", 1): timeout_after_write(), ("update_contact", 2): too_many(retry_after=3)})
FaultScript.random(seed=7, rate=0.2)
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from contact_sync.errors import ConfigurationError
from contact_sync.testing.crm.answers import Answer, CrmError

Kind = Literal[
    "too many",
    "server error",
    "time-out before the write",
    "time-out after the write",
    "crash after the create",
    "an old id again",
    "the pages shift",
    "an older cursor",
    "the cursor has expired",
]

CREATES: Final = frozenset(("create_contact", "create_contacts"))
WRITES: Final = frozenset((*CREATES, "update_contact", "update_contacts", "delete_contact", "archive_contact"))
WALKS: Final = frozenset(("list_contacts", "iter_contacts", "list_changed"))
METHODS: Final = WRITES | WALKS | {"get_contact", "get_contact_by_email", "find_contact"}

_ONLY_AT: Final[Mapping[Kind, frozenset[str]]] = {
    "time-out after the write": WRITES,
    "crash after the create": CREATES,
    "an old id again": CREATES,
    "the pages shift": WALKS,
    "an older cursor": frozenset(("list_changed",)),
    "the cursor has expired": frozenset(("list_changed",)),
}


class Crash(BaseException):
    """The process dies here. What was not stored is lost: neither `except Exception` nor `finally` helps."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with a call. Made by the functions below.

    Attributes:
        kind: What.
        status: The HTTP status that is answered, if one is.
        retry_after: The seconds in its `Retry-After`, if it has one.
    """

    kind: Kind
    status: int | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        after = "" if self.retry_after is None else f", Retry-After {self.retry_after:g}"
        return self.kind if self.status is None else f"{self.kind} ({self.status}{after})"

    def hits(self, method: str) -> bool:
        """Whether it can befall a method."""
        return method in _ONLY_AT.get(self.kind, METHODS)

    @property
    def error(self) -> Exception | None:
        """What is raised in place of an answer; `None` if the fault is of another kind."""
        if self.status is not None:
            headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
            return CrmError(Answer(self.status, headers=headers))
        return TimeoutError("the CRM did not answer in time") if self.kind.startswith("time-out") else None


def too_many(retry_after: float | None = None) -> Fault:
    """429: the CRM takes no more calls for now, and says when it does, if seconds are given. Nothing is done."""
    return Fault("too many", 429, retry_after)


def server_error(status: int = 503) -> Fault:
    """The CRM answers 5xx, and has done nothing."""
    return Fault("server error", status)


def timeout_before_write() -> Fault:
    """The CRM does not answer, and has done nothing. The caller cannot know that."""
    return Fault("time-out before the write")


def timeout_after_write() -> Fault:
    """The CRM has done what it was asked for, and its answer gets lost."""
    return Fault("time-out after the write")


def crash_after_create() -> Fault:
    """The record is there, and the process dies before it knows."""
    return Fault("crash after the create")


def id_reuse() -> Fault:
    """The new record gets the id of one that was deleted, if one was."""
    return Fault("an old id again")


def page_shift() -> Fault:
    """Before this page of a walk is read, records come and go."""
    return Fault("the pages shift")


def older_cursor() -> Fault:
    """`list_changed` begins from the cursor before: what it told last it tells again, as with a clock that is late."""
    return Fault("an older cursor")


def cursor_expired() -> Fault:
    """`list_changed` does not know the cursor any more."""
    return Fault("the cursor has expired")


ANY: Final = (
    too_many(),
    too_many(retry_after=2),
    server_error(500),
    server_error(503),
    timeout_before_write(),
    timeout_after_write(),
    crash_after_create(),
    page_shift(),
    older_cursor(),
    cursor_expired(),
)
"""What goes wrong at random, unless something else is said: everything but ids that come again."""


class FaultScript:
    """Which calls of a consumer go wrong. The same script and the same calls give the same faults.

    Args:
        planned: Faults by method and number of the call, from 1.

    Attributes:
        done: What has happened, in order: `"create_contact 1: time-out after the write"`.

    Raises:
        ConfigurationError: A fault cannot befall the method that it is planned for, or there is no such method.
    """

    def __init__(self, planned: Mapping[tuple[str, int], Fault] | None = None) -> None:
        self.done: list[str] = []
        self._planned = dict(planned or {})
        self._calls: Counter[str] = Counter()
        self._seed: int | str | None = None
        self._rate = 0.0
        self._first = False
        self._faults: Sequence[Fault] = ()
        self._chance = random.Random()  # noqa: S311 - no secret
        for (method, call), fault in self._planned.items():
            if method not in METHODS or not fault.hits(method) or call < 1:
                known = ", ".join(sorted(name for name in METHODS if fault.hits(name)))
                raise ConfigurationError(f"{fault} cannot be planned for call {call} of {method!r}; it befalls {known}")

    @classmethod
    def random(cls, seed: int | str, rate: float = 0.2, faults: Sequence[Fault] = ANY, *, first: bool = False) -> Self:
        """Let calls go wrong by chance.

        Args:
            seed: Of the chance: the same seed, and the same calls, give the same faults.
            rate: Which part of the calls goes wrong, from 0 to 1.
            faults: What may happen to them.
            first: Whether the first call of each method goes wrong in any case.
        """
        script = cls()
        script._seed, script._rate, script._faults, script._first = seed, rate, tuple(faults), first
        script._chance.seed(seed)
        return script

    def take(self, method: str) -> Fault | None:
        """What is to go wrong with the next call of a method; `None` if it is to succeed."""
        self._calls[method] += 1
        call = self._calls[method]
        fault = self._planned.pop((method, call), None)
        if fault is None and self._rate and (self._chance.random() < self._rate or (self._first and call == 1)):
            fitting = [each for each in self._faults if each.hits(method)]
            fault = self._chance.choice(fitting) if fitting else None
        if fault is not None:
            self.done.append(f"{method} {call}: {fault}")
        return fault

    def end(self) -> None:
        """Let nothing more go wrong."""
        self._planned.clear()
        self._rate = 0.0

    def __repr__(self) -> str:
        of = "" if self._seed is None else f"seed={self._seed}; "
        waits = [f"{method} {call}: {fault}" for (method, call), fault in self._planned.items()]
        return f"<FaultScript {of}done: {self.done}; planned: {waits}>"
