"""The store on Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

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
from key_stores.digests import installation_digest, lease_digest
from key_stores.errors import KeyStoreError
from key_stores.redis import claim_scripts, scripts
from key_stores.redis.backend import Backend, Client
from key_stores.redis.failures import newer_format
from key_stores.redis.scripts import FORMAT
from key_stores.redis.values import baseline_of, external_of
from key_stores.writes import Burial, Checked, Saving, Wanted, as_baselines, as_burial, as_wanted, as_writes

_PAGE: Final = 500


class RedisKeyStore(KeyStore, PairBatches, Baselines, PairListing, Tombstones, Leases, ContactClaims, Records, Ping):
    """Keeps pairs in Redis: two hashes an installation, every call but a walk one round trip, every write one script.

    Args:
        client: A client, which is used as it is and stays open (`redis.Redis`, one from `Sentinel.master_for`,
            `redis.RedisCluster`; whatever its `decode_responses`), or a URL: `redis://`, `rediss://`, `unix://`,
            `redis+cluster://`, `rediss+cluster://`. Nothing is connected to before the first call.
        prefix: What key names begin with; another one for each of several programs that share a database.

    Raises:
        KeyStoreError: The URL or the prefix is wrong.
    """

    def __init__(self, client: Client | str, *, prefix: str = "contact-sync") -> None:
        if not prefix or "{" in prefix or "}" in prefix:
            raise KeyStoreError("a Redis prefix is text without braces, which would change where a cluster keeps a key")
        self._backend = Backend(client)
        self._prefix = prefix

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        return self.save_many(integration_id, [(botmatic_id, external_id)])

    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        checked = ids.as_external_id(external_id)
        return self._known(integration_id, "e", [checked]).get(checked)

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        checked = ids.as_botmatic_id(botmatic_id)
        return self._known(integration_id, "b", [checked]).get(checked)

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        arguments = (FORMAT, ids.as_botmatic_id(botmatic_id).encode(), ids.as_external_id(external_id).encode())
        return bool(self._script(scripts.DELETE, integration_id, "bet", arguments, repeatable=False))

    def delete_all_ids(self, integration_id: Id) -> bool:
        self._script(scripts.FORGET, integration_id, "betrcx", (FORMAT,))
        return True

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        flat = [id.encode() for pair in ids.as_pairs(pairs) for id in pair]
        keys = self._keys(integration_id, "bet")
        if flat:
            self._backend.script(scripts.SAVE, keys, (FORMAT, *flat))
        return True

    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        return self._known(integration_id, "e", [ids.as_external_id(id) for id in external_ids])

    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        return self._known(integration_id, "b", [ids.as_botmatic_id(id) for id in botmatic_ids])

    def save_baselines(self, integration_id: Id, pairs: Iterable[tuple[Id, Id, bytes]]) -> bool:
        flat: list[bytes] = []
        for saving in as_baselines(pairs):
            flat += (saving.botmatic_id.encode(), saving.external_id.encode(), saving.baseline or b"")
        keys = self._keys(integration_id, "bet")
        if flat:
            self._backend.script(scripts.SAVE_BASELINES, keys, (FORMAT, *flat))
        return True

    def get_baselines(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, bytes]:
        checked = [ids.as_botmatic_id(id) for id in botmatic_ids]
        found = zip(checked, self._fields(integration_id, "b", checked), strict=True)
        baselines = ((id, baseline_of(value)) for id, value in found if value is not None)
        return {id: baseline for id, baseline in baselines if baseline is not None}

    def count_pairs(self, integration_id: Id) -> int:
        return int(self._script(scripts.COUNT, integration_id, "b", (FORMAT,)))

    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        (key,) = self._keys(integration_id, "b")
        return self._walk(key)

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        arguments: list[bytes | int] = [FORMAT, *_flat(as_burial(botmatic_id, external_id, seconds))[1:]]
        return bool(self._script(scripts.BURY, integration_id, "bet", arguments, repeatable=False))

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        botmatic_id, external_id = ids.as_either(botmatic_id, external_id, only_one=True)
        member = f"e{external_id}" if botmatic_id is None else f"b{botmatic_id}"
        return bool(self._script(scripts.IS_BURIED, integration_id, "t", (member.encode(),)))

    def acquire_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(scripts.ACQUIRE, integration_id, names, owner, ids.as_milliseconds(seconds))

    def renew_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(scripts.RENEW, integration_id, names, owner, ids.as_milliseconds(seconds))

    def release_leases(self, integration_id: Id, names: Sequence[str], owner: str) -> None:
        self._lease(scripts.RELEASE, integration_id, names, owner)

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        integration, wanted = ids.as_integration_id(integration_id), as_wanted(contacts)
        arguments: list[bytes | int] = [FORMAT, ids.as_name(owner, "owner").encode(), ids.as_milliseconds(seconds)]
        for (side, id), guards in wanted:
            digests = [lease_digest(integration, guard).hex().encode() for guard in guards]
            arguments += (side.encode(), id.encode(), len(digests), *digests)
        answer = self._script(claim_scripts.CLAIM, integration, "betcx", arguments)
        if answer is None:
            return None
        leases, known = answer
        contacts_known = (_contact(one, *known[3 * n : 3 * n + 3]) for n, one in enumerate(wanted))
        return Claimed(tuple(contacts_known), tuple(lease.decode() for lease in leases))

    def renew_claim(self, integration_id: Id, leases: Sequence[str], owner: str, seconds: float) -> bool:
        held = [lease.encode() for lease in ids.as_names(leases)]
        arguments: list[bytes | int] = [ids.as_name(owner, "owner").encode(), ids.as_milliseconds(seconds), *held]
        return bool(self._script(claim_scripts.RENEW_CLAIM, integration_id, "cx", arguments))

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        held = [lease.encode() for lease in ids.as_names(leases)]
        arguments: list[bytes | int] = [FORMAT, ids.as_name(owner, "owner").encode(), int(release), len(held), *held]
        for write in as_writes(writes):
            arguments += _flat(write)
        # Once the leases are given back, a second time would answer that they are lost.
        return bool(self._script(claim_scripts.RECORD, integration_id, "betcx", arguments, repeatable=not release))

    def put_record(self, integration_id: Id, name: str, value: str) -> None:
        arguments = (FORMAT, ids.as_name(name, "record's name").encode(), ids.as_value(value).encode())
        self._script(scripts.PUT_RECORD, integration_id, "r", arguments)

    def get_record(self, integration_id: Id, name: str) -> str | None:
        (value,) = self._fields(integration_id, "r", [ids.as_name(name, "record's name")])
        return None if value is None else value.decode()

    def get_records(self, integration_id: Id) -> dict[str, str]:
        (key,) = self._keys(integration_id, "r")
        fields: dict[bytes, bytes] = self._backend.run("HGETALL", key)
        _check(fields.pop(b"", None))
        return {name.decode(): value.decode() for name, value in fields.items()}

    def delete_record(self, integration_id: Id, name: str) -> bool:
        arguments = (FORMAT, ids.as_name(name, "record's name").encode())
        return bool(self._script(scripts.DELETE_RECORD, integration_id, "r", arguments, repeatable=False))

    def ping(self) -> None:
        self._backend.run("EXISTS", f"{self._prefix}:ping")  # a cluster has a node for it, unlike for PING

    def close(self) -> None:
        self._backend.close()

    def _keys(self, integration_id: Id, parts: Iterable[str]) -> list[str]:
        # A digest, so that an id of any length with any characters, braces too, gives a name that means it alone.
        tag = installation_digest(ids.as_integration_id(integration_id)).hex()
        return [f"{self._prefix}:{{{tag}}}:{part}" for part in parts]

    def _script(
        self,
        script: scripts.Script,
        integration_id: Id,
        parts: Iterable[str],
        arguments: Sequence[bytes | int],
        *,
        repeatable: bool = True,
    ) -> Any:
        return self._backend.script(script, self._keys(integration_id, parts), arguments, repeatable=repeatable)

    def _fields(self, integration_id: Id, part: str, names: list[str]) -> list[bytes | None]:
        (key,) = self._keys(integration_id, part)
        values: list[bytes | None] = self._backend.run("HMGET", key, b"", *(name.encode() for name in names))
        _check(values[0])
        return values[1:]

    def _known(self, integration_id: Id, part: str, names: list[str]) -> dict[str, str]:
        found = zip(names, self._fields(integration_id, part, names), strict=True)
        return {name: external_of(value).decode() for name, value in found if value is not None}

    def _walk(self, key: str) -> Iterator[tuple[str, str]]:
        # A hash that shrinks meanwhile shows some fields twice; those that were given are remembered.
        given = {""}
        cursor = -1
        while cursor != 0:
            cursor, page = self._backend.run("HSCAN", key, max(cursor, 0), "COUNT", _PAGE)
            for field, value in page.items():
                if not field:
                    _check(value)
                botmatic_id = field.decode()
                if botmatic_id not in given:
                    given.add(botmatic_id)
                    yield botmatic_id, external_of(value).decode()

    def _lease(
        self, script: scripts.Script, integration_id: Id, names: Sequence[str], owner: str, *milliseconds: int
    ) -> bool:
        integration = ids.as_integration_id(integration_id)
        parts = [f"l:{lease_digest(integration, name).hex()}" for name in ids.as_names(names)]
        arguments: list[bytes | int] = [ids.as_name(owner, "owner").encode(), *milliseconds]
        return not parts or bool(self._script(script, integration, parts, arguments))


def _check(format: bytes | None) -> None:
    if format not in (None, FORMAT):
        raise newer_format()


def _contact(wanted: Wanted, other: bytes | None, baseline: bytes | None, buried: int) -> KnownContact:
    side, id = wanted.key
    partner = None if other is None else other.decode()
    botmatic_id, external_id = (id, partner) if side == "b" else (partner, id)
    return KnownContact(botmatic_id, external_id, baseline, bool(buried))


def _flat(write: Checked) -> tuple[bytes | int, ...]:
    if isinstance(write, Burial):
        return b"bury", (write.botmatic_id or "").encode(), (write.external_id or "").encode(), write.milliseconds
    pair = (write.botmatic_id.encode(), write.external_id.encode())
    if isinstance(write, Saving):
        return b"save", *pair, b"" if write.baseline is None else b"=" + write.baseline
    return b"remove", *pair, b""
