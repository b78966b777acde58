"""The statements of every step that is more than one, in the SQL that SQLite and PostgreSQL share.

A `Step` is run by a backend as one: alone on its installation, all or nothing. What the two databases say differently
stands in braces, and the backend fills it in:

    {now}    the time at which the step began, which is after those before it ended
    {go}     whether the step's condition held
    {blob}   the type of bytes

`+ends` keeps SQLite from looking through all that has not ended, instead of by what is named.

A statement whose effect depends on the condition says so by `{go}`; all of them run, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from key_stores.links import OTHER, Key, Side, saved
from key_stores.sql.schema import indexed, long
from key_stores.writes import Burial, Checked, Removal, Saving, Wanted

AT_ONCE: Final = 2_000
"""How many pairs one statement saves: SQLite takes 32,766 parameters in one."""

NAME: Final = re.compile(r":([a-z]+\d*)")
"""A parameter in the text of a statement."""

Row = Sequence[bytes | str | float | None]


@dataclass(slots=True)
class Statement:
    """A statement with `:names` for its parameters, which never stand in its text."""

    text: str
    values: dict[str, Any]


@dataclass(slots=True)
class Step:
    """Statements that are one step on an installation.

    Attributes:
        integration: The installation's id.
        condition: A query of one value: whether to go on. None: always.
        statements: The statements, in order.
    """

    integration: str
    condition: Statement | None = None
    statements: list[Statement] = field(default_factory=list)

    def when(self, text: str, **values: Any) -> None:
        """Set the condition. A parameter that is a list of rows becomes those rows: `(:a, :b), (:c, :d)`."""
        self.condition = self._made(text, values)

    def add(self, text: str, **values: Any) -> int:
        """Add a statement, likewise. Its place among the answers."""
        self.statements.append(self._made(text, values))
        return len(self.statements) - 1

    def _made(self, text: str, values: dict[str, Any]) -> Statement:
        flat: dict[str, Any] = {"i": indexed(self.integration)}
        for name, value in values.items():
            if not isinstance(value, list):
                flat[name] = value
                continue
            rows = []
            for row in value:
                places = range(len(flat), len(flat) + len(row))
                flat.update((f"{name}{place}", cell) for place, cell in zip(places, row, strict=True))
                rows.append(f"({', '.join(f':{name}{place}' for place in places)})")
            text = text.replace(f":{name}...", ", ".join(rows))
        return Statement(text, flat)


# -- pairs and tombstones -------------------------------------------------------------------------------------------


def add_writes(step: Step, writes: Sequence[Checked]) -> list[int]:
    """Add what applies writes, in order. Where among the answers the numbers of removed pairs are."""
    removed: list[int] = []
    for kind, some in _runs(writes):
        for start in range(0, len(some), AT_ONCE):
            part = some[start : start + AT_ONCE]
            if kind is Saving:
                _add_savings(step, [write for write in part if isinstance(write, Saving)])
                continue
            burials = [write for write in part if isinstance(write, Burial)]
            removals = [write for write in part if isinstance(write, Removal)]
            removals += [burial.removal for burial in burials if burial.removal is not None]
            if removals:
                removed.append(
                    step.add(
                        "DELETE FROM contact_sync_pairs WHERE installation = :i AND botmatic IN (:b...)"
                        " AND (botmatic, external) IN (VALUES :pair...) AND {go}",
                        b=_distinct(indexed(one.botmatic_id) for one in removals),
                        pair=[(indexed(one.botmatic_id), indexed(one.external_id)) for one in removals],
                    )
                )
            if burials:
                _add_graves(step, burials)
    return removed


def _runs(writes: Sequence[Checked]) -> list[tuple[type, list[Checked]]]:
    runs: list[tuple[type, list[Checked]]] = []
    for write in writes:
        if not runs or runs[-1][0] is not type(write):
            runs.append((type(write), []))
        runs[-1][1].append(write)
    return runs


def _add_savings(step: Step, savings: Sequence[Saving]) -> None:
    result = saved(savings)
    same = [(indexed(botmatic_id), indexed(external_id)) for botmatic_id, external_id in result.same]
    # Two statements, each by its index: with an OR, SQLite would go through the whole installation.
    for side in OTHER:
        text = "DELETE FROM contact_sync_pairs WHERE installation = :i AND {own} IN (:id...) AND {go}"
        if same:
            text += " AND (botmatic, external) NOT IN (VALUES :same...)"
        step.add(_of(side, text), id=[(indexed(id),) for of, id in result.keys if of == side], same=same)
    step.add(
        "INSERT INTO contact_sync_pairs"
        " (installation, botmatic, external, botmatic_long, external_long, baseline)"
        " SELECT CAST(:i AS {blob}), column1, column2, CAST(column3 AS {blob}), CAST(column4 AS {blob}),"
        " CAST(column5 AS {blob}) FROM (VALUES :row...) AS given WHERE {go}"
        " ON CONFLICT (installation, botmatic) DO UPDATE"
        " SET baseline = coalesce(excluded.baseline, contact_sync_pairs.baseline)"
        " WHERE excluded.baseline IS NOT NULL",
        row=[
            (indexed(botmatic_id), indexed(external_id), long(botmatic_id), long(external_id), baseline)
            for (botmatic_id, external_id), baseline in result.pairs.items()
        ],
    )
    step.add(
        "DELETE FROM contact_sync_tombstones WHERE installation = :i AND id IN (:id...) AND {go}",
        id=[(grave(key),) for key in result.keys],
    )


def _add_graves(step: Step, burials: Sequence[Burial]) -> None:
    lasting = {key: burial.milliseconds / 1000 for burial in burials for key in burial.keys}
    step.add("DELETE FROM contact_sync_tombstones WHERE installation = :i AND ends <= {now}")
    step.add(
        "INSERT INTO contact_sync_tombstones (installation, id, ends)"
        " SELECT CAST(:i AS {blob}), column1, {now} + column2 FROM (VALUES :row...) AS given WHERE {go}"
        " ON CONFLICT (installation, id) DO UPDATE SET ends = excluded.ends",
        row=[(grave(key), seconds) for key, seconds in lasting.items()],
    )


def grave(key: Key) -> bytes:
    """Give the bytes by which the tombstone of an id is found."""
    side, id = key
    return side.encode() + indexed(id)


def forget(integration: str) -> Step:
    """Remove everything of an installation, end its claims, and sweep leases that have ended."""
    step = Step(integration)
    step.add("DELETE FROM contact_sync_pairs WHERE installation = :i")
    step.add("DELETE FROM contact_sync_tombstones WHERE installation = :i")
    step.add("DELETE FROM contact_sync_records WHERE installation = :i")
    step.add("DELETE FROM contact_sync_claims WHERE installation = :i")
    step.add("DELETE FROM contact_sync_leases WHERE installation = :i AND ends <= {now}")
    return step


# -- leases ---------------------------------------------------------------------------------------------------------


def acquire(integration: str, names: Sequence[bytes], owner: bytes, seconds: float) -> Step:
    """Take leases that nobody else holds."""
    step = Step(integration)
    step.when(
        "SELECT NOT EXISTS (SELECT 1 FROM contact_sync_leases WHERE installation = :i AND name IN (:name...)"
        " AND owner <> :owner AND ends > {now})",
        name=[(name,) for name in names],
        owner=owner,
    )
    step.add("DELETE FROM contact_sync_leases WHERE installation = :i AND ends <= {now}")
    step.add(
        "INSERT INTO contact_sync_leases (installation, name, owner, ends)"
        " SELECT CAST(:i AS {blob}), column1, CAST(:owner AS {blob}), {now} + :seconds"
        " FROM (VALUES :name...) AS given WHERE {go}"
        " ON CONFLICT (installation, name) DO UPDATE SET owner = excluded.owner, ends = excluded.ends",
        name=[(name,) for name in names],
        owner=owner,
        seconds=seconds,
    )
    return step


def renew(integration: str, names: Sequence[bytes], owner: bytes, seconds: float) -> Step:
    """Extend leases that are all held."""
    step = Step(integration)
    step.when(
        "SELECT count(*) = :wanted FROM contact_sync_leases WHERE installation = :i AND name IN (:name...)"
        " AND owner = :owner AND ends > {now}",
        name=[(name,) for name in names],
        owner=owner,
        wanted=len(names),
    )
    step.add(
        "UPDATE contact_sync_leases SET ends = {now} + :seconds"
        " WHERE installation = :i AND name IN (:name...) AND {go}",
        name=[(name,) for name in names],
        seconds=seconds,
    )
    return step


# -- claims ---------------------------------------------------------------------------------------------------------


_OWN: Final = "SELECT '{side}' AS side, column1 AS name FROM (VALUES :own{side}...) AS own{side}"
_PARTNERS: Final = (
    "SELECT '{otherside}', {other} FROM contact_sync_pairs WHERE installation = :i AND {own} IN (:own{side}...)"
)
_GUARDS: Final = (
    "SELECT 'g', column2 FROM (VALUES :guard{side}...) AS guard{side} WHERE NOT EXISTS"
    " (SELECT 1 FROM contact_sync_pairs WHERE installation = :i AND {own} = column1)"
)
_KNOWN: Final = (
    "SELECT botmatic, botmatic_long, external, external_long, baseline FROM contact_sync_pairs"
    " WHERE installation = :i AND {own} IN (:own{side}...) AND {go}"
)
_CLAIMABLE: Final = (
    "SELECT NOT EXISTS (SELECT 1 FROM ({wanted}) AS wanted JOIN contact_sync_claims AS held"
    " ON held.installation = :i AND held.side = wanted.side AND held.name = wanted.name"
    " WHERE held.owner <> :owner AND held.ends > {now})"
)
_CLAIM: Final = (
    "INSERT INTO contact_sync_claims (installation, side, name, owner, ends)"
    " SELECT CAST(:i AS {blob}), side, name, CAST(:owner AS {blob}), {now} + :seconds FROM ({wanted}) AS wanted"
    " WHERE {go} ON CONFLICT (installation, side, name) DO UPDATE SET owner = excluded.owner, ends = excluded.ends"
)


def claim(
    integration: str, wanted: Sequence[Wanted], guards: Sequence[tuple[Key, bytes]], owner: bytes, seconds: float
) -> Step:
    """Claim contacts, and read what is known of them: the answers are the last two, pairs and tombstones."""
    step = Step(integration)
    parts: list[str] = []
    known: list[str] = []
    own: dict[str, list[Row]] = {}
    guarding: dict[str, list[Row]] = {}
    for side in OTHER:
        ids = _distinct(indexed(one.key[1]) for one in wanted if one.key[0] == side)
        if not ids:
            continue
        own[f"own{side}"] = ids
        parts += [_of(side, _OWN), _of(side, _PARTNERS)]
        known.append(_of(side, _KNOWN))
        guarding[f"guard{side}"] = [(indexed(id), digest) for (of, id), digest in guards if of == side]
        if guarding[f"guard{side}"]:
            parts.append(_of(side, _GUARDS))
    leases = " UNION ".join(parts)
    step.when(_CLAIMABLE.replace("{wanted}", leases), owner=owner, **own, **guarding)
    step.add("DELETE FROM contact_sync_claims WHERE installation = :i AND ends <= {now}")
    step.add(_CLAIM.replace("{wanted}", leases), owner=owner, seconds=seconds, **own, **guarding)
    step.add(" UNION ALL ".join(known), **own)
    step.add(
        "SELECT id FROM contact_sync_tombstones WHERE installation = :i AND id IN (:id...) AND +ends > {now} AND {go}",
        id=[(grave(one.key),) for one in wanted],
    )
    return step


def when_held(step: Step, leases: Sequence[tuple[str, bytes]], owner: bytes) -> None:
    """Let a step go on if these claims are all held."""
    if leases:
        step.when(
            "SELECT count(*) = :wanted FROM contact_sync_claims WHERE installation = :i"
            " AND name IN (:name...) AND (side, name) IN (VALUES :lease...) AND owner = :owner AND +ends > {now}",
            name=[(name,) for _, name in leases],
            lease=list(leases),
            owner=owner,
            wanted=len(leases),
        )


def add_renewal(step: Step, leases: Sequence[tuple[str, bytes]], seconds: float) -> None:
    """Extend claims."""
    if leases:
        step.add(
            "UPDATE contact_sync_claims SET ends = {now} + :seconds WHERE installation = :i"
            " AND name IN (:name...) AND (side, name) IN (VALUES :lease...) AND {go}",
            name=[(name,) for _, name in leases],
            lease=list(leases),
            seconds=seconds,
        )


def add_release(step: Step, leases: Sequence[tuple[str, bytes]], owner: bytes) -> None:
    """Give back those claims that are held, whether or not all are."""
    if leases:
        step.add(
            "DELETE FROM contact_sync_claims WHERE installation = :i"
            " AND name IN (:name...) AND (side, name) IN (VALUES :lease...) AND owner = :owner",
            name=[(name,) for _, name in leases],
            lease=list(leases),
            owner=owner,
        )


def _of(side: Side, text: str) -> str:
    """Fill in the names of a side: its own column, and the other one."""
    own, other = ("botmatic", "external") if side == "b" else ("external", "botmatic")
    names = {"{own}": own, "{other}": other, "{side}": side, "{otherside}": OTHER[side]}
    for place, name in names.items():
        text = text.replace(place, name)
    return text


def _distinct(ids: Iterable[bytes]) -> list[Row]:
    return [(id,) for id in dict.fromkeys(ids)]
