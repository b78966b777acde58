"""The store in a SQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, Executable

from key_stores import ids
from key_stores.base import (
    Baselines,
    Claimed,
    ContactClaims,
    ContactRef,
    Id,
    KeyStore,
    KnownContact,
    Leases,
    PairBatches,
    PairListing,
    Ping,
    Records,
    Tombstones,
    Write,
)
from key_stores.digests import lease_digest
from key_stores.links import OTHER, Key
from key_stores.sql import statements, steps
from key_stores.sql.databases import backend_of
from key_stores.sql.schema import indexed, long, records, text_of
from key_stores.sql.steps import Step, grave
from key_stores.writes import Checked, Removal, as_baselines, as_burial, as_savings, as_wanted, as_writes

_AT_ONCE: Final = 10_000  # parameters of one statement; SQLite takes 32,766, PostgreSQL 65,535


class SQLKeyStore(KeyStore, PairBatches, Baselines, PairListing, Tombstones, Leases, ContactClaims, Records, Ping):
    """Keeps pairs in SQLite or PostgreSQL. Tables named `contact_sync_…` are made at the first call.

    Args:
        engine: A SQLAlchemy `Engine`, which is used as it is and stays open, or a URL: `sqlite:///pairs.db`,
            `postgresql://user@host/database`. From a URL, SQLite runs in WAL mode.

    Raises:
        KeyStoreError: The database is neither, or the URL is wrong.
    """

    def __init__(self, engine: Engine | str) -> None:
        self._backend = backend_of(engine)
        self._tombstone_ends = statements.tombstone_ends(self._backend.clock)

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        return self.save_many(integration_id, [(botmatic_id, external_id)])

    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        external_id = ids.as_external_id(external_id)
        return self.get_botmatic_ids(integration_id, [external_id]).get(external_id)

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        botmatic_id = ids.as_botmatic_id(botmatic_id)
        return self.get_external_ids(integration_id, [botmatic_id]).get(botmatic_id)

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        removal = Removal(ids.as_botmatic_id(botmatic_id), ids.as_external_id(external_id))
        return self._write(integration_id, [removal], repeatable=False)

    def delete_all_ids(self, integration_id: Id) -> bool:
        self._backend.run(steps.forget(ids.as_integration_id(integration_id)))
        return True

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        self._write(integration_id, as_savings(pairs))
        return True

    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        checked = [ids.as_external_id(id) for id in external_ids]
        return self._known(statements.PAIRS_OF_EXTERNAL, integration_id, checked)

    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        checked = [ids.as_botmatic_id(id) for id in botmatic_ids]
        return self._known(statements.PAIRS_OF_BOTMATIC, integration_id, checked)

    def save_baselines(self, integration_id: Id, pairs: Iterable[tuple[Id, Id, bytes]]) -> bool:
        self._write(integration_id, as_baselines(pairs))
        return True

    def get_baselines(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, bytes]:
        rows = self._rows(statements.BASELINES, integration_id, [ids.as_botmatic_id(id) for id in botmatic_ids])
        return {text_of(id, id_long): bytes(baseline) for id, id_long, baseline in rows}

    def count_pairs(self, integration_id: Id) -> int:
        mine = indexed(ids.as_integration_id(integration_id))
        return self._backend.read(
            lambda connection: int(connection.execute(statements.COUNT_PAIRS, {"i": mine}).scalar_one())
        )

    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        return self._walk(indexed(ids.as_integration_id(integration_id)))

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        return self._write(integration_id, [as_burial(botmatic_id, external_id, seconds)], repeatable=False)

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        integration = ids.as_integration_id(integration_id)
        botmatic_id, external_id = ids.as_either(botmatic_id, external_id, only_one=True)
        key: Key = ("b", botmatic_id) if botmatic_id is not None else ("e", str(external_id))
        values = {"i": indexed(integration), "id": grave(key)}
        row = self._backend.read(
            lambda connection: connection.execute(self._tombstone_ends, values).one_or_none(),
        )
        return row is not None and row[0] > row[1]

    def acquire_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(steps.acquire, integration_id, names, owner, seconds)

    def renew_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(steps.renew, integration_id, names, owner, seconds)

    def release_leases(self, integration_id: Id, names: Sequence[str], owner: str) -> None:
        integration = ids.as_integration_id(integration_id)
        values = {"i": indexed(integration), "ids": _digests(integration, names), "owner": _owner(owner)}
        self._backend.read(lambda connection: connection.execute(statements.RELEASE, values))

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        integration, wanted = ids.as_integration_id(integration_id), as_wanted(contacts)
        holder, lasting = _owner(owner), ids.as_milliseconds(seconds) / 1000
        if not wanted:
            return Claimed((), ())
        guards = [(one.key, lease_digest(integration, guard)) for one in wanted for guard in one.guards]
        answers = self._backend.run(steps.claim(integration, wanted, guards, holder, lasting))
        if not answers.went:
            return None
        known = _Known(answers.rows(-2), answers.rows(-1))
        contacts_known = tuple(known.contact(one.key) for one in wanted)
        leases: dict[str, None] = {}
        for one, contact in zip(wanted, contacts_known, strict=True):
            leases[_lease_of(one.key)] = None
            if contact.paired:
                leases[_lease_of(known.partner(one.key))] = None
        paired = {one.key for one, contact in zip(wanted, contacts_known, strict=True) if contact.paired}
        leases.update((f"g{digest.hex()}", None) for key, digest in guards if key not in paired)
        return Claimed(contacts_known, tuple(leases))

    def renew_claim(self, integration_id: Id, leases: Sequence[str], owner: str, seconds: float) -> bool:
        step, held, holder = Step(ids.as_integration_id(integration_id)), _held(leases), _owner(owner)
        lasting = ids.as_milliseconds(seconds) / 1000
        steps.when_held(step, held, holder)
        steps.add_renewal(step, held, lasting)
        return self._backend.run(step).went

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        step, held, holder = Step(ids.as_integration_id(integration_id)), _held(leases), _owner(owner)
        steps.when_held(step, held, holder)
        steps.add_writes(step, as_writes(writes))
        if release:
            steps.add_release(step, held, holder)
        # Once the leases are given back, a second time would answer that they are lost.
        return self._backend.run(step, repeatable=not release).went

    def put_record(self, integration_id: Id, name: str, value: str) -> None:
        integration, name = ids.as_integration_id(integration_id), ids.as_name(name, "record's name")
        row = {"name": indexed(name), "name_long": long(name), "value": ids.as_value(value).encode()}
        statement = self._backend.replace(records, {"installation": indexed(integration), **row})
        self._backend.read(lambda connection: connection.execute(statement))

    def get_record(self, integration_id: Id, name: str) -> str | None:
        integration, name = ids.as_integration_id(integration_id), ids.as_name(name, "record's name")
        values = {"i": indexed(integration), "name": indexed(name)}
        value = self._backend.read(lambda connection: connection.execute(statements.RECORD, values).scalar())
        return None if value is None else bytes(value).decode()

    def get_records(self, integration_id: Id) -> dict[str, str]:
        values = {"i": indexed(ids.as_integration_id(integration_id))}
        rows = self._backend.read(lambda connection: connection.execute(statements.RECORDS, values).all())
        return {text_of(name, name_long): value.decode() for name, name_long, value in rows}

    def delete_record(self, integration_id: Id, name: str) -> bool:
        integration, name = ids.as_integration_id(integration_id), ids.as_name(name, "record's name")
        values = {"i": indexed(integration), "name": indexed(name)}
        return self._backend.read(
            lambda connection: connection.execute(statements.DELETE_RECORD, values).rowcount == 1, repeatable=False
        )

    def ping(self) -> None:
        self._backend.ping()

    def close(self) -> None:
        self._backend.close()

    def _known(self, statement: Executable, integration_id: Id, checked: list[str]) -> dict[str, str]:
        return _texts(self._rows(statement, integration_id, checked))

    def _rows(self, statement: Executable, integration_id: Id, checked: list[str]) -> list[Sequence[Any]]:
        mine = indexed(ids.as_integration_id(integration_id))
        found = list(dict.fromkeys(indexed(id) for id in checked))

        def ask(connection: Connection) -> list[Sequence[Any]]:
            parts = (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
            return [row for part in parts for row in connection.execute(statement, {"i": mine, "ids": part})]

        return self._backend.read(ask)

    def _walk(self, mine: bytes) -> Iterator[tuple[str, str]]:
        values = {"i": mine, "after": b""}
        while True:
            page = _texts(
                self._backend.read(lambda connection: connection.execute(statements.NEXT_PAIRS, values).all())
            )
            yield from page.items()
            if len(page) < statements.PAGE:
                return
            values["after"] = indexed(next(reversed(page)))

    def _write(self, integration_id: Id, writes: Sequence[Checked], *, repeatable: bool = True) -> bool:
        """Apply writes as one step. Whether a pair was removed by a removal or a burial."""
        step = Step(ids.as_integration_id(integration_id))
        removed = steps.add_writes(step, writes)
        return bool(step.statements) and self._backend.run(step, repeatable=repeatable).count(removed) > 0

    def _lease(
        self,
        make: Callable[[str, list[bytes], bytes, float], Step],
        integration_id: Id,
        names: Sequence[str],
        owner: str,
        seconds: float,
    ) -> bool:
        integration = ids.as_integration_id(integration_id)
        digests, holder, milliseconds = _digests(integration, names), _owner(owner), ids.as_milliseconds(seconds)
        return not digests or self._backend.run(make(integration, digests, holder, milliseconds / 1000)).went


class _Known:
    """What a claim has read: pairs, and tombstones."""

    def __init__(self, pairs: Iterable[Sequence[Any]], graves: Iterable[Sequence[Any]]) -> None:
        self._pairs: dict[Key, tuple[str, bytes | None]] = {}
        self._graves = {bytes(row[0]) for row in graves}
        for botmatic, botmatic_long, external, external_long, baseline in pairs:
            botmatic_id, external_id = text_of(botmatic, botmatic_long), text_of(external, external_long)
            kept = None if baseline is None else bytes(baseline)
            self._pairs["b", botmatic_id] = (external_id, kept)
            self._pairs["e", external_id] = (botmatic_id, kept)

    def partner(self, key: Key) -> Key:
        """Give the other id of a pair."""
        return OTHER[key[0]], self._pairs[key][0]

    def contact(self, key: Key) -> KnownContact:
        """Say what is known of a contact."""
        side, id = key
        other, baseline = self._pairs.get(key, (None, None))
        botmatic_id, external_id = (id, other) if side == "b" else (other, id)
        return KnownContact(botmatic_id, external_id, baseline, grave(key) in self._graves)


def _texts(rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    return {text_of(id, id_long): text_of(other, other_long) for id, id_long, other, other_long in rows}


def _lease_of(key: Key) -> str:
    return key[0] + indexed(key[1]).hex()


def _held(leases: Sequence[str]) -> list[tuple[str, bytes]]:
    return [_held_as(lease) for lease in ids.as_names(leases)]


def _held_as(lease: str) -> tuple[str, bytes]:
    try:
        return lease[0], bytes.fromhex(lease[1:])
    except ValueError:
        return "?", lease.encode()  # not one of ours, so nobody holds it


def _digests(integration: str, names: Sequence[str]) -> list[bytes]:
    return [lease_digest(integration, name) for name in ids.as_names(names)]


def _owner(owner: str) -> bytes:
    return ids.as_name(owner, "owner").encode()
