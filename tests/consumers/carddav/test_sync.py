"""The whole service between a platform and a real address book, both of which people edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import ContactSync
from contact_sync.consumers.carddav import CardDAVConsumer
from contact_sync.platforms import BotmaticPlatform
from contact_sync.reports import PullReport
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform
from mappers import Mapping
from tests.consumers.carddav.conftest import OWNER, Radicale
from tests.consumers.carddav.meanwhile import Meanwhile
from tests.consumers.carddav.phone import Phone

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", type="email", match=True),
    Mapping("emails", "emails", type="list"),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("phone", "phone"),
    Mapping("company", "organization"),
    Mapping("city", "city"),
    Mapping("birthdate", "birthday", type="date"),
    Mapping("note", "note"),
]


class Sides:
    """The two sides, and the service between them."""

    def __init__(self, platform: SandboxPlatform, phone: Phone, sync: ContactSync, meanwhile: Meanwhile) -> None:
        self.platform = platform
        self.phone = phone
        self.sync = sync
        self.meanwhile = meanwhile

    def pull(self) -> PullReport:
        """Ask the address book what has changed, and let the platform's own events come to rest."""
        report = self.sync.pull_changes(self.platform.token)
        self.platform.wait_idle()
        assert report.success, report
        return report

    def settle(self) -> None:
        """Let the platform tell of what was done there."""
        self.platform.wait_idle()
        assert {delivery.state for delivery in self.platform.deliveries} == {"delivered"}

    def contact(self) -> dict[str, Any]:
        """The only contact on the platform."""
        (contact,) = self.platform.contacts.values()
        return dict(contact)

    def card(self) -> set[str]:
        """The lines of the only card."""
        (name,) = self.phone.names()
        return self.phone.lines(name)


@pytest.fixture
def sides(phone: Phone) -> Iterator[Sides]:
    meanwhile = Meanwhile(OWNER, "PUT", lambda: None, times=0)
    consumer = CardDAVConsumer(phone.url, meanwhile)
    with (
        SandboxPlatform(delivery=DeliveryRules(longest_wait=0.05), echo=True) as platform,
        ContactSync(consumer, FIELDS, "memory://", platform=BotmaticPlatform(platform.url)) as sync,
        LoopbackServer(sync.app) as service,
    ):
        assert platform.install(service.url).state == "delivered"
        yield Sides(platform, phone, sync, meanwhile)
    consumer.close()


def test_a_contact_lives_its_life_from_the_address_book(sides: Sides) -> None:
    """Added on a phone, edited, a field cleared, deleted: each arrives on the platform with the next pull."""
    name = sides.phone.add()
    assert sides.pull().created == 1
    contact = sides.contact()
    assert (contact["email"], contact["firstname"], contact["company"]) == ("ana@example.org", "Ana", "Example, Inc.")
    sides.phone.edit(name, "N:Torres;Ana;;;", "N:Torres;Anita;;;")
    assert sides.pull().updated == 1
    assert sides.contact()["firstname"] == "Anita"
    sides.phone.edit(name, "TEL;TYPE=CELL:+33 6 12 34 56 78\n", "")
    sides.pull()
    assert sides.contact()["phone"] is None
    before = sides.phone.card(name)
    assert sides.pull().updated == 0
    assert sides.phone.card(name) == before
    sides.phone.delete(name)
    assert sides.pull().deleted == 1
    assert sides.platform.contacts == {}


def test_a_contact_lives_its_life_from_the_platform(sides: Sides) -> None:
    id = sides.platform.create_contact({"email": "ana@example.org", "firstname": "Ana", "birthdate": "1990-02-09"})
    sides.settle()
    assert {"FN:Ana", "N:;Ana;;;", "EMAIL;TYPE=INTERNET:ana@example.org", "BDAY:1990-02-09"} <= sides.card()
    sides.platform.update_contact(id, {"lastname": "Torres", "city": "Lyon"})
    sides.settle()
    assert {"FN:Ana Torres", "N:Torres;Ana;;;", "ADR:;;;Lyon;;;"} <= sides.card()
    sides.platform.update_contact(id, {"city": None})
    sides.settle()
    assert not [line for line in sides.card() if line.startswith("ADR")]
    sides.pull()
    assert sides.contact()["lastname"] == "Torres"
    sides.platform.delete_contact(id)
    sides.settle()
    assert sides.phone.names() == []
    assert sides.pull().failed == ()


