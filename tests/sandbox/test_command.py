"""`contact-sync sandbox`, as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from click.testing import CliRunner

from contact_sync.cli.sandbox import sandbox
from contact_sync.testing.sandbox import LoopbackServer
from tests.platforms.servers import free_port
from tests.sandbox.test_server import hello
from tests.sandbox.webhook import Webhook

PROGRAM = "from contact_sync.cli.sandbox import sandbox; sandbox()"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command, and what it says until it is ready."""
    command = [sys.executable, "-c", PROGRAM, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line.strip())
                if "Ctrl-C" in line:
                    break
            yield process, said
        finally:
            process.terminate()


def address(said: list[str]) -> str:
    [line] = [line for line in said if line.startswith("export BOTMATIC_BASE_URL=")]
    return line.partition("=")[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_cleanly(number: signal.Signals) -> None:
    with running("--token", "dev-token") as (process, said):
        assert "Token             dev-token" in said
        url = address(said)
        answer = requests.post(f"{url}/api/integrationtokens/validate", data={"token": "dev-token"}, timeout=10)
        assert answer.json() == {"success": True}
        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)
        assert (process.returncode, rest) == (0, "")


def test_it_installs_a_webhook_and_behaves_as_it_is_told() -> None:
    with (
        Webhook() as webhook,
        running("--webhook", webhook.url, "--placement", "nested", "--echo", "--lenient") as (
            _,
            said,
        ),
    ):
        assert "Installed." in said
        token = next(line.split()[-1] for line in said if line.startswith("Token"))
        headers = {"Authorization": f"Bearer {token}"}
        made = requests.post(f"{address(said)}/api/contacts", json={"contact": {"a": 1}}, headers=headers, timeout=10)
        assert made.status_code == 201
        webhook.wait_received(2)
        assert webhook.received[1] == {"event": "contact_created", "data": {"contact_created": {"id": 10001}}}


def test_a_webhook_that_is_not_there_yet_is_asked_again() -> None:
    with running("--webhook", f"http://127.0.0.1:{free_port()}") as (_, said):
        assert "The webhook does not accept the installation yet; it is asked again." in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--webhook", "nonsense"], "Error: a webhook's url must be an address like"),
        (["--token", "a b"], "Error: a token must be printable ASCII without blanks"),
        (["--port", "70000"], "Invalid value for '--port'"),
        (["--placement", "deep"], "Invalid value for '--placement'"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(sandbox, ["--port", "0", *arguments])
    assert result.exit_code != 0
    assert says in result.output


def test_a_port_that_is_taken_is_named() -> None:
    with LoopbackServer(hello) as server:
        result = CliRunner().invoke(sandbox, ["--port", str(server.port)])
    assert result.exit_code == 1
    assert f"cannot listen on port {server.port} of 127.0.0.1" in result.output
