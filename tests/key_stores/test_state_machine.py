"""Under any sequence of calls the two directions stay inverse: a state machine, on each store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from key_stores import (
    Bury,
    Claimed,
    ContactRef,
    DeletePair,
    KnownContact,
    MemoryKeyStore,
    RedisKeyStore,
    SavePair,
    SQLKeyStore,
    Write,
)
from tests.servers import PostgreSQL, Valkey

Store = MemoryKeyStore | RedisKeyStore | SQLKeyStore

BOTMATIC = ["b1", "b2", "x", "b" * 300]
EXTERNAL = ["e1", "0", "x", "e:\0*{}"]
INSTALLATIONS = ["i", "i:b"]

botmatic = st.sampled_from(BOTMATIC)
external = st.sampled_from(EXTERNAL)
installations = st.sampled_from(INSTALLATIONS)
pairs = st.tuples(botmatic, external)
baselines = st.sampled_from([b"", b"\xff\0", b"e1", b"x" * 300])
owners = st.sampled_from(["me", "you"])
guards = st.sampled_from([(), ("g",), ("h", "x")])
refs = st.builds(ContactRef, botmatic_id=botmatic, guards=guards) | st.builds(
    ContactRef, external_id=external, guards=guards
)
writes = st.one_of(
    st.builds(SavePair, botmatic, external, st.none() | baselines),
    st.builds(DeletePair, botmatic, external),
    st.builds(Bury, botmatic, st.none() | external, st.just(3600)),
)

Lease = tuple[str, str]

_runs = itertools.count()


class KeyStoreMachine(RuleBasedStateMachine):
    """A store beside a plain model: pairs with their baselines, the ids that are buried, who holds which leases."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.names = {name: f"{next(_runs)} {name}" for name in INSTALLATIONS}
        self.pairs: dict[str, dict[tuple[str, str], bytes | None]] = {name: {} for name in INSTALLATIONS}
        self.buried: dict[str, set[tuple[str, str]]] = {name: set() for name in INSTALLATIONS}
        self.held: dict[str, dict[Lease, str]] = {name: {} for name in INSTALLATIONS}
        self.claims: list[tuple[str, str, Claimed, set[Lease]]] = []

    def _saved(self, name: str, pair: tuple[str, str], baseline: bytes | None = None) -> None:
        if baseline is None:
            baseline = self.pairs[name].get(pair)
        kept = {old: of for old, of in self.pairs[name].items() if old[0] != pair[0] and old[1] != pair[1]}
        self.pairs[name] = {**kept, pair: baseline}
        self.buried[name] -= {("b", pair[0]), ("e", pair[1])}

    def _buried(self, name: str, b: str | None, e: str | None) -> None:
        self.pairs[name] = {pair: of for pair, of in self.pairs[name].items() if pair != (b, e)}
        self.buried[name] |= {(side, id) for side, id in (("b", b), ("e", e)) if id is not None}

    @rule(name=installations, pair=pairs)
    def save(self, name: str, pair: tuple[str, str]) -> None:
        assert self.store.save_ids(self.names[name], *pair) is True
        self._saved(name, pair)

    @rule(name=installations, batch=st.lists(pairs, max_size=5))
    def save_many(self, name: str, batch: list[tuple[str, str]]) -> None:
        assert self.store.save_many(self.names[name], batch) is True
        for pair in batch:
            self._saved(name, pair)

    @rule(name=installations, batch=st.lists(st.tuples(botmatic, external, baselines), max_size=5))
    def save_baselines(self, name: str, batch: list[tuple[str, str, bytes]]) -> None:
        assert self.store.save_baselines(self.names[name], batch) is True
        for b, e, baseline in batch:
            self._saved(name, (b, e), baseline)

    @rule(name=installations, pair=pairs)
    def delete(self, name: str, pair: tuple[str, str]) -> None:
        assert self.store.delete_ids(self.names[name], *pair) is (pair in self.pairs[name])
        self.pairs[name].pop(pair, None)

    @rule(name=installations, b=st.none() | botmatic, e=st.none() | external)
    def bury(self, name: str, b: str | None, e: str | None) -> None:
        if b is None and e is None:
            return
        assert self.store.bury_ids(self.names[name], b, e, 3600) is ((b, e) in self.pairs[name])
        self._buried(name, b, e)

    @rule(name=installations)
    def delete_all(self, name: str) -> None:
        assert self.store.delete_all_ids(self.names[name]) is True
        self.pairs[name] = {}
        self.buried[name] = set()
        self.held[name] = {}

    def _known(self, name: str, contact: ContactRef) -> tuple[KnownContact, set[Lease]]:
        side, id = ("b", contact.botmatic_id) if contact.external_id is None else ("e", contact.external_id)
        buried = (side, id) in self.buried[name]
        leases = {(side, str(id))}
        for (b, e), baseline in self.pairs[name].items():
            if id == (b if side == "b" else e):
                return KnownContact(b, e, baseline, buried), {("b", b), ("e", e)}
        known = KnownContact(str(id), None, None, buried) if side == "b" else KnownContact(None, str(id), None, buried)
        return known, leases | {("g", guard) for guard in contact.guards}

    @rule(name=installations, contacts=st.lists(refs, max_size=4), owner=owners)
    def claim(self, name: str, contacts: list[ContactRef], owner: str) -> None:
        claimed = self.store.claim(self.names[name], contacts, owner, 3600)
        known = [self._known(name, contact) for contact in contacts]
        leases = {lease for _, some in known for lease in some}
        if any(self.held[name].get(lease, owner) != owner for lease in leases):
            assert claimed is None
            return
        assert claimed is not None
        assert claimed.contacts == tuple(contact for contact, _ in known)
        assert len(claimed.leases) == len(leases)
        self.held[name].update(dict.fromkeys(leases, owner))
        self.claims.append((name, owner, claimed, leases))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), some=st.lists(writes, max_size=5), release=st.booleans())
    def record(self, data: st.DataObject, some: list[Write], release: bool) -> None:
        name, owner, claimed, leases = data.draw(st.sampled_from(self.claims))
        held = all(self.held[name].get(lease) == owner for lease in leases)
        if data.draw(st.booleans()):
            assert self.store.renew_claim(self.names[name], claimed.leases, owner, 3600) is held
        assert self.store.record(self.names[name], claimed.leases, owner, some, release=release) is held
        for write in some if held else []:
            if isinstance(write, SavePair):
                self._saved(name, (str(write.botmatic_id), str(write.external_id)), write.baseline)
            elif isinstance(write, DeletePair):
                self.pairs[name].pop((str(write.botmatic_id), str(write.external_id)), None)
            else:
                self._buried(
                    name, str(write.botmatic_id), None if write.external_id is None else str(write.external_id)
                )
        if release:
            self.held[name] = {
                lease: holder for lease, holder in self.held[name].items() if holder != owner or lease not in leases
            }

    @invariant()
    def both_directions_are_the_model(self) -> None:
        for name in INSTALLATIONS:
            forth = self.store.get_external_ids(self.names[name], BOTMATIC)
            back = self.store.get_botmatic_ids(self.names[name], EXTERNAL)
            assert set(forth.items()) == set(self.pairs[name])
            assert {(b, e) for e, b in back.items()} == set(self.pairs[name])
            kept = {b: of for (b, _), of in self.pairs[name].items() if of is not None}
            assert self.store.get_baselines(self.names[name], BOTMATIC) == kept
            assert self.store.count_pairs(self.names[name]) == len(self.pairs[name])
            assert sorted(self.store.iter_pairs(self.names[name])) == sorted(self.pairs[name])

    @rule(name=installations, b=botmatic, e=external)
    def tombstones_are_the_model(self, name: str, b: str, e: str) -> None:
        assert self.store.is_buried(self.names[name], botmatic_id=b) is (("b", b) in self.buried[name])
        assert self.store.is_buried(self.names[name], external_id=e) is (("e", e) in self.buried[name])


