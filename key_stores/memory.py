"""The store in memory: for tests, and for one process whose pairs need not outlive it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Final, Generic, TypeVar

from key_stores import ids
from key_stores.base import Id, KeyStore, Leases, PairBatches, PairListing, Ping, Records, Tombstones
from key_stores.digests import lease_digest
from key_stores.links import Key, Side, links_after

K = TypeVar("K", bound=Hashable)

_FEW: Final = 16


class Expiring(Generic[K]):
    """Texts that are gone when their time is over. Not locked."""

    def __init__(self) -> None:
        self._values: dict[K, tuple[str, float]] = {}
        self._ends: list[tuple[float, K]] = []

    def put(self, key: K, value: str, milliseconds: int) -> None:
        """Write a text, and forget those whose time is over."""
        now = time.monotonic()
        end = now + milliseconds / 1000
        self._values[key] = (value, end)
        heapq.heappush(self._ends, (end, key))
        while self._ends[0][0] <= now:
            _, ended = heapq.heappop(self._ends)
            if ended in self._values and self._values[ended][1] <= now:
                del self._values[ended]
        if len(self._ends) > 2 * len(self._values) + _FEW:  # ends of texts that were written again, or dropped
            self._ends = [(end, key) for key, (_, end) in self._values.items()]
            heapq.heapify(self._ends)

    def get(self, key: K) -> str | None:
        """Read a text; none if there is none any more."""
        value, end = self._values.get(key, (None, 0.0))
        return value if end > time.monotonic() else None

    def drop(self, key: K) -> None:
        """Forget a text, if it is there."""
        self._values.pop(key, None)


class _Installation:
    def __init__(self) -> None:
        self.links: dict[Key, str | None] = {}
        self.tombstones: Expiring[Key] = Expiring()
        self.records: dict[str, str] = {}

    def apply(self, links: dict[Key, str | None]) -> None:
        # One call of a builtin: what interrupts a thread (Ctrl-C) falls before or after it, not between two links.
        self.links.update(links)
        for key, partner in links.items():
            if partner is None:
                del self.links[key]


class MemoryKeyStore(KeyStore, PairBatches, PairListing, Tombstones, Leases, Records, Ping):
    """Keeps everything in this process, under one lock. Threads may share it; processes each have their own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._installations: dict[str, _Installation] = {}
        self._leases: Expiring[bytes] = Expiring()

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        return self.save_many(integration_id, [(botmatic_id, external_id)])

    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        return self._partner(integration_id, ("e", ids.as_external_id(external_id)))

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        return self._partner(integration_id, ("b", ids.as_botmatic_id(botmatic_id)))

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        botmatic_id, external_id = ids.as_botmatic_id(botmatic_id), ids.as_external_id(external_id)
        with self._lock:
            return self._remove(self._of(integration_id), botmatic_id, external_id)

    def delete_all_ids(self, integration_id: Id) -> bool:
        with self._lock:
            self._installations.pop(ids.as_integration_id(integration_id), None)
        return True

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        checked = ids.as_pairs(pairs)
        with self._lock:
            kept = self._of(integration_id, make=True)
            links = links_after(checked, kept.links.get)
            for botmatic_id, external_id in checked:
                kept.tombstones.drop(("b", botmatic_id))
                kept.tombstones.drop(("e", external_id))
            kept.apply(links)
        return True

    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        return self._partners(integration_id, "e", [ids.as_external_id(id) for id in external_ids])

    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        return self._partners(integration_id, "b", [ids.as_botmatic_id(id) for id in botmatic_ids])

    def count_pairs(self, integration_id: Id) -> int:
        return len(self._pairs(integration_id))

    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        return iter(self._pairs(integration_id))

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        botmatic_id, external_id = ids.as_either(botmatic_id, external_id, only_one=False)
        milliseconds = ids.as_milliseconds(seconds)
        with self._lock:
            kept = self._of(integration_id, make=True)
            for key in _keys(botmatic_id, external_id):
                kept.tombstones.put(key, "", milliseconds)
            return botmatic_id is not None and external_id is not None and self._remove(kept, botmatic_id, external_id)

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        (key,) = _keys(*ids.as_either(botmatic_id, external_id, only_one=True))
        with self._lock:
            return self._of(integration_id).tombstones.get(key) is not None

    def acquire_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(integration_id, names, owner, seconds, free=True)

    def renew_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        return self._lease(integration_id, names, owner, seconds, free=False)

    def release_leases(self, integration_id: Id, names: Sequence[str], owner: str) -> None:
        leases = _leases(integration_id, names)
        owner = ids.as_name(owner, "owner")
        with self._lock:
            for lease in leases:
                if self._leases.get(lease) == owner:
                    self._leases.drop(lease)

    def put_record(self, integration_id: Id, name: str, value: str) -> None:
        name, value = ids.as_name(name, "record's name"), ids.as_value(value)
        with self._lock:
            self._of(integration_id, make=True).records[name] = value

    def get_record(self, integration_id: Id, name: str) -> str | None:
        name = ids.as_name(name, "record's name")
        with self._lock:
            return self._of(integration_id).records.get(name)

    def get_records(self, integration_id: Id) -> dict[str, str]:
        with self._lock:
            return dict(self._of(integration_id).records)

    def delete_record(self, integration_id: Id, name: str) -> bool:
        name = ids.as_name(name, "record's name")
        with self._lock:
            return self._of(integration_id).records.pop(name, None) is not None

    def ping(self) -> None:
        return None

    def _of(self, integration_id: Id, *, make: bool = False) -> _Installation:
        integration_id = ids.as_integration_id(integration_id)
        kept = self._installations.get(integration_id)
        if kept is None:
            kept = _Installation()
            if make:
                self._installations[integration_id] = kept
        return kept

    def _partner(self, integration_id: Id, key: Key) -> str | None:
        with self._lock:
            return self._of(integration_id).links.get(key)

    def _partners(self, integration_id: Id, side: Side, checked: list[str]) -> dict[str, str]:
        with self._lock:
            links = self._of(integration_id).links
            found = {id: links.get((side, id)) for id in checked}
        return {id: partner for id, partner in found.items() if partner is not None}

    def _pairs(self, integration_id: Id) -> list[tuple[str, str]]:
        with self._lock:
            links = self._of(integration_id).links
            return [(id, partner) for (side, id), partner in links.items() if side == "b" and partner is not None]

    @staticmethod
    def _remove(kept: _Installation, botmatic_id: str, external_id: str) -> bool:
        if kept.links.get(("b", botmatic_id)) != external_id:
            return False
        kept.apply({("b", botmatic_id): None, ("e", external_id): None})
        return True

    def _lease(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float, *, free: bool) -> bool:
        leases = _leases(integration_id, names)
        owner = ids.as_name(owner, "owner")
        milliseconds = ids.as_milliseconds(seconds)
        with self._lock:
            for lease in leases:
                holder = self._leases.get(lease)
                if holder != owner and not (free and holder is None):
                    return False
            for lease in leases:
                self._leases.put(lease, owner, milliseconds)
        return True


def _keys(botmatic_id: str | None, external_id: str | None) -> list[Key]:
    keys: list[Key] = []
    if botmatic_id is not None:
        keys.append(("b", botmatic_id))
    if external_id is not None:
        keys.append(("e", external_id))
    return keys


def _leases(integration_id: Id, names: Sequence[str]) -> list[bytes]:
    integration_id = ids.as_integration_id(integration_id)
    return [lease_digest(integration_id, name) for name in ids.as_names(names)]
