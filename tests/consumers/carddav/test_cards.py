"""What a card says, and what an edit leaves of it: everything that it is not about, to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from contact_sync.consumer import ask
from contact_sync.consumers.carddav import CardDAVConsumer
from contact_sync.results import Result
from tests.consumers.carddav.stand_in import BOOK, StandIn

NAME = "ana.vcf"

HEAD = ("BEGIN:VCARD", "VERSION:3.0", "UID:ana", "N:Torres;Ana;;;", "FN:Ana Torres")
HEAD_4 = ("BEGIN:VCARD", "VERSION:4.0", "UID:ana", "FN:Ana Torres")

ODD = (
    "NICKNAME:Anita,Nana",
    "item1.EMAIL;type=INTERNET;type=pref:ana@example.org",
    "item1.X-ABLabel:_$!<Work>!$_",
    "email;HOME:ana@home.example",
    'X-FOO;X-BAR="a;b:c",d:one,two\\,three;four',
    "IMPP;X-SERVICE-TYPE=Skype:skype:ana,torres",
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD//gA7Q1JFQVRPUjogZ2QtanBlZ",
    " yB2MS4wICh1c2luZyBJSkcgSlBFRyB2NjIpLCBxdWFsaXR5ID0gOTAK",
    "a line that is none",
    "NOTE:first",
    "REV:2024-01-01T00:00:00Z",
)


class Desk:
    """Where a card lies that is read and edited."""

    def __init__(self, stand_in: StandIn, consumer: CardDAVConsumer) -> None:
        self._stand_in = stand_in
        self._consumer = consumer

    def read(self, *lines: str) -> dict[str, Any]:
        """The contact that a card with these lines is, without what it does not have."""
        self._lay(lines)
        contact = self._consumer.get_contact(NAME).contact
        return {name: value for name, value in dict(contact or {}).items() if value is not None and name != "id"}

    def edit(self, *lines: str, **fields: object) -> tuple[str, ...]:
        """The lines of the card once fields are changed; nothing, if it was not stored again."""
        self._lay(lines)
        self.result = ask(self._consumer, "update_contact", {"id": NAME, **fields})
        assert self.result.success, self.result.error
        stored = self._stand_in.sent("PUT")
        return tuple(stored[-1].removesuffix("\r\n").split("\r\n")) if stored else ()

    def refused(self, *lines: str, **fields: object) -> Result:
        """What comes of an edit that cannot be done."""
        self._lay(lines)
        result = ask(self._consumer, "update_contact", {"id": NAME, **fields})
        assert not result.success
        return result

    def _lay(self, lines: tuple[str, ...]) -> None:
        card = "".join(f"{line}\r\n" for line in (*lines, "END:VCARD"))
        self._stand_in.mock.get(f"{BOOK}/{NAME}", body=card, content_type="text/vcard", headers={"ETag": '"1"'})
        self._stand_in.mock.put(f"{BOOK}/{NAME}", status=204, headers={"ETag": '"2"'})


@pytest.fixture
def desk(its_consumer: CardDAVConsumer) -> Iterator[Desk]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Desk(StandIn(mock), its_consumer)


# Reading


def test_a_whole_card_is_a_flat_contact(desk: Desk) -> None:
    assert desk.read(
        "BEGIN:VCARD",
        "VERSION:3.0",
        "UID:urn:uuid:1",
        "N:Torres;Ana;María José;Dr.;jr.",
        "FN:Dr. Ana Torres",
        "NICKNAME:Anita,Nana",
        "ORG:Example\\, Inc.;Research;Lab 2",
        "TITLE:Engineer",
        "ROLE:Lead",
        "EMAIL;TYPE=HOME:ana@home.example",
        "EMAIL;TYPE=WORK,pref: ana@example.org ",
        "TEL;TYPE=CELL:+33 6 12 34 56 78",
        "ADR;TYPE=HOME:;;12\\, rue Neuve\\n2nd floor;Lyon;Rhône;69001;France",
        "BDAY:1990-02-09",
        "URL:https\\://example.org/?a\\,b",
        "NOTE:one\\ntwo\\\\ \\; three",
        "CATEGORIES:friends,a\\, b",
        "CATEGORIES:friends, work",
    ) == {
        "uid": "urn:uuid:1",
        "first_name": "Ana",
        "last_name": "Torres",
        "middle_name": "María José",
        "name_prefix": "Dr.",
        "name_suffix": "jr.",
        "full_name": "Dr. Ana Torres",
        "nickname": "Anita,Nana",
        "organization": "Example, Inc.",
        "department": "Research",
        "title": "Engineer",
        "role": "Lead",
        "email": "ana@example.org",
        "emails": ["ana@home.example", "ana@example.org"],
        "phone": "+33 6 12 34 56 78",
        "phones": ["+33 6 12 34 56 78"],
        "street": "12, rue Neuve\n2nd floor",
        "city": "Lyon",
        "region": "Rhône",
        "postal_code": "69001",
        "country": "France",
        "birthday": "1990-02-09",
        "url": "https://example.org/?a,b",
        "note": "one\ntwo\\ ; three",
        "categories": ["friends", "a, b", "work"],
    }


def test_a_card_of_version_4_is_read_in_its_own_forms(desk: Desk) -> None:
    assert desk.read(
        *HEAD_4,
        "EMAIL;PREF=2:second@example.org",
        "EMAIL:last@example.org",
        "EMAIL;PREF=1:first@example.org",
        'TEL;VALUE=uri;TYPE="cell,home":tel:+33-6-12-34-56-78',
        "BDAY:19900209",
    ) == {
        "uid": "ana",
        "full_name": "Ana Torres",
        "email": "first@example.org",
        "emails": ["second@example.org", "last@example.org", "first@example.org"],
        "phone": "+33-6-12-34-56-78",
        "phones": ["+33-6-12-34-56-78"],
        "birthday": "1990-02-09",
    }


@pytest.mark.parametrize(
    ("line", "birthday"),
    [
        ("BDAY:1990-02-09T10:00:00Z", "1990-02-09"),
        ("BDAY;VALUE=date:19900209", "1990-02-09"),
        ("BDAY:", None),
        ("BDAY:--02-09", "untold"),
        ("BDAY:1990-02-31", "untold"),
        ("BDAY;VALUE=text:about 1800", "untold"),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-09", "untold"),
    ],
)
def test_a_birthday_that_is_no_whole_day_is_not_told_of(
    desk: Desk, its_consumer: CardDAVConsumer, line: str, birthday: str | None
) -> None:
    """So it neither fails the contact nor counts as cleared; it stays on the card."""
    desk.read(*HEAD, line)
    contact = its_consumer.get_contact(NAME).contact or {}
    assert contact.get("birthday", "untold") == birthday
    assert line in desk.edit(*HEAD, line, note="new")


def test_quoted_printable_is_read(desk: Desk) -> None:
    line = "NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:caf=C3=A9"
    assert desk.read(*HEAD, line)["note"] == "café"
    assert desk.edit(*HEAD, line, note="thé")[-2] == "NOTE:thé"


@pytest.mark.parametrize(
    "line",
    [
        "NOTE;CHARSET=klingon;ENCODING=QUOTED-PRINTABLE:a=C3=A9",
        "NOTE;ENCODING=QUOTED-PRINTABLE:a=C3",
        'NOTE;X-A="b:c',
        "NOTE",
    ],
)
def test_a_line_that_cannot_be_read_is_kept(desk: Desk, line: str) -> None:
    assert "note" not in desk.read(*HEAD, line)
    assert desk.edit(*HEAD, line, title="x")[-3:] == (line, "TITLE:x", "END:VCARD")


# Writing


@pytest.mark.parametrize("head", [HEAD, HEAD_4], ids=["3.0", "4.0"])
def test_an_edit_leaves_all_other_lines_as_they_are(desk: Desk, head: tuple[str, ...]) -> None:
    after = desk.edit(*head, *ODD, note="second")
    assert after == (*head, *("NOTE:second" if line == "NOTE:first" else line for line in ODD), "END:VCARD")


def test_an_edit_that_changes_nothing_stores_nothing(desk: Desk) -> None:
    assert desk.edit(*HEAD, *ODD, note="first", email="ana@example.org", first_name="Ana", title=None) == ()
    assert (desk.result.contact or {})["note"] == "first"


def test_a_changed_address_keeps_its_label_its_parameters_and_its_place(desk: Desk) -> None:
    after = desk.edit(*HEAD, *ODD, email="ana@new.example")
    assert set(after) - set(HEAD) - set(ODD) == {"item1.EMAIL;TYPE=INTERNET,pref:ana@new.example", "END:VCARD"}
    assert after.index("item1.EMAIL;TYPE=INTERNET,pref:ana@new.example") == len(HEAD) + 1
    assert "email;HOME:ana@home.example" in after


def test_a_line_in_the_old_short_form_keeps_its_type_when_it_changes(desk: Desk) -> None:
    after = desk.edit(*HEAD, "TEL;HOME;VOICE:1", phone="2")
    assert after[-2] == "TEL;TYPE=HOME,VOICE:2"


def test_a_cleared_address_goes_with_its_label_and_the_others_stay(desk: Desk) -> None:
    after = desk.edit(*HEAD, *ODD, email=None)
    assert set(ODD) - set(after) == {ODD[1], ODD[2]}
    assert (desk.result.contact or {})["email"] == "ana@home.example"


@pytest.mark.parametrize(
    ("lines", "after"),
    [
        (("EMAIL;TYPE=pref,WORK:a@x", "EMAIL;TYPE=HOME:b@x"), ("EMAIL;TYPE=WORK:a@x", "EMAIL;TYPE=HOME,pref:b@x")),
        (("EMAIL;TYPE=pref:a@x", "EMAIL:b@x"), ("EMAIL:a@x", "EMAIL;TYPE=pref:b@x")),
        (("EMAIL;PREF=1:a@x", "EMAIL;PREF=2:b@x"), ("EMAIL:a@x", "EMAIL;PREF=1:b@x")),
        (("EMAIL:a@x", "EMAIL:c@x", "EMAIL:b@x"), ("EMAIL:b@x", "EMAIL:a@x", "EMAIL:c@x")),
        (("EMAIL;PREF=1:a@x", "EMAIL:B@X"), ("EMAIL:a@x", "EMAIL;PREF=1:b@x")),
        (("EMAIL:B@X", "EMAIL:a@x"), ("EMAIL:b@x", "EMAIL:a@x")),
    ],
    ids=["type", "type alone", "pref", "no mark", "in another case", "the preferred one in another case"],
)
def test_an_address_that_is_on_the_card_becomes_the_preferred_one(
    desk: Desk, lines: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """The one that was is not lost."""
    assert desk.edit(*HEAD, *lines, email="b@x")[len(HEAD) : -1] == after
    assert (desk.result.contact or {})["email"] == "b@x"


def test_a_list_keeps_the_lines_of_what_stays_in_it(desk: Desk) -> None:
    lines = ("item1.TEL:1", "item1.X-ABLabel:Boat", "TEL;TYPE=WORK:2", "TEL:3")
    after = desk.edit(*HEAD, *lines, phones=["2", "4", "1"])
    assert after[len(HEAD) : -1] == ("TEL;TYPE=WORK:2", "TEL:4", "item1.TEL:1", "item1.X-ABLabel:Boat")
    assert (desk.result.contact or {})["phones"] == ["2", "4", "1"]


def test_a_list_may_be_emptied_and_the_preferred_one_of_it_set(desk: Desk) -> None:
    assert desk.edit(*HEAD, "TEL:1", "TEL:2", phones=[])[len(HEAD) : -1] == ()
    assert desk.edit(*HEAD, "TEL:1", "TEL:2", phones=["3", "4"], phone="4")[len(HEAD) : -1] == ("TEL:4", "TEL:3")


def test_a_number_that_was_a_link_becomes_text(desk: Desk) -> None:
    after = desk.edit(*HEAD_4, "TEL;TYPE=cell;VALUE=uri:tel:+1-555", phone="+1 777")
    assert after[-2] == "TEL;TYPE=cell:+1 777"


def test_a_part_of_an_address_changes_alone(desk: Desk) -> None:
    line = "item2.ADR;TYPE=HOME:box 1;;Rue A\\, B;Lyon;;69001;France;an;extra;part"
    after = desk.edit(*HEAD, line, city="Paris; 7e")
    assert after[-2] == "item2.ADR;TYPE=HOME:box 1;;Rue A\\, B;Paris\\; 7e;;69001;France;an;extra;part"
    assert desk.edit(*HEAD, "ADR:;;;Lyon;;;", city=None)[-2] == HEAD[-1]


def test_an_organization_keeps_its_departments(desk: Desk) -> None:
    assert desk.edit(*HEAD, "ORG:A;B;C", organization="D")[-2] == "ORG:D;B;C"
    assert desk.edit(*HEAD, "ORG:A;B", department=None)[-2] == "ORG:A"
    assert desk.edit(*HEAD, organization="A")[-2] == "ORG:A"


@pytest.mark.parametrize(("head", "line"), [(HEAD, "BDAY:1991-03-10"), (HEAD_4, "BDAY:19910310")], ids=["3.0", "4.0"])
def test_a_birthday_is_written_as_the_version_writes_it(desk: Desk, head: tuple[str, ...], line: str) -> None:
    assert desk.edit(*head, "BDAY;VALUE=text:about 1990", birthday="1991-03-10")[-2] == line


def test_categories_are_written_as_one_list(desk: Desk) -> None:
    after = desk.edit(*HEAD, "CATEGORIES:a", "CATEGORIES:b", categories=["b", "c, d"])
    assert after[len(HEAD) : -1] == ("CATEGORIES:b,c\\, d",)


def test_long_and_strange_text_comes_back_as_it_is(desk: Desk) -> None:
    note = " Zoë 👩‍🚀; 'a', \"b\"\\n:\n\tend\u2028\x85" + "ü" * 200
    after = desk.edit(*HEAD, note=note)
    assert max(len(line.encode()) for line in after) <= 76
    assert desk.read(*after[:-1])["note"] == note


def test_what_no_xml_can_hold_is_left_out(desk: Desk) -> None:
    """With a NUL in one card, no server could list them any more."""
    assert desk.edit(*HEAD, note="a\0b\x0b\ud800c\r\nd")[-2] == "NOTE:abc\\nd"


@pytest.mark.parametrize(
    ("value", "written"), [(7, "7"), (1.5, "1.5"), (True, "true"), ({"a": "é"}, '{"a": "é"}'), ([1], "[1]")]
)
def test_what_is_no_text_is_written_as_json(desk: Desk, value: object, written: str) -> None:
    desk.edit(*HEAD, note=value)
    assert (desk.result.contact or {})["note"] == written


# The full name


@pytest.mark.parametrize(
    ("lines", "fields", "full_name"),
    [
        (("N:Torres;Ana;;;", "FN:Ana Torres"), {"first_name": "Eva"}, "Eva Torres"),
        (("N:Torres;Ana;M.;Dr.;", "FN:Dr. Ana M. Torres"), {"last_name": "Ruiz"}, "Dr. Ana M. Ruiz"),
        (("N:Torres;Ana;;;", "FN:Anita"), {"first_name": "Eva"}, "Anita"),
        (("N:Torres;Ana;;;", "FN:Ana Torres"), {"first_name": "Eva", "full_name": "The Boss"}, "The Boss"),
        (("N:Torres;Ana;;;", "FN:The Boss"), {"full_name": None}, "Ana Torres"),
        (("N:;;;;", "ORG:Example", "FN:Example"), {"organization": "Sample"}, "Sample"),
        (("N:;;;;", "EMAIL:a@x", "FN:a@x"), {"email": "b@x"}, "b@x"),
        (("N:;;;;", "EMAIL:a@x"), {"note": "x"}, "a@x"),
        (("N:;;;;", "FN:"), {"note": "x"}, None),
    ],
)
def test_the_full_name_goes_along_where_it_is_made_of_what_changes(
    desk: Desk, lines: tuple[str, ...], fields: dict[str, Any], full_name: str | None
) -> None:
    after = desk.edit("BEGIN:VCARD", "VERSION:3.0", "UID:1", *lines, **fields)
    assert (desk.result.contact or {})["full_name"] == full_name
    assert any(line.startswith("FN:") for line in after)


# What cannot be done


def test_a_field_that_there_is_not_is_named(desk: Desk) -> None:
    error = desk.refused(*HEAD, shoe_size=38).error or ""
    assert error.startswith("an address book has no field 'shoe_size'; it has uid, last_name")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"birthday": "soon"}, "the field 'birthday' takes a day, YYYY-MM-DD"),
        ({"uid": "other"}, "the field 'uid' is given once, when a card is made; it cannot be changed"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_without_being_told(
    desk: Desk, fields: dict[str, Any], error: str
) -> None:
    assert desk.refused(*HEAD, **fields).error == error


@pytest.mark.parametrize(
    "lines",
    [
        ("BEGIN:VCARD", "VERSION:2.1", "N:Torres;Ana"),
        ("BEGIN:VCARD", "FN:Ana"),
        ("BEGIN:VCARD", "VERSION:3.0", "FN:Ana", "END:VCARD", "BEGIN:VCARD", "VERSION:3.0"),
        ("BEGIN:VCARD", "VERSION:3.0", "BEGIN:VCARD", "END:VCARD"),
    ],
    ids=["version 2.1", "no version", "two cards", "a card in a card"],
)
def test_a_card_that_cannot_be_read_is_a_failure_and_not_a_missing_one(desk: Desk, lines: tuple[str, ...]) -> None:
    result = desk.refused(*lines, note="x")
    assert (result.not_found, result.retryable) == (False, False)
    assert "a card is" in (result.error or "")


@pytest.mark.parametrize("line", ["X-A;b" + "=x" * 5_000, 'X-A;b="' + ";a" * 5_000, "X-A;b" + ",x" * 5_000 + "\\"])
def test_a_line_that_is_made_to_take_long_does_not(desk: Desk, line: str) -> None:
    assert desk.edit(*HEAD, line, "NOTE:a", note="b") == (*HEAD, line, "NOTE:b", "END:VCARD")
