"""Servers that are broken, hostile, or only unlike Radicale."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests.auth import HTTPDigestAuth

from contact_sync import ConfigurationError
from contact_sync.consumer import ask, pages
from contact_sync.consumers.carddav import CardDAVConsumer
from contact_sync.results import Result
from tests.consumers.carddav.stand_in import BOOK, CARD, PATH, SERVER, StandIn, book, cards, row

BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>
<multistatus xmlns="DAV:"><response><href>&b;</href></response></multistatus>"""
FILE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<multistatus xmlns="DAV:"><response><href>&f;</href></response></multistatus>"""
DEEP = '<multistatus xmlns="DAV:">' + "<a>" * 60 + "</a>" * 60 + "</multistatus>"


def walk(consumer: CardDAVConsumer) -> Result:
    """The first page of all contacts, or the failure in its place."""
    return next(pages(consumer))


# What is no answer


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (BOMB, "has a DTD"),
        (FILE, "has a DTD"),
        (DEEP, "too deep or too large"),
        ("<a/>" * 2, "is not XML"),
        ("", "is not XML"),
        ('<?xml version="1.0" encoding="klingon"?><multistatus xmlns="DAV:"/>', "is not XML"),
        ("<!doctype html><title>Log in</title>", "is not XML"),
        ('<error xmlns="DAV:"/>', "is XML, and not a WebDAV server's"),
        ("<multistatus/>", "is XML, and not a WebDAV server's"),
        (
            '<multistatus xmlns="DAV:"><response><status>HTTP/1.1 200 OK</status></response></multistatus>',
            "where it is",
        ),
        ('<multistatus xmlns="DAV:"><response><href>/</href><status>fine</status></response></multistatus>', "status"),
    ],
)
def test_what_cannot_be_read_is_a_failure(
    stand_in: StandIn, its_consumer: CardDAVConsumer, body: str, error: str
) -> None:
    stand_in.says("PROPFIND", body)
    result = walk(its_consumer)
    assert (result.success, error in (result.error or "")) == (False, True), result.error


def test_a_document_of_too_many_elements_is_not_read(
    stand_in: StandIn, its_consumer: CardDAVConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contact_sync.consumers.carddav.answers.MOST_ELEMENTS", 100)
    stand_in.answers("PROPFIND", *[row(f"{PATH}/{n}.vcf") for n in range(30)])
    assert "too deep or too large" in (walk(its_consumer).error or "")


def test_a_page_in_place_of_cards_is_not_an_empty_address_book(
    stand_in: StandIn, its_consumer: CardDAVConsumer
) -> None:
    """Half-way through a walk, something asks to log in."""
    stand_in.answers("PROPFIND", book(), row(f"{PATH}/a.vcf"))
    stand_in.says("REPORT", "<!doctype html>Log in", 200)
    stand_in.says("GET", "<!doctype html>Log in", 200, "a.vcf")
    assert walk(its_consumer).error == "the server answered 200 with something else than a vCard"


# Where cards are


@pytest.mark.parametrize(
    "href", ["https://evil.example/ann/contacts/a.vcf", "//evil.example/a.vcf", "http://dav.example.com/ann/contacts/a"]
)
def test_a_card_on_another_server_is_not_asked_for(stand_in: StandIn, its_consumer: CardDAVConsumer, href: str) -> None:
    """The password would go along."""
    stand_in.answers("PROPFIND", book(), row(href))
    assert walk(its_consumer).error == "an answer tells of cards on another server than that of the address book"


@pytest.mark.parametrize("href", ["/bob/contacts/a.vcf", "/ann/contacts/../../bob/a.vcf", "/ann/contactsandmore/a.vcf"])
def test_a_card_outside_of_the_address_book_is_not_asked_for(
    stand_in: StandIn, its_consumer: CardDAVConsumer, href: str
) -> None:
    stand_in.answers("PROPFIND", book(), row(href))
    assert (walk(its_consumer).error or "").startswith("an answer tells of cards outside of the address book")


@pytest.mark.parametrize("step", ["..%2f..%2fbob", "%2e%2e", ".", "a%00b", "%ff", "x" * 2000])
def test_what_can_be_no_name_is_left_out(
    stand_in: StandIn, its_consumer: CardDAVConsumer, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in.answers("PROPFIND", book(), row(f"{PATH}/{step}"), row(f"{PATH}/a.vcf"))
    stand_in.answers("REPORT", *cards(["a.vcf"]))
    assert [contact["id"] for contact in walk(its_consumer).contacts or ()] == ["a.vcf"]


@pytest.mark.parametrize(
    ("href", "name"),
    [
        (f"{BOOK}/a.vcf", "a.vcf"),
        ("a.vcf", "a.vcf"),
        (f"{PATH}/Zo%C3%AB%20%26%20co%3F%2b%25.vcf", "Zoë & co?+%.vcf"),
        ("/%61nn/contacts/a.vcf", "a.vcf"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(
    stand_in: StandIn, its_consumer: CardDAVConsumer, href: str, name: str
) -> None:
    stand_in.answers(
        "PROPFIND", book(), row(href.replace("&", "&amp;")), row(f"{PATH}/folder/"), row(f"{PATH}/a/b.vcf")
    )
    card = CARD.format(uid="1").replace("\r\n", "&#13;\n")
    stand_in.answers("REPORT", row(href.replace("&", "&amp;"), f"<c:address-data>{card}</c:address-data>"))
    assert [contact["id"] for contact in walk(its_consumer).contacts or ()] == [name]
    (asked,) = re.findall(r"<d:href>(.*?)</d:href>", stand_in.sent("REPORT")[0])
    assert asked == PATH + "/" + quote(name, safe="")


# Reading many


def test_cards_that_an_answer_leaves_out_are_read_by_themselves(
    stand_in: StandIn, its_consumer: CardDAVConsumer
) -> None:
    """One is missing in the answer, one is without its content; a third is deleted by now."""
    stand_in.answers("PROPFIND", book(), *[row(f"{PATH}/{name}") for name in ("a", "b", "c", "d")])
    stand_in.answers("REPORT", *cards(["a"]), row(f"{PATH}/b"), row(f"{PATH}/c", status=404))
    stand_in.has("b")
    stand_in.says("GET", "", 404, "c")
    stand_in.answers("PROPFIND", book())
    stand_in.has("d")
    assert [contact["id"] for contact in walk(its_consumer).contacts or ()] == ["a", "b", "d"]


def test_a_card_that_no_xml_can_hold_does_not_hide_the_others(
    stand_in: StandIn, its_consumer: CardDAVConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    """A control character in one makes the answer with all of them unreadable; another one is not in UTF-8."""
    stand_in.answers("PROPFIND", book(), *[row(f"{PATH}/{name}") for name in ("a", "b", "c")])
    stand_in.says("REPORT", '<multistatus xmlns="DAV:">\x01</multistatus>')
    stand_in.says("GET", CARD.format(uid="a").replace("FN:a", "FN:a\x01"), 200, "a")
    stand_in.says("GET", CARD.format(uid="b").replace("FN:b", "FN:Zoë").encode("latin-1"), 200, "b")
    stand_in.has("c")
    with caplog.at_level(logging.WARNING, "contact_sync"):
        assert [contact["id"] for contact in walk(its_consumer).contacts or ()] == ["a", "c"]
    assert "Skipped the card 'b': a card is not in UTF-8" in caplog.text


@pytest.mark.parametrize("status", [401, 403])
def test_a_card_that_may_not_be_read_does_not_hide_the_others(
    stand_in: StandIn, its_consumer: CardDAVConsumer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Nor does it keep the next pull from going on: the cursor passes it."""
    stand_in.answers("REPORT", row(f"{PATH}/a"), row(f"{PATH}/b"), token="t:1")
    stand_in.answers("REPORT", *cards(["a"]), row(f"{PATH}/b", status=status))
    stand_in.says("GET", "", status, "b")
    stand_in.answers("PROPFIND", book())
    with caplog.at_level(logging.WARNING, "contact_sync"):
        (page,) = its_consumer.list_changed(None)
    assert ([contact["id"] for contact in page.contacts], page.deleted) == (["a"], [])
    assert f"Skipped the card 'b': the server does not let it be read (HTTP {status})" in caplog.text
    stand_in.answers("REPORT", token="t:2")
    assert [(page.contacts, page.deleted) for page in its_consumer.list_changed(page.cursor)] == [([], [])]


