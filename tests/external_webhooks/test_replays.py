"""Who copies a request gains nothing by it: neither by giving it another id, nor where no time is signed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync import Result
from contact_sync.delivery.inbox import Inbox
from contact_sync.external_webhooks import BearerTokens, ExternalEvent, ExternalRequest, ExternalWebhooks, HmacHeader
from key_stores import open_key_store
from tests.delivery.test_through_the_webhook import settle
from tests.external_webhooks.helpers import (
    ANA,
    HMAC_SECRET,
    KEYS,
    CrmWorld,
    crm_world,
    encoded,
    hubspot_event,
    hubspot_headers,
    hubspot_webhooks,
    whole,
    with_a_time,
)
from tests.external_webhooks.signing import Headers, sha256
from tests.servers import Valkey

WAS_RECEIVED = "it was received before"


def ana(name: str) -> dict[str, str]:
    """Ana's record with another first name."""
    return {**ANA, "first_name": name}


def timed_headers(body: object, at: float, id: str) -> Headers:
    signature = sha256(HMAC_SECRET.encode(), f"{at:.0f}.".encode() + encoded(body)).hex()
    return {"X-Signature": signature, "X-Timestamp": f"{at:.0f}", "X-Delivery-Id": id}


def plain_headers(body: object, **more: str) -> Headers:
    return {"X-Signature": sha256(HMAC_SECRET.encode(), encoded(body)).hex(), **more}


def said(crm: CrmWorld, body: object, headers: Headers) -> str:
    """Send a request, and say what came of its one event: why nothing was done, or what was."""
    answer = crm.send(encoded(body), headers)
    assert answer.status_code == 200, answer.get_json()
    [result] = answer.get_json()["results"]
    return str(result.get("reason") or result["action"])


# Where a time is signed


def test_a_copy_under_another_id_is_known_by_what_is_signed() -> None:
    """So the newer value stays; and the id that it was given is still free for whose it is."""
    crm = crm_world(with_a_time(), late_seconds=0)
    now = time.time()
    assert said(crm, ana("Old"), timed_headers(ana("Old"), now, "1")) == "created"
    assert said(crm, ana("New"), timed_headers(ana("New"), now, "2")) == "updated"
    for id in ("1", "3", ""):
        assert said(crm, ana("Old"), timed_headers(ana("Old"), now, id)) == WAS_RECEIVED
    assert crm.contacts["501"]["firstname"] == "New"
    assert said(crm, ana("Newer"), timed_headers(ana("Newer"), now, "3")) == "updated"


def test_a_copy_of_hubspots_request_is_known_whatever_id_it_is_given() -> None:
    crm = crm_world(hubspot_webhooks(delivery_id="header:X-Request-Id"))
    events = [hubspot_event("contact.creation", "e1")]
    headers = hubspot_headers(events)
    assert said(crm, events, headers | {"X-Request-Id": "1"}) == "created"
    assert said(crm, events, headers | {"X-Request-Id": "2"}) == WAS_RECEIVED
    assert said(crm, events, headers) == WAS_RECEIVED


def test_what_is_sent_again_with_a_new_time_is_known_by_its_id() -> None:
    """And a copy of that is known as well, under whatever id."""
    crm = crm_world(with_a_time(), late_seconds=0)
    now = time.time()
    assert said(crm, ana("Old"), timed_headers(ana("Old"), now - 60, "1")) == "created"
    assert said(crm, ana("New"), timed_headers(ana("New"), now, "2")) == "updated"
    again = timed_headers(ana("Old"), now, "1")
    assert said(crm, ana("Old"), again) == WAS_RECEIVED
    assert said(crm, ana("Old"), again | {"X-Delivery-Id": "3"}) == WAS_RECEIVED
    assert crm.contacts["501"]["firstname"] == "New"


def test_what_failed_for_now_is_remembered_under_neither_name() -> None:
    crm = crm_world(with_a_time())
    headers = timed_headers(ANA, time.time(), "1")
    crm.world.platform.fail("create_contact", Result.failed("busy", retryable=True))
    assert crm.send(encoded(ANA), headers).status_code == 503
    assert said(crm, ANA, headers) == "created"
    assert said(crm, ANA, headers) == WAS_RECEIVED


