"""What was received before: copies are known, also those that come meanwhile, at another process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import Result
from contact_sync.external_webhooks import (
    BearerTokens,
    ExternalWebhooks,
)
from contact_sync.testing.delivery.stage import wait_until
from key_stores import open_key_store
from tests.external_webhooks.helpers import (
    ANA,
    CREATED,
    KEYS,
    UPDATED,
    CrmWorld,
    crm_world,
    encoded,
    hubspot_event,
    hubspot_webhooks,
    slack_webhooks,
    standard_webhooks,
)
from tests.servers import Valkey
from tests.sync.helpers import MemoryPlatform, crm_with


def test_a_copy_of_a_request_is_refused_by_its_id(crm: CrmWorld) -> None:
    """It is answered as done, since a sender repeats what it does not know to have arrived."""
    assert crm.post(CREATED, id="m1").get_json()["results"][0]["action"] == "created"
    crm.world.crm.update_contact({"ref": "e1", "first_name": "Bea"})
    again = crm.post(CREATED, id="m1", at=time.time() + 5)
    assert again.status_code == 200
    assert again.get_json() == {
        "success": True,
        "results": [{"success": True, "action": "skipped", "reason": "it was received before"}],
    }
    assert crm.contacts["501"]["firstname"] == "Ana"
    assert crm.post(CREATED, id="m2").get_json()["results"][0]["action"] == "updated"


def test_a_copy_of_hubspots_request_is_refused_by_its_signature() -> None:
    """HubSpot's own ids of events are not unique; what it sends again is signed anew."""
    crm = crm_world(hubspot_webhooks())
    events = [hubspot_event("contact.creation", "e1")]
    now = time.time()
    first, copy, later = crm.hubspot(events, at=now), crm.hubspot(events, at=now), crm.hubspot(events, at=now + 1)
    actions = [answer.get_json()["results"][0].get("reason", "") for answer in (first, copy, later)]
    assert actions == ["", "it was received before", ""]


def test_what_slack_sends_again_is_known_by_the_events_id() -> None:
    crm = crm_world(slack_webhooks())
    body = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "team_join", "user": {"id": "e1"}}}
    assert crm.slack(body).get_json()["results"][0]["action"] == "created"
    assert crm.slack(body, at=time.time() + 60).get_json()["results"][0]["action"] == "skipped"


def test_an_id_that_is_not_signed_tells_what_is_sent_again() -> None:
    """Where the scheme has none, the user says where it is."""
    scheme = BearerTokens("a-token-that-is-long-enough")
    crm = crm_world(ExternalWebhooks(scheme, delivery_id="header:X-Delivery"))
    headers = {"Authorization": "Bearer a-token-that-is-long-enough"}

    def send(**more: str) -> Any:
        return crm.send(encoded(UPDATED), headers | more).get_json()["results"][0]["action"]

    assert [send(**{"X-Delivery": id}) for id in ("d1", "d1", "d2")] == ["created", "skipped", "unchanged"]
    assert [send(), send()] == ["unchanged", "unchanged"]


def test_two_paths_have_ids_of_their_own() -> None:
    crm = crm_world({"/a": standard_webhooks(), "/b": standard_webhooks()})
    answers = [
        crm.post(UPDATED, id="m1", path=path).get_json()["results"][0] for path in ("/crm/a", "/crm/b", "/crm/a")
    ]
    assert [answer["action"] for answer in answers] == ["created", "unchanged", "skipped"]


def test_what_failed_for_now_is_worked_on_when_it_comes_again(crm: CrmWorld) -> None:
    """With the same id; what failed for good is not."""
    crm.world.crm.fail_next(Result.failed("busy", retryable=True, retry_after=3), method="get_contact")
    first = crm.post(CREATED, id="m1")
    assert (first.status_code, first.headers["Retry-After"]) == (503, "3")
    assert crm.post(CREATED, id="m1").get_json()["results"][0]["action"] == "created"
    assert crm.post(CREATED, id="m1").get_json()["results"][0]["action"] == "skipped"
    crm.world.crm.update_contact({"ref": "e1", "first_name": "Bea"})
    crm.world.platform.fail("update_contact", Result.failed("no such field"))
    failed = crm.post(UPDATED, id="m3")
    assert (failed.status_code, failed.get_json()["success"]) == (200, False)
    assert crm.post(UPDATED, id="m3").get_json()["results"][0]["action"] == "skipped"


@pytest.fixture
def two(valkey: Valkey) -> Iterator[list[CrmWorld]]:
    """Two processes' syncs on one Redis-protocol store, of which the first was installed."""
    platform, records = MemoryPlatform(), crm_with(ANA)
    stores = [open_key_store(valkey.url) for _ in range(2)]
    yield [
        crm_world(install=not number, store=store, platform=platform, crm=records, secret_keys=KEYS)
        for number, store in enumerate(stores)
    ]
    for store in stores:
        store.close()


def test_a_copy_that_comes_meanwhile_is_told_to_come_again(two: list[CrmWorld]) -> None:
    """Also at another process; when the first is done, it is known there too."""
    reached, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        reached.set()
        assert go_on.wait(20)

    two[0].world.crm.before("get_contact", wait)
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(two[0].post(CREATED, id="m1").status_code))
    first.start()
    assert reached.wait(20)
    copies = [one.post(CREATED, id="m1") for one in two]
    assert [copy.status_code for copy in copies] == [503, 503]
    assert all(int(copy.headers["Retry-After"]) >= 1 for copy in copies)
    assert [copy.get_json()["results"][0]["error"] for copy in copies] == ["it is being worked on; come again"] * 2
    go_on.set()
    first.join(20)
    assert statuses == [200]
    assert [one.post(CREATED, id="m1").get_json()["results"][0]["action"] for one in two] == ["skipped", "skipped"]
    assert list(two[0].contacts) == ["501"]


def test_of_many_copies_at_once_one_is_worked_on(two: list[CrmWorld]) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda one=one: statuses.append(one.post(CREATED, id="m1").status_code))
        for one in two * 8
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 200 in statuses
    assert set(statuses) <= {200, 503}
    assert two[0].reads == 1
    wait_until(lambda: two[1].post(CREATED, id="m1").status_code == 200, "the copy to be known")


def test_where_the_store_is_away_it_comes_again(private_valkey: Valkey) -> None:
    """It cannot be told whether it was received before."""
    store = open_key_store(private_valkey.url)
    crm = crm_world(store=store)
    private_valkey.stop()
    assert crm.post(CREATED).status_code == 503
    assert crm.contacts == {}
    store.close()
