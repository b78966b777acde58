"""A token server for each test, a clock that can be put forward, and a look-out for secrets in logs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from contact_sync.consumers.http import Api
from tests.consumers.auth.token_server import TokenServer, running
from tests.consumers.auth.ways import by_client, by_login, by_refresh


@pytest.fixture(scope="session")
def running_server() -> Iterator[TokenServer]:
    """A server that lives as long as the test process."""
    with running() as server:
        yield server


@pytest.fixture
def server(running_server: TokenServer) -> TokenServer:
    """A server that gives tokens, and takes them."""
    running_server.begin_anew()
    return running_server


class Clock:
    """The time, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def forward(self, seconds: float) -> None:
        """Let so many seconds be over."""
        self.ahead += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that this process goes by."""
    clock = Clock()
    for name in ("time", "monotonic"):
        real = getattr(time, name)
        monkeypatch.setattr(time, name, lambda real=real: real() + clock.ahead)
    return clock


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, at debug level."""
    caplog.set_level(logging.DEBUG)
    yield
    for when in ("setup", "call"):
        for record in caplog.get_records(when):
            assert "s3cret" not in f"{record.getMessage()} {record.exc_text}", record


@pytest.fixture
def api(server: TokenServer) -> Iterator[Api]:
    """The API that takes tokens; a test sets its `auth`."""
    api = Api(f"{server.url}/api")
    yield api
    api.close()


@pytest.fixture(params=[by_client, by_refresh, by_login], ids=["client", "refresh", "login"])
def authorized(request: pytest.FixtureRequest, server: TokenServer, api: Api) -> Iterator[Api]:
    """The API with each of the three."""
    api.auth = request.param(server)
    yield api
    assert "s3cret" not in repr(api.auth) + str(api.auth)
