"""The service in a process of its own, started as anybody would: `contact-sync serve …`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import requests

APP: Final = "contact_sync.demo.integration.app:make_sync"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
_TAIL: Final = 20


class Service:
    """The service's process.

    Args:
        log: The file that its output goes to.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._log.touch()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self.port = free_port()

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, settings: Mapping[str, str]) -> None:
        """Start it, and wait until it is ready.

        Raises:
            RuntimeError: It ended, or is not ready in time; or it was stopped already.
        """
        process = self._started(settings)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if process.poll() is not None:
                raise RuntimeError(f"the service ended with code {process.returncode}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the service is not ready after {START_SECONDS:g} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in good order; by force if that takes too long. It does not start any more. May be called twice."""
        with self._lock:
            self._stopped = True
            process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def last_lines(self) -> list[str]:
        """The end of its output."""
        return self._log.read_text("utf-8", "replace").splitlines()[-_TAIL:]

    def has_said(self, text: str) -> bool:
        """Whether a text is in its output."""
        return text in self._log.read_text("utf-8", "replace")

    def _started(self, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "contact_sync.cli", "serve", APP, "--port", str(self.port)]
        with self._lock, self._log.open("ab") as log:
            if self._stopped:
                raise RuntimeError("the service was stopped before it could start")
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(settings),
                start_new_session=True,  # Ctrl-C is for the demo, which then stops this process in good order
            )
            return self._process

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