def test_copies_under_other_ids_at_two_processes_are_worked_on_once(valkey: Valkey) -> None:
    """On one Redis-protocol store, all at once; those that come meanwhile are told to come again."""
    store = open_key_store(valkey.url)
    crm_world(with_a_time(), store=store, secret_keys=KEYS)
    store.close()
    headers = timed_headers(ANA, time.time(), "0")
    command = [sys.executable, "-m", "tests.external_webhooks.replaying", valkey.url, json.dumps(headers)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([*command, str(number)], **pipes) for number in range(2)]
    try:
        assert [process.stdout.readline() for process in both if process.stdout] == ["ready\n"] * 2
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        reports = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    finally:
        for process in both:
            process.kill()
            process.wait(20)
    results = [result for report in reports for result in report["results"]]
    assert sorted(set(results)) == ["created", WAS_RECEIVED]
    assert results.count("created") == 1
    assert sum(report["contacts"] for report in reports) == 1


# Where none is


UNTIMED: list[tuple[ExternalWebhooks, Callable[[object], Headers]]] = [
    (ExternalWebhooks(HmacHeader(HMAC_SECRET, header="X-Signature"), read=whole), plain_headers),
    (
        ExternalWebhooks(BearerTokens("a-token-that-is-long-enough"), read=whole),
        lambda body: {"Authorization": "Bearer a-token-that-is-long-enough"},
    ),
    (ExternalWebhooks(allow_unsigned=True, read=whole), lambda body: {}),
]


@pytest.mark.parametrize(("webhooks", "sign"), UNTIMED, ids=["hmac", "bearer", "unsigned"])
def test_what_may_be_a_copy_is_read_and_so_brings_no_old_value_back(
    webhooks: ExternalWebhooks, sign: Callable[[object], Headers]
) -> None:
    """What it gives along is not taken. Nothing is lost: each edit is there when it is told of, also X, Y and X again,
    whose requests look alike."""
    crm = crm_world(webhooks, late_seconds=0)
    for name in ("X", "Y", "X"):
        crm.world.crm.update_contact(ana(name))
        assert said(crm, ana(name), sign(ana(name))) in ("created", "updated")
        assert crm.contacts["501"]["firstname"] == name
    assert said(crm, ana("Y"), sign(ana("Y"))) == "unchanged"
    assert crm.contacts["501"]["firstname"] == "X"


def test_it_is_read_by_the_worker_of_a_durable_delivery_too(inbox: Inbox) -> None:
    webhooks, sign = UNTIMED[0]
    crm = crm_world(webhooks, delivery=inbox, secret_keys=KEYS)
    assert crm.send(encoded(ana("Old")), sign(ana("Old"))).get_json()["results"][0]["queued"] is True
    settle(crm.world.sync)
    assert crm.contacts["501"]["firstname"] == "Ana"


def test_a_copy_cannot_take_the_id_of_what_is_still_to_come() -> None:
    """Where neither time nor id is signed, an id is one together with the body."""
    scheme = HmacHeader(HMAC_SECRET, header="X-Signature", id_header="X-Delivery-Id")
    crm = crm_world(ExternalWebhooks(scheme, read=whole))
    assert said(crm, ana("Old"), plain_headers(ana("Old"), **{"X-Delivery-Id": "1"})) == "created"
    assert said(crm, ana("Old"), plain_headers(ana("Old"), **{"X-Delivery-Id": "1"})) == WAS_RECEIVED
    assert said(crm, ana("Old"), plain_headers(ana("Old"), **{"X-Delivery-Id": "2"})) == "unchanged"
    crm.world.crm.update_contact(ana("New"))
    assert said(crm, ana("New"), plain_headers(ana("New"), **{"X-Delivery-Id": "2"})) == "updated"


def test_a_copy_of_the_news_of_a_deletion_deletes_nothing_that_is_there() -> None:
    def read(request: ExternalRequest) -> list[ExternalEvent]:
        return [ExternalEvent(request.json()["kind"], "e1")]

    crm = crm_world(ExternalWebhooks(HmacHeader(HMAC_SECRET, header="X-Signature"), read=read))
    created, deleted = {"kind": "created"}, {"kind": "deleted"}
    said(crm, created, plain_headers(created))
    crm.world.crm.delete_contact("e1")
    assert said(crm, deleted, plain_headers(deleted)) == "deleted"
    crm.world.crm._keep(ANA, "e1")  # out of the recycling bin
    restored = {"kind": "restored"}
    assert said(crm, restored, plain_headers(restored)) == "created"
    assert "the record is there" in said(crm, deleted, plain_headers(deleted))
    assert list(crm.contacts) == ["502"]
