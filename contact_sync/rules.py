"""The choices that a user has about the sync, checked when it is made: who wins, who is matched, what a delete does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Final, Literal, get_args

from mappers import Side

from .errors import ConfigurationError

Direction = Literal["to_botmatic", "to_external"]
Unmatched = Literal["create", "hold", "skip"]
Missing = Literal["tombstone", "unlink", "recreate"]
ReadOnly = Literal["ignore", "error", "revert"]
"""What becomes of a change that the CRM cannot take: it stays on the platform alone; it is a failed result; or the
platform gets the CRM's value back."""

TOMBSTONE_SECONDS: Final = 7 * 24 * 3600.0
"""How long a deleted contact is remembered, so that a late update does not bring it back."""

LATE_SECONDS: Final = 300.0
"""How late a side may tell of what it had before we wrote there, and still be understood."""

BLOCKED_MATCHES: Final = (
    *(
        f"{role}@*"
        for role in ("abuse", "admin", "contact", "hello", "hostmaster", "info", "mail", "mailer-daemon", "no-reply")
    ),
    *(
        f"{role}@*"
        for role in ("noreply", "nobody", "office", "postmaster", "root", "sales", "support", "test", "webmaster")
    ),
    "*@no-reply.*",
    "*@noreply.*",
    "*@*.invalid",
    "*@invalid",
    "*@localhost",
)
"""Patterns of values that many people share or that are made up: nobody is recognised by them."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that both sides have changed to something else, for a function that decides who wins.

    Attributes:
        field: The field's name on the platform.
        botmatic: The platform's value, as it stands there.
        external: The CRM's value, as it stands there.
        source: The side that has just told of a change: `botmatic` or `ext`.
        installation: The id of the installation.
    """

    field: str
    botmatic: Any = attribute(repr=False)
    external: Any = attribute(repr=False)
    source: Side
    installation: str


ConflictFunction = Callable[[Conflict], Literal["botmatic", "external"]]
ConflictPolicy = Literal["last_write", "botmatic", "external"] | ConflictFunction
"""Who wins a conflict: the side that spoke last (which reads nothing first, and so sees none), one side always, or what
a function says."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A delete policy: the other side's record stays, with a field set. Make one with `mark(status="gone")`.

    Attributes:
        fields: What is set, in the names of the side that is marked. Left out of `repr`.
    """

    fields: Mapping[str, Any] = attribute(repr=False)


def mark(**fields: Any) -> Mark:
    """Make the delete policy that marks a record and deletes nothing; names are those of the side that is marked."""
    return Mark(fields)


DeletePolicy = Literal["delete", "archive", "unlink", "ignore"] | Mark
"""What a delete on one side does on the other: delete, archive (`archive_contact`), mark, unpair, or nothing at all."""


