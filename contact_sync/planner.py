"""Makes plans: with the table of fields, the user's choices and the baselines at hand."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from key_stores import KnownContact
from mappers import Mapper, Side, paths
from mappers import Mapping as Row
from mappers.values import MISSING

from .abilities import Abilities
from .baselines import Baseline, Keys, Names
from .plans import Plan
from .rules import Rules
from .sides import Route


class Planner:
    """Makes plans.

    Args:
        mapper: The table of fields.
        rules: Who wins, and how late a side may tell of something.
        abilities: Whether the store keeps baselines.
        keys: The keys of the baselines.
    """

    def __init__(self, mapper: Mapper, rules: Rules, abilities: Abilities, keys: Keys) -> None:
        self._mapper = mapper
        self._rules = rules
        self._keeps = abilities.keeps_baselines
        self._keys = keys
        self._names = Names([row.key for row in mapper.rows])
        self._rows: dict[Side, tuple[Row, ...]] = {
            "botmatic": tuple(
                row for row in mapper.rows if row.direction != "to_external" and not (row.id and row.botmatic == "id")
            ),
            "ext": tuple(row for row in mapper.rows if row.direction != "to_botmatic" and not row.id),
        }

    def baseline(self, route: Route, known: KnownContact) -> Baseline | None:
        """Read the baseline of a pair; `None` if the store keeps none.

        Raises:
            KeyStoreError: The key is in the store, which cannot be asked.
        """
        if not self._keeps or known.botmatic_id is None or known.external_id is None:
            return None
        keys = self._keys.of(route.scope.installation, known.baseline)
        return Baseline(self._names, keys, known.botmatic_id, known.external_id, known.baseline)

    def begun(self, route: Route, known: KnownContact) -> bytes | None:
        """Give the baseline of a pair whose adoption has begun; `None` if the store keeps none."""
        baseline = self.baseline(route, known)
        if baseline is None:
            return None
        now = time.time()
        baseline.touch("botmatic", now)
        baseline.touch("ext", now)
        return baseline.pack(now, self._rules.late_seconds)

    def plan(
        self,
        route: Route,
        contact: Mapping[str, Any],
        baseline: Baseline | None,
        *,
        there: Mapping[str, Any] | None = None,
        first: bool = False,
    ) -> Plan:
        """Decide what is to be written for a contact of the source.

        Args:
            contact: The contact, in the source's names.
            baseline: The pair's baseline.
            there: The target's record, if it was read; an empty one if it is to be created.
            first: Whether the two meet for the first time: what the contact does not have is a blank then, since it is
                known whole.

        Raises:
            PolicyFailed: The user's conflict function does not say who wins.
            KeyStoreError: The key is in the store, which cannot be asked.
        """
        rows = self._rows[route.target.name]
        creates = first and there is not None and not there
        if first and there is not None:  # blanks of the source are filled, also by rows that travel that way alone
            rows += tuple(row for row in self._rows[route.source.name] if row not in rows and not row.id)
        if first and self._keeps:
            self._keys.of(route.scope.installation)  # needed for the pair: after a create it is too late to fail
        if route.source.omits_empty:
            contact = _completed(contact, rows, route.source.name)
        if there is not None and route.target.omits_empty:
            there = _completed(there, rows, route.target.name)
        return Plan(self._mapper, self._rules, rows, route, contact, baseline, there, first, creates)


def _completed(contact: Mapping[str, Any], rows: Sequence[Row], side: Side) -> Mapping[str, Any]:
    """Copy a contact in which what is absent is empty."""
    for row in rows:
        if row.read(contact, side) is MISSING:
            contact = paths.replaced(contact, row.path_on(side), None)
    return contact
