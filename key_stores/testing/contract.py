"""The contract as a class of tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import pytest

from key_stores.base import (
    Baselines,
    ContactClaims,
    KeyStore,
    Leases,
    PairBatches,
    PairListing,
    Ping,
    Records,
    Tombstones,
)
from key_stores.testing.baselines import BaselinesContract
from key_stores.testing.batches import BatchesContract
from key_stores.testing.claims import ClaimsContract
from key_stores.testing.faults import FaultsContract, UnreachableContract
from key_stores.testing.fencing import RecordContract
from key_stores.testing.hostile import HostileContract
from key_stores.testing.leases import LeasesContract
from key_stores.testing.pairs import PairsContract
from key_stores.testing.rest import ListingContract, PingContract, RecordsContract
from key_stores.testing.tombstones import TombstonesContract

_ABILITIES: Final[dict[type, tuple[type, ...]]] = {
    PairBatches: (BatchesContract,),
    Baselines: (BaselinesContract,),
    PairListing: (ListingContract,),
    Tombstones: (TombstonesContract,),
    Leases: (LeasesContract,),
    ContactClaims: (ClaimsContract, RecordContract),
    Records: (RecordsContract,),
    Ping: (PingContract,),
}


class KeyStoreContract(
    PairsContract,
    HostileContract,
    FaultsContract,
    UnreachableContract,
    BatchesContract,
    BaselinesContract,
    ListingContract,
    TombstonesContract,
    LeasesContract,
    ClaimsContract,
    RecordContract,
    RecordsContract,
    PingContract,
):
    """What a key store promises, as tests. Subclass it, name your class, and say how a store is made:

        class TestAcmeKeyStore(KeyStoreContract):
            store_type = AcmeKeyStore

            @pytest.fixture
            def store(self, tmp_path):
                store = AcmeKeyStore(tmp_path / "pairs")
                yield store
                store.close()

            @pytest.fixture
            def unreachable_store(self):
                return AcmeKeyStore("/nowhere/pairs")

    The abilities that the class has (`key_stores.base`) are tested too; for those that it lacks, nothing is collected.
    The tests of an unreachable backend are collected where there is an `unreachable_store`. The backend need not be
    empty: each test uses installations of its own.

    Attributes:
        store_type: The class that is tested.
    """

    store_type: ClassVar[type[KeyStore]]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if not hasattr(cls, "store_type"):
            return
        for ability, suites in _ABILITIES.items():
            for suite in suites:
                cls._collect(suite, wanted=issubclass(cls.store_type, ability))
        cls._collect(UnreachableContract, wanted=hasattr(cls, "unreachable_store"))

    @classmethod
    def _collect(cls, suite: type, *, wanted: bool) -> None:
        # pytest collects what is callable; a test that is set to None is none.
        for name, test in vars(suite).items():
            if name.startswith("test_") and (getattr(cls, name) is None) == wanted:
                setattr(cls, name, test if wanted else None)

    @pytest.fixture
    def store(self) -> Iterator[KeyStore]:
        """A store to test. Override it where making one takes arguments."""
        store = self.store_type()
        yield store
        store.close()

    @pytest.fixture
    def installation(self) -> str:
        """The id of an installation that no other test uses."""
        return f"token:{uuid.uuid4().hex}"

    def test_the_store_is_of_the_type_that_the_suite_was_told(self, store: KeyStore) -> None:
        """Which abilities are tested goes by `store_type`."""
        assert type(store) is self.store_type
