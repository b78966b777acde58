"""Finding the address books of a user."""

from __future__ import annotations

import pytest

from contact_sync.consumers.carddav import AddressBook, CardDAVConsumer, NoAddressBook, discover
from contact_sync.consumers.http import ApiError, OtherOrigin, UnreadableAnswer
from tests.consumers.carddav.conftest import OWNER, Radicale, make_book
from tests.consumers.carddav.phone import Phone
from tests.consumers.carddav.stand_in import SERVER, StandIn, book, row

WELL_KNOWN = f"{SERVER}/.well-known/carddav"

ME = "<current-user-principal><href>/me/</href></current-user-principal>"
HOME = "<c:addressbook-home-set><href>/books/</href></c:addressbook-home-set>"


@pytest.mark.parametrize("place", ["", "/", "/.well-known/carddav", "/ann%40example.org/"])
def test_from_anywhere_on_the_server_the_users_address_books_are_found(radicale: Radicale, place: str) -> None:
    phone = make_book(radicale, "Colleagues & co")
    books = discover(radicale.url + place, OWNER)
    assert AddressBook(phone.url, "Colleagues & co") in books
    consumer = CardDAVConsumer(phone.url, OWNER)
    assert consumer.create_contact({"note": "x"}).success
    consumer.close()


def test_an_address_book_is_found_from_itself(phone: Phone) -> None:
    assert phone.url in [book.url for book in discover(phone.url, OWNER)]


def test_a_wrong_password_is_said(radicale: Radicale) -> None:
    with pytest.raises(ApiError, match="HTTP 401"):
        discover(radicale.url, (OWNER[0], "wrong"))


def test_the_way_leads_over_the_well_known_address_and_the_user(stand_in: StandIn) -> None:
    """The front page is no place of WebDAV; redirects within the server are followed."""
    stand_in.mock.add("PROPFIND", f"{SERVER}/", status=405)
    stand_in.mock.add("PROPFIND", WELL_KNOWN, status=301, headers={"Location": "/dav"})
    stand_in.mock.add("PROPFIND", f"{SERVER}/dav", status=308, headers={"Location": f"{SERVER}/dav/"})
    stand_in.answers("PROPFIND", row("/dav/", ME), place=f"{SERVER}/dav/")
    stand_in.answers("PROPFIND", row("/me/", HOME, ME), place=f"{SERVER}/me/")
    listing = [row("/books/"), book("/books/a%20b/", " Friends "), book("/books/c/"), row("/books/d/")]
    stand_in.answers("PROPFIND", *listing, place=f"{SERVER}/books/")
    assert discover(f"{SERVER}/", ("ann", "secret")) == [
        AddressBook(f"{SERVER}/books/a%20b/", "Friends"),
        AddressBook(f"{SERVER}/books/c/", "c"),
    ]


@pytest.mark.parametrize("place", ["https://evil.example/dav/", "http://dav.example.com/dav/", "//evil.example/"])
def test_a_redirect_to_another_server_is_not_followed(stand_in: StandIn, place: str) -> None:
    stand_in.mock.add("PROPFIND", WELL_KNOWN, status=301, headers={"Location": place})
    with pytest.raises(OtherOrigin):
        discover(WELL_KNOWN, ("ann", "secret"))


def test_address_books_on_another_server_are_told_and_not_asked_for(stand_in: StandIn) -> None:
    """Large providers have a server for each part of their users."""
    home = HOME.replace("/books/", "https://p07.example.com/books/")
    stand_in.answers("PROPFIND", row("/me/", home), place=f"{SERVER}/me/")
    with pytest.raises(OtherOrigin, match=r"ask there: https://p07\.example\.com/books/"):
        discover(f"{SERVER}/me/", ("ann", "secret"))


def test_a_circle_of_redirects_is_left(stand_in: StandIn) -> None:
    for _ in range(5):
        stand_in.mock.add("PROPFIND", WELL_KNOWN, status=302, headers={"Location": WELL_KNOWN})
    with pytest.raises(UnreadableAnswer, match="redirects more than 5 times"):
        discover(WELL_KNOWN)


def test_a_server_without_address_books_has_none(stand_in: StandIn) -> None:
    stand_in.mock.add("PROPFIND", f"{SERVER}/me", body="<html>", status=200)
    stand_in.answers("PROPFIND", row("/"), place=WELL_KNOWN)
    with pytest.raises(NoAddressBook):
        discover(f"{SERVER}/me")
