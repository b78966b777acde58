"""A real Kinto on a free port of 127.0.0.1, with its records in memory."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

ACCOUNT = ("sync", "kinto-password")

SETTINGS = """
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s
threads = 16

[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.accounts
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.userid_hmac_secret = only-for-tests
kinto.account_create_principals = system.Everyone
kinto.bucket_create_principals = system.Authenticated
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.AccountsPolicy

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = INFO
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain

[formatter_plain]
format = %(message)s
"""


@pytest.fixture(scope="session")
def kinto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the declaration reads from the environment. There are an account, a bucket and a collection."""
    folder = tmp_path_factory.mktemp("kinto")
    (folder / "kinto.ini").write_text(SETTINGS)
    program = "from kinto.__main__ import main; main()"
    command = [sys.executable, "-c", program, "start", "--ini", "kinto.ini", "--port", "0"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stderr=log, stdout=log) as process:
        try:
            server = f"{_address(process, folder / 'log')}/v1"
            _call("PUT", f"{server}/accounts/{ACCOUNT[0]}", {"data": {"password": ACCOUNT[1]}})
            _call("PUT", f"{server}/buckets/crm")
            _call("PUT", f"{server}/buckets/crm/collections/contacts")
            yield environment(server)
        finally:
            process.terminate()


@pytest.fixture
def empty_kinto(kinto: dict[str, str]) -> dict[str, str]:
    """The same, without any contacts."""
    _call("DELETE", f"{kinto['KINTO_SERVER']}/buckets/crm/collections/contacts/records")
    return kinto


def environment(server: str) -> dict[str, str]:
    """What the declaration reads from the environment."""
    return {"KINTO_SERVER": server, "KINTO_USER": ACCOUNT[0], "KINTO_PASSWORD": ACCOUNT[1]}


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the server says where it listens: it has chosen a free port by itself."""
    for _ in range(600):
        said = re.search(r"Serving on (http://127\.0\.0\.1:\d+)", log.read_text())
        if said:
            return said[1]
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"Kinto did not start:\n{log.read_text()}")


def _call(method: str, url: str, body: object = None) -> None:
    auth = None if "/accounts/" in url else ACCOUNT
    requests.request(method, url, json=body, auth=auth, timeout=10).raise_for_status()
