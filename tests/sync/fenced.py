"""Stores whose claims last long, until they say that they are lost."""

from __future__ import annotations

import threading
from typing import Any, Final

from key_stores import Claimed, Leases, MemoryKeyStore
from tests.sync.five_methods import FiveMethods

LONG: Final = 60.0


class Fenced(MemoryKeyStore):
    """A store whose claims last long, whatever is asked for; until it says that they are lost."""

    lost = False
    renewals = 0

    def __init__(self) -> None:
        super().__init__()
        self.renewed = threading.Event()

    def claim(self, integration_id: Any, contacts: Any, owner: str, seconds: float) -> Claimed | None:
        return super().claim(integration_id, contacts, owner, LONG)

    def renew_claim(self, integration_id: Any, leases: Any, owner: str, seconds: float) -> bool:
        self.renewals += 1
        self.renewed.set()
        return not self.lost and super().renew_claim(integration_id, leases, owner, LONG)

    def record(self, integration_id: Any, leases: Any, owner: str, writes: Any = (), *, release: bool = True) -> bool:
        if self.lost and writes:
            super().record(integration_id, leases, owner, release=release)
            return False
        return super().record(integration_id, leases, owner, writes, release=release)


class FencedLeases(FiveMethods, Leases):
    """The same without claims of contacts: a user's store with the five methods, and leases."""

    lost = False

    def __init__(self) -> None:
        super().__init__(MemoryKeyStore())
        self.renewed = threading.Event()
        self.leases = MemoryKeyStore()

    def acquire_leases(self, integration_id: Any, names: Any, owner: str, seconds: float) -> bool:
        return self.leases.acquire_leases(integration_id, names, owner, LONG)

    def renew_leases(self, integration_id: Any, names: Any, owner: str, seconds: float) -> bool:
        self.renewed.set()
        return not self.lost and self.leases.renew_leases(integration_id, names, owner, LONG)

    def release_leases(self, integration_id: Any, names: Any, owner: str) -> None:
        self.leases.release_leases(integration_id, names, owner)