def _run(store: Store, *, examples: int) -> None:
    class Machine(KeyStoreMachine):
        def __init__(self) -> None:
            super().__init__(store)

    limits = settings(
        max_examples=examples,
        stateful_step_count=15,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Machine, settings=limits)


def test_memory_stays_one_to_one() -> None:
    """In memory."""
    store = MemoryKeyStore()
    _run(store, examples=40)
    assert store.count_pairs("another") == 0


def test_redis_stays_one_to_one(valkey_server: Valkey) -> None:
    """On a real server."""
    store = RedisKeyStore(valkey_server.url)
    _run(store, examples=20)
    assert store.count_pairs("another") == 0
    store.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLKeyStore]:
    """A store in a file."""
    store = SQLKeyStore(f"sqlite:///{tmp_path}/pairs.db")
    yield store
    store.close()


def test_sqlite_stays_one_to_one(sqlite: SQLKeyStore) -> None:
    """In a file."""
    _run(sqlite, examples=12)
    assert sqlite.count_pairs("another") == 0


def test_postgresql_stays_one_to_one(postgresql_server: PostgreSQL) -> None:
    """On a real server."""
    with postgresql_server.database() as database:
        store = SQLKeyStore(database.url)
        _run(store, examples=8)
        assert store.count_pairs("another") == 0
        store.close()
