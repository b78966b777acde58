"""Fixtures for everybody: real servers, started when the first test asks, one of each kind a test process.

A test that stops, freezes or restarts a server takes a `private_…` one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator

import pytest

from tests.servers import (
    Database,
    PostgreSQL,
    Valkey,
    ValkeyCluster,
    ValkeyTLS,
    run_postgresql,
    run_valkey,
    run_valkey_cluster,
    run_valkey_tls,
)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None]:
    """A test that is marked `no_cover` is not measured, nor are the processes that it starts.

    Going on after it, coverage wraps `os._exit` once more, in the end too deep to be called.
    """
    leave = os._exit
    environment = dict(os.environ)
    if item.get_closest_marker("no_cover"):
        for name in [name for name in environment if name.startswith("COV")]:
            del os.environ[name]
    try:
        return (yield)
    finally:
        os._exit = leave
        os.environ |= {name: value for name, value in environment.items() if name.startswith("COV")}


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A command sets the process's logging up; the next test must not notice."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    own = {name: logging.getLogger(name).level for name in ("contact_sync", "key_stores", "mappers")}
    yield
    root.setLevel(level)
    for name, before in own.items():
        logging.getLogger(name).setLevel(before)
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        if handler not in handlers:
            root.removeHandler(handler)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """A Valkey server that lives as long as the test process. Most tests want `valkey`, which empties it first."""
    with run_valkey() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """An empty Valkey server."""
    valkey_server.flush()
    return valkey_server


@pytest.fixture(scope="session")
def valkey_tls_server() -> Iterator[ValkeyTLS]:
    """A Valkey server behind TLS that lives as long as the test process."""
    with run_valkey_tls() as server:
        yield server


@pytest.fixture
def valkey_tls(valkey_tls_server: ValkeyTLS) -> ValkeyTLS:
    """An empty Valkey server behind TLS."""
    valkey_tls_server.flush()
    return valkey_tls_server


@pytest.fixture(scope="session")
def valkey_cluster_servers() -> Iterator[ValkeyCluster]:
    """A cluster of three masters that lives as long as the test process."""
    with run_valkey_cluster() as cluster:
        yield cluster


@pytest.fixture
def valkey_cluster(valkey_cluster_servers: ValkeyCluster) -> ValkeyCluster:
    """An empty cluster of three masters."""
    valkey_cluster_servers.flush()
    return valkey_cluster_servers


@pytest.fixture
def private_valkey() -> Iterator[Valkey]:
    """A Valkey server of this test alone, to be stopped, frozen and restarted."""
    with run_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A PostgreSQL server that lives as long as the test process. Most tests want `postgresql`."""
    with run_postgresql() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> Iterator[Database]:
    """A fresh, empty PostgreSQL database."""
    with postgresql_server.database() as database:
        yield database


@pytest.fixture
def private_postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server of this test alone, to be stopped and restarted."""
    with run_postgresql() as server:
        yield server
