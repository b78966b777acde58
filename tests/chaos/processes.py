"""The processes that are killed, and who starts them again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.chaos.ports import lasting_port
from tests.project.markdown import ROOT

SERVE: Final = ("serve", "tests.chaos.program:make", "--no-worker", "--log-level", "warning")
WORKER: Final = ("worker", "tests.chaos.program:make", "--threads", "8", "--log-level", "warning")
READY: Final = b"Ctrl-C stops it."

WATCH_SECONDS: Final = 0.05
MOST_DEATHS: Final = 10
"""After so many that died by themselves, none is started any more."""

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 60.0


class Process:
    """One of the processes, over all its lives."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "tests.chaos.process", *arguments]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self.killed = False

    @property
    def pid(self) -> int:
        """The id of its present life."""
        assert self._process is not None
        return self._process.pid

    def start(self, environment: dict[str, str]) -> None:
        """Begin a life. What it prints goes through a pipe, since its own files may be what cannot be written."""
        self.killed = False
        ready = self._ready = threading.Event()
        process = self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(process, ready), daemon=True).start()

    def _read(self, process: subprocess.Popen[bytes], ready: threading.Event) -> None:
        assert process.stdout is not None
        with self.log.open("ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if READY in line:
                    ready.set()
        ready.set()

    def wait_until_ready(self) -> None:
        """Wait until it works, or is dead."""
        self._ready.wait(START_SECONDS)

    def kill(self) -> None:
        """Kill it with -9."""
        assert self._process is not None
        self.killed = True
        self._process.kill()

    def ended(self) -> int | None:
        """Its exit code; `None` if it lives."""
        assert self._process is not None
        return self._process.poll()

    def stop(self) -> int:
        """Ask it to stop, and wait. Its exit code, which is that of a kill if it did not stop in time."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class Processes:
    """Two web and two worker processes. Whichever ends is started again at once. Use it with `with`.

    Args:
        environment: What the program needs.
        folder: Where their logs are.
        seed: Of the chance by which they are killed.

    Attributes:
        kills: How often each kind was killed.
        deaths: Those that died of something else: which, and how.
        given_up: Set when too many did.
    """

    def __init__(self, environment: dict[str, str], folder: Path, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self.deaths: list[str] = []
        self.given_up = threading.Event()
        self.ports = (lasting_port(), lasting_port())
        self._environment = environment
        self._chance = random.Random(f"{seed}:kills")
        web = [Process(f"web-{n}", [*SERVE, "--port", str(port)], folder) for n, port in enumerate(self.ports, 1)]
        self._all = [*web, *(Process(f"worker-{n}", WORKER, folder) for n in (1, 2))]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)

    @property
    def pids(self) -> list[int]:
        """The ids of those that live."""
        with self._lock:
            return [process.pid for process in self._all if process.ended() is None]

    def kill_one(self) -> str:
        """Kill one of those that live at random with -9. Gives its name."""
        with self._lock:
            living = [each for each in self._all if each.ended() is None]
            if not living:
                return "nobody, for they are all dead"
            process = self._chance.choice(living)
            process.kill()
            self.kills[process.name.partition("-")[0]] += 1
            return process.name

    def stop(self) -> None:
        """Stop them all as a service manager does; they have to end well."""
        self._over.set()
        self._watcher.join()
        for process in self._all:
            if process.ended() is None:
                code = process.stop()
                if code:
                    self.deaths.append(f"{process.name} ended with {code} when it was told to stop")

    def __enter__(self) -> Self:
        for process in self._all:
            process.start(self._environment)
        for process in self._all:
            process.wait_until_ready()
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for process in self._all:
            if process.ended() is None:
                process.kill()

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            with self._lock:
                for process in self._all:
                    code = process.ended()
                    if code is None:
                        continue
                    if not process.killed or code != -signal.SIGKILL:
                        at = time.strftime("%H:%M:%S")
                        self.deaths.append(f"{process.name} died by itself at {at} with {code}: see {process.log}")
                    if len(self.deaths) >= MOST_DEATHS:
                        self.given_up.set()
                        return
                    process.start(self._environment)
