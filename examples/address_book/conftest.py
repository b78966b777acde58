"""A real Radicale on a free port of 127.0.0.1, with one address book."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

OWNER = ("ann", "any password")

MAKE = """<mkcol xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><set><prop>
<resourcetype><collection/><c:addressbook/></resourcetype><displayname>Friends</displayname>
</prop></set></mkcol>"""


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server that lets everybody in."""
    folder = tmp_path_factory.mktemp("radicale")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    options = ["--config", "", "--auth-type", "none", "--storage-filesystem-folder", "cards", "--server-hosts", host]
    command = [sys.executable, "-m", "radicale", *options]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stderr=log, stdout=log) as process:
        try:
            _wait(f"http://{host}", process, folder / "log")
            yield f"http://{host}"
        finally:
            process.terminate()


@pytest.fixture
def address_book(radicale: str) -> str:
    """The URL of an empty address book."""
    url = f"{radicale}/{OWNER[0]}/friends/"
    requests.delete(url, auth=OWNER, timeout=10)
    requests.request("MKCOL", url, data=MAKE, auth=OWNER, timeout=10).raise_for_status()
    return url


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            requests.get(f"{url}/.web/", timeout=5)
        except requests.ConnectionError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Radicale did not start:\n{log.read_text()}")
