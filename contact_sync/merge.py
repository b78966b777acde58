"""What to do with a field that one side tells of, given what both sides last agreed on. Pure: values in, decisions out.

*Here* is the side that speaks, *there* the other one. Values are canonical, so that what is merely written in another
way is equal; `None` is an empty one. `0` and `False` are values.

    here      there               then
    same      –                   nothing: an echo, or a redelivery
    changed   same, or unknown    write it there; an empty one clears
    changed   changed, equal      both agree: only the baseline moves
    changed   changed, different  a conflict: who wins is asked
    no baseline yet               fill blanks; of two values the winner's; never clear
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class _Mark(Enum):
    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT: Final = _Mark.ABSENT
"""Stands for the value of a field that the side that speaks says nothing of."""

UNKNOWN: Final = _Mark.UNKNOWN
"""Stands for a value of the other side, which was not read."""


class Do(Enum):
    """What is to be done with a field."""

    NOTHING = "nothing"
    WRITE = "write"  # here → there
    TAKE = "take"  # there → here
    AGREE = "agree"  # only the baseline moves


@dataclass(frozen=True, slots=True)
class FieldState:
    """A field at the moment when one side tells of it.

    Attributes:
        name: The field's name.
        here: Its value on the side that speaks: canonical, `None` if it is empty, or `ABSENT`.
        there: Its value on the other side: canonical, `None` if it is empty or not there, or `UNKNOWN`.
        here_changed: Whether `here` differs from the baseline; `None` if there is no baseline.
        there_changed: Whether `there` differs from the baseline; `None` if there is none, or `there` is unknown.
    """

    name: str
    here: object = field(repr=False)
    there: object = field(default=UNKNOWN, repr=False)
    here_changed: bool | None = None
    there_changed: bool | None = None


Wins = Callable[[FieldState], bool]
"""Whether the side that speaks wins, for a field in which both sides have something else."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be done with a contact, by names of fields.

    Attributes:
        write: What is written there.
        take: What is written here.
        agree: What both sides have, though the baseline does not say so yet.
        conflicts: Where both sides had changed to something else, whoever wins.
    """

    write: tuple[str, ...] = ()
    take: tuple[str, ...] = ()
    agree: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def decide(state: FieldState, wins: Wins) -> tuple[Do, bool]:
    """Decide what to do with a field.

    Returns:
        What to do, and whether it was a conflict.
    """
    if state.here is ABSENT or state.here_changed is False:
        return Do.NOTHING, False
    known = state.there is not UNKNOWN
    if known and state.here == state.there:
        return Do.AGREE, False
    if state.here_changed is None:
        return _first_contact(state, wins, known=known), False
    if not known or state.there_changed is False:
        return Do.WRITE, False
    if state.there_changed is None and state.there is None:
        return Do.WRITE, False  # a blank of which nothing is known is no edit
    return (Do.WRITE if wins(state) else Do.TAKE), True


def _first_contact(state: FieldState, wins: Wins, *, known: bool) -> Do:
    if state.here is None:
        return Do.TAKE if known else Do.NOTHING
    if not known or state.there is None:
        return Do.WRITE
    return Do.WRITE if wins(state) else Do.TAKE


def merge(states: Iterable[FieldState], wins: Wins) -> Merged:
    """Decide for all fields of a contact."""
    by_deed: dict[Do, list[str]] = {deed: [] for deed in Do}
    conflicts = []
    for state in states:
        deed, conflict = decide(state, wins)
        by_deed[deed].append(state.name)
        if conflict:
            conflicts.append(state.name)
    return Merged(
        write=tuple(by_deed[Do.WRITE]),
        take=tuple(by_deed[Do.TAKE]),
        agree=tuple(by_deed[Do.AGREE]),
        conflicts=tuple(conflicts),
    )
