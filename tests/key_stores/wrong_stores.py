"""A right store of five methods, and stores that are wrong on purpose, for `test_wrong_stores.py`."""

from __future__ import annotations

import fnmatch
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from threading import RLock
from typing import Any

import pytest

from key_stores import Id, KeyStore, MemoryKeyStore, as_id
from key_stores.testing import KeyStoreContract


class SmallStore(KeyStore):
    """Right: two dicts that are replaced together, under a lock."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.pairs: dict[Any, Any] = {}

    def id(self, value: Id) -> Any:
        return as_id(value)

    def forth(self, integration_id: Any, botmatic_id: Any) -> Any:
        return (integration_id, "b", botmatic_id)

    def back(self, integration_id: Any, external_id: Any) -> Any:
        return (integration_id, "e", external_id)

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        with self.lock:
            pairs = dict(self.pairs)
            pairs.pop(self.back(i, pairs.get(self.forth(i, b))), None)
            pairs.pop(self.forth(i, pairs.get(self.back(i, e))), None)
            self.pairs = pairs | {self.forth(i, b): e, self.back(i, e): b}
        return True

    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        key = self.back(self.id(integration_id), self.id(external_id))
        return self.pairs.get(key)

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        key = self.forth(self.id(integration_id), self.id(botmatic_id))
        return self.pairs.get(key)

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        with self.lock:
            if self.pairs.get(self.forth(i, b)) != e:
                return False
            gone = (self.forth(i, b), self.back(i, e))
            self.pairs = {key: value for key, value in self.pairs.items() if key not in gone}
            return True

    def delete_all_ids(self, integration_id: Id) -> bool:
        i = self.id(integration_id)
        with self.lock:
            self.pairs = {key: value for key, value in self.pairs.items() if not self.is_of(key, i)}
        return True

    def is_of(self, key: Any, integration_id: Any) -> bool:
        return bool(key[0] == integration_id)


class TestRight(KeyStoreContract):
    store_type = SmallStore


class JoinedKeys(SmallStore):
    """`a:b` and `c` make the same key as `a` and `b:c`."""

    def forth(self, integration_id: Any, botmatic_id: Any) -> Any:
        return (integration_id.split(":")[0], f"{integration_id}:b:{botmatic_id}")

    def back(self, integration_id: Any, external_id: Any) -> Any:
        return (integration_id.split(":")[0], f"{integration_id}:{external_id}")

    def is_of(self, key: Any, integration_id: Any) -> bool:
        return str(key[1]).startswith(f"{integration_id}:")


class TestJoinedKeys(KeyStoreContract):
    store_type = JoinedKeys


class StaleReverse(SmallStore):
    """What the ids were paired with before is left as it is, as in Node."""

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        with self.lock:
            self.pairs = self.pairs | {self.forth(i, b): e, self.back(i, e): b}
        return True


class TestStaleReverse(KeyStoreContract):
    store_type = StaleReverse


class PrefixDeletion(SmallStore):
    """`AB` is emptied with `A`."""

    def is_of(self, key: Any, integration_id: Any) -> bool:
        return str(key[0]).startswith(integration_id)


class TestPrefixDeletion(KeyStoreContract):
    store_type = PrefixDeletion


class PatternDeletion(SmallStore):
    """An installation's id is taken for a pattern, as `KEYS` does."""

    def is_of(self, key: Any, integration_id: Any) -> bool:
        return fnmatch.fnmatchcase(str(key[0]), integration_id)


class TestPatternDeletion(KeyStoreContract):
    store_type = PatternDeletion


class LostType(SmallStore):
    """Digits come back as a number, as through JSON."""

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> Any:
        found = super().get_external_id(integration_id, botmatic_id)
        return int(found) if found is not None and found.isdigit() else found


class TestLostType(KeyStoreContract):
    store_type = LostType


class NonAtomicPair(SmallStore):
    """A pair is two writes, one after the other."""

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        with self.lock:
            self.pairs.pop(self.back(i, self.pairs.get(self.forth(i, b))), None)
            self.pairs.pop(self.forth(i, self.pairs.get(self.back(i, e))), None)
            self.pairs[self.forth(i, b)] = e
            self.pairs[self.back(i, e)] = b
        return True


class TestNonAtomicPair(KeyStoreContract):
    store_type = NonAtomicPair


class HalfDeletion(SmallStore):
    """A pair is removed in two writes."""

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        with self.lock:
            if self.pairs.get(self.forth(i, b)) != e:
                return False
            del self.pairs[self.forth(i, b)]
            del self.pairs[self.back(i, e)]
            return True


class TestHalfDeletion(KeyStoreContract):
    store_type = HalfDeletion


class NoLock(SmallStore):
    """Reads, waits a moment, writes what it has read."""

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        former = self.pairs.get(self.forth(i, b)), self.pairs.get(self.back(i, e))
        time.sleep(0.005)
        gone = {self.back(i, former[0]), self.forth(i, former[1])}
        kept = {key: value for key, value in self.pairs.items() if key not in gone}
        self.pairs = kept | {self.forth(i, b): e, self.back(i, e): b}
        return True


