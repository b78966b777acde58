"""A durable delivery behind the CRM's webhooks: stored first, applied by workers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_sync import Auth, Event, Result
from contact_sync.delivery import Delivery, Seal, State
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.delivery.envelope import pack, unpack
from contact_sync.delivery.inbox import Inbox
from contact_sync.external_webhooks import ExternalEvent, ExternalRequest
from contact_sync.testing.delivery.stage import wait_until
from tests.delivery.test_through_the_webhook import settle, working
from tests.external_webhooks.helpers import (
    ANA,
    KEYS,
    QUICK,
    CrmWorld,
    crm_world,
    hubspot_event,
    hubspot_webhooks,
    slack_webhooks,
    standard_webhooks,
)
from tests.servers import Valkey
from tests.sync.helpers import INSTALLATION, MemoryPlatform, crm_with


@pytest.fixture(params=["inbox", "dramatiq"])
def delivery(request: pytest.FixtureRequest, valkey: Valkey) -> Iterator[Delivery]:
    if request.param == "inbox":
        yield request.getfixturevalue("inbox")
        return
    made = DramatiqDelivery(valkey.url, retries=QUICK, lease_seconds=1.0)
    yield made
    made.close()


def told(crm: CrmWorld, what: str = "created", id: object = "e1", **more: Any) -> str:
    """Tell of something that has to be stored. Its id."""
    result = crm.tell(what, id, **more)
    assert (result["success"], result["queued"]) == (True, True)
    return str(result["event_id"])


def test_what_a_crm_tells_is_stored_first_and_applied_by_a_worker(delivery: Delivery) -> None:
    """It is answered without asking the CRM, however slow that is."""
    crm = crm_world(delivery=delivery, secret_keys=KEYS)
    id = told(crm)
    assert crm.world.crm.calls == []
    assert crm.contacts == {}
    settle(crm.world.sync)
    assert crm.contacts == {"501": {"email": "ana@example.org", "firstname": "Ana"}}
    record = delivery.event(id)
    assert record is not None
    assert (record.side, record.name, record.contact) == ("ext", "contact_created", "e1")
    assert (record.state, record.action) == (State.APPLIED, "created")


def test_all_that_a_crm_tells_of_comes_through_the_storage(delivery: Delivery) -> None:
    crm = crm_world(delivery=delivery, secret_keys=KEYS, crm=crm_with(ANA, {"ref": "e2"}))

    def apply(what: str, id: str = "e1", **more: Any) -> str | None:
        event = told(crm, what, id, **more)
        settle(crm.world.sync)
        record = delivery.event(event)
        assert record is not None
        return record.action

    assert apply("created") == "created"
    assert apply("updated") == "unchanged"
    crm.world.crm.delete_contact("e1")
    assert apply("deleted") == "deleted"
    assert apply("updated") == "skipped"
    crm.world.crm._keep(ANA, "e1")  # out of the recycling bin
    assert apply("restored") == "created"
    assert apply("merged", into="e2") == "updated"
    assert crm.world.store.get_botmatic_id(INSTALLATION, "e2") == "502"


def test_an_id_of_the_crm_that_is_one_of_the_platform_too_is_another_contact(delivery: Delivery) -> None:
    """Each is listed with its side, and forgotten by it."""
    crm = crm_world(delivery=delivery, secret_keys=KEYS, crm=crm_with({**ANA, "ref": "7"}))
    own = crm.world.event("contact_created", {"id": 7, "firstname": "Zoe"})["data"]["event_id"]
    other = told(crm, "created", 7)
    assert {(one.id, one.side) for one in delivery.events(contact="7")} == {(own, "botmatic"), (other, "ext")}
    settle(crm.world.sync)
    assert crm.world.external_id("7") == "1"
    assert crm.world.store.get_botmatic_id(INSTALLATION, "7") == "501"
    assert crm.world.sync.forget("7", "tok-1").success
    assert [one.id for one in delivery.events()] == [own]


def test_what_waits_of_a_record_is_read_once(delivery: Delivery) -> None:
    """Whatever it tells of, and however often."""
    crm = crm_world(hubspot_webhooks(), delivery=delivery, secret_keys=KEYS)
    for what in ("creation", "propertyChange", "propertyChange"):
        assert crm.hubspot([hubspot_event(f"contact.{what}", "e1")]).status_code == 200
    settle(crm.world.sync)
    assert crm.reads == 1
    assert list(crm.contacts) == ["501"]


def test_records_that_are_told_whole_are_folded_field_by_field(inbox: Inbox) -> None:
    """One that is not told whole is read, which is newer than all of them."""

    def read(request: ExternalRequest) -> list[ExternalEvent]:
        return [ExternalEvent("updated", "e1", record) for record in request.json()]

    crm = crm_world(standard_webhooks(read=read), delivery=inbox, secret_keys=KEYS)
    crm.post([{"first_name": "A", "phone_number": "1"}, {"first_name": "B"}])
    settle(crm.world.sync)
    assert crm.contacts == {"501": {"firstname": "B", "phone": "1"}}
    assert crm.reads == 0
    crm.post([{"first_name": "C"}, None, {"first_name": "D"}])
    settle(crm.world.sync)
    assert crm.contacts["501"]["firstname"] == "Ana"
    assert crm.reads == 1


def test_many_records_are_written_with_few_calls(inbox: Inbox) -> None:
    """Where the CRM takes many at once, the worker takes many; those of both sides do not mix."""
    records = [{"ref": f"r{n}", "email_address": f"{n}@example.org"} for n in range(30)]
    crm = crm_world(hubspot_webhooks(), delivery=inbox, secret_keys=KEYS, crm=crm_with(*records, batch_size=100))
    crm.hubspot([hubspot_event("contact.creation", f"r{n}") for n in range(28)])
    crm.hubspot([hubspot_event("contact.deletion", "r28"), hubspot_event("contact.creation", "missing")])
    crm.world.event("contact_created", {"id": 7, "firstname": "Zoe"})
    settle(crm.world.sync)
    assert len(crm.contacts) == 28
    calls = crm.world.platform.calls
    assert calls.count("create_contacts") + calls.count("create_contact") < 10
    assert {one.action for one in inbox.events(limit=100)} == {"created", "skipped"}


def test_what_fails_for_now_is_tried_again_and_what_fails_for_good_is_a_dead_letter(inbox: Inbox) -> None:
    """Which can be tried again, as the CRM's. What is kept of its error holds no value of the record."""
    crm = crm_world(delivery=inbox, secret_keys=KEYS)
    crm.world.crm.fail_next(ConnectionError(), method="get_contact", times=2)
    first = told(crm)
    settle(crm.world.sync)
    assert inbox.event(first).tries == 3  # type: ignore[union-attr]
    crm.world.crm.fail_next(Result.failed("no e1 for ana@example.org"), method="get_contact")
    second = told(crm, "updated")
    settle(crm.world.sync)
    [dead] = inbox.failed()
    assert (dead.id, dead.side, dead.error) == (second, "ext", "no … for …: the record could not be read")
    assert inbox.replay(second).success
    settle(crm.world.sync)
    assert inbox.event(second).action == "unchanged"  # type: ignore[union-attr]


