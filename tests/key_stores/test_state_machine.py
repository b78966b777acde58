"""Under any sequence of calls the two directions stay inverse: a state machine, on each store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from key_stores import MemoryKeyStore, RedisKeyStore, SQLKeyStore
from tests.servers import PostgreSQL, Valkey

Store = MemoryKeyStore | RedisKeyStore | SQLKeyStore

BOTMATIC = ["b1", "b2", "x", "b" * 300]
EXTERNAL = ["e1", "0", "x", "e:\0*{}"]
INSTALLATIONS = ["i", "i:b"]

botmatic = st.sampled_from(BOTMATIC)
external = st.sampled_from(EXTERNAL)
installations = st.sampled_from(INSTALLATIONS)
pairs = st.tuples(botmatic, external)

_runs = itertools.count()


class KeyStoreMachine(RuleBasedStateMachine):
    """A store beside a plain model: a set of pairs, and the ids that are buried."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.names = {name: f"{next(_runs)} {name}" for name in INSTALLATIONS}
        self.pairs: dict[str, set[tuple[str, str]]] = {name: set() for name in INSTALLATIONS}
        self.buried: dict[str, set[tuple[str, str]]] = {name: set() for name in INSTALLATIONS}

    def _saved(self, name: str, pair: tuple[str, str]) -> None:
        kept = {other for other in self.pairs[name] if other[0] != pair[0] and other[1] != pair[1]}
        self.pairs[name] = kept | {pair}
        self.buried[name] -= {("b", pair[0]), ("e", pair[1])}

    @rule(name=installations, pair=pairs)
    def save(self, name: str, pair: tuple[str, str]) -> None:
        assert self.store.save_ids(self.names[name], *pair) is True
        self._saved(name, pair)

    @rule(name=installations, batch=st.lists(pairs, max_size=5))
    def save_many(self, name: str, batch: list[tuple[str, str]]) -> None:
        assert self.store.save_many(self.names[name], batch) is True
        for pair in batch:
            self._saved(name, pair)

    @rule(name=installations, pair=pairs)
    def delete(self, name: str, pair: tuple[str, str]) -> None:
        assert self.store.delete_ids(self.names[name], *pair) is (pair in self.pairs[name])
        self.pairs[name].discard(pair)

    @rule(name=installations, b=st.none() | botmatic, e=st.none() | external)
    def bury(self, name: str, b: str | None, e: str | None) -> None:
        if b is None and e is None:
            return
        assert self.store.bury_ids(self.names[name], b, e, 3600) is ((b, e) in self.pairs[name])
        self.pairs[name] -= {(one, other) for one, other in self.pairs[name] if (one, other) == (b, e)}
        self.buried[name] |= {(side, id) for side, id in (("b", b), ("e", e)) if id is not None}

    @rule(name=installations)
    def delete_all(self, name: str) -> None:
        assert self.store.delete_all_ids(self.names[name]) is True
        self.pairs[name] = set()
        self.buried[name] = set()

    @invariant()
    def both_directions_are_the_model(self) -> None:
        for name in INSTALLATIONS:
            forth = self.store.get_external_ids(self.names[name], BOTMATIC)
            back = self.store.get_botmatic_ids(self.names[name], EXTERNAL)
            assert set(forth.items()) == self.pairs[name]
            assert {(b, e) for e, b in back.items()} == self.pairs[name]
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
