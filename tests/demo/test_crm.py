"""The example CRM over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contact_sync.demo.integration.app import OWN_NAME
from tests.demo.helpers import OWN_KEY, STAFF, Crm

SECRET = "a secret of both"


class Subscriber:
    """A server that takes notices and answers as it is told to."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.signed: list[bool] = []
        self.answers: list[int] = []
        self.retry_after = ""
        self._arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                with outer._arrived:
                    status = outer.answers.pop(0) if outer.answers else 200
                    outer.signed.append(self.headers["X-CRM-Signature"] == expected)
                    outer.notices.append(json.loads(body))
                    outer._arrived.notify_all()
                self.send_response(status)
                if outer.retry_after:
                    self.send_header("Retry-After", outer.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notices"

    def wait(self, count: int) -> list[dict[str, Any]]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.notices) >= count, 10), self.notices
            return self.notices[:count]


@pytest.fixture
def subscriber(crm: Crm) -> Iterator[Subscriber]:
    subscriber = Subscriber()
    thread = threading.Thread(target=subscriber.server.serve_forever, args=(0.02,))
    thread.start()
    crm.desk.subscribe(subscriber.url, SECRET)
    yield subscriber
    subscriber.server.shutdown()
    thread.join()
    subscriber.server.server_close()


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer ", "Basic key-of-the-staff", "Bearer schlüssel"])
def test_without_a_key_that_it_knows_nothing_is_read(crm: Crm, header: str) -> None:
    answer = crm.call("GET", "/api/contacts", headers={"Authorization": header.encode()})
    assert (answer.status_code, "contacts" in answer.json()) == (401, False)


@pytest.mark.parametrize(
    "headers", [{"Host": "rebound.example.com"}, {"Origin": "https://elsewhere.example.com"}, {"Origin": "null"}]
)
def test_other_sites_in_the_same_browser_are_refused(crm: Crm, headers: dict[str, str]) -> None:
    assert crm.call("GET", "/api/contacts", headers=STAFF | headers).status_code == 403


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([], "an object of fields"),
        ({"nickname": "Zo"}, "nickname: there is no such field"),
        ({"properties": {"nickname": "Zo"}}, "properties.nickname: there is no such field"),
        ({"properties": {"phone": 5}}, "properties.phone: text"),
        ({"properties": "Zoë"}, "properties: an object"),
        ({"notes": "x" * 10_001}, "notes: text"),
        ({"born_on": "1980-12-31"}, "born_on: a day such as 31/12/1980"),
        ({"born_on": "31/02/1980"}, "born_on: a day"),
        ({"last_seen_at": 1.5}, "last_seen_at: a moment"),
        ({"opted_in": "yes"}, "opted_in: true or false"),
        ({"order_count": True}, "order_count: a whole number"),
        ({"tags": "vip"}, "tags: a list of texts"),
        ({"preferences": []}, "preferences: an object"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field_and_the_reason(crm: Crm, fields: Any, said: str) -> None:
    answer = crm.call("POST", "/api/contacts", json=fields)
    assert (answer.status_code, said in answer.json()["error"]) == (422, True)
    assert crm.records.page(1, 10)[1] == 0


def test_groups_are_written_field_by_field_and_all_else_whole(crm: Crm) -> None:
    record = crm.call(
        "POST",
        "/api/contacts",
        json={"properties": {"given_name": "Zoë", "phone": "1"}, "preferences": {"language": "fr", "quiet": True}},
    ).json()
    changed = crm.call(
        "PATCH",
        f"/api/contacts/{record['id']}",
        json={"properties": {"phone": None}, "address": None, "preferences": {"language": "de"}},
    ).json()
    assert changed["properties"] == {"given_name": "Zoë", "family_name": None, "email": None, "phone": None}
    assert changed["preferences"] == {"language": "de"}
    assert changed["address"] == record["address"]


def test_contacts_are_listed_in_pages(crm: Crm) -> None:
    ids = [crm.records.add({})["id"] for _ in range(5)]
    pages = [crm.call("GET", f"/api/contacts?page={page}&limit=2").json() for page in (1, 2, 3, 4)]
    assert [[contact["id"] for contact in page["contacts"]] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert {page["total"] for page in pages} == {5}


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "page=²", "limit=101", "limit=", "page=" + "9" * 99])
def test_a_page_that_cannot_be_is_refused(crm: Crm, query: str) -> None:
    assert crm.call("GET", f"/api/contacts?{query}").status_code == 422