def test_a_deletion_that_could_not_be_confirmed_is_a_dead_letter_that_deletes_when_it_can(inbox: Inbox) -> None:
    """A key that is refused is mended by a person, who tries it again then."""
    crm = crm_world(delivery=inbox, secret_keys=KEYS)
    told(crm)
    settle(crm.world.sync)
    crm.world.crm.fail_next(Result.failed("the key is refused (HTTP 401)"), method="get_contact")
    crm.world.crm.delete_contact("e1")
    id = told(crm, "deleted")
    settle(crm.world.sync)
    assert [dead.id for dead in inbox.failed()] == [id]
    assert list(crm.contacts) == ["501"]
    assert inbox.replay(id).success
    settle(crm.world.sync)
    assert crm.contacts == {}


def test_an_error_of_the_platforms_is_kept_without_the_values_of_the_record(inbox: Inbox) -> None:
    """Though the event did not tell them, and so who keeps it does not know them."""
    crm = crm_world(delivery=inbox, secret_keys=KEYS)
    crm.world.platform.fail("create_contact", Result.failed("Ana is no first name, nor ana@example.org an address"))
    told(crm)
    settle(crm.world.sync)
    [dead] = inbox.failed()
    assert dead.error == "… is no first name, nor … an address"


def test_a_listener_hears_of_each_when_it_is_settled(inbox: Inbox) -> None:
    crm = crm_world(delivery=inbox, secret_keys=KEYS)
    heard: list[tuple[str, str | None]] = []
    crm.world.sync.on_external_event(
        "contact_.*", lambda event: heard.append((event.name, event.result and event.result.action))
    )
    crm.world.sync.on_event("contact_.*", lambda event: heard.append(("of the platform", None)))
    told(crm, "created")
    told(crm, "updated")
    assert heard == []
    settle(crm.world.sync)
    assert heard == [("contact_created", "created"), ("contact_updated", "created")]


def test_what_slack_sends_again_days_later_is_known(inbox: Inbox) -> None:
    """By the delivery, for a week: when the key store has long forgotten it."""
    crm = crm_world(slack_webhooks(), delivery=inbox, secret_keys=KEYS)
    body = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "team_join", "user": {"id": "e1"}}}
    id = crm.slack(body).get_json()["results"][0]["event_id"]
    settle(crm.world.sync)
    forgetful = crm_world(slack_webhooks(), delivery=inbox, secret_keys=KEYS, crm=crm.world.crm)
    assert forgetful.slack(body).get_json()["results"] == [
        {"success": True, "queued": True, "event_id": id, "reason": "it was delivered before"}
    ]


