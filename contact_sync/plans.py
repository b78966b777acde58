"""A plan for one contact: what is to be written where, and how the baseline moves when it is done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from mappers import Mapper, MappingError, Side
from mappers import Mapping as Row
from mappers.values import MISSING

from .baselines import Baseline
from .errors import ContactSyncError
from .events import Change
from .failures import FAULTS
from .merge import FieldState, Merged, merge
from .rules import Conflict, ConflictFunction, ConflictPolicy, Rules
from .sides import Route, is_empty, without_empty


class PolicyFailed(ContactSyncError):
    """A user's conflict function raised, or gave back something that is no side."""


class Plan:
    """What is to be done for a contact.

    Attributes:
        route: From where to where.
        contact: The contact, in the source's names.
        merged: What is written, by the keys of rows.
        stale: The rows of which the source tells what it had before we wrote there.
    """

    def __init__(
        self,
        mapper: Mapper,
        rules: Rules,
        rows: Sequence[Row],
        route: Route,
        contact: Mapping[str, Any],
        baseline: Baseline | None,
        there: Mapping[str, Any] | None,
        first: bool,
        creates: bool,
    ) -> None:
        self.route = route
        self.contact = contact
        self.there = there
        self._mapper = mapper
        self._rules = rules
        self._rows = {row.key: row for row in rows}
        self._baseline = baseline
        self._now = time.time()
        self._first = first
        self._creates = creates
        self._here: dict[str, object] = {}
        self._winners: dict[str, str] = {}
        self._sent: Mapping[str, Any] = {}
        self._moved: set[str] = set()
        self._read = {route.target.name} if there is not None and route.target.readable else set()
        self.stale: tuple[str, ...] = ()
        self._refused: tuple[str, ...] = ()
        self.merged: Merged = self._permitted(merge(self._states(), self._wins))

    # What it says

    @property
    def fields(self) -> tuple[str, ...]:
        """The names on the platform of what is written."""
        return tuple(dict.fromkeys(self._rows[key].botmatic for key in self.merged.write))

    @property
    def conflicts(self) -> dict[str, str]:
        """The conflicts: name on the platform → the side that won, `botmatic` or `external`."""
        return {self._rows[key].botmatic: self._winners[key] for key in self.merged.conflicts}

    @property
    def refused(self) -> tuple[str, ...]:
        """The names on the platform of what has changed, and is not written, since the target cannot take it."""
        return tuple(dict.fromkeys(self._rows[key].botmatic for key in self._refused))

    @property
    def has_news(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.merged.write or self.merged.take)

    @property
    def wants_the_other_side(self) -> bool:
        """Whether a policy has to see the target's record first, which has not been read."""
        if self.there is not None or not self.route.target.readable:
            return False
        if self._refused and self._rules.read_only == "revert":
            return True
        return any(self._policy(self._rows[key]) != "last_write" for key in self.merged.write)

    def is_doubtful(self, read_at: float | None) -> bool:
        """Whether the contact may be older than what we wrote there: the source should be read, if it can be.

        Args:
            read_at: When it was read; `None` if the source has told of it, which may have taken long.
        """
        if self._baseline is None or not self.merged.write or not self.route.source.readable:
            return False
        seconds = self._rules.late_seconds if read_at is None else self._now - int(read_at)
        return self._baseline.wrote_lately(self.route.source.name, self._now, seconds)

    # The payloads

    def shape(self, change: Change) -> dict[str, Any]:
        """Build the payload of an update: what has changed, or all that the contact has where the target wants that.

        Raises:
            MappingError: A value does not fit its row.
        """
        rows = [row for key, row in self._rows.items() if self._is_sent(key, row, change.contact)]
        ids = [row for row in self._mapper.rows if row.id]
        kept = self._mapper.kept(change.contact, [*rows, *ids], self.route.source.name)
        return self.route.target.shape(replace(change, contact=kept))

    def _is_sent(self, key: str, row: Row, contact: Mapping[str, Any]) -> bool:
        if key in self.merged.write or self._altered(row, contact):
            return True
        if self.route.target.partial or key in self.merged.take or key in self.stale or key in self._moved:
            return False
        return not is_empty(row.read(contact, self.route.source.name))

    def change(self, kind: Any, id: str | None) -> Change:
        """Make the change that is to be written to the target."""
        scope, fields = self.route.scope, None if kind == "create" else self.fields
        return Change(self.route.target.name, kind, self.contact, id, scope.installation, scope.auth, fields)

    def change_back(self, id: str) -> Change:
        """Make the change that is to be written to the source."""
        scope = self.route.scope
        fields = tuple(dict.fromkeys(self._rows[key].botmatic for key in self.merged.take))
        return Change(self.route.source.name, "update", self.there or {}, id, scope.installation, scope.auth, fields)

    def shape_back(self, change: Change) -> dict[str, Any]:
        """Build the payload of what the source takes from the target."""
        rows = [self._rows[key] for key in self.merged.take]
        kept = self._mapper.kept(change.contact, rows, self.route.target.name)
        return self.route.source.shape(replace(change, contact=without_empty(kept) if self._first else kept))

    # When it is done

    def was_read(self, side: Side) -> None:
        """Note that the plan is made of what a side had when it was read: what it has told until then is older."""
        self._read.add(side)

    def sent(self, payload: Mapping[str, Any]) -> None:
        """Note what is being written to the target."""
        self._sent = payload

    def settle(self, returned: Mapping[str, Any] | None, baseline: Baseline | None = None) -> None:
        """Move the baseline: it was written.

        Args:
            returned: The record as the target gave it back, if it did.
            baseline: The baseline of a pair that was made just now, in place of the one that it was planned with.
        """
        baseline = self._baseline = baseline or self._baseline
        if baseline is None:
            return
        source, target = self.route.source.name, self.route.target.name
        for key, row in self._rows.items():
            sent = row.read(self._sent, target)
            if sent is not MISSING:
                answered = MISSING if returned is None else row.read(returned, target)
                value = sent if answered is MISSING else answered
                baseline.wrote(key, target, canonical(row, value, target), self._now)
            elif key in self.merged.agree:
                baseline.agree(key, target, self._canonical_there(row))
            elif key not in self.merged.write and key not in self._refused:
                continue
            if key in self._here and key not in self.merged.take and key not in self.stale:
                baseline.agree(key, source, self._here[key])
                self._heard(key)  # what it had before our last write would be an edit from now on
        if self.has_news or self.merged.agree:
            self.touch(*self._read)

    def settle_back(self, payload: Mapping[str, Any]) -> None:
        """Move the baseline: the source has taken what the target had."""
        if self._baseline is None:
            return
        source, target = self.route.source.name, self.route.target.name
        for key in self.merged.take:
            row = self._rows[key]
            value = row.read(payload, source)
            if value is not MISSING:
                # What it had is no edit if it is told of once more, by an event that was on its way already.
                self._baseline.agree(key, source, self._here.get(key))
                self._baseline.wrote(key, source, canonical(row, value, source), self._now)
            elif key in self._here:  # it does not travel back: each side keeps its own, and that is settled
                self._baseline.agree(key, source, self._here[key])
            self._baseline.agree(key, target, self._canonical_there(row))

    def touch(self, *sides: Side) -> None:
        """Note that something may have been written to these sides: what they tell of next may be older."""
        for side in sides:
            if self._baseline is not None:
                self._baseline.touch(side, self._now)

    def packed(self) -> bytes | None:
        """The baseline to be kept; `None` if it has not moved."""
        return None if self._baseline is None else self._baseline.pack(self._now, self._rules.late_seconds)

    # How it is made

    def _states(self) -> list[FieldState]:
        source, target = self.route.source.name, self.route.target.name
        try:
            mapped = self._mapper.map_to(self.contact, source, target)
        except MappingError:
            # Said when it is given a shape, unless middleware mends it before.
            return [FieldState(key, here=None, here_changed=True) for key, row in self._rows.items() if self._told(row)]
        states, stale = [], []
        for key, row in self._rows.items():
            if not self._told(row) or not self._travels(row):
                if self._first and (not self._told(row) or is_empty(row.read(self.contact, source))):
                    states.append(self._state(key, row, None, None))
                continue
            here = self._here[key] = canonical(row, row.read(self.contact, source), source)
            changed = self._changed(key, here)
            if changed is False:
                self._heard(key)
            elif self._is_stale(key, here):
                stale.append(key)
                continue
            value = row.read(mapped, target)
            if value is MISSING:  # the row ignores empty values
                if self._first:
                    states.append(self._state(key, row, None, None))
            else:
                states.append(self._state(key, row, canonical(row, value, target), changed))
        self.stale = tuple(stale)
        return states

    def _permitted(self, merged: Merged) -> Merged:
        """Leave out what a side cannot take. Where that is to be reverted, the other side takes what it has."""
        source, target = self.route.source, self.route.target
        write, take, refused = [], list(merged.take), []
        for key in merged.write:
            row = self._rows[key]
            if self._creates or target.takes(row, clear=key in self._here and self._here[key] is None):
                write.append(key)
            elif self._rules.read_only == "revert" and self.there is not None and self._is_known_there(row):
                take.append(key)
            else:
                refused.append(key)
        back = [
            key for key in take if source.takes(self._rows[key], clear=self._canonical_there(self._rows[key]) is None)
        ]
        self._refused = tuple(refused)
        return replace(merged, write=tuple(write), take=tuple(back))

    def _travels(self, row: Row) -> bool:
        """Whether a row goes from the source to the target."""
        return row.direction in ("both", "to_external" if self.route.target.name == "ext" else "to_botmatic")

    def _told(self, row: Row) -> bool:
        return row.read(self.contact, self.route.source.name) is not MISSING

    def _state(self, key: str, row: Row, here: object, changed: bool | None) -> FieldState:
        if self.there is None or not self._is_known_there(row):
            return FieldState(key, here=here, here_changed=changed)
        there = self._canonical_there(row)
        known = None if self._baseline is None else self._baseline.changed(key, self.route.target.name, there)
        if known:
            self._moved.add(key)  # somebody edited it there, and that is still to be told
        return FieldState(key, here=here, there=there, here_changed=changed, there_changed=known)

    def _is_known_there(self, row: Row) -> bool:
        """Whether the record that was read tells of a field; when both meet first, what is absent is a blank."""
        return self._first or row.read(self.there, self.route.target.name) is not MISSING

    def _changed(self, key: str, here: object) -> bool | None:
        if self._first:
            return None
        if self._baseline is None:
            return True
        return self._baseline.changed(key, self.route.source.name, here)

    def _is_stale(self, key: str, here: object) -> bool:
        if self._baseline is None or self.route.source.readable:
            return False
        return self._baseline.is_former(key, here, self._now, self._rules.late_seconds)

    def _heard(self, key: str) -> None:
        if self._baseline is not None and not self.route.source.readable:
            self._baseline.heard(key)

    def _canonical_there(self, row: Row) -> object:
        value = row.read(self.there or {}, self.route.target.name)
        return None if value is MISSING else canonical(row, value, self.route.target.name)

    def _altered(self, row: Row, contact: Mapping[str, Any]) -> bool:
        source = self.route.source.name
        return contact is not self.contact and bool(row.read(contact, source) != row.read(self.contact, source))

    def _crm_takes(self, row: Row) -> bool:
        sides = (self.route.source, self.route.target)
        return self._creates or all(side.takes(row, clear=False) for side in sides)

    def _policy(self, row: Row) -> ConflictPolicy:
        if self._baseline is None and not self._first:
            return "last_write"  # the store keeps no baselines: who changed what is not known
        return self._rules.conflicts if row.conflict is None else cast(ConflictPolicy, row.conflict)

    def _wins(self, state: FieldState) -> bool:
        row, source = self._rows[state.name], self.route.source.name
        policy = self._policy(row)
        speaks = "botmatic" if source == "botmatic" else "external"
        if not self._crm_takes(row):
            winner = "external"  # there is no way to make it have anything else
        elif policy == "last_write":
            winner = speaks
        elif callable(policy):
            winner = self._asked(policy, row)
        else:
            winner = policy
        self._winners[state.name] = winner
        return winner == speaks

    def _asked(self, policy: ConflictFunction, row: Row) -> str:
        values = {self.route.source.name: self.contact, self.route.target.name: self.there or {}}
        botmatic, external = row.read(values["botmatic"], "botmatic"), row.read(values["ext"], "ext")
        conflict = Conflict(
            field=row.botmatic,
            botmatic=None if botmatic is MISSING else botmatic,
            external=None if external is MISSING else external,
            source=self.route.source.name,
            installation=self.route.scope.installation,
        )
        try:
            winner = policy(conflict)
        except FAULTS as error:
            raise PolicyFailed(
                f"the conflict function raised {type(error).__name__} for the field {row.botmatic!r}"
            ) from error
        if winner not in ("botmatic", "external"):
            raise PolicyFailed(
                f"the conflict function gave {type(winner).__name__} for the field {row.botmatic!r}; "
                "expected 'botmatic' or 'external'"
            )
        return winner


def canonical(row: Row, value: object, side: Side) -> object:
    """The canonical form of a side's value; of one that does not fit its row, what it is written like."""
    try:
        return row.canonical(value, side)
    except MappingError:
        return f"{type(value).__name__}:{value}"
