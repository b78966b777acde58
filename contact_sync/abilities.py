"""What a key store can do, settled once when the sync is made, so that nothing later has to ask.

A user's own store may have the five methods alone. What it lacks is then kept in this process: enough for one process
that is never restarted, and one warning says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from key_stores import KeyStore, Leases, MemoryKeyStore, PairBatches, PairListing, Ping, Records, Tombstones
from key_stores.base import Id

log = logging.getLogger(__name__)

COSTS: Final[dict[type, str]] = {
    Leases: "two processes may work on one contact at once and create it twice",
    Tombstones: "a late update may bring a deleted contact back after a restart",
    Records: "installations are forgotten on a restart, and other processes do not see them",
}
"""What it costs that a store lacks an ability."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """A key store, ability by ability.

    Attributes:
        pairs: The store itself.
        batches: Many pairs at once; one call a pair where the store cannot.
        leases: Leases; local to this process where the store has none.
        tombstones: Tombstones; likewise.
        records: Records; likewise.
        listing: Counting and walking, or none.
        ping: Whether the backend is there, or none.
        local: Where that is kept which the store lacks; empty if it lacks nothing.
    """

    pairs: KeyStore
    batches: PairBatches
    leases: Leases
    tombstones: Tombstones
    records: Records
    listing: PairListing | None
    ping: Ping | None
    local: MemoryKeyStore

    @classmethod
    def of(cls, store: KeyStore) -> Abilities:
        """Find out what a store can do, and warn once about what has to be kept in this process instead."""
        local = MemoryKeyStore()
        missing = [kind for kind in COSTS if not isinstance(store, kind)]
        if missing:
            log.warning(
                "%s lacks %s, kept in this process instead: %s",
                type(store).__name__,
                ", ".join(kind.__name__ for kind in missing),
                "; ".join(COSTS[kind] for kind in missing),
            )
        return cls(
            pairs=store,
            batches=store if isinstance(store, PairBatches) else _OneByOne(store),
            leases=store if isinstance(store, Leases) else local,
            tombstones=store if isinstance(store, Tombstones) else _TombstonesBeside(store, local),
            records=store if isinstance(store, Records) else local,
            listing=store if isinstance(store, PairListing) else None,
            ping=store if isinstance(store, Ping) else None,
            local=local,
        )

    def forget(self, installation: str) -> None:
        """Remove everything that is kept for an installation, wherever it is kept."""
        self.pairs.delete_all_ids(installation)
        self.local.delete_all_ids(installation)


def reach(abilities: Abilities) -> None:
    """Find out whether the store answers: by a ping or, where it has none, by a look-up that changes nothing.

    Raises:
        KeyStoreError: It does not.
    """
    if abilities.ping is None:
        abilities.pairs.get_external_id("contact_sync", "check")
    else:
        abilities.ping.ping()


class _OneByOne(PairBatches):
    """Batches for a store that has none."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        return all(self._store.save_ids(integration_id, *pair) for pair in pairs)

    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        found = {str(id): self._store.get_botmatic_id(integration_id, id) for id in external_ids}
        return {id: other for id, other in found.items() if other is not None}

    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        found = {str(id): self._store.get_external_id(integration_id, id) for id in botmatic_ids}
        return {id: other for id, other in found.items() if other is not None}


class _TombstonesBeside(Tombstones):
    """Tombstones in this process for pairs that are in a store without them."""

    def __init__(self, store: KeyStore, local: MemoryKeyStore) -> None:
        self._store = store
        self._local = local

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        self._local.bury_ids(integration_id, botmatic_id, external_id, seconds)
        if botmatic_id is None or external_id is None:
            return False
        return self._store.delete_ids(integration_id, botmatic_id, external_id)

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        return self._local.is_buried(integration_id, botmatic_id=botmatic_id, external_id=external_id)
