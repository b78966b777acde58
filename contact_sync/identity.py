"""Who is who: by what a contact may be recognised, and which record of the other side is the same person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final

from mappers import Mapper, MappingError
from mappers import Mapping as Row

from .consumer import EMAIL
from .plans import canonical
from .results import NOT_FOUND, Result
from .rules import Rules
from .sides import Route, hits, holds, is_empty

AMBIGUOUS: Final = "ambiguous match"
"""The error of a contact that may be several records; nothing is guessed."""


class Identity:
    """Recognises contacts.

    Args:
        mapper: The table of fields, with its match rows.
        rules: Whose values are blocked.
    """

    def __init__(self, mapper: Mapper, rules: Rules) -> None:
        self._mapper = mapper
        patterns = "|".join(map(translate, rules.blocked_matches))
        self._is_blocked = re.compile(patterns).match if patterns else _never

    def guards(self, route: Route, contact: Mapping[str, Any]) -> tuple[str, ...]:
        """Name what a contact may be recognised by, to be claimed with it. The same for both directions.

        These are its match values. A contact that has none is recognised by all that it holds: a side that tells us of
        what we create there may do so before we have the answer, and the pair.
        """
        try:
            names = [f"match:{row.botmatic}:{_digest(value.casefold())}" for row, value in self._values(route, contact)]
            likeness = self._likeness(route, contact)
            return tuple(dict.fromkeys(names)) or ((f"like:{_digest(json.dumps(likeness))}",) if likeness else ())
        except MappingError:
            return ()  # said by the mapping itself, a step later

    def is_searchable(self, route: Route, contact: Mapping[str, Any]) -> bool:
        """Whether a contact has something by which it may be found on the target."""
        try:
            return any(route.target.searches(value) for _, value in self._values(route, contact))
        except MappingError:
            return False

    def resolve(self, route: Route, contact: Mapping[str, Any]) -> Result:
        """Find the target's record of the same person, by the match rows in order; e-mail rows that follow each other
        are one set.

        Returns:
            Success with its `id` and `contact`; `NOT_FOUND`; or an `AMBIGUOUS` failure whose `contacts` are the records
            that it may be. A look-up that fails is answered as it is.
        """
        found_by = self._values(route, contact)
        written = self._written(route, contact)
        for _, group in groupby(found_by, key=lambda entry: entry[0].key if not _is_address(entry[1]) else "@"):
            found = self._search(route, list(group), written)
            if not found.not_found:
                return found
        return Result.failed(NOT_FOUND)

    def find_existing(self, route: Route, contact: Mapping[str, Any]) -> Result:
        """Find the target's record that is in the way of a create: as ever, and by the fields that are unique there.

        Returns:
            As `resolve`.
        """
        found = self.resolve(route, contact)
        if not found.not_found:
            return found
        written = self._written(route, contact)
        for row in self._mapper.rows:
            value = row.read(written, "ext")
            if row.external not in route.target.unique_keys or row.match or row.id or not isinstance(value, str | int):
                continue
            if value == "":
                continue
            found = self._search(route, [(row, str(value))], written)
            there = row.read(found.contact or {}, "ext")
            if found.success and str(there) != str(value) and not holds(found.contact, str(value)):
                continue  # a search that is not exact has found somebody else
            if not found.not_found:
                return found
        return Result.failed(NOT_FOUND)

    def contradiction(self, route: Route, contact: Mapping[str, Any], record: Mapping[str, Any]) -> str | None:
        """Name the match fields in which a contact and a record differ, if they have none of them in common."""
        differing = []
        theirs = {own.key for own, _ in self._mapper.match_values(record, route.target.name)}
        for row, value in self._values(route, contact):
            if row.key not in theirs:
                continue
            if self._has(route, record, row, value):
                return None
            differing.append(row.botmatic)
        return ", ".join(map(repr, dict.fromkeys(differing))) or None

    def _search(self, route: Route, values: Sequence[tuple[Row, str]], written: Mapping[str, Any]) -> Result:
        records: dict[str, Mapping[str, Any]] = {}
        for row, value in values:
            found = self._find(route, row, value, written)
            if found.not_found or (found.success and found.contacts is not None and not found.contacts):
                continue
            if not found.success:
                return found
            given = hits(found)
            ids = [route.target.id_of(record) for record in given]
            if not given or None in ids:
                return Result.failed(f"the look-up by {row.botmatic!r} succeeded without a record that has an id")
            if len(given) == 1 and not self._has(route, given[0], row, value):
                # A search that is not exact finds somebody else, who must not be overwritten.
                reason = f"the look-up by {row.botmatic!r} gave the record {ids[0]}, which has another value"
                return Result.failed(AMBIGUOUS, reason=reason).with_(contacts=given)
            records |= {id: record for id, record in zip(ids, given, strict=True) if id is not None}
        if not records:
            return Result.failed(NOT_FOUND)
        if len(records) > 1:
            names = ", ".join(repr(name) for name in dict.fromkeys(row.botmatic for row, _ in values))
            reason = f"{names} fits the records {_listed(list(records))}"
            return Result.failed(AMBIGUOUS, reason=reason).with_(contacts=list(records.values()))
        ((id, record),) = records.items()
        return Result.ok(id, contact=record)

    def _find(self, route: Route, row: Row, value: str, written: Mapping[str, Any]) -> Result:
        name = row.name_on(route.target.name)
        found = route.target.find(name, value)
        raw = row.read(written, "ext")
        if found.not_found and row.type == "phone" and isinstance(raw, str) and raw.strip() != value:
            found = route.target.find(name, raw.strip())  # as it is written, for a CRM that compares texts
        return found

    def _written(self, route: Route, contact: Mapping[str, Any]) -> Mapping[str, Any]:
        """The contact as the CRM writes it, whichever side it comes from."""
        there = contact if route.source.name == "botmatic" else self._mapper.to_botmatic(contact)
        return self._mapper.to_external(there)

    def _has(self, route: Route, record: Mapping[str, Any], row: Row, value: str) -> bool:
        theirs = {own.botmatic for own, _ in self._mapper.match_values(record, route.target.name)}
        if row.botmatic not in theirs:
            return True  # it does not say
        return holds(record, value) or row.same_match(row.read(record, route.target.name), value, route.target.name)

    def _values(self, route: Route, contact: Mapping[str, Any]) -> list[tuple[Row, str]]:
        """What a contact may be recognised by, as the CRM writes it, whichever side it comes from."""
        own = self._mapper.match_values(contact, route.source.name)
        written = self._mapper.match_values(self._written(route, contact), "ext")
        rows = {row.key for row, _ in written}
        # Rows that travel the other way alone have no value of the CRM's making.
        values = [*written, *((row, value) for row, value in own if row.key not in rows)]
        order = {row.key: place for place, row in enumerate(self._mapper.rows)}
        return sorted(
            ((row, value) for row, value in values if not self._is_blocked(value.strip().casefold())),
            key=lambda entry: order[entry[0].key],
        )

    def _likeness(self, route: Route, contact: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What a contact looks like on the platform: the names and values of the fields that it has."""
        there = contact if route.source.name == "botmatic" else self._mapper.to_botmatic(contact)
        rows = sorted(
            (row for row in self._mapper.rows if not row.id and row.direction != "to_external"),
            key=lambda row: row.key,
        )
        told = {
            row.botmatic: str(canonical(row, there[row.botmatic], "botmatic")) for row in rows if row.botmatic in there
        }
        return [(name, value) for name, value in told.items() if not is_empty(there[name])]


def _never(_: str) -> None:
    """What matches no value, where no pattern is given."""


def _is_address(value: str) -> bool:
    return EMAIL.fullmatch(value) is not None


def _digest(value: str) -> str:
    return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _listed(ids: list[str], most: int = 10) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")
