"""All stores keep the contract, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, create_engine

from key_stores import KeyStore, MemoryKeyStore, RedisKeyStore, SQLKeyStore, open_key_store
from key_stores.testing import KeyStoreContract
from tests.servers import PostgreSQL, Valkey, ValkeyCluster, free_port


class TestMemory(KeyStoreContract):
    """In memory."""

    store_type = MemoryKeyStore


class TestRedis(KeyStoreContract):
    """Redis, by its URL."""

    store_type = RedisKeyStore

    @pytest.fixture
    def store(self, valkey: Valkey) -> Iterator[KeyStore]:
        store = open_key_store(valkey.url)
        yield store
        store.close()

    @pytest.fixture
    def unreachable_store(self) -> KeyStore:
        return open_key_store(f"redis://127.0.0.1:{free_port()}")


@pytest.mark.no_cover  # covered by those above
class TestRedisWithAClientThatDecodes(KeyStoreContract):
    """Redis, by a client that gives text, in another encoding, over the older protocol."""

    store_type = RedisKeyStore

    @pytest.fixture
    def store(self, valkey: Valkey) -> Iterator[KeyStore]:
        with redis.Redis(port=valkey.port, decode_responses=True, encoding="latin-1", protocol=2) as client:
            yield RedisKeyStore(client)


@pytest.mark.no_cover  # covered by those above
class TestRedisCluster(KeyStoreContract):
    """Three masters."""

    store_type = RedisKeyStore

    @pytest.fixture
    def store(self, valkey_cluster: ValkeyCluster) -> Iterator[KeyStore]:
        store = open_key_store(valkey_cluster.url.replace("redis://", "redis+cluster://"))
        yield store
        store.close()

    @pytest.fixture
    def unreachable_store(self) -> KeyStore:
        return open_key_store(f"redis+cluster://127.0.0.1:{free_port()}")


class TestSQLite(KeyStoreContract):
    """An SQLite file; unreachable is one in a folder that is not there."""

    store_type = SQLKeyStore

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[KeyStore]:
        store = open_key_store(f"sqlite:///{tmp_path}/pairs.db")
        yield store
        store.close()

    @pytest.fixture
    def unreachable_store(self, tmp_path: Path) -> KeyStore:
        return open_key_store(f"sqlite:///{tmp_path}/missing/pairs.db")


@pytest.fixture(scope="module")
def postgresql_store(postgresql_server: PostgreSQL) -> Iterator[KeyStore]:
    """One database for the whole suite, which does not need an empty one; making tables takes most of the time."""
    with postgresql_server.database() as database:
        store = open_key_store(database.url)
        yield store
        store.close()


class TestPostgreSQL(KeyStoreContract):
    """PostgreSQL, by its URL."""

    store_type = SQLKeyStore

    @pytest.fixture
    def store(self, postgresql_store: KeyStore) -> KeyStore:
        return postgresql_store

    @pytest.fixture
    def unreachable_store(self) -> KeyStore:
        return open_key_store(f"postgresql://postgres@127.0.0.1:{free_port()}/pairs")


@pytest.fixture(scope="module")
def engine_of_another_driver(postgresql_server: PostgreSQL) -> Iterator[Engine]:
    """One that says it is another one: what counts is that the store does not take it for psycopg."""
    with postgresql_server.database() as database:
        engine = create_engine(database.url)
        engine.dialect.driver = "another"
        yield engine
        engine.dispose()


@pytest.mark.no_cover  # covered by those above
class TestPostgreSQLByAnotherDriver(KeyStoreContract):
    """An engine of one's own whose driver takes one statement at a time: steps are transactions."""

    store_type = SQLKeyStore

    @pytest.fixture
    def store(self, engine_of_another_driver: Engine) -> KeyStore:
        return SQLKeyStore(engine_of_another_driver)