def test_an_edit_on_the_platform_leaves_the_rest_of_a_card_as_it_is(sides: Sides) -> None:
    name = sides.phone.add()
    sides.pull()
    before = sides.phone.lines(name)
    (id,) = sides.platform.contacts
    sides.platform.update_contact(id, {"company": "Sample"})
    sides.settle()
    assert sides.card() ^ before == {"ORG:Example\\, Inc.;Research", "ORG:Sample;Research"}
    assert sides.pull().updated == 0


def test_edits_on_both_sides_between_two_pulls_both_stay(sides: Sides) -> None:
    name = sides.phone.add()
    sides.pull()
    (id,) = sides.platform.contacts
    sides.phone.edit(name, "FN:Ana Torres", "NOTE:from the phone\nFN:Ana Torres")
    sides.platform.update_contact(id, {"city": "Lyon"})
    sides.settle()
    sides.pull()
    assert {"NOTE:from the phone", "ADR:;;;Lyon;;;"} <= sides.card()
    assert (sides.contact()["note"], sides.contact()["city"]) == ("from the phone", "Lyon")


@pytest.mark.parametrize(
    ("new", "company", "note"),
    [
        ("NOTE:from the phone\nORG:Example\\, Inc.;Research", "From the platform", "from the phone"),
        ("ORG:From the phone;Research", "From the platform", None),
    ],
    ids=["another field", "the same field"],
)
def test_a_stale_write_is_caught_by_412_and_merged(sides: Sides, new: str, company: str, note: str | None) -> None:
    """A phone stores the card after it was read and before it is written: another field of it stays; of the same field,
    what is written last. Both sides end alike."""
    name = sides.phone.add()
    sides.pull()
    (id,) = sides.platform.contacts
    sides.meanwhile.before_next(lambda: sides.phone.edit(name, "ORG:Example\\, Inc.;Research", new))
    sides.platform.update_contact(id, {"company": "From the platform"})
    sides.settle()
    assert sides.meanwhile.left == 0
    assert "ORG:From the platform;Research" in sides.card()
    sides.pull()
    assert (sides.contact()["company"], sides.contact().get("note")) == (company, note)
    assert sides.pull().updated == 0
    assert f"ORG:{company};Research" in sides.card()


def test_who_is_in_the_address_book_already_is_adopted(sides: Sides) -> None:
    """Found by any of the addresses, which all stay on the card."""
    sides.phone.add()
    sides.platform.create_contact({"email": "ANA@home.example", "city": "Lyon"})
    sides.settle()
    assert {"ADR:;;;Lyon;;;", "item1.EMAIL;TYPE=INTERNET:ana@example.org"} <= sides.card()
    sides.pull()
    contact = sides.contact()
    assert (contact["firstname"], contact["city"]) == ("Ana", "Lyon")
    assert json.loads(contact["emails"]) == ["ana@example.org", "ANA@home.example"]


def test_an_import_brings_everybody_once(sides: Sides) -> None:
    for _ in range(3):
        sides.phone.add()
    assert sides.sync.import_all(sides.platform.token).created == 3
    assert sides.pull().created == 0
    assert len(sides.platform.contacts) == 3


def test_an_expired_cursor_means_that_everything_is_looked_at_again(sides: Sides, radicale: Radicale) -> None:
    """What was deleted meanwhile is found out, too."""
    gone, stays = sides.phone.add(), sides.phone.add()
    sides.pull()
    sides.phone.delete(gone)
    radicale.forget_tokens()
    assert sides.pull().deleted == 1
    assert sides.phone.names() == [stays]
    assert len(sides.platform.contacts) == 1
