"""What `contact-sync serve` refuses, before it serves anything."""

from __future__ import annotations

import sys

import pytest

from contact_sync.server import listen
from tests.cli.helpers import FIVE_METHODS, Project


def test_several_workers_on_a_store_in_memory_are_refused(project: Project) -> None:
    result = project.run("serve", project.sync("memory://"), "--workers", "2", "--port", "0")
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "Error: 2 workers: each would have a key store of its own, since this one (MemoryKeyStore) is in memory: "
        "pairs would be lost and contacts made twice. Use --workers 1, or use a store that processes share: redis://…, "
        "postgresql://… or sqlite:///pairs.db"
    )


def test_several_workers_on_a_users_store_without_leases_are_warned_of(project: Project) -> None:
    project.write("program.py", FIVE_METHODS)
    with listen("127.0.0.1", 0) as taken:  # so that nothing is served in the end
        port = str(taken.getsockname()[1])
        result = project.run("serve", "program:sync", "--workers", "3", "--port", port)
    assert result.code == 2
    assert (
        "Warning: 3 workers, and FiveMethods has no Leases and no Records: they cannot see each other's" in result.err
    )


def test_several_workers_on_a_crm_in_memory_are_warned_of(project: Project) -> None:
    with listen("127.0.0.1", 0) as taken:  # so that nothing is served in the end
        port = str(taken.getsockname()[1])
        result = project.run("serve", project.sync("sqlite:///pairs.db"), "--workers", "2", "--port", port)
    said = (
        "Warning: 2 workers, and the CRM (MemoryConsumer) is in memory: each has one of its own and sees nothing of "
        "the others'. Use --workers 1, or a consumer of a CRM that they share."
    )
    assert said in result.err.splitlines()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_one_line(project: Project, workers: str) -> None:
    target = project.sync("sqlite:///pairs.db", secret_keys="['k' * 32]")
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        result = project.run("serve", target, "--workers", workers, "--port", port)
    assert result.code == 2
    [line] = [line for line in result.err.splitlines() if not line.startswith("Warning: 2 workers, and the CRM ")]
    assert line.startswith(f"Error: port: {port} of 127.0.0.1 is in use; ")


def test_the_port_of_the_sync_is_the_default(project: Project) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        result = project.run("serve", project.sync("memory://", port=str(port)))
    assert f"port: {port} of 127.0.0.1 is in use" in result.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_endpoint_on_a_health_route_is_refused(project: Project, workers: str) -> None:
    target = project.sync("sqlite:///pairs.db", endpoint="'/healthz'")
    result = project.run("serve", target, "--workers", workers, "--port", "0")
    assert result.code == 2
    assert "endpoint: the default server answers '/healthz' itself; choose another path" in result.err


def test_without_granian_the_extra_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "contact_sync.server.http", raising=False)
    for name in ["granian", *(name for name in sys.modules if name.startswith("granian."))]:
        monkeypatch.setitem(sys.modules, name, None)
    result = project.run("serve", project.sync("memory://"), "--port", "0")
    assert result.code == 2
    assert "the default server needs the package 'granian'; pip install 'contact-sync[server]'" in result.err


@pytest.mark.parametrize(
    "option", [("--workers", "0"), ("--threads", "0"), ("--port", "70000"), ("--log-level", "loud"), ("--grace", "-1")]
)
def test_numbers_out_of_range_are_refused(project: Project, option: tuple[str, str]) -> None:
    result = project.run("serve", "program:sync", *option)
    assert result.code == 2
    assert f"Invalid value for '{option[0]}'" in result.err
