"""Asking an address book what has changed."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from contact_sync.consumer import Changes, CursorExpired, changes
from contact_sync.consumers.carddav import CardDAVConsumer
from contact_sync.results import Result
from tests.consumers.carddav.phone import ANA, Phone
from tests.consumers.carddav.stand_in import PATH, StandIn, book, cards, row

MANY = [f"card {n:03}.vcf" for n in range(250)]


def told(consumer: CardDAVConsumer, cursor: str | None = None) -> tuple[list[str], list[str], str]:
    """Names of the changed cards and of the deleted ones, and the last cursor."""
    changed: list[str] = []
    deleted: list[str] = []
    for page in changes(consumer, cursor):
        assert isinstance(page, Changes), page
        changed += [contact["id"] for contact in page.contacts]
        deleted += page.deleted
        cursor = page.cursor
    assert cursor is not None
    return changed, deleted, cursor


def failure(consumer: CardDAVConsumer, cursor: str | None = None) -> Result:
    """The failure that ends the walk."""
    *_, last = changes(consumer, cursor)
    assert isinstance(last, Result)
    return last


def test_what_changes_is_told_once(phone: Phone, consumer: CardDAVConsumer) -> None:
    ana, ben = phone.add(), phone.add()
    changed, deleted, cursor = told(consumer)
    assert (changed, deleted) == (sorted((ana, ben)), [])
    assert told(consumer, cursor) == ([], [], cursor)
    phone.edit(ana, "FN:Ana Torres", "FN:Anita")
    phone.delete(ben)
    changed, deleted, cursor = told(consumer, cursor)
    assert (changed, deleted) == ([ana], [ben])
    assert told(consumer, cursor) == ([], [], cursor)


def test_a_card_that_comes_and_goes_in_between_is_told_as_deleted_at_the_most(
    phone: Phone, consumer: CardDAVConsumer
) -> None:
    cursor = told(consumer)[2]
    name = phone.add()
    phone.delete(name)
    changed, deleted, _ = told(consumer, cursor)
    assert changed == []
    assert set(deleted) <= {name}


def test_what_the_consumer_itself_changes_is_told_too(phone: Phone, consumer: CardDAVConsumer) -> None:
    """The sync knows its own echo."""
    cursor = told(consumer)[2]
    created = consumer.create_contact({"note": "x"})
    changed, _, cursor = told(consumer, cursor)
    assert changed == [created.id]
    consumer.delete_contact(changed[0])
    assert told(consumer, cursor)[:2] == ([], changed)


@pytest.mark.parametrize(
    "cursor",
    ["http://radicale.org/ns/sync/abc", "[]", "[1]", '{"a": 1}', json.dumps(["http://radicale.org/ns/sync/1"])],
)
def test_a_cursor_that_is_not_known_has_expired(phone: Phone, consumer: CardDAVConsumer, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        list(changes(consumer, cursor))


def test_many_changes_come_in_pages_between_which_one_can_stop(phone: Phone, consumer: CardDAVConsumer) -> None:
    """Another walk goes on from any page's cursor; what changes meanwhile is told in the end."""
    phone.call("PUT", "", "".join(ANA.replace("{uid}", f"{n:03}") for n in range(120)), {"Content-Type": "text/vcard"})
    first, *_ = islice(changes(consumer, None), 1)
    assert isinstance(first, Changes)
    seen = [contact["id"] for contact in first.contacts]
    assert len(seen) == 100
    phone.edit(seen[0], "FN:Ana Torres", "FN:Anita")
    phone.delete(seen[1])
    rest, deleted, cursor = told(consumer, first.cursor)
    assert sorted({*seen, *rest} - {seen[1]}) == phone.names()
    changed, deleted_since, _ = told(consumer, cursor)
    assert changed == [seen[0]]
    assert {*deleted, *deleted_since} == {seen[1]}


# Other servers than Radicale


def test_what_a_server_leaves_out_is_asked_for(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    """An answer that is truncated (507) says so in a row of its own, and comes with a token to go on from."""
    more = row(f"{PATH}/", status=507)
    stand_in.answers("REPORT", row(f"{PATH}/a.vcf", "<getetag>1</getetag>"), more, token="t:1")
    stand_in.answers("REPORT", *cards(["a.vcf"]))
    stand_in.answers("REPORT", row(f"{PATH}/b.vcf", status=404), token="t:2")
    assert told(its_consumer, json.dumps(["t:0"])) == (["a.vcf"], ["b.vcf"], json.dumps(["t:2"]))
    first, _, second = stand_in.sent("REPORT")
    assert ("<d:sync-token>t:0<" in first, "<d:sync-token>t:1<" in second) == (True, True)


def test_a_part_of_the_changes_comes_whole(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    """Of which cards a part is, the server is free to say differently the next time: there is no going on within it."""
    rows = [row(f"{PATH}/{name.replace(' ', '%20')}", "<getetag>1</getetag>") for name in MANY]
    stand_in.answers("REPORT", *rows, row(f"{PATH}/", status=507), token="t:1")
    for start in range(0, 250, 100):
        stand_in.answers("REPORT", *cards(MANY[start : start + 100]))
    first, *_ = islice(changes(its_consumer, None), 1)
    assert isinstance(first, Changes)
    assert ([contact["id"] for contact in first.contacts], first.cursor) == (MANY, json.dumps(["t:1"]))


def test_a_server_that_never_comes_to_an_end_is_left(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.answers("REPORT", row(f"{PATH}/", status=507), token="t:1")
    assert "not how to ask for them" in (failure(its_consumer, json.dumps(["t:1"])).error or "")


@pytest.mark.parametrize("status", [403, 409])
def test_either_status_says_that_a_token_has_expired(
    stand_in: StandIn, its_consumer: CardDAVConsumer, status: int
) -> None:
    stand_in.says("REPORT", '<error xmlns="DAV:"><valid-sync-token/></error>', status)
    with pytest.raises(CursorExpired):
        list(changes(its_consumer, json.dumps(["t:1"])))


@pytest.mark.parametrize(
    ("status", "body"), [(403, '<error xmlns="DAV:"><supported-report/></error>'), (405, "no"), (501, "no")]
)
def test_a_server_that_cannot_tell_changes_is_not_asked_again_and_again(
    stand_in: StandIn, its_consumer: CardDAVConsumer, status: int, body: str
) -> None:
    stand_in.says("REPORT", body, status)
    result = failure(its_consumer)
    assert (result.success, result.retryable) == (False, False)
    assert "the server has no sync-collection" in (result.error or "")


@pytest.mark.parametrize(("status", "retryable"), [(403, False), (404, False), (503, True)])
def test_other_refusals_are_what_they_are(
    stand_in: StandIn, its_consumer: CardDAVConsumer, status: int, retryable: bool
) -> None:
    stand_in.says("REPORT", "<html>", status)
    result = failure(its_consumer)
    assert (result.retryable, f"HTTP {status}" in (result.error or "")) == (retryable, True)


def test_an_answer_without_a_token_is_none(stand_in: StandIn, its_consumer: CardDAVConsumer) -> None:
    stand_in.answers("REPORT", book())
    assert failure(its_consumer).error == "the answer about what has changed has no sync token"
