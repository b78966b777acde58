"""Which result of a batch is whose: by the order, unless what the results say of themselves contradicts it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contact_sync.results import Result
from mappers.paths import read
from mappers.values import MISSING

from .reading import Path
from .records import Shape


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A contact that is sent.

    Attributes:
        contact: The contact. Left out of `repr`.
        fields: What is sent of it. Left out of `repr`.
        id: Its id; none if it is new.
    """

    contact: Mapping[str, Any] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a result says.

    Attributes:
        failure: What went wrong, if something did.
        id: The record's id, where it says one.
        record: The contact that the record is, where it holds one. Left out of `repr`.
    """

    failure: Result | None = None
    id: str | None = None
    record: Mapping[str, Any] | None = field(default=None, repr=False)


class Marks:
    """By what a record is told to be that of a contact: its id, or for a new one the values that no two records share.

    Args:
        shape: Which values those are.
    """

    def __init__(self, shape: Shape) -> None:
        self._email = shape.email_path
        self._paths = tuple(dict.fromkeys((shape.email_path, *shape.unique_paths)))

    def say(self, told: Told, contact: Outgoing) -> bool | None:
        """Whether a result is that of a contact; none if it does not say."""
        if contact.id is not None:
            return None if told.id is None else told.id == contact.id
        agree = None
        for path in self._paths:
            sent, has = self._values(contact.contact, path), self._values(told.record, path)
            if not sent or has is None:
                continue
            if sent.isdisjoint(has):
                return False
            agree = True
        return agree

    def of_contact(self, contact: Outgoing) -> set[tuple[Path, str]]:
        """What a contact is told by."""
        return {((), contact.id)} if contact.id is not None else self._of(contact.contact)

    def of_told(self, told: Told) -> set[tuple[Path, str]]:
        """What a result is told by, be it about a new record or about a known one."""
        return self._of(told.record) | (set() if told.id is None else {((), told.id)})

    def _of(self, contact: Mapping[str, Any] | None) -> set[tuple[Path, str]]:
        return {(path, value) for path in self._paths for value in self._values(contact, path) or ()}

    def _values(self, contact: Mapping[str, Any] | None, path: Path) -> set[str] | None:
        """The values at a path, as they are compared; none if there is nothing that can be."""
        found = MISSING if contact is None else read(contact, path)
        listed = found if isinstance(found, list) else [found]
        if any(value is MISSING or isinstance(value, Mapping | list) for value in listed):
            return None
        return {
            text for value in listed if value is not None and (text := _plain(value, strict=path == self._email)) != ""
        }


def whose(told: Sequence[Told], contacts: Sequence[Outgoing], marks: Marks) -> list[Told | None]:
    """Give each contact what is told of it.

    A record that cannot be that of the contact at its place goes to the one that it names. If it names one, the answer
    has an order of its own, in which only what names its contact counts.

    Args:
        told: What the results say, as many as there are contacts.

    Returns:
        One for each contact, in order; none where nobody can tell.
    """
    own = [marks.say(*pair) for pair in zip(told, contacts, strict=True)]
    named = _named(told, contacts, marks)
    given = Counter(each.id for each, contact in zip(told, contacts, strict=True) if contact.id is None)
    moved = any(names and agrees is not True for names, agrees in zip(named, own, strict=True))
    placed: dict[int, int] = {}
    claimed: defaultdict[int, set[int]] = defaultdict(set)
    for place, each in enumerate(told):
        twice = each.id is not None and given[each.id] > 1
        if not moved and not twice and own[place] is not False:
            placed[place] = place
        elif len(named[place]) == 1:
            claimed[next(iter(named[place]))].add(place)
    _settle(claimed, told, placed)
    rest = [told[place] for place in set(range(len(told))) - set(placed.values())]
    failure = _failure_of_each(rest)
    return [told[placed[place]] if place in placed else failure for place in range(len(told))]


def _named(told: Sequence[Told], contacts: Sequence[Outgoing], marks: Marks) -> list[set[int]]:
    """The places of the contacts that each result names."""
    places: defaultdict[tuple[Path, str], set[int]] = defaultdict(set)
    for place, contact in enumerate(contacts):
        for mark in marks.of_contact(contact):
            places[mark].add(place)
    return [
        {
            place
            for mark in marks.of_told(each)
            for place in places.get(mark, ())
            if marks.say(each, contacts[place]) is True
        }
        for each in told
    ]


def _settle(claimed: Mapping[int, set[int]], told: Sequence[Told], placed: dict[int, int]) -> None:
    """Place what names a contact, unless another record names it too, or the same record names another contact."""
    ids = {place: {told[result].id for result in results} for place, results in claimed.items()}
    owners = Counter(id for one in ids.values() for id in one)
    for place, results in claimed.items():
        (id, *others) = ids[place]
        if place not in placed and not others and owners[id] == 1:
            placed[place] = min(results)


def _failure_of_each(rest: Sequence[Told]) -> Told | None:
    """What the results that are left say of each contact that is left; none if that is not one and the same failure."""
    failures = [each.failure for each in rest]
    if not failures or failures[0] is None or any(each != failures[0] for each in failures):
        return None
    return rest[0] if len(rest) == 1 or failures[0].id is None else None


def _plain(value: object, *, strict: bool) -> str:
    """A value as it is compared: whatever its case; and for others than addresses (a phone number), its punctuation."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip().casefold()
    return text if strict else "".join(filter(str.isalnum, text)) or text