class TestNoLock(KeyStoreContract):
    store_type = NoLock


class Unreachable(SmallStore):
    """Pretends success, and answers that nothing is known, when its backend is away."""

    def __init__(self, there: bool = True) -> None:
        super().__init__()
        self.there = there

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        return super().save_ids(integration_id, botmatic_id, external_id) if self.there else True


class TestUnreachable(KeyStoreContract):
    store_type = Unreachable

    @pytest.fixture
    def unreachable_store(self) -> KeyStore:
        return Unreachable(there=False)


class CarelessDeletion(SmallStore):
    """Removes both ids, whether or not they are paired with each other, and always says so."""

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        i, b, e = self.id(integration_id), self.id(botmatic_id), self.id(external_id)
        self.pairs = {key: value for key, value in self.pairs.items() if key not in (self.forth(i, b), self.back(i, e))}
        return True


class TestCarelessDeletion(KeyStoreContract):
    store_type = CarelessDeletion


class RefusesZero(SmallStore):
    """Takes 0 for nothing."""

    def id(self, value: Id) -> Any:
        return as_id(value or "")


class TestRefusesZero(KeyStoreContract):
    store_type = RefusesZero


class TakesNone(SmallStore):
    """Takes nothing for "None"."""

    def id(self, value: Id) -> Any:
        return str(value)


class TestTakesNone(KeyStoreContract):
    store_type = TakesNone


class FoldsCase(SmallStore):
    """Compares as a database with a friendly collation does."""

    def id(self, value: Id) -> Any:
        return as_id(value).casefold()


class TestFoldsCase(KeyStoreContract):
    store_type = FoldsCase


class Normalises(SmallStore):
    """Takes two ways of writing an accent for one."""

    def forth(self, integration_id: Any, botmatic_id: Any) -> Any:
        return (integration_id, "b", unicodedata.normalize("NFC", botmatic_id or ""))


class TestNormalises(KeyStoreContract):
    store_type = Normalises


class Truncates(SmallStore):
    """Keeps 255 characters of an id."""

    def id(self, value: Id) -> Any:
        return as_id(value)[:255]


class TestTruncates(KeyStoreContract):
    store_type = Truncates


class MixesSides(SmallStore):
    """One space of names for both sides."""

    def back(self, integration_id: Any, external_id: Any) -> Any:
        return self.forth(integration_id, external_id)


class TestMixesSides(KeyStoreContract):
    store_type = MixesSides


class SaysFalse(SmallStore):
    """Says that it did nothing when a pair was there already."""

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        there = self.get_external_id(integration_id, botmatic_id) == self.id(external_id)
        return super().save_ids(integration_id, botmatic_id, external_id) and not there


class TestSaysFalse(KeyStoreContract):
    store_type = SaysFalse


class BatchByBatch(MemoryKeyStore):
    """Saves the pairs of a batch one by one."""

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        for pair in pairs:
            MemoryKeyStore.save_many(self, integration_id, [pair])
        return True


class TestBatchByBatch(KeyStoreContract):
    store_type = BatchByBatch


class GivesTwice(MemoryKeyStore):
    """Walks from the beginning again when something changes."""

    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        yield from super().iter_pairs(integration_id)
        yield from super().iter_pairs(integration_id)


class TestGivesTwice(KeyStoreContract):
    store_type = GivesTwice


class NeverLifts(MemoryKeyStore):
    """A tombstone stays, whatever is saved."""

    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        pairs = list(pairs)
        buried = [b for b, _ in pairs if self.is_buried(integration_id, botmatic_id=b)]
        super().save_many(integration_id, pairs)
        for botmatic_id in buried:
            self.bury_ids(integration_id, botmatic_id, None, 60)
        return True


class TestNeverLifts(KeyStoreContract):
    store_type = NeverLifts


class OneLeaseAtATime(MemoryKeyStore):
    """Takes what it can get of several leases, and gives back what anybody holds."""

    def acquire_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        taken = [super(OneLeaseAtATime, self).acquire_leases(integration_id, [n], owner, seconds) for n in names]
        return all(taken)

    def release_leases(self, integration_id: Id, names: Sequence[str], owner: str) -> None:
        for holder in (owner, "me", "you"):
            super().release_leases(integration_id, names, holder)


class TestOneLeaseAtATime(KeyStoreContract):
    store_type = OneLeaseAtATime


class SharedRecords(MemoryKeyStore):
    """Keeps the records of all installations together."""

    def put_record(self, integration_id: Id, name: str, value: str) -> None:
        as_id(integration_id)
        super().put_record("all", name, value)

    def get_record(self, integration_id: Id, name: str) -> str | None:
        return super().get_record("all", name)


class TestSharedRecords(KeyStoreContract):
    store_type = SharedRecords
