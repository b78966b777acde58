"""The store in a SQL database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, Executable

from key_stores import ids
from key_stores.base import Id, KeyStore, Leases, PairBatches, PairListing, Ping, Records, Tombstones
from key_stores.digests import lease_digest
from key_stores.links import links_after
from key_stores.sql import statements
from key_stores.sql.backend import backend_of
from key_stores.sql.schema import indexed, long, records, text_of, tombstones

_AT_ONCE: Final = 10_000  # parameters of one statement; SQLite takes 32,766, PostgreSQL 65,535

Values = dict[str, Any]


class SQLKeyStore(KeyStore, PairBatches, PairListing, Tombstones, Leases, Records, Ping):
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
        integration = ids.as_integration_id(integration_id)
        values = _pair(integration, ids.as_botmatic_id(botmatic_id), ids.as_external_id(external_id))
        with self._backend.read() as connection:
            return connection.execute(statements.DELETE_PAIR, values).rowcount == 1

    def delete_all_ids(self, integration_id: Id) -> bool:
        integration = ids.as_integration_id(integration_id)
        with self._backend.write(integration) as (connection, now):
            for statement in (*statements.FORGET, statements.DELETE_ENDED_LEASES):
                connection.execute(statement, {"i": indexed(integration), "now": now})
        return True

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        integration, checked = ids.as_integration_id(integration_id), ids.as_pairs(pairs)
        if checked:
            left = [
                (id, other) for (side, id), other in links_after(checked).items() if side == "b" and other is not None
            ]
            with self._backend.write(integration) as (connection, _):
                for statement in statements.DELETE_CROSSING:
                    connection.execute(statement, [_pair(integration, *pair) for pair in checked])
                connection.execute(statements.INSERT_PAIR, [_row(integration, *pair) for pair in left])
                connection.execute(statements.LIFT_TOMBSTONES, [_graves(integration, *pair) for pair in checked])
        return True

    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        checked = [ids.as_external_id(id) for id in external_ids]
        return self._known(statements.PAIRS_OF_EXTERNAL, integration_id, checked)

    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        checked = [ids.as_botmatic_id(id) for id in botmatic_ids]
        return self._known(statements.PAIRS_OF_BOTMATIC, integration_id, checked)

    def count_pairs(self, integration_id: Id) -> int:
        mine = indexed(ids.as_integration_id(integration_id))
        with self._backend.read() as connection:
            return int(connection.execute(statements.COUNT_PAIRS, {"i": mine}).scalar_one())

    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        return self._walk(indexed(ids.as_integration_id(integration_id)))

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        integration = ids.as_integration_id(integration_id)
        botmatic_id, external_id = ids.as_either(botmatic_id, external_id, only_one=False)
        milliseconds = ids.as_milliseconds(seconds)
        with self._backend.write(integration) as (connection, now):
            removed = 0
            if botmatic_id is not None and external_id is not None:
                removed = connection.execute(
                    statements.DELETE_PAIR, _pair(integration, botmatic_id, external_id)
                ).rowcount
            connection.execute(statements.DELETE_ENDED_TOMBSTONES, {"i": indexed(integration), "now": now})
            for grave in filter(None, (_grave("b", botmatic_id), _grave("e", external_id))):
                row = {"installation": indexed(integration), "id": grave, "ends": now + milliseconds / 1000}
                connection.execute(self._backend.replace(tombstones, row))
        return removed == 1

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        integration = ids.as_integration_id(integration_id)
        botmatic_id, external_id = ids.as_either(botmatic_id, external_id, only_one=True)
        values = {"i": indexed(integration), "id": _grave("b", botmatic_id) or _grave("e", external_id)}
        with self._backend.read() as connection:
            row = connection.execute(self._tombstone_ends, values).one_or_none()
        if row is None:
            return False
        ends, now = row
        return ends > now

    def acquire_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(statements.COUNT_HELD_BY_OTHERS, 0, integration_id, names, owner, seconds)

    def renew_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(statements.COUNT_HELD, len(ids.as_names(names)), integration_id, names, owner, seconds)

    def release_leases(self, integration_id: Id, names: Sequence[str], owner: str) -> None:
        integration = ids.as_integration_id(integration_id)
        values = {"i": indexed(integration), "ids": _digests(integration, names), "owner": _owner(owner)}
        with self._backend.read() as connection:
            connection.execute(statements.RELEASE, values)

    def put_record(self, integration_id: Id, name: str, value: str) -> None:
        integration, name = ids.as_integration_id(integration_id), ids.as_name(name, "record's name")
        row = {"name": indexed(name), "name_long": long(name), "value": ids.as_value(value).encode()}
        with self._backend.read() as connection:
            connection.execute(self._backend.replace(records, {"installation": indexed(integration), **row}))

    def get_record(self, integration_id: Id, name: str) -> str | None:
        integration, name = ids.as_integration_id(integration_id), ids.as_name(name, "record's name")
        with self._backend.read() as connection:
            value = connection.execute(statements.RECORD, {"i": indexed(integration), "name": indexed(name)}).scalar()
        return None if value is None else bytes(value).decode()

    def get_records(self, integration_id: Id) -> dict[str, str]:
        integration = ids.as_integration_id(integration_id)
        with self._backend.read() as connection:
            rows = connection.execute(statements.RECORDS, {"i": indexed(integration)}).all()
        return {text_of(name, name_long): value.decode() for name, name_long, value in rows}

    def delete_record(self, integration_id: Id, name: str) -> bool:
        integration, name = ids.as_integration_id(integration_id), ids.as_name(name, "record's name")
        values = {"i": indexed(integration), "name": indexed(name)}
        with self._backend.read() as connection:
            return connection.execute(statements.DELETE_RECORD, values).rowcount == 1

    def ping(self) -> None:
        self._backend.ping()

    def close(self) -> None:
        self._backend.close()

    def _known(self, statement: Executable, integration_id: Id, checked: list[str]) -> dict[str, str]:
        mine = indexed(ids.as_integration_id(integration_id))
        found: dict[str, str] = {}
        with self._backend.read() as connection:
            for start in range(0, len(checked), _AT_ONCE):
                some = [indexed(id) for id in checked[start : start + _AT_ONCE]]
                found |= _texts(connection, statement, {"i": mine, "ids": some})
        return found

    def _walk(self, mine: bytes) -> Iterator[tuple[str, str]]:
        after = b""
        while True:
            with self._backend.read() as connection:
                page = _texts(connection, statements.NEXT_PAIRS, {"i": mine, "after": after})
            yield from page.items()
            if len(page) < statements.PAGE:
                return
            after = indexed(next(reversed(page)))

    def _lease(
        self, count: Executable, wanted: int, integration_id: Id, names: Sequence[str], owner: str, seconds: float
    ) -> bool:
        integration = ids.as_integration_id(integration_id)
        digests, holder, milliseconds = _digests(integration, names), _owner(owner), ids.as_milliseconds(seconds)
        if not digests:
            return True
        with self._backend.write(integration) as (connection, now):
            values = {"i": indexed(integration), "ids": digests, "owner": holder, "now": now}
            if connection.execute(count, values).scalar_one() != wanted:
                return False
            connection.execute(statements.DELETE_THESE_AND_ENDED, values)
            held = {"installation": indexed(integration), "owner": holder, "ends": now + milliseconds / 1000}
            connection.execute(statements.INSERT_LEASE, [{**held, "name": digest} for digest in digests])
        return True


def _texts(connection: Connection, statement: Executable, values: Values) -> dict[str, str]:
    rows = connection.execute(statement, values)
    return {text_of(id, id_long): text_of(other, other_long) for id, id_long, other, other_long in rows}


def _pair(integration: str, botmatic_id: str, external_id: str) -> Values:
    return {"i": indexed(integration), "b": indexed(botmatic_id), "e": indexed(external_id)}


def _row(integration: str, botmatic_id: str, external_id: str) -> Values:
    return {
        "installation": indexed(integration),
        "botmatic": indexed(botmatic_id),
        "botmatic_long": long(botmatic_id),
        "external": indexed(external_id),
        "external_long": long(external_id),
    }


def _graves(integration: str, botmatic_id: str, external_id: str) -> Values:
    return {"i": indexed(integration), "b": _grave("b", botmatic_id), "e": _grave("e", external_id)}


def _grave(side: str, id: str | None) -> bytes | None:
    return None if id is None else side.encode() + indexed(id)


def _digests(integration: str, names: Sequence[str]) -> list[bytes]:
    return [lease_digest(integration, name) for name in ids.as_names(names)]


def _owner(owner: str) -> bytes:
    return ids.as_name(owner, "owner").encode()
