"""The store in memory: for tests, and for one process whose pairs need not outlive it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Final, Generic, TypeVar

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
from key_stores.links import OTHER, Key, Link, Links, Side
from key_stores.writes import (
    Burial,
    Checked,
    Removal,
    Saving,
    as_baselines,
    as_burial,
    as_savings,
    as_wanted,
    as_writes,
)

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
        self.links: dict[Key, Link | None] = {}
        self.tombstones: Expiring[Key] = Expiring()
        self.records: dict[str, str] = {}
        self.claims: Expiring[str] = Expiring()

    def write(self, writes: Sequence[Checked]) -> bool:
        """Apply writes. Whether a pair was removed by a removal or a burial."""
        links = Links(self.links.get)
        removed = False
        for write in writes:
            if isinstance(write, Saving):
                links.save(*write)
                self.tombstones.drop(("b", write.botmatic_id))
                self.tombstones.drop(("e", write.external_id))
            if isinstance(write, Burial):
                for key in write.keys:
                    self.tombstones.put(key, "", write.milliseconds)
            removal = write.removal if isinstance(write, Burial) else write if isinstance(write, Removal) else None
            removed |= removal is not None and links.remove(*removal)
        # One call of a builtin: what interrupts a thread (Ctrl-C) falls before or after it, not between two links.
        self.links.update(links.changed)
        for key, link in links.changed.items():
            if link is None:
                del self.links[key]
        return removed

    def holds(self, leases: Iterable[str], owner: str) -> bool:
        return all(self.claims.get(lease) == owner for lease in leases)

    def known(self, key: Key) -> KnownContact:
        side, id = key
        link = self.links.get(key)
        other = None if link is None else link.other
        botmatic_id, external_id = (id, other) if side == "b" else (other, id)
        of_pair = None if botmatic_id is None else self.links.get(("b", botmatic_id))
        baseline = None if of_pair is None else of_pair.baseline
        return KnownContact(botmatic_id, external_id, baseline, self.tombstones.get(key) is not None)


class MemoryKeyStore(KeyStore, PairBatches, Baselines, PairListing, Tombstones, Leases, ContactClaims, Records, Ping):
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
        removal = Removal(ids.as_botmatic_id(botmatic_id), ids.as_external_id(external_id))
        with self._lock:
            return self._of(integration_id).write([removal])

    def delete_all_ids(self, integration_id: Id) -> bool:
        with self._lock:
            self._installations.pop(ids.as_integration_id(integration_id), None)
        return True

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        return self._save(integration_id, as_savings(pairs))

    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        return self._partners(integration_id, "e", [ids.as_external_id(id) for id in external_ids])

    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        return self._partners(integration_id, "b", [ids.as_botmatic_id(id) for id in botmatic_ids])

    def save_baselines(self, integration_id: Id, pairs: Iterable[tuple[Id, Id, bytes]]) -> bool:
        return self._save(integration_id, as_baselines(pairs))

    def get_baselines(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, bytes]:
        checked = [ids.as_botmatic_id(id) for id in botmatic_ids]
        with self._lock:
            links = self._of(integration_id).links
            found = {id: links.get(("b", id)) for id in checked}
        return {id: link.baseline for id, link in found.items() if link is not None and link.baseline is not None}

    def count_pairs(self, integration_id: Id) -> int:
        return len(self._pairs(integration_id))

    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        return iter(self._pairs(integration_id))

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        burial = as_burial(botmatic_id, external_id, seconds)
        with self._lock:
            return self._of(integration_id, make=True).write([burial])

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        botmatic_id, external_id = ids.as_either(botmatic_id, external_id, only_one=True)
        key: Key = ("b", botmatic_id) if botmatic_id is not None else ("e", str(external_id))
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

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        integration_id = ids.as_integration_id(integration_id)
        checked, owner, milliseconds = as_wanted(contacts), ids.as_name(owner, "owner"), ids.as_milliseconds(seconds)
        with self._lock:
            kept = self._of(integration_id, make=True)
            contacts_known = tuple(kept.known(wanted.key) for wanted in checked)
            leases: dict[str, None] = {}
            for wanted, contact in zip(checked, contacts_known, strict=True):
                side, id = wanted.key
                leases[f"{side}{id}"] = None
                if contact.paired:
                    leases[f"{OTHER[side]}{contact.external_id if side == 'b' else contact.botmatic_id}"] = None
                else:
                    leases.update((f"g{lease_digest(integration_id, guard).hex()}", None) for guard in wanted.guards)
            if any(kept.claims.get(lease) not in (None, owner) for lease in leases):
                return None
            for lease in leases:
                kept.claims.put(lease, owner, milliseconds)
        return Claimed(contacts_known, tuple(leases))

    def renew_claim(self, integration_id: Id, leases: Sequence[str], owner: str, seconds: float) -> bool:
        checked, owner, milliseconds = ids.as_names(leases), ids.as_name(owner, "owner"), ids.as_milliseconds(seconds)
        with self._lock:
            kept = self._of(integration_id)
            if not kept.holds(checked, owner):
                return False
            for lease in checked:
                kept.claims.put(lease, owner, milliseconds)
        return True

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        checked, owner, steps = ids.as_names(leases), ids.as_name(owner, "owner"), as_writes(writes)
        with self._lock:
            kept = self._of(integration_id, make=True)
            held = kept.holds(checked, owner)
            if held:
                kept.write(steps)
            for lease in checked if release else ():
                if kept.claims.get(lease) == owner:
                    kept.claims.drop(lease)
        return held

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

    def _save(self, integration_id: Id, savings: Sequence[Saving]) -> bool:
        with self._lock:
            self._of(integration_id, make=True).write(savings)
        return True

    def _partner(self, integration_id: Id, key: Key) -> str | None:
        return self._partners(integration_id, key[0], [key[1]]).get(key[1])

    def _partners(self, integration_id: Id, side: Side, checked: list[str]) -> dict[str, str]:
        with self._lock:
            links = self._of(integration_id).links
            found = {id: links.get((side, id)) for id in checked}
        return {id: link.other for id, link in found.items() if link is not None}

    def _pairs(self, integration_id: Id) -> list[tuple[str, str]]:
        with self._lock:
            links = self._of(integration_id).links
            return [(id, link.other) for (side, id), link in links.items() if side == "b" and link is not None]

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


def _leases(integration_id: Id, names: Sequence[str]) -> list[bytes]:
    integration_id = ids.as_integration_id(integration_id)
    return [lease_digest(integration_id, name) for name in ids.as_names(names)]
