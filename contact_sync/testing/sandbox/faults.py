"""Faults on demand: what the next calls of the REST API shall suffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from contact_sync.errors import ConfigurationError

from .changes import Changes

Operation = Literal[
    "validate_token",
    "create_contact",
    "create_contacts",
    "update_contact",
    "update_contacts",
    "delete_contact",
    "create_properties",
    "send_event_on_campaign",
    "list_bots",
    "get_bot",
    "update_bot",
]
"""The calls of the REST API, by the names of the platform client's methods."""

OPERATIONS: Final[tuple[str, ...]] = get_args(Operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong on purpose.

    Attributes:
        times: How many calls suffer it.
        on: Which call; any, if none.
        status: The status answered instead. None: the call's own answer, or 200 for an HTML page.
        retry_after: Seconds for the `Retry-After` header.
        html: Answer an HTML page, as something in between would.
        drop: Break the connection instead of answering.
        delay: Seconds to wait first.
        effect: Carry the call out all the same; only its answer is lost.
    """

    times: int = 1
    on: Operation | None = None
    status: int | None = None
    retry_after: float | None = None
    html: bool = False
    drop: bool = False
    delay: float = 0.0
    effect: bool = False

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("times", _is(self.times, int) and self.times >= 1, "1 or more"),
            ("on", self.on is None or self.on in OPERATIONS, f"one of {', '.join(OPERATIONS)}"),
            ("status", self.status is None or (_is(self.status, int) and 200 <= self.status <= 599), "from 200 to 599"),
            ("retry_after", self.retry_after is None or _seconds(self.retry_after), "seconds"),
            ("html", _is(self.html, bool), "a boolean"),
            ("drop", _is(self.drop, bool), "a boolean"),
            ("delay", _seconds(self.delay), "seconds, 600 at the most"),
            ("effect", _is(self.effect, bool), "a boolean"),
        ):
            if not good:
                raise ConfigurationError(f"a fault's {name!r} must be {wanted}")
        if not (self.answers or self.delay):
            raise ConfigurationError("a fault needs at least one of status, html, drop and delay")

    @property
    def answers(self) -> bool:
        """Whether the call's own answer is replaced."""
        return self.status is not None or self.html or self.drop

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Fault:
        """Take a fault from JSON. Raises `ConfigurationError` for what is none."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(str(name) for name in data if name not in known)
        if unknown:
            raise ConfigurationError(f"a fault has no {unknown[0]!r}; it may have {', '.join(sorted(known))}")
        return cls(**data)


class Faults:
    """The faults that wait for calls, in order."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for calls."""
        with self._changes.lock:
            self._waiting.append(fault)
            self._changes.note()

    def clear(self) -> None:
        """Forget all faults."""
        with self._changes.lock:
            self._waiting.clear()
            self._changes.note()

    def waiting(self) -> tuple[Fault, ...]:
        """The faults that wait."""
        with self._changes.lock:
            return tuple(self._waiting)

    def take(self, operation: str) -> Fault | None:
        """Use the first fault that is meant for a call up by one."""
        with self._changes.lock:
            for index, fault in enumerate(self._waiting):
                if fault.on in (None, operation):
                    left = fault.times - 1
                    self._waiting[index : index + 1] = [replace(fault, times=left)] if left else []
                    self._changes.note()
                    return fault
            return None


def _is(value: object, kind: type) -> bool:
    return type(value) is kind


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 600
