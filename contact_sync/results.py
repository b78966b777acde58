"""One `Result` for everything that can succeed or fail: consumer calls, platform calls, events, methods."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self, cast

NOT_FOUND: Final = "resource not found"
"""The `error` of every call whose record does not exist (the contract's words)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of something. Build one with `Result.ok`, `Result.failed` or `Result.skipped`.

    Attributes:
        success: Whether it was done. A skip is a success that did nothing.
        id: The id of the record, as text.
        contact: The record itself, where the call gives one. Left out of `repr`.
        contacts: The records of a page. Left out of `repr`.
        error: What went wrong, for a person. `NOT_FOUND` where a record is missing.
        action: What was done: `created`, `adopted`, `updated`, `unchanged`, `deleted`, `skipped` or `held`.
        reason: Why something was not done.
        retryable: Whether the same call may succeed later (time-out, 429, 5xx, unreachable).
        retry_after: In how many seconds, where the other side said so.
        conflicts: The fields, by their names on the platform, that both sides had changed to something else.
        in_doubt: Whether a failed call may have taken effect all the same, such as one that was not answered in time.
        queued: Whether it is stored and will be applied later, rather than applied already.
        event_id: Under which id a stored event is found.
    """

    success: bool
    id: str | None = None
    contact: Mapping[str, Any] | None = field(default=None, repr=False)
    contacts: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)
    error: str | None = field(default=None, repr=False)
    action: str | None = None
    reason: str | None = None
    retryable: bool = False
    retry_after: float | None = None
    conflicts: Sequence[str] | None = None
    in_doubt: bool = False
    queued: bool = False
    event_id: str | None = None

    @classmethod
    def ok(
        cls,
        id: object = None,
        *,
        contact: Mapping[str, Any] | None = None,
        contacts: Sequence[Mapping[str, Any]] | None = None,
        action: str | None = None,
        reason: str | None = None,
    ) -> Self:
        """Say that it was done. An `id` that is a number becomes text (`0` is `"0"`)."""
        return cls(
            success=True,
            id=_as_text(id),
            contact=contact,
            contacts=contacts,
            action=action,
            reason=reason,
        )

    @classmethod
    def failed(
        cls,
        error: str,
        *,
        id: object = None,
        reason: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        in_doubt: bool = False,
    ) -> Self:
        """Say that it was not done, and why. An `id` names the record that was in the way, if one was."""
        return cls(
            success=False,
            error=error,
            id=_as_text(id),
            reason=reason,
            retryable=retryable,
            retry_after=retry_after,
            in_doubt=in_doubt,
        )

    @classmethod
    def skipped(cls, reason: str) -> Self:
        """Say that nothing was done on purpose."""
        return cls(success=True, action="skipped", reason=reason)

    @property
    def not_found(self) -> bool:
        """Whether it failed because the record does not exist."""
        return not self.success and self.error == NOT_FOUND

    def with_(self, **changes: Any) -> Self:
        """The same result with some attributes changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON can carry it, without what is unset."""
        whole = {name: getattr(self, name) for name in _FIELDS}
        if self.contact is not None:
            whole["contact"] = dict(self.contact)
        if self.contacts is not None:
            whole["contacts"] = [dict(contact) for contact in self.contacts]
        if self.conflicts is not None:
            whole["conflicts"] = list(self.conflicts)
        return {
            name: value
            for name, value in whole.items()
            if value is not None and not (name in _UNSET_IF_FALSE and value is False)
        }


_FIELDS: Final = tuple(f.name for f in fields(Result))
_UNSET_IF_FALSE: Final = frozenset({"retryable", "in_doubt", "queued"})


def to_result(value: object, source: str) -> Result:
    """Take what a user's function returned for a `Result`.

    Args:
        value: A `Result`, or a dict of Node's shape with at least a boolean `success`. Unknown keys are dropped.
        source: Who returned it, for the message (`"AcmeConsumer.create_contact"`).

    Returns:
        The result; a failed one that says what is wrong when `value` is neither, or when a field of it is of a wrong
        type. It stays retryable if it said so.
    """
    if isinstance(value, Result):
        given: Mapping[str, Any] = {name: getattr(value, name) for name in _FIELDS}
    elif isinstance(value, Mapping):
        given = value
    else:
        return Result.failed(f"{source} returned {_no_result(value)}; expected a Result or a dict with a 'success'")
    success = given.get("success")
    if not isinstance(success, bool):
        found = "without 'success'" if success is None else f"whose 'success' is {type(success).__name__}"
        return Result.failed(f"{source} returned a result {found}; expected True or False")
    known = {name: given[name] for name in _FIELDS if given.get(name) is not None}
    problem = _odd_field(known)
    if problem:
        return Result.failed(f"{source} returned {problem}", retryable=known.get("retryable") is True)
    if "id" in known:
        known["id"] = id_text(known["id"])
    if not usable_seconds(known.get("retry_after", 0)):
        del known["retry_after"]
    if not success and not known.get("error"):
        known["error"] = f"{source} failed without an error"
    return Result(**known)


def _as_text(id: object) -> str | None:
    """An id as `Result.ok` and `Result.failed` keep it. They never raise, so what is no id stays what it is: it would
    look like one if it were text, and `to_result` could not refuse it any more."""
    try:
        return None if id is None else id_text(id)
    except ValueError:
        return cast(str, id)


def id_text(id: object) -> str:
    """Turn a record's id into text: text stays, numbers, UUIDs and the like are written out (`0` is `"0"`).

    Raises:
        ValueError: It is empty, or of a type that is no id (none, a boolean, a fraction, bytes, a dict, a list).
    """
    if id is None or isinstance(id, bool | float | bytes | bytearray | Mapping | list | tuple | set | frozenset):
        raise ValueError(f"an id is {type(id).__name__}; expected text or a whole number")
    text = str(id)
    if text == "":
        raise ValueError("an id is empty; expected text or a whole number")
    return text


def usable_seconds(seconds: float) -> bool:
    """Whether a number of seconds can be waited for: neither negative, nor infinite, nor NaN."""
    return math.isfinite(seconds) and seconds >= 0


_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "contact": ((dict, Mapping), "a dict"),
    "contacts": ((list, Sequence), "a list of dicts"),
    "error": ((str,), "text"),
    "action": ((str,), "text"),
    "reason": ((str,), "text"),
    "retryable": ((bool,), "a boolean"),
    "in_doubt": ((bool,), "a boolean"),
    "queued": ((bool,), "a boolean"),
    "event_id": ((str,), "text"),
    "retry_after": ((int, float), "seconds"),
    "conflicts": ((list, Sequence), "a list of names"),
}


def _odd_field(known: Mapping[str, Any]) -> str | None:
    if "id" in known:
        try:
            id_text(known["id"])
        except ValueError as error:
            return f"a result in which {error}"
    for name, value in known.items():
        kinds, wanted = _KINDS.get(name, ((), ""))
        wrong = (isinstance(value, str | bytes) and Sequence in kinds) or (
            isinstance(value, bool) and bool not in kinds
        )
        if wanted and (wrong or not isinstance(value, kinds)):
            return f"a result whose {name!r} is {type(value).__name__}; expected {wanted}"
    if not all(isinstance(contact, Mapping) for contact in known.get("contacts", ())):
        return "a result whose 'contacts' holds something that is no dict; expected a list of dicts"
    return None


def _no_result(value: object) -> str:
    if isinstance(value, Coroutine):
        value.close()  # else Python warns later, and elsewhere, that it was never awaited
        return "a coroutine (methods are called from threads: write 'def', not 'async def')"
    return "nothing" if value is None else type(value).__name__
