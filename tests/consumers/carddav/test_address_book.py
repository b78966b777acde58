"""A real address book, in which people edit at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from contact_sync.consumer import ask, pages
from contact_sync.consumers.carddav import CardDAVConsumer
from contact_sync.results import Result
from tests.consumers.carddav.conftest import OWNER
from tests.consumers.carddav.meanwhile import Meanwhile
from tests.consumers.carddav.phone import ANA, Phone

Interrupted = Callable[..., CardDAVConsumer]


@pytest.fixture
def interrupted(phone: Phone) -> Iterator[Interrupted]:
    """Makes a consumer before whose calls somebody else does something."""
    made: list[CardDAVConsumer] = []

    def make(method: str, act: Callable[[], object], times: int = 1, then: Meanwhile | None = None) -> CardDAVConsumer:
        made.append(CardDAVConsumer(phone.url, Meanwhile(OWNER, method, act, times=times, then=then)))
        return made[-1]

    yield make
    for consumer in made:
        consumer.close()


def listed(consumer: CardDAVConsumer) -> list[str]:
    return sorted(contact["id"] for page in pages(consumer) for contact in page.contacts or ())


def test_a_contact_is_a_card_that_others_can_read(phone: Phone, consumer: CardDAVConsumer) -> None:
    created = consumer.create_contact({"first_name": "Ana", "last_name": "Torres", "email": "ana@example.org"})
    (name,) = phone.names()
    assert created.id == name
    assert phone.lines(name) == {
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"UID:{name.removesuffix('.vcf')}",
        "N:Torres;Ana;;;",
        "FN:Ana Torres",
        "EMAIL;TYPE=INTERNET:ana@example.org",
        "END:VCARD",
    }


def test_an_update_leaves_the_rest_of_a_card_as_it_is(phone: Phone, consumer: CardDAVConsumer) -> None:
    """Labels, further addresses, photos, what only its own app knows."""
    name = phone.add()
    before = phone.lines(name)
    result = consumer.update_contact({"id": name, "email": "ana@new.example"})
    assert phone.lines(name) ^ before == {
        "item1.EMAIL;TYPE=INTERNET,pref:ana@example.org",
        "item1.EMAIL;TYPE=INTERNET,pref:ana@new.example",
    }
    assert result.contact == consumer.get_contact(name).contact


# Two who edit at the same time


def test_edits_of_two_fields_at_the_same_time_both_stay(phone: Phone, interrupted: Interrupted) -> None:
    """The stale write is caught by a 412, and the fields are written on top of what is there now."""
    name = phone.add()
    consumer = interrupted("PUT", lambda: phone.edit(name, "TEL;TYPE=CELL:+33 6 12 34 56 78", "TEL:+34 600"))
    result = consumer.update_contact({"id": name, "organization": "Sample"})
    assert {"TEL:+34 600", "ORG:Sample;Research"} <= phone.lines(name)
    assert (result.contact or {})["phone"] == "+34 600"


def test_of_edits_of_one_field_at_the_same_time_the_one_that_is_written_last_stays(
    phone: Phone, interrupted: Interrupted
) -> None:
    name = phone.add()
    consumer = interrupted("PUT", lambda: phone.edit(name, "FN:Ana Torres", "FN:From the phone"))
    assert consumer.update_contact({"id": name, "full_name": "From the platform"}).success
    assert "FN:From the platform" in phone.lines(name)


def test_who_cannot_get_a_word_in_comes_again_later(phone: Phone, interrupted: Interrupted) -> None:
    name, edits = phone.add(), iter(range(100))
    card = phone.card(name)

    def edit() -> None:
        phone.put(name, card.replace("FN:Ana Torres", f"FN:Ana {next(edits)}"))

    consumer = interrupted("PUT", edit, 100)
    result = ask(consumer, "update_contact", {"id": name, "note": "x"})
    assert (result.success, result.retryable, result.in_doubt) == (False, True, False)
    assert "NOTE:x" not in phone.lines(name)
    assert next(edits) == 5


@pytest.mark.parametrize("times", [1, 100])
def test_an_edit_that_is_taken_back_at_once_is_one_like_any_other(
    phone: Phone, interrupted: Interrupted, times: int
) -> None:
    """Where ETags are made of the content, the card has the same one as before then."""
    name = phone.add()
    card = phone.card(name)

    def edit() -> None:
        phone.put(name, card.replace("FN:Ana Torres", "FN:Anita"))
        back.before_next(lambda: phone.put(name, card))

    back = Meanwhile(OWNER, "GET", lambda: None, times=0)
    consumer = interrupted("PUT", edit, times, then=back)
    result = ask(consumer, "update_contact", {"id": name, "note": "x"})
    if times == 1:
        assert (result.success, "NOTE:x" in phone.lines(name)) == (True, True)
    else:
        assert (result.success, result.retryable, result.in_doubt) == (False, True, False)


def test_a_card_that_is_deleted_during_an_update_is_not_made_again(phone: Phone, interrupted: Interrupted) -> None:
    name = phone.add()
    consumer = interrupted("PUT", lambda: phone.delete(name))
    assert consumer.update_contact({"id": name, "note": "x"}).not_found
    assert phone.names() == []


def test_a_delete_wins_over_an_edit_at_the_same_time(phone: Phone, interrupted: Interrupted) -> None:
    name = phone.add()
    consumer = interrupted("DELETE", lambda: phone.edit(name, "FN:Ana Torres", "FN:Anita"))
    assert consumer.delete_contact(name).success
    assert phone.names() == []


# Finding


@pytest.mark.parametrize("email", ["ana@example.org", "ANA@Home.Example"])
def test_any_address_of_a_card_finds_it_in_any_case(phone: Phone, consumer: CardDAVConsumer, email: str) -> None:
    name = phone.add()
    assert [contact["id"] for contact in consumer.get_contact_by_email(email).contacts or ()] == [name]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "+33612345678"),
        ("phones", "+33 6 12 34 56 78"),
        ("full_name", "Ana Torres"),
        ("first_name", "Ana"),
        ("organization", "Example, Inc."),
        ("department", "Research"),
    ],
)
def test_cards_are_found_by_other_fields(phone: Phone, consumer: CardDAVConsumer, field: str, value: str) -> None:
    name = phone.add()
    phone.add("BEGIN:VCARD\nVERSION:3.0\nUID:{uid}\nFN:Anabel\nN:Torres;Anabel;;;\nTEL:0078\nEND:VCARD\n")
    assert [contact["id"] for contact in consumer.find_contact(field, value).contacts or ()] == [name]


def test_cards_are_found_by_their_uid(phone: Phone, consumer: CardDAVConsumer) -> None:
    name = phone.add()
    assert [one["id"] for one in consumer.find_contact("uid", name.removesuffix(".vcf")).contacts or ()] == [name]


@pytest.mark.parametrize(
    ("field", "value"), [("email", "a\0b"), ("phone", "call me"), ("full_name", ""), ("full_name", ";")]
)
def test_what_no_card_has_is_not_found(phone: Phone, consumer: CardDAVConsumer, field: str, value: str) -> None:
    phone.add()
    assert consumer.find_contact(field, value).not_found


@pytest.mark.parametrize("field", ["birthday", "categories", "shoe_size"])
def test_a_search_that_cannot_be_made_is_no_empty_one(consumer: CardDAVConsumer, field: str) -> None:
    result = consumer.find_contact(field, "x")
    assert (result.success, result.not_found) == (False, False)


# Walking


def test_a_walk_goes_over_more_cards_than_are_asked_for_at_once(phone: Phone, consumer: CardDAVConsumer) -> None:
    cards = "".join(ANA.replace("{uid}", f"many-{n}") for n in range(120))
    phone.call("PUT", "", cards, {"Content-Type": "text/vcard"})
    assert len(set(listed(consumer))) == 120
    assert len(consumer.list_contacts(2, 100).contacts or ()) == 20


def test_a_page_of_no_cards_is_none(consumer: CardDAVConsumer) -> None:
    assert [page.error for page in pages(consumer, 0)] == ["a page holds at least one record, not 0"]


def test_lists_of_people_are_no_contacts(phone: Phone, consumer: CardDAVConsumer) -> None:
    group = "BEGIN:VCARD\nVERSION:3.0\nUID:{uid}\nFN:All\nX-ADDRESSBOOKSERVER-KIND:group\nEND:VCARD\n"
    name, ana = phone.add(group), phone.add()
    assert listed(consumer) == [ana]
    assert consumer.find_contact("full_name", "All").not_found
    result = consumer.get_contact(name)
    assert (result.success, result.not_found) == (False, False)


def test_a_card_that_cannot_be_read_does_not_stop_a_walk(
    phone: Phone, consumer: CardDAVConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    old = "BEGIN:VCARD\nVERSION:2.1\nUID:{uid}\nFN:Secret Name\nN:Name;Secret\nEND:VCARD\n"
    broken, ana = phone.add(old), phone.add()
    with caplog.at_level(logging.WARNING, "contact_sync"):
        assert listed(consumer) == [ana]
    assert f"Skipped the card '{broken}'" in caplog.text
    assert "Secret" not in caplog.text


# What is there and what is not


def call_each(consumer: CardDAVConsumer, id: str) -> list[Result]:
    return [
        ask(consumer, "get_contact", id),
        ask(consumer, "update_contact", {"id": id, "note": "x"}),
        ask(consumer, "delete_contact", id),
    ]


def test_a_missing_address_book_is_no_missing_card(phone: Phone, consumer: CardDAVConsumer) -> None:
    """Somebody deletes the address book, or a path changes: no pair may be taken apart for it."""
    name = phone.add()
    phone.delete("")
    for result in [*call_each(consumer, name), ask(consumer, "create_contact", {"note": "x"}), next(pages(consumer))]:
        assert (result.success, result.not_found, result.retryable) == (False, False, False)


def test_the_place_above_an_address_book_is_none(phone: Phone) -> None:
    consumer = CardDAVConsumer(phone.url.rstrip("/").rpartition("/")[0], OWNER)
    phone.add()
    assert [page.success for page in pages(consumer)] == [False]
    assert not ask(consumer, "get_contact", "x.vcf").not_found
    consumer.close()


def test_a_wrong_password_is_a_failure_and_no_missing_card(phone: Phone) -> None:
    consumer = CardDAVConsumer(phone.url, (OWNER[0], "wrong"))
    for result in call_each(consumer, phone.add()):
        assert (result.success, result.not_found, result.retryable) == (False, False, False)
        assert "HTTP 401" in (result.error or "")
    consumer.close()


def test_every_field_is_named(consumer: CardDAVConsumer) -> None:
    fields = {field.name: field for field in consumer.list_fields()}
    created = consumer.create_contact({"note": "x"}).contact or {}
    assert set(fields) == set(created)
    assert {name for name, field in fields.items() if field.read_only} == {"id", "uid"}
    assert (fields["emails"].type, fields["birthday"].type) == ("list", "date")
