"""A platform and an address book, each behind HTTP, with the sync between them."""

from __future__ import annotations

import re

import pytest
import requests

from app import make_sync
from conftest import OWNER
from contact_sync.consumers.carddav import discover
from contact_sync.testing.sandbox import LoopbackServer, SandboxPlatform

ANA = """BEGIN:VCARD
VERSION:3.0
UID:ana
FN:Ana Torres
N:Torres;Ana;;;
EMAIL:ana@example.org
TEL;TYPE=CELL:0612
X-SHOE-SIZE:38
END:VCARD
"""


def phone(method: str, url: str, card: str | None = None) -> str:
    """What a phone does with a card, or an address book."""
    reply = requests.request(method, url, data=card, auth=OWNER, headers={"Content-Type": "text/vcard"}, timeout=10)
    reply.raise_for_status()
    return reply.text


def test_a_contact_is_edited_on_both_sides(address_book: str, radicale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Added on a phone, edited on the platform, edited on the phone, deleted there."""
    for name, value in {
        "CARDDAV_URL": address_book,
        "CARDDAV_USER": OWNER[0],
        "CARDDAV_PASSWORD": OWNER[1],
        "KEY_STORE": "memory://",
        "SECRET_KEYS": "a-key-for-this-test-and-nothing-else",
    }.items():
        monkeypatch.setenv(name, value)
    assert [book.url for book in discover(radicale, OWNER)] == [address_book]
    with SandboxPlatform() as platform:
        monkeypatch.setenv("BOTMATIC_BASE_URL", platform.url)
        with make_sync() as sync, LoopbackServer(sync.app) as service:
            assert platform.install(service.url).state == "delivered"
            ana = f"{address_book}ana.vcf"
            phone("PUT", ana, ANA)
            assert sync.pull_changes(platform.token).created == 1
            ((id, contact),) = platform.contacts.items()
            assert (contact["firstname"], contact["phone"]) == ("Ana", "0612")

            platform.update_contact(id, {"phone": "0700", "company": "Example"})
            platform.wait_idle()
            card = phone("GET", ana)
            assert {"TEL;TYPE=CELL:0700", "ORG:Example", "X-SHOE-SIZE:38"} <= set(card.splitlines())

            phone("PUT", ana, re.sub("Ana", "Anna", card))
            assert sync.pull_changes(platform.token).updated == 1
            assert platform.contacts[id]["firstname"] == "Anna"

            phone("DELETE", ana)
            assert sync.pull_changes(platform.token).deleted == 1
            assert platform.contacts == {}
