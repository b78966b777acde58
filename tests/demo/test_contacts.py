"""The contacts that are shipped: always the same, all made up, and as messy as they come."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter
from typing import Any

import pytest

from contact_sync.demo.crm import Records, read_contacts
from contact_sync.demo.crm.checks import problems
from contact_sync.demo.data import CONTACTS_FILE, make
from contact_sync.demo.integration.fields import CONTACTS

# Ranges that are kept free for films and books: Ofcom, NANP, ARCEP, Bundesnetzagentur, PTS.
FICTITIOUS = re.compile(
    r"1?20255501\d\d|(44|0)77009\d{5}|(44|0)207946\d{4}|(33|0)639980\d{3}|(33|0)1990[0-9]\d{4,5}"
    r"|(49|0)3023125\d{3}|(46|0)8465004\d\d"
)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with CONTACTS_FILE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def contacts() -> list[dict[str, Any]]:
    return read_contacts(CONTACTS_FILE)


def test_the_file_is_what_its_program_makes() -> None:
    assert CONTACTS_FILE.read_bytes().decode() == make.make()


def test_there_are_200_contacts(rows: list[dict[str, str]]) -> None:
    assert len(rows) == 200


def test_e_mail_addresses_are_of_domains_that_are_reserved_for_examples(rows: list[dict[str, str]]) -> None:
    domains = {row["email"].rpartition("@")[2].lower() for row in rows if row["email"]}
    assert {domain.rpartition("example.")[2] for domain in domains} == {"com", "org", "net"}
    assert all(re.search(r"(^|\.)example\.(com|org|net)$", domain) for domain in domains)


def test_telephone_numbers_are_of_ranges_that_are_kept_for_fiction(rows: list[dict[str, str]]) -> None:
    numbers = [re.sub(r"\D", "", row["phone"].partition("ext")[0]).removeprefix("00") for row in rows]
    assert [number for number in numbers if len(number) > 3 and not FICTITIOUS.fullmatch(number)] == []
    assert sum(len(number) > 3 for number in numbers) > 100


def test_the_mess_is_in_there(rows: list[dict[str, str]]) -> None:
    """What the demo says that it can take, it is given."""
    names = "".join(row["given_name"] + row["family_name"] for row in rows)
    emails = Counter(row["email"].casefold() for row in rows if row["email"])
    assert sum(not row["email"] for row in rows) >= 10, "missing e-mails"
    assert sum(count > 1 for count in emails.values()) >= 3, "the same e-mail more than once"
    assert {unicodedata.bidirectional(sign) for sign in names} >= {"R", "AL"}, "scripts from right to left"
    assert any(ord(sign) > 0xFFFF for sign in names), "emoji"
    assert any(unicodedata.normalize("NFC", row["given_name"]) != row["given_name"] for row in rows), "decomposed"
    assert any(row["postcode"].startswith("0") for row in rows), "leading zeros"
    assert any(len(row["family_name"]) > 100 for row in rows), "very long names"
    assert any("\n" in row["notes"] for row in rows), "line breaks"
    assert any("," in row["family_name"] and '"' in row["given_name"] for row in rows), "quotes and commas"
    assert any("<script>" in row["family_name"] for row in rows), "markup"
    assert len({re.sub(r"\w", "x", row["customer_since"]) for row in rows if row["customer_since"]}) >= 4, "dates"
    assert len({re.sub(r"\d", "0", row["phone"]) for row in rows}) > 20, "ways to write a telephone number"
    for column in rows[0]:
        assert any(not row[column].strip() for row in rows if column not in ("street", "order_count")) or column in (
            "street",
            "order_count",
        ), f"{column} is never empty"


def test_the_crm_takes_every_contact(contacts: list[dict[str, Any]]) -> None:
    assert [wrong for contact in contacts if (wrong := problems(contact))] == []


def test_every_contact_maps_to_the_platform_and_back(contacts: list[dict[str, Any]]) -> None:
    """Only the free text in which days were written in five ways comes back in one."""
    records = Records()
    for contact in contacts:
        record = records.add(contact)
        there = CONTACTS.to_botmatic(record)
        json.dumps(there, allow_nan=False)
        back = CONTACTS.to_external(there)
        assert {name: back[name] for name in back if name != "customer_since"} == {
            name: record[name] for name in record if name != "customer_since"
        }
        assert CONTACTS.to_botmatic(back | {"id": record["id"]}) == there