def test_several_contacts_may_have_one_e_mail_address_and_capitals_do_not_count(crm: Crm) -> None:
    for email in ("quills@example.org", "Quills@Example.ORG", "other.quills@example.org"):
        crm.records.add({"properties": {"email": email}})
    found = crm.call("GET", "/api/contacts", params={"email": "QUILLS@example.org"}).json()
    assert found["total"] == 2


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_contact_that_is_not_there_is_a_404(crm: Crm, method: str) -> None:
    assert crm.call(method, "/api/contacts/4711", json={}).status_code == 404


def test_every_change_is_noticed_in_order_signed_and_with_a_name(crm: Crm, subscriber: Subscriber) -> None:
    id = crm.desk.create_contact({"notes": "1"}).id
    crm.desk.update_contact({"id": id, "notes": "2"})
    crm.call("PATCH", f"/api/contacts/{id}", json={"notes": "3"}, headers={"Authorization": f"Bearer {OWN_KEY}"})
    crm.desk.delete_contact(str(id))
    notices = subscriber.wait(4)
    assert [notice["event"].partition(".")[2] for notice in notices] == ["created", "updated", "updated", "deleted"]
    assert [notice["contact"].get("notes") for notice in notices] == ["1", "2", "3", None]
    assert [notice["by"] for notice in notices] == ["front desk", "front desk", "contact-sync", "front desk"]
    assert all(subscriber.signed)


def test_a_notice_that_was_not_taken_comes_again_before_the_next(crm: Crm, subscriber: Subscriber) -> None:
    subscriber.answers = [503, 429]
    crm.desk.create_contact({"notes": "first"})
    crm.desk.create_contact({"notes": "second"})
    assert [notice["contact"]["notes"] for notice in subscriber.wait(4)] == ["first", "first", "first", "second"]


@pytest.mark.parametrize("seconds", ["1", "soon", "²"])
def test_a_notice_comes_again_when_it_is_asked_to(crm: Crm, subscriber: Subscriber, seconds: str) -> None:
    subscriber.answers, subscriber.retry_after = [503], seconds
    crm.desk.create_contact({"notes": "first"})
    assert [notice["contact"]["notes"] for notice in subscriber.wait(2)] == ["first", "first"]


def test_a_notice_that_is_to_come_much_later_does_not_keep_the_crm_from_ending(
    crm: Crm, subscriber: Subscriber
) -> None:
    subscriber.answers, subscriber.retry_after = [503], "9999"
    crm.desk.create_contact({"notes": "first"})
    subscriber.wait(1)
    crm.notices.close()
    assert len(subscriber.notices) == 1


def test_a_notice_that_nobody_takes_is_given_up(crm: Crm, subscriber: Subscriber) -> None:
    subscriber.answers = [503] * 5
    crm.desk.create_contact({"notes": "first"})
    crm.desk.create_contact({"notes": "second"})
    assert [notice["contact"]["notes"] for notice in subscriber.wait(6)] == ["first"] * 5 + ["second"]


def test_a_subscriber_that_is_away_gets_its_notice_later(crm: Crm, subscriber: Subscriber) -> None:
    reserved = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    reserved.server_close()  # its port is closed now
    crm.desk.subscribe(f"http://127.0.0.1:{reserved.server_port}/", SECRET)
    crm.desk.create_contact({"notes": "first"})
    crm.desk.subscribe(subscriber.url, SECRET)
    assert subscriber.wait(1)[0]["contact"]["notes"] == "first"


def test_notices_that_are_held_are_sent_in_order_when_they_are_let_go(crm: Crm, subscriber: Subscriber) -> None:
    crm.desk.create_contact({"notes": "first"})
    subscriber.wait(1)
    crm.notices.hold()
    crm.desk.create_contact({"notes": "second"})
    crm.desk.create_contact({"notes": "third"})
    assert len(subscriber.notices) == 1
    crm.notices.let_go()
    assert [notice["contact"]["notes"] for notice in subscriber.wait(3)] == ["first", "second", "third"]


