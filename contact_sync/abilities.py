"""What a key store can do, settled once when the sync is made, so that nothing later has to ask.

A user's own store may have the five methods alone. What it lacks is then kept in this process: enough for one process
that is never restarted, and one warning says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from key_stores import (
    Baselines,
    ContactClaims,
    KeyStore,
    Leases,
    MemoryKeyStore,
    PairBatches,
    PairListing,
    Ping,
    Records,
    Tombstones,
)

from .stand_ins import ClaimsBeside, OneByOne, TombstonesBeside

log = logging.getLogger(__name__)

COSTS: Final[dict[type, str]] = {
    Leases: "two processes may work on one contact at once and create it twice",
    Tombstones: "a late update may bring a deleted contact back after a restart",
    Records: "installations are forgotten on a restart, and other processes do not see them",
    Baselines: "every event writes all its fields, echoes and old events count as edits, and no conflict is seen",
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
        claims: Claims on contacts; made of pairs, leases and tombstones where the store has none.
        keeps_baselines: Whether the store keeps baselines.
        records: Records; likewise.
        listing: Counting and walking, or none.
        ping: Whether the backend is there, or none.
        local: Where that is kept which the store lacks; empty if it lacks nothing.
    """

    pairs: KeyStore
    batches: PairBatches
    leases: Leases
    tombstones: Tombstones
    claims: ContactClaims
    keeps_baselines: bool
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
                "%s lacks %s, kept in this process instead where that can be: %s",
                type(store).__name__,
                ", ".join(kind.__name__ for kind in missing),
                "; ".join(COSTS[kind] for kind in missing),
            )
        baselines = store if isinstance(store, Baselines) else None
        leases = store if isinstance(store, Leases) else local
        tombstones = store if isinstance(store, Tombstones) else TombstonesBeside(store, local)
        return cls(
            pairs=store,
            batches=store if isinstance(store, PairBatches) else OneByOne(store),
            leases=leases,
            tombstones=tombstones,
            claims=store if isinstance(store, ContactClaims) else ClaimsBeside(store, leases, tombstones, baselines),
            keeps_baselines=baselines is not None,
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
