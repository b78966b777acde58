"""`contact-sync events --watch`: what it shows on a terminal, in a pipe and as JSON, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import ioctl
from termios import TIOCSWINSZ
from typing import Any

import pytest

from contact_sync.cli.target import load_sync
from tests.cli.crm import CRM
from tests.cli.helpers import PATIENCE, Project, Service, process, wait_until
from tests.cli.storing import Storing, storing
from tests.project.markdown import ROOT
from tests.servers import PostgreSQL

WATCH = ("-m", "contact_sync.cli", "events", "program:sync", "--watch")


@pytest.fixture
def shop(project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch) -> Storing:
    return storing(project, crm, monkeypatch)


def objects(service: Service) -> list[dict[str, Any]]:
    """The whole JSON objects that were printed, a line each."""
    return [json.loads(line) for line in service.log.splitlines(keepends=True) if line.endswith("\n")]


def test_in_a_pipe_it_prints_a_line_each_second_until_ctrl_c(shop: Storing) -> None:
    with process(shop.project, *WATCH) as watch:
        watch.wait_for("UTC  Nothing waits, and nothing has failed.\n")
        shop.send("1", email="ana@example.com")
        watch.wait_for("UTC  0 failed, 0 in flight, 1 waiting; the oldest arrived ")
        watch.signal(signal.SIGINT)
        assert watch.end() == 0
        assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  ", line) for line in watch.log.splitlines())


def test_as_json_it_prints_an_object_each_second_until_ctrl_c(shop: Storing) -> None:
    with process(shop.project, *WATCH, "--json") as watch:
        wait_until(lambda: len(objects(watch)) >= 1)
        shop.send("1", email="ana@example.com")
        shop.send("2", email="bea@example.com")
        wait_until(lambda: bool(objects(watch)[-1]["waiting"]))
        watch.signal(signal.SIGINT)
        assert watch.end() == 0
        first, *_, last = objects(watch)
    assert (first["waiting"], first["oldest"], first["oldest_seconds"]) == (0, None, None)
    assert (last["waiting"], last["in_flight"], last["failed"], last["change"]["waiting"]) == (2, 0, 0, 2)
    assert last["oldest"] <= last["at"]
    assert last["oldest_seconds"] >= 0
    assert 0 < last["per_second"]["waiting"] <= 2
    assert last["since"] <= first["at"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_database_that_goes_away_is_waited_for(
    project: Project,
    crm: CRM,
    monkeypatch: pytest.MonkeyPatch,
    private_postgresql: PostgreSQL,
    as_json: bool,
) -> None:
    shop = storing(project, crm, monkeypatch, private_postgresql.dsn)
    shop.send("1", email="ana@example.com")
    options = ("--json",) if as_json else ()

    def seen(watch: Service, waits: str, away: str) -> Callable[[], bool]:
        return lambda: (waits if as_json else away) in watch.log.splitlines()[-1]

    with process(project, *WATCH, *options) as watch:
        there, away = ('"waiting": 1', "1 waiting"), ('"error": ', "The delivery is away, and looked for each second: ")
        watch.wait_for(there[0] if as_json else there[1])
        private_postgresql.stop()
        wait_until(seen(watch, *away))
        private_postgresql.start()
        wait_until(seen(watch, *there))
        watch.signal(signal.SIGINT)
        assert watch.end() == 0
        assert "Traceback" not in watch.log


class Terminal:
    """What a command draws on a terminal, as far as it has drawn."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self._end = end
        self._drawn = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while drawn := os.read(self._end, 65_536):
                self._drawn += drawn
        except OSError:  # the other end is closed
            return

    @property
    def text(self) -> str:
        """All that was drawn, without colours and movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._drawn.decode("utf-8", "replace"))

    @property
    def raw(self) -> bytes:
        return self._drawn

    def view(self) -> list[str]:
        """The lines that were drawn last."""
        return [line.rstrip() for line in self.text.split("program:sync, inbox")[-1].replace("\r", "").splitlines()]

    def shows(self, pattern: str) -> bool:
        """Whether a line of what was drawn last begins with a pattern."""
        return any(re.match(pattern, line) for line in self.view())

    def end(self) -> int:
        """Wait until the command has ended. Its exit code."""
        code = self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        return code


@contextmanager
def terminal(project: Project, columns: int, lines: int, *arguments: str) -> Iterator[Terminal]:
    """Run Python on a terminal of a size."""
    end, other = pty.openpty()
    ioctl(other, TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    running = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=project.folder,
        stdin=other,
        stdout=other,
        stderr=other,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(other)
    try:
        yield Terminal(running, end)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
        os.close(end)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 50), (60, 20)])
def test_on_a_terminal_it_is_a_live_view_that_fits_and_ends_with_ctrl_c(
    shop: Storing, columns: int, lines: int
) -> None:
    for number in range(8):
        shop.crm.refusing[f"{number}@example.com"] = 422
        shop.send(f"contact-{number}\x1b[2J[red]", email=f"{number}@example.com")
    stop = threading.Event()
    worker = threading.Thread(target=load_sync("program:sync").run_worker, args=(stop,))
    with terminal(shop.project, columns, lines, *WATCH) as watch:
        wait_until(lambda: watch.shows(r"waiting +8 "))
        worker.start()
        try:
            wait_until(lambda: watch.shows(r"failed +8 ") and watch.view()[-1] == "Ctrl-C ends it.")
        finally:
            stop.set()
            worker.join(PATIENCE)
        view = watch.view()
        watch.process.send_signal(signal.SIGINT)
        assert watch.end() == 0
    assert len(view) <= lines
    assert all(len(line) <= columns for line in view[1:])
    assert any(line.startswith("The latest that failed") for line in view)
    assert any(line.startswith("  given up ") for line in view)
    assert b"\x1b[2J" not in watch.raw
    assert b"\x1b[?25h" in watch.raw  # the cursor is back