def test_where_nothing_can_be_stored_all_of_it_comes_again(tmp_path: Path) -> None:
    crm = crm_world(hubspot_webhooks(), delivery=f"sqlite:///{tmp_path}/nowhere/inbox.db", secret_keys=KEYS)
    assert crm.hubspot([hubspot_event("contact.creation", "e1")]).status_code == 503
    crm.world.sync.close()


def test_what_waits_lies_encrypted_and_is_erased_by_uninstalling(tmp_path: Path, inbox: Inbox) -> None:
    """The record and the token."""

    def read(request: ExternalRequest) -> list[ExternalEvent]:
        return [ExternalEvent("updated", "e1", {"first_name": "SECRET Ana"})]

    crm = crm_world(standard_webhooks(read=read), delivery=inbox, secret_keys=KEYS)
    assert crm.post({}).status_code == 200
    with sqlite3.connect(tmp_path / "inbox.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    lies = b"".join(file.read_bytes() for file in tmp_path.glob("inbox.db*"))
    assert b"SECRET" not in lies
    assert b"tok-1" not in lies
    crm.world.post({"event": "uninstall"})
    assert inbox.events() == []


def test_what_is_applied_after_uninstalling_changes_nothing(inbox: Inbox) -> None:
    """Where an event slipped in."""
    crm = crm_world(delivery=inbox, secret_keys=KEYS, auth=None)
    told(crm)
    crm.world.sync.installations.erase(INSTALLATION)
    settle(crm.world.sync)
    assert crm.contacts == {}
    assert [one.action for one in inbox.events()] == ["skipped"]


def test_it_is_written_to_the_platform_with_the_newest_token(inbox: Inbox) -> None:
    """The one that was in use when it came may be good for nothing by now."""
    platform = MemoryPlatform(["old", "new"])
    used: list[str] = []

    class Noting(MemoryPlatform):
        def create_contact(self, token: str, contact: Any) -> Result:
            used.append(token)
            return platform.create_contact(token, contact)

    crm = crm_world(
        install=False,
        platform=Noting(["old", "new"]),
        delivery=inbox,
        secret_keys=KEYS,
        auth=None,
        installation_id=lambda auth: "acme",
    )
    crm.world.post({"event": "install"}, "old")
    told(crm)
    crm.world.post({"event": "install"}, "new")
    settle(crm.world.sync)
    assert used == ["new"]


def test_a_worker_of_another_process_without_keys_speaks_with_what_came_along(tmp_path: Path) -> None:
    """As for the platform's events: then it is stored with them."""
    url = f"sqlite:///{tmp_path}/inbox.db"
    web = crm_world(delivery=url)
    told(web)
    worker = crm_world(
        install=False, delivery=url, store=web.world.store, platform=web.world.platform, crm=web.world.crm
    )
    settle(worker.world.sync)
    assert list(web.contacts) == ["501"]
    for one in (web, worker):
        one.world.sync.close()


def test_a_record_that_is_held_is_tried_again_when_it_is_settled(inbox: Inbox) -> None:
    """Its event, and not that of the contact with the same id."""
    crm = crm_world(delivery=inbox, secret_keys=KEYS, unmatched={"to_botmatic": "hold"})
    id = told(crm)
    settle(crm.world.sync)
    assert inbox.event(id).action == "held"  # type: ignore[union-attr]
    assert crm.world.sync.resolve_held("e1", "tok-1", create=True, side="ext").success
    settle(crm.world.sync)
    assert inbox.event(id).state is State.APPLIED  # type: ignore[union-attr]
    assert list(crm.contacts) == ["501"]


def test_an_envelope_keeps_the_side_and_one_of_before_is_the_platforms() -> None:
    """A release that knows of no sides must not take the CRM's for the platform's: it says that it cannot read it."""
    seal = Seal(lambda _, body: body, lambda _, body: body, lambda data: data[:16])
    event = Event("contact_updated", "event", {"id": "7"}, Auth("t"), "token:x", {"id": 7}, side="ext")
    packed = pack(event, seal)
    assert unpack("token:x", packed, seal, lambda _, token: Auth(token)) == event
    assert json.loads(packed)["v"] == 2
    before = b'{"v":1,"name":"contact_updated","data":{"at":[]},"raw":{"data":{"id":"7"}},"token":"t"}'
    opened = unpack("token:x", before, seal, lambda _, token: Auth(token))
    assert (opened.side, opened.data) == ("botmatic", {"id": "7"})
    own = Event("contact_updated", "event", {"id": "7"}, Auth("t"), "token:x", {"data": {"id": "7"}})
    assert pack(own, seal) == before


def test_a_worker_that_works_hears_of_what_comes(inbox: Inbox) -> None:
    """Without waiting for its next look."""
    crm = crm_world(delivery=inbox, secret_keys=KEYS)
    with working(crm.world.sync):
        told(crm)
        wait_until(lambda: bool(crm.contacts), "the contact to be made")