@dataclass(frozen=True, slots=True)
class ConflictReport:
    """Conflicts that were found in a contact and decided, for the `on_conflict` listener.

    Attributes:
        fields: The fields' names on the platform, with the side that won: `botmatic` or `external`.
        botmatic_id: The contact's id on the platform.
        external_id: Its id in the CRM.
        installation: The id of the installation.
    """

    fields: Mapping[str, str]
    botmatic_id: str
    external_id: str
    installation: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices, checked.

    Attributes:
        conflicts: Who wins where a row does not say it.
        unmatched: What becomes of a contact that is found nowhere, by direction.
        missing: What becomes of a pair whose other record is gone.
        deletes: What a delete does, by direction.
        blocked_matches: Patterns (`*` and `?`) of match values by which nobody is recognised.
        tombstone_seconds: How long a deleted contact is remembered.
        late_seconds: How late a side may tell of what it had before we wrote there.
        read_only: What becomes of a change that the CRM cannot take.
    """

    conflicts: ConflictPolicy = "last_write"
    unmatched: Mapping[Direction, Unmatched] = attribute(default_factory=dict)
    missing: Missing = "tombstone"
    deletes: Mapping[Direction, DeletePolicy] = attribute(default_factory=dict)
    blocked_matches: Sequence[str] = BLOCKED_MATCHES
    tombstone_seconds: float = TOMBSTONE_SECONDS
    late_seconds: float = LATE_SECONDS
    read_only: ReadOnly = "ignore"

    def unmatched_to(self, target: Side) -> Unmatched:
        """What becomes of a contact that is not found on a side."""
        return self.unmatched.get(direction_to(target), "create")

    def deletes_to(self, target: Side) -> DeletePolicy:
        """What a delete does on a side."""
        return self.deletes.get(direction_to(target), "delete")


def direction_to(target: Side) -> Direction:
    """Name the direction in which something is written to a side."""
    return "to_botmatic" if target == "botmatic" else "to_external"


def checked_rules(
    conflicts: Any = "last_write",
    unmatched: Any = "create",
    missing: Any = "tombstone",
    deletes: Any = "delete",
    blocked_matches: Any = BLOCKED_MATCHES,
    tombstone_seconds: Any = TOMBSTONE_SECONDS,
    late_seconds: Any = LATE_SECONDS,
    read_only: Any = "ignore",
) -> Rules:
    """Check a user's choices.

    Args:
        unmatched: One choice for both directions, or a dict by direction.
        deletes: Likewise.

    Raises:
        ConfigurationError: One of them is wrong. The message names it.
    """
    if not callable(conflicts):
        _one_of("conflicts", conflicts, ("last_write", "botmatic", "external"), ", or a function of a Conflict")
    _one_of("missing", missing, get_args(Missing))
    _one_of("read_only", read_only, get_args(ReadOnly))
    by_direction: dict[Direction, Unmatched] = _by_direction("unmatched", unmatched)
    for choice in by_direction.values():
        _one_of("unmatched", choice, get_args(Unmatched))
    policies: dict[Direction, DeletePolicy] = _by_direction("deletes", deletes)
    for way, policy in policies.items():
        _check_delete_policy(way, policy)
    if isinstance(blocked_matches, str) or not isinstance(blocked_matches, Sequence):
        raise ConfigurationError("blocked_matches: expected a list of patterns such as '*@example.org'")
    if not all(isinstance(pattern, str) and pattern for pattern in blocked_matches):
        raise ConfigurationError("blocked_matches: each pattern is text that is not empty, such as '*@example.org'")
    check_seconds("tombstone_seconds", tombstone_seconds)
    check_seconds("late_seconds", late_seconds, zero=True)
    return Rules(
        conflicts=conflicts,
        unmatched=by_direction,
        missing=missing,
        deletes=policies,
        blocked_matches=tuple(pattern.casefold() for pattern in blocked_matches),
        tombstone_seconds=float(tombstone_seconds),
        late_seconds=float(late_seconds),
        read_only=read_only,
    )


def check_seconds(name: str, given: object, *, zero: bool = False) -> None:
    """Refuse what is no finite number of seconds.

    Raises:
        ConfigurationError: It is not; the message names it.
    """
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not 0 <= given < float("inf") or (given == 0 and not zero):  # type: ignore[operator]
        raise ConfigurationError(f"{name}: expected seconds, {'0 or more' if zero else 'more than 0'}")


def _check_delete_policy(way: Direction, policy: DeletePolicy) -> None:
    if isinstance(policy, Mark):
        if not policy.fields:
            raise ConfigurationError("deletes: mark() names no field; write mark(status='gone')")
        return
    _one_of("deletes", policy, ("delete", "archive", "unlink", "ignore"), ", or mark(field=value)")
    if policy == "archive" and way == "to_botmatic":
        raise ConfigurationError(
            "deletes: the platform has no archive; for to_botmatic use delete, unlink, ignore or mark(field=value)"
        )


def _by_direction(name: str, given: Any) -> dict[Direction, Any]:
    if not isinstance(given, Mapping):
        return {"to_botmatic": given, "to_external": given}
    for key in given:
        _one_of(name, key, ("to_botmatic", "to_external"))
    return dict(given)


def _one_of(name: str, given: object, known: Sequence[str], rest: str = "") -> None:
    if not (isinstance(given, str) and given in known):
        shown = repr(given) if isinstance(given, str) else type(given).__name__
        raise ConfigurationError(f"{name}: expected one of {', '.join(known)}{rest}, got {shown}")