@pytest.mark.parametrize("status", [401, 403])
def test_an_address_book_that_may_not_be_read_is_a_failure_and_not_an_empty_one(
    stand_in: StandIn, its_consumer: CardDAVConsumer, status: int
) -> None:
    """Whether all at once are refused, or one by one."""
    stand_in.answers("PROPFIND", book(), row(f"{PATH}/a"))
    stand_in.says("REPORT", "", status)
    assert f"HTTP {status}" in (walk(its_consumer).error or "")
    stand_in.answers("PROPFIND", book(), row(f"{PATH}/a"))
    stand_in.answers("REPORT", row(f"{PATH}/a", status=status))
    stand_in.says("GET", "", status, "a")
    stand_in.says("PROPFIND", "", status)
    assert f"HTTP {status}" in (walk(its_consumer).error or "")


def test_a_card_that_may_not_be_read_is_no_missing_one(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    """A full pull asks for what it has not found: its contact is not taken for deleted."""
    stand_in.says("GET", "", 403, "b")
    result = ask(its_consumer, "get_contact", "b")
    assert (result.success, result.not_found) == (False, False)


def test_a_search_of_which_a_part_is_left_out_is_a_failure(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    """Else somebody who is there would be created again."""
    stand_in.answers("REPORT", *cards(["a"]), row(f"{PATH}/", status=507))
    result = ask(its_consumer, "get_contact_by_email", "a@x.example")
    assert (result.success, result.not_found) == (False, False)


def test_a_list_of_which_a_part_is_left_out_is_a_failure(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.answers("PROPFIND", book(), row(f"{PATH}/a.vcf"), row(f"{PATH}/", status=507))
    assert walk(its_consumer).error == "the server leaves out some of the cards that it was asked for (507)"


def test_an_address_book_may_be_written_as_people_write_it(stand_in: StandIn) -> None:
    """With a space, an accent, an @, and a slash at the end."""
    consumer = CardDAVConsumer(f"{SERVER}/ann@example.org/Zoë's book/", ("ann", "secret"))
    path = "/ann%40example.org/Zo%C3%AB's%20book/"
    place = f"{SERVER}/ann@example.org/Zo%C3%AB's%20book/"
    stand_in.answers("PROPFIND", book(path), row(f"{path}a.vcf"), place=place)
    card = f"<c:address-data>{CARD.format(uid=1)}</c:address-data>"
    stand_in.answers("REPORT", row(f"{path}a.vcf", card), place=place)
    assert [contact["id"] for contact in walk(consumer).contacts or ()] == ["a.vcf"]
    assert "<d:href>/ann@example.org/Zo%C3%AB&#x27;s%20book/a.vcf</d:href>" in stand_in.sent("REPORT")[0]
    consumer.close()


def test_no_request_has_a_limit(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.answers("PROPFIND", book(), row(f"{PATH}/a.vcf"))
    stand_in.answers("REPORT", *cards(["a.vcf"]))
    stand_in.answers("REPORT")
    stand_in.answers("REPORT", token="t:1")
    assert its_consumer.list_contacts(1, 5).success
    assert its_consumer.get_contact_by_email("a@x.example").not_found
    assert list(its_consumer.list_changed())
    sent = [*stand_in.sent("PROPFIND"), *stand_in.sent("REPORT")]
    assert (len(sent), "limit" in "".join(sent)) == (4, False)


# Writing


def test_a_card_is_created_where_there_is_none_and_changed_where_it_is_as_it_was(
    stand_in: StandIn, its_consumer: CardDAVConsumer
) -> None:
    stand_in.mock.add("PUT", re.compile(f"{BOOK}/[0-9a-f-]{{36}}.vcf"), status=201, headers={"ETag": '"1"'})
    created = its_consumer.create_contact({"note": "x"})
    stand_in.says("GET", CARD.format(uid="1"), 200, "a.vcf")
    stand_in.mock.calls.reset()
    assert ask(its_consumer, "update_contact", {"id": "a.vcf", "note": "x"}).error == (
        "the server gives no ETag with a card, so it cannot be changed safely"
    )
    assert created.success
    assert stand_in.asked("PUT") == []


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"'])
def test_a_weak_etag_is_said_as_the_strong_one_that_it_was(
    stand_in: StandIn, its_consumer: CardDAVConsumer, etag: str
) -> None:
    """What compresses an answer on its way makes its ETag weak, and with that nothing could be stored."""
    stand_in.mock.get(f"{BOOK}/a.vcf", body=CARD.format(uid="1"), headers={"ETag": etag})
    stand_in.mock.put(f"{BOOK}/a.vcf", status=204, headers={"ETag": '"2"'})
    assert its_consumer.update_contact({"id": "a.vcf", "note": "x"}).success
    assert stand_in.asked("PUT")[0].headers["If-Match"] == '"1"'
    assert stand_in.asked("GET")[0].headers["Accept-Encoding"] == "identity"


def test_a_server_that_makes_something_else_of_a_card_is_asked_what(
    stand_in: StandIn, its_consumer: CardDAVConsumer
) -> None:
    """It gives no ETag then (RFC 6352, 6.3.2.3)."""
    stand_in.has("a.vcf")
    stand_in.mock.put(f"{BOOK}/a.vcf", status=204)
    stand_in.says("GET", CARD.format(uid="1").replace("END", "NOTE:X!\r\nEND"), 200, "a.vcf")
    assert (its_consumer.update_contact({"id": "a.vcf", "note": "x"}).contact or {})["note"] == "X!"


def test_a_card_that_is_refused_without_a_cause_is_not_sent_for_ever(
    stand_in: StandIn, its_consumer: CardDAVConsumer
) -> None:
    for _ in range(5):
        stand_in.has("a.vcf")
        stand_in.mock.put(f"{BOOK}/a.vcf", status=412)
    result = ask(its_consumer, "update_contact", {"id": "a.vcf", "note": "x"})
    assert (result.success, result.retryable, result.in_doubt) == (False, True, False)
    assert len(stand_in.asked("PUT")) == 5


def test_a_locked_card_is_tried_again_later(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.says("DELETE", "", 423, "a.vcf")
    result = ask(its_consumer, "delete_contact", "a.vcf")
    assert (result.success, result.retryable) == (False, True)


@pytest.mark.parametrize("status", [403, 413, 415, 507])
def test_a_refused_card_is_a_failure(stand_in: StandIn, its_consumer: CardDAVConsumer, status: int) -> None:
    stand_in.has("a.vcf")
    stand_in.mock.put(f"{BOOK}/a.vcf", status=status)
    result = ask(its_consumer, "update_contact", {"id": "a.vcf", "note": "x"})
    assert (result.success, result.retryable) == (False, status == 507)


# Creating, when the answer does not come


NEW = re.compile(f"{BOOK}/[0-9a-f-]{{36}}.vcf")
ITS_CARD = CARD.format(uid="1").replace("END", "NOTE:x\r\nEND")


@pytest.mark.parametrize("lost", [requests.ConnectionError(), requests.ReadTimeout(), TimeoutError(), 502])
@pytest.mark.parametrize("arrived", [True, False])
def test_a_create_whose_answer_is_lost_is_done_again_and_makes_one_card(
    stand_in: StandIn, its_consumer: CardDAVConsumer, lost: Exception | int, arrived: bool
) -> None:
    """Under the name that was chosen for it: where the first call has arrived, the second is refused (412)."""
    if isinstance(lost, int):
        stand_in.mock.add("PUT", NEW, status=lost)
    else:
        stand_in.mock.add("PUT", NEW, body=lost)
    stand_in.mock.add("PUT", NEW, status=412 if arrived else 201)
    for _ in range(2 if arrived else 1):
        stand_in.mock.add("GET", NEW, body=ITS_CARD, headers={"ETag": '"1"'})
    result = ask(its_consumer, "create_contact", {"note": "x"})
    assert {request.url for request in stand_in.asked("PUT")} == {f"{BOOK}/{result.id}"}
    assert (result.contact or {})["note"] == "x"
    assert {request.headers["If-None-Match"] for request in stand_in.asked("PUT")} == {"*"}


def test_a_create_that_stays_in_doubt_says_so(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    for _ in range(2):
        stand_in.mock.add("PUT", NEW, body=requests.ReadTimeout())
    result = ask(its_consumer, "create_contact", {"note": "x"})
    assert (result.success, result.retryable, result.in_doubt) == (False, True, True)


def test_a_create_that_is_refused_is_not_taken_for_done(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    """Some servers say 412 of a card that is too large."""
    stand_in.mock.add("PUT", NEW, status=412)
    stand_in.mock.add("GET", NEW, status=404)
    stand_in.answers("PROPFIND", book())
    result = ask(its_consumer, "create_contact", {"note": "x"})
    assert (result.success, result.retryable) == (False, False)


def test_what_was_created_is_created_though_it_cannot_be_read(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.mock.add("PUT", NEW, status=201)
    stand_in.mock.add("GET", NEW, status=500)
    result = ask(its_consumer, "create_contact", {"note": "x"})
    assert (result.success, result.contact) == (True, None)


def test_a_missing_card_of_an_address_book_in_trouble_is_in_doubt(
    stand_in: StandIn, its_consumer: CardDAVConsumer
) -> None:
    stand_in.says("GET", "", 404, "a.vcf")
    stand_in.says("PROPFIND", "", 503)
    result = ask(its_consumer, "get_contact", "a.vcf")
    assert (result.not_found, result.retryable) == (False, True)


# How it is set up


def test_without_its_library_the_consumer_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vobject", None)
    monkeypatch.delitem(sys.modules, "vobject.base")
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'contact-sync[carddav]'")):
        CardDAVConsumer(BOOK)


def test_other_ways_to_authorize_are_those_of_requests(stand_in: StandIn) -> None:
    """Such as Digest, which some servers have as they come."""
    asks = 'Digest realm="dav", nonce="1", qop="auth"'
    stand_in.mock.get(f"{BOOK}/a.vcf", status=401, headers={"WWW-Authenticate": asks})
    stand_in.has("a.vcf")
    consumer = CardDAVConsumer(BOOK, HTTPDigestAuth("ann", "secret"))
    assert consumer.get_contact("a.vcf").success
    assert stand_in.asked("GET")[1].headers["Authorization"].startswith('Digest username="ann"')
    consumer.close()


def test_a_password_is_said_in_utf_8(stand_in: StandIn) -> None:
    stand_in.has("a.vcf")
    consumer = CardDAVConsumer(BOOK, ("ann", "päss"))
    assert consumer.get_contact("a.vcf").success
    assert stand_in.asked("GET")[0].headers["Authorization"] == "Basic YW5uOnDDpHNz"
    assert "päss" not in repr(consumer) + repr(vars(consumer))
    consumer.close()


@pytest.mark.parametrize("auth", [("ann",), "ann:secret", ("ann", None), ["ann", "secret"]])
def test_credentials_that_are_none_are_refused(auth: Any) -> None:
    with pytest.raises(ConfigurationError, match="auth: expected"):
        CardDAVConsumer(BOOK, auth)


def test_an_address_with_a_password_in_it_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="they belong into auth"):
        CardDAVConsumer("https://ann:secret@dav.example.com/ann/contacts/")


def test_a_redirect_is_not_followed(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.mock.get(f"{BOOK}/a.vcf", status=302, headers={"Location": f"{SERVER}/bob/contacts/a.vcf"})
    assert "HTTP 302" in (ask(its_consumer, "get_contact", "a.vcf").error or "")
