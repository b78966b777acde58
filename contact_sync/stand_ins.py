"""What stands in for the abilities that a user's key store lacks, made of those that it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from key_stores import (
    Baselines,
    Claimed,
    ContactClaims,
    ContactRef,
    DeletePair,
    KeyStore,
    KeyStoreError,
    KnownContact,
    Leases,
    MemoryKeyStore,
    PairBatches,
    SavePair,
    Tombstones,
    Write,
)
from key_stores.base import Id

_LONG: Final = 20.0
"""How long, in seconds, leases are renewed for at least before something is recorded under them."""


class OneByOne(PairBatches):
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


class TombstonesBeside(Tombstones):
    """Tombstones in this process for pairs that are in a store without them."""

    def __init__(self, store: KeyStore, local: MemoryKeyStore) -> None:
        self._store = store
        self._local = local

    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        self._local.bury_ids(integration_id, botmatic_id, external_id, seconds)
        if botmatic_id is None or external_id is None:
            return False
        return self._store.delete_ids(integration_id, botmatic_id, external_id)

    def lift(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> None:
        """Lift the tombstones of a pair's ids, as a store that has tombstones does when the pair is saved."""
        self._local.save_ids(integration_id, botmatic_id, external_id)
        self._local.delete_ids(integration_id, botmatic_id, external_id)

    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        return self._local.is_buried(integration_id, botmatic_id=botmatic_id, external_id=external_id)


class ClaimsBeside(ContactClaims):
    """Claims for a store that has pairs and leases apart: several calls in place of one.

    A claim that ends between the last look at its leases and the writing is not noticed; that takes a store that does
    both in one step.
    """

    def __init__(self, pairs: KeyStore, leases: Leases, tombstones: Tombstones, baselines: Baselines | None) -> None:
        self._pairs = pairs
        self._leases = leases
        self._tombstones = tombstones
        self._baselines = baselines

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        held: list[str] = []
        known = [self._known(integration_id, contact) for contact in contacts]
        while True:
            names = _leases_of(contacts, known)
            if not self._leases.acquire_leases(integration_id, names, owner, seconds):
                if held:
                    self._leases.release_leases(integration_id, held, owner)
                return None
            held = list(dict.fromkeys([*held, *names]))
            again = [self._known(integration_id, contact) for contact in contacts]
            if _leases_of(contacts, again) == names:  # else somebody paired one of them meanwhile
                return Claimed(tuple(again), tuple(held))
            known = again

    def renew_claim(self, integration_id: Id, leases: Sequence[str], owner: str, seconds: float) -> bool:
        return self._leases.renew_leases(integration_id, leases, owner, seconds)

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        try:
            if writes and not self._leases.renew_leases(integration_id, leases, owner, _LONG):
                return False
            for write in writes:
                self._write(integration_id, write)
            return True
        finally:
            if release:
                self._leases.release_leases(integration_id, leases, owner)

    def _write(self, integration_id: Id, write: Write) -> None:
        if isinstance(write, SavePair):
            if self._baselines is not None and write.baseline is not None:
                pair = (write.botmatic_id, write.external_id, write.baseline)
                self._baselines.save_baselines(integration_id, [pair])
            elif self._pairs.save_ids(integration_id, write.botmatic_id, write.external_id) is False:
                raise KeyStoreError("the key store answered that it did not save a pair")
            if isinstance(self._tombstones, TombstonesBeside):
                self._tombstones.lift(integration_id, write.botmatic_id, write.external_id)
        elif isinstance(write, DeletePair):
            self._pairs.delete_ids(integration_id, write.botmatic_id, write.external_id)
        else:
            self._tombstones.bury_ids(integration_id, write.botmatic_id, write.external_id, write.seconds)

    def _known(self, integration_id: Id, contact: ContactRef) -> KnownContact:
        botmatic_id, external_id = contact.botmatic_id, contact.external_id
        buried = self._tombstones.is_buried(integration_id, botmatic_id=botmatic_id, external_id=external_id)
        if botmatic_id is not None:
            external_id = self._pairs.get_external_id(integration_id, botmatic_id)
        elif external_id is not None:
            botmatic_id = self._pairs.get_botmatic_id(integration_id, external_id)
        if botmatic_id is None or external_id is None or self._baselines is None:
            return KnownContact(_text(botmatic_id), _text(external_id), None, buried)
        baseline = self._baselines.get_baselines(integration_id, [botmatic_id]).get(str(botmatic_id))
        return KnownContact(str(botmatic_id), str(external_id), baseline, buried)


def _leases_of(contacts: Sequence[ContactRef], known: Sequence[KnownContact]) -> list[str]:
    names = []
    for contact, found in zip(contacts, known, strict=True):
        names += [f"b:{found.botmatic_id}"] if found.botmatic_id is not None else []
        names += [f"e:{found.external_id}"] if found.external_id is not None else []
        names += [] if found.paired else [f"guard:{guard}" for guard in contact.guards]
    return list(dict.fromkeys(names))


def _text(id: Id | None) -> str | None:
    return None if id is None else str(id)
