"""Real servers for tests: Valkey (alone, behind TLS, as a cluster) and PostgreSQL, from pip packages alone.

Each runs on a free port of 127.0.0.1 and dies with the process that started it, however that process ends. A server
that does not start raises `ServerFailed` with its log.
"""

from __future__ import annotations

from tests.servers.postgresql import Database, PostgreSQL, run_postgresql
from tests.servers.process import Server, ServerFailed, free_port, short_directory
from tests.servers.valkey import (
    Valkey,
    ValkeyCluster,
    ValkeyTLS,
    plain_client,
    run_valkey,
    run_valkey_cluster,
    run_valkey_tls,
)

__all__ = [
    "Database",
    "PostgreSQL",
    "Server",
    "ServerFailed",
    "Valkey",
    "ValkeyCluster",
    "ValkeyTLS",
    "free_port",
    "plain_client",
    "run_postgresql",
    "run_valkey",
    "run_valkey_cluster",
    "run_valkey_tls",
    "short_directory",
]