def test_calls_are_counted_by_who_makes_them(crm: Crm) -> None:
    crm.desk.create_contact({"notes": "by the staff"})
    crm.call("GET", "/api/contacts", headers={"Authorization": f"Bearer {OWN_KEY}"})
    crm.call("GET", "/api/contacts", headers={"Authorization": "Bearer wrong"})
    assert (crm.calls.count("front desk"), crm.calls.count(OWN_NAME), crm.calls.count("nobody")) == (1, 1, 0)


def test_what_is_written_is_noted_in_order_by_who_writes_it_and_nothing_else_is(crm: Crm) -> None:
    own = {"Authorization": f"Bearer {OWN_KEY}"}
    by_staff = crm.desk.create_contact({"notes": "by the staff"}).id
    id = crm.call("POST", "/api/contacts", headers=own, json={"notes": "1"}).json()["id"]
    crm.call("GET", f"/api/contacts/{id}", headers=own)
    crm.call("PATCH", f"/api/contacts/{id}", headers=own, json={"notes": 2})
    crm.call("PATCH", f"/api/contacts/{id}", headers=own, json={"notes": "2"})
    crm.call("PATCH", "/api/contacts/4711", headers=own, json={"notes": "nobody's"})
    crm.call("DELETE", f"/api/contacts/{id}", headers=own)
    crm.call("DELETE", f"/api/contacts/{id}", headers=own)
    written = [(OWN_NAME, did, str(id)) for did in ("created", "updated", "deleted")]
    assert crm.journal.entries(OWN_NAME) == written
    assert crm.journal.entries("front desk") == [("front desk", "created", str(by_staff))]


def test_while_it_is_down_everybody_is_refused_and_counted_and_nothing_is_written(crm: Crm) -> None:
    id = crm.records.add({"notes": "before"})["id"]
    crm.outage.begin()
    crm.outage.begin()
    answers = [
        crm.call("GET", "/api/contacts"),
        crm.call("PATCH", f"/api/contacts/{id}", json={"notes": "meanwhile"}),
        crm.call("DELETE", f"/api/contacts/{id}"),
        crm.call("POST", "/api/contacts", json={}, headers={"Authorization": "Bearer wrong"}),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(503, {"error": "the CRM is down"})] * 4
    assert (crm.outage.is_on, crm.outage.refused) == (True, 4)
    assert (crm.records.get(id)["notes"], crm.records.page(1, 10)[1]) == ("before", 1)
    assert (crm.journal.entries("front desk"), crm.calls.count("front desk")) == ([], 0)
    crm.outage.end()
    assert crm.call("GET", "/api/contacts").status_code == 200
    assert (crm.outage.is_on, crm.outage.refused) == (False, 4)
    crm.outage.begin()
    assert crm.outage.refused == 0


def test_nobody_is_told_any_more_after_unsubscribing(crm: Crm, subscriber: Subscriber) -> None:
    crm.desk.create_contact({"notes": "first"})
    subscriber.wait(1)
    crm.desk.unsubscribe()
    assert crm.notices.url is None
    crm.desk.create_contact({"notes": "second"})
    crm.desk.subscribe(subscriber.url, SECRET)
    crm.desk.create_contact({"notes": "third"})
    assert [notice["contact"]["notes"] for notice in subscriber.wait(2)] == ["first", "third"]


@pytest.mark.parametrize(
    "wish",
    [
        [],
        {},
        {"url": "http://127.0.0.1:1/", "secret": ""},
        {"url": "http://127.0.0.1/", "secret": "s"},
        {"url": "http://example.com:80/", "secret": "s"},
        {"url": "file:///etc/passwd", "secret": "s"},
        {"url": "http://127.0.0.1:99999/", "secret": "s"},
    ],
)
def test_notices_go_to_this_machine_alone(crm: Crm, wish: Any) -> None:
    assert crm.call("PUT", "/api/webhook", json=wish).status_code == 422
    assert crm.notices.url is None
