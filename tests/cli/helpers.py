"""A user's folder, and the commands run in it: in this process, or as a process of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click.testing
import requests

from contact_sync.cli import main
from tests.project.markdown import ROOT

PATIENCE = 60.0

SYNC = """
from contact_sync import BotmaticPlatform, ContactSync, allow_any_token
from contact_sync.delivery import open_delivery
from contact_sync.testing import MemoryConsumer
from mappers import Mapping

FIELDS = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True)]
crm = MemoryConsumer(id_field="ref", email_field="mail")
"""

FIVE_METHODS = f"""{SYNC}
from key_stores import open_key_store
from tests.sync.five_methods import FiveMethods

store = open_key_store("sqlite:///pairs.db")
sync = ContactSync(crm, FIELDS, FiveMethods(store))
"""
"""A program whose key store is one of the user's own, with the five methods alone."""


class Result:
    """What a command did: its exit code, and what it printed."""

    def __init__(self, result: click.testing.Result) -> None:
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code = result.exit_code
        self.out = result.stdout
        self.err = result.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Checked:
    """What the doctor found, by the name of the check."""

    def __init__(self, result: Result) -> None:
        self.code = result.code
        self.text = result.out + result.err
        self.all: list[dict[str, str]] = result.json["checks"]
        assert result.json["success"] is (result.code == 0)
        assert all(finding["remedy"] for finding in self.all if finding["state"] == "fail")

    def __getitem__(self, name: str) -> tuple[str, str]:
        """The state and the detail of a check that found one thing."""
        [finding] = [finding for finding in self.all if finding["name"] == name]
        return finding["state"], finding["detail"]

    def states(self) -> dict[str, str]:
        """The state of each."""
        return {finding["name"]: finding["state"] for finding in self.all}


@dataclass
class Project:
    """A user's folder."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text, "utf-8")

    def sync(self, key_store: str, **arguments: str) -> str:
        """Write a program whose sync has these arguments (Python). Gives what a command calls it."""
        written = "".join(f", {name}={value}" for name, value in arguments.items())
        self.write("program.py", f"{SYNC}\nsync = ContactSync(crm, FIELDS, {key_store!r}{written})\n")
        return "program:sync"

    def run(self, *arguments: str, input: str | None = None) -> Result:
        """Run a command in this process."""
        runner = click.testing.CliRunner()
        return Result(runner.invoke(main, arguments, input=input, prog_name="contact-sync"))

    def check(self, *arguments: str, input: str | None = None) -> Checked:
        """Run `contact-sync check program:sync --json …`."""
        return Checked(self.run("check", "program:sync", "--json", *arguments, input=input))


class Service:
    """A command in a process of its own, such as `contact-sync serve`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All that it printed."""
        return self._log.read_text("utf-8", "replace")

    @property
    def address(self) -> str:
        """Where it listens."""
        found = re.search(r"[Ll]isten(?:s|ing) on (http://\S+)", self.log)
        assert found, self.log
        return found[1]

    @property
    def workers(self) -> list[int]:
        """The processes of its workers, in the order in which they were started."""
        return [int(id) for id in re.findall(r"Worker \d+ is process (\d+)", self.log)]

    def wait_for(self, text: str) -> None:
        """Wait until it has printed something."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.log:
            assert self.process.poll() is None or text in self.log, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def send(self, event: str, data: dict[str, Any] | None = None) -> requests.Response:
        """Send an event to the webhook, on a connection of its own."""
        return requests.post(
            self.address,
            json={"event": event, "data": data or {}},
            headers={"Authorization": "Bearer hush-hush", "Connection": "close"},
            timeout=PATIENCE,
        )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command's own process."""
        self.process.send_signal(number)

    def end(self, seconds: float = PATIENCE) -> int:
        """Wait until it has ended. Its exit code.

        Raises:
            TimeoutError: It goes on for longer.
        """
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(self.log) from None

    def refuses(self) -> bool:
        """Whether new connections are refused."""
        try:
            requests.get(self.address + "/healthz", timeout=5)
        except requests.ConnectionError:
            return True
        return False


class Later:
    """An event that is sent in a thread, and whose answer is asked for later."""

    def __init__(self, service: Service, event: str) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(service.send, event)

    def answer(self) -> requests.Response:
        """Wait for the answer. Raises what came of it if there is none."""
        with self._pool:
            return self._future.result(PATIENCE)


@contextmanager
def serving(project: Project, *arguments: str, ready: bool = True, **environment: str) -> Iterator[Service]:
    """Run `contact-sync serve` on a free port, and wait until it serves; in the end, nothing of it is left."""
    with started(project, "serve", *arguments, "--port", "0", ready=ready, **environment) as service:
        yield service


@contextmanager
def started(project: Project, *arguments: str, ready: bool = True, **environment: str) -> Iterator[Service]:
    """Run a command that runs until it is stopped, and wait until it works; in the end, nothing of it is left."""
    with process(project, "-m", "contact_sync.cli", *arguments, **environment) as service:
        if ready:
            service.wait_for("Ctrl-C stops it.")
        yield service


@contextmanager
def process(project: Project, *arguments: str, **environment: str) -> Iterator[Service]:
    """Run Python in a user's folder; in the end, nothing of it is left."""
    log = project.folder / f"process-{len(list(project.folder.glob('*.log')))}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
            start_new_session=True,
        )
    try:
        yield Service(process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until a function says so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
