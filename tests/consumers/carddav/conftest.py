"""A real Radicale on a free port of 127.0.0.1, with an empty address book for each test."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import responses
from responses import registries

from contact_sync.consumers.carddav import CardDAVConsumer
from tests.consumers.carddav.phone import Phone
from tests.consumers.carddav.stand_in import BOOK, StandIn
from tests.servers import Server, short_directory

OWNER = ("ann@example.org", "päss:word")

_SETTINGS = """
[auth]
type = htpasswd
htpasswd_filename = {directory}/users
htpasswd_encryption = plain
delay = 0

[storage]
filesystem_folder = {directory}/cards
"""

_MAKE = """<?xml version="1.0" encoding="utf-8"?>
<mkcol xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><set><prop>
<resourcetype><collection/><c:addressbook/></resourcetype><displayname>{name}</displayname>
</prop></set></mkcol>"""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Radicale:
    """A running server.

    Attributes:
        url: Where it is.
        folder: Where it keeps its cards.
    """

    url: str
    folder: Path

    def forget_tokens(self) -> None:
        """Let it know none of the sync tokens that it has given, as after a long time."""
        for tokens in self.folder.glob("**/sync-token"):
            shutil.rmtree(tokens)


@pytest.fixture(scope="session")
def radicale() -> Iterator[Radicale]:
    """A server that knows one user."""
    with short_directory() as directory:
        (directory / "users").write_text(":".join(OWNER) + "\n", "utf-8")

        settings = directory / "config"
        settings.write_text(_SETTINGS.format(directory=directory))

        def command(port: int) -> list[str]:
            return [sys.executable, "-m", "radicale", "--config", str(settings), "--server-hosts", f"127.0.0.1:{port}"]

        def answers(port: int) -> None:
            requests.get(f"http://127.0.0.1:{port}/.web/", timeout=5)

        server = Server(directory, command, answers)
        server.start()
        try:
            yield Radicale(f"http://127.0.0.1:{server.port}", directory / "cards")
        finally:
            server.stop()


@pytest.fixture
def phone(radicale: Radicale) -> Phone:
    """Somebody with an address book of his own, which is empty."""
    return make_book(radicale)


@pytest.fixture
def consumer(phone: Phone) -> Iterator[CardDAVConsumer]:
    """A consumer of that address book."""
    consumer = CardDAVConsumer(phone.url, OWNER)
    yield consumer
    consumer.close()


def make_book(radicale: Radicale, name: str = "Friends & family") -> Phone:
    """Make an address book."""
    owner = "ann%40example.org"
    url = f"{radicale.url}/{owner}/book%20{next(_numbers)}/"
    phone = Phone(url, OWNER)
    phone.call("MKCOL", "", _MAKE.format(name=name.replace("&", "&amp;")))
    return phone


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A server that answers as the test wants it."""
    with responses.RequestsMock(registry=registries.OrderedRegistry) as mock:
        yield StandIn(mock)


@pytest.fixture
def its_consumer() -> Iterator[CardDAVConsumer]:
    """A consumer of the stand-in's address book."""
    consumer = CardDAVConsumer(BOOK, ("ann", "secret"))
    yield consumer
    consumer.close()
