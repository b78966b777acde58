"""Stores whose baselines and claims are wrong on purpose, for `test_wrong_stores.py`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from key_stores import Claimed, ContactRef, DeletePair, Id, MemoryKeyStore, SavePair, Write
from key_stores.testing import KeyStoreContract
from key_stores.writes import as_wanted


class NoFence(MemoryKeyStore):
    """Records whoever asks, and then says whether that was right."""

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        super().record(integration_id, [], owner, writes)
        return super().record(integration_id, leases, owner, release=release)


class TestNoFence(KeyStoreContract):
    store_type = NoFence


class FenceOfOne(MemoryKeyStore):
    """Looks at the first lease alone."""

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        held = super().record(integration_id, leases[:1], owner, writes, release=release)
        super().record(integration_id, leases[1:], owner, release=release)
        return held


class TestFenceOfOne(KeyStoreContract):
    store_type = FenceOfOne


class WriteByWrite(MemoryKeyStore):
    """Records one write after the other."""

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        for write in writes:
            if not MemoryKeyStore.record(self, integration_id, leases, owner, [write], release=False):
                break
        return MemoryKeyStore.record(self, integration_id, leases, owner, release=release)


class TestWriteByWrite(KeyStoreContract):
    store_type = WriteByWrite


class ForgetsThePartner(MemoryKeyStore):
    """Leases the id that was given, and not the other one of its pair."""

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        names = [f"b {one.botmatic_id}" if one.external_id is None else f"e {one.external_id}" for one in contacts]
        if not self.acquire_leases(integration_id, names, owner, seconds):
            return None
        kept = self._of(integration_id)
        known = [kept.known(one.key) for one in as_wanted(contacts)]
        return Claimed(tuple(known), tuple(names))

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        if not self.renew_leases(integration_id, leases, owner, 60):
            return False
        if release:
            self.release_leases(integration_id, leases, owner)
        return super().record(integration_id, [], owner, writes)


class TestForgetsThePartner(KeyStoreContract):
    store_type = ForgetsThePartner


class AlwaysGuards(MemoryKeyStore):
    """Leases guards of paired contacts too."""

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        guards = [guard for one in contacts if isinstance(one, ContactRef) for guard in one.guards]
        more = [ContactRef(botmatic_id="nobody", guards=(guard,)) for guard in guards]
        claimed = super().claim(integration_id, [*contacts, *more], owner, seconds)
        return None if claimed is None else replace(claimed, contacts=claimed.contacts[: len(contacts)])


class TestAlwaysGuards(KeyStoreContract):
    store_type = AlwaysGuards


class NeverGuards(MemoryKeyStore):
    """Forgets the guards."""

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        bare = [replace(contact, guards=()) for contact in contacts]
        return super().claim(integration_id, bare, owner, seconds)


class TestNeverGuards(KeyStoreContract):
    store_type = NeverGuards


class ContactByContact(MemoryKeyStore):
    """Claims what it can get, one after the other."""

    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        had = [MemoryKeyStore.claim(self, integration_id, [one], owner, seconds) for one in contacts]
        claimed = [one for one in had if one is not None]
        if len(claimed) < len(had):
            return None
        leases = dict.fromkeys(itertools.chain.from_iterable(one.leases for one in claimed))
        return Claimed(tuple(one.contacts[0] for one in claimed), tuple(leases))


class TestContactByContact(KeyStoreContract):
    store_type = ContactByContact


class GivesBackOthers(MemoryKeyStore):
    """Gives back leases whoever holds them."""

    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        held = super().record(integration_id, leases, owner, writes, release=release)
        for holder in ("me", "you") if release else ():
            super().record(integration_id, leases, holder)
        return held


class TestGivesBackOthers(KeyStoreContract):
    store_type = GivesBackOthers


class ClaimsOutliveTheInstallation(MemoryKeyStore):
    """Claims stay when an installation is removed."""

    def delete_all_ids(self, integration_id: Id) -> bool:
        claims = self._of(integration_id).claims
        super().delete_all_ids(integration_id)
        self._of(integration_id, make=True).claims = claims
        return True


class TestClaimsOutliveTheInstallation(KeyStoreContract):
    store_type = ClaimsOutliveTheInstallation


class BaselineOfTheId(MemoryKeyStore):
    """Keeps a baseline by the Botmatic id: it survives when that is paired with another."""

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        kept = self.get_baselines(integration_id, [botmatic_id])
        super().save_ids(integration_id, botmatic_id, external_id)
        return self.save_baselines(integration_id, [(botmatic_id, external_id, one) for one in kept.values()])


class TestBaselineOfTheId(KeyStoreContract):
    store_type = BaselineOfTheId


class DropsBaselines(MemoryKeyStore):
    """Saves a pair anew, and so without its baseline."""

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        writes: list[Write] = []
        for pair in pairs:
            writes += (DeletePair(*pair), SavePair(*pair))
        return self.record(integration_id, [], "me", writes)


class TestDropsBaselines(KeyStoreContract):
    store_type = DropsBaselines


class NoEmptyBaseline(MemoryKeyStore):
    """Takes an empty baseline for none."""

    def get_baselines(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, bytes]:
        found = super().get_baselines(integration_id, botmatic_ids)
        return {id: baseline for id, baseline in found.items() if baseline}


class TestNoEmptyBaseline(KeyStoreContract):
    store_type = NoEmptyBaseline
