"""What a CRM tells of, and what the platform has then: through the same engine as everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contact_sync import ConfigurationError, Event, Result, Stage, mark
from contact_sync.external_webhooks import ExternalEvent, ExternalRequest
from tests.external_webhooks.helpers import (
    ANA,
    CrmWorld,
    crm_world,
    hubspot_event,
    hubspot_webhooks,
    paired,
    standard_webhooks,
)
from tests.sync.helpers import INSTALLATION, TOKEN, crm_with


def whole(request: ExternalRequest) -> list[ExternalEvent]:
    """A reader of a CRM that tells what its records hold."""
    return [ExternalEvent(one["kind"], one["id"], one.get("record"), one.get("into")) for one in request.json()]


@pytest.mark.parametrize("what", ["created", "updated"])
def test_a_record_that_is_not_known_gets_a_contact(crm: CrmWorld, what: str) -> None:
    """Also where the news of its change comes first."""
    assert crm.tell(what) == {"success": True, "id": "501", "action": "created"}
    assert crm.contacts == {"501": {"email": "ana@example.org", "firstname": "Ana"}}
    assert paired(crm) == "501"


def test_what_has_changed_in_the_crm_changes_on_the_platform(crm: CrmWorld) -> None:
    crm.tell("created")
    crm.world.crm.update_contact({"ref": "e1", "first_name": "Bea"})
    assert crm.tell("updated")["action"] == "updated"
    assert crm.contacts["501"]["firstname"] == "Bea"


def test_what_is_told_again_or_late_changes_nothing(crm: CrmWorld) -> None:
    """The record is read, so it counts what it holds now."""
    crm.tell("created")
    for what in ("updated", "created", "updated"):
        assert crm.tell(what)["action"] == "unchanged"
    assert crm.world.platform.calls.count("create_contact") == 1
    assert "update_contact" not in crm.world.platform.calls


def test_what_the_sync_has_written_comes_back_as_an_echo(crm: CrmWorld) -> None:
    """Both ways, again and again: each edit is written once."""
    crm.contacts["7"] = {"email": "zoe@example.org", "firstname": "Zoe"}
    crm.world.event("contact_created", {"id": 7, **crm.contacts["7"]})
    assert crm.world.external_id("7") == "1"
    assert crm.tell("created", "1")["action"] == "unchanged"
    crm.world.event("contact_updated", {"id": 7, "firstname": "Zoé"})
    assert crm.tell("updated", "1")["action"] == "unchanged"
    crm.world.crm.update_contact({"ref": "1", "first_name": "Zora"})
    assert crm.tell("updated", "1") == {"success": True, "id": "7", "action": "updated"}
    assert crm.world.event("contact_updated", {"id": 7, "firstname": "Zora"})["data"]["action"] == "unchanged"
    assert [call.method for call in crm.world.crm.calls if call.method.startswith("create")] == ["create_contact"]
    assert crm.world.platform.calls.count("update_contact") == 1


def test_a_record_that_is_deleted_takes_its_contact_with_it(crm: CrmWorld) -> None:
    """Told once more, it is known; news of it that come late do not bring it back."""
    crm.tell("created")
    assert crm.delete() == {"success": True, "id": "501", "action": "deleted"}
    assert crm.contacts == {}
    assert crm.tell("deleted")["action"] == "skipped"
    assert crm.tell("updated")["action"] == "skipped"
    assert crm.contacts == {}


def test_a_change_of_a_record_that_is_gone_is_no_delete(crm: CrmWorld) -> None:
    """That is told of by itself."""
    crm.tell("created")
    crm.world.crm.delete_contact("e1")
    assert crm.tell("updated") == {
        "success": True,
        "action": "skipped",
        "reason": "the record is not there; if it was deleted, that is told of by itself",
    }
    assert list(crm.contacts) == ["501"]
    assert crm.tell("deleted")["action"] == "deleted"


def test_a_record_that_is_restored_gets_a_contact_again(crm: CrmWorld) -> None:
    """Though one that is only told of late does not. Once it is there, a restoration is a change like any other."""
    crm.tell("created")
    crm.delete()
    assert crm.tell("updated")["action"] == "skipped"
    assert crm.restore()["action"] == "created"
    assert crm.contacts == {"502": {"email": "ana@example.org", "firstname": "Ana"}}
    assert crm.tell("restored")["action"] == "unchanged"
    crm.world.crm.delete_contact("e1")
    assert crm.tell("restored")["action"] == "skipped"


def test_a_contact_that_was_kept_when_its_record_was_deleted_gets_no_twin() -> None:
    """It is marked, and stays apart."""
    crm = crm_world(deletes=mark(firstname="gone"))
    crm.tell("created")
    crm.delete()
    assert crm.restore()["action"] == "skipped"
    assert list(crm.contacts) == ["501"]


@pytest.mark.parametrize("id", ["", None, {"a": 1}, [1], True, 1.5])
def test_an_id_that_is_none_is_a_failure_of_that_event_alone(crm: CrmWorld, id: Any) -> None:
    for what in ("created", "updated", "deleted", "merged", "restored"):
        assert "no usable id" in crm.tell(what, id)["error"]


@pytest.mark.parametrize("id", [0, 7, "x" * 10_000, "../..", "a:b{c}*", "é\n", "\x00"])
def test_an_id_may_be_anything_that_is_one(id: object) -> None:
    crm = crm_world(crm=crm_with({**ANA, "ref": str(id)}))
    assert crm.tell("created", id)["action"] == "created"
    assert crm.delete(id)["action"] == "deleted"


def test_a_record_that_is_told_whole_is_not_read() -> None:
    """Unless the sync has written there not long ago: then it may be older than that, and is checked."""
    crm = crm_world(standard_webhooks(read=whole))
    answer = crm.post([{"kind": "created", "id": "e9", "record": {"first_name": "Eva", "email_address": "e@x.org"}}])
    assert answer.get_json()["results"] == [{"success": True, "id": "501", "action": "created"}]
    crm.post([{"kind": "updated", "id": "e9", "record": {"first_name": "Eve"}}])
    assert crm.contacts == {"501": {"email": "e@x.org", "firstname": "Eve"}}
    assert crm.reads == 0


def test_several_changes_of_a_record_in_one_request_are_one() -> None:
    """It is read once, and its contact written once; what ends it stands where it stood."""
    crm = crm_world(hubspot_webhooks())
    events = [hubspot_event("contact.creation", "e1")]
    events += [hubspot_event("contact.propertyChange", "e1", propertyName=f"p{n}") for n in range(20)]
    answer = crm.hubspot(events).get_json()
    assert answer == {"success": True, "results": [{"success": True, "id": "501", "action": "created"}]}
    assert crm.reads == 1
    crm.world.crm.delete_contact("e1")
    events = [hubspot_event(f"contact.{what}", "e1") for what in ("propertyChange", "deletion", "propertyChange")]
    answer = crm.hubspot(events).get_json()
    assert [result["action"] for result in answer["results"]] == ["skipped", "deleted", "skipped"]


def test_of_many_records_each_is_read_once() -> None:
    records = [{"ref": f"r{n}", "email_address": f"{n}@example.org"} for n in range(100)]
    crm = crm_world(hubspot_webhooks(), crm=crm_with(*records))
    answer = crm.hubspot([hubspot_event("object.creation", f"r{n}", objectTypeId="0-1") for n in range(100)])
    assert [result["action"] for result in answer.get_json()["results"]] == ["created"] * 100
    assert len(crm.contacts) == crm.reads == 100


# What the user's own code sees


def test_a_listener_on_the_crms_events_hears_what_came_of_them(crm: CrmWorld) -> None:
    """The platform's have listeners of their own."""
    heard: list[Event] = []
    crm.world.sync.on_event("contact_.*", heard.append)
    assert crm.tell("updated")["action"] == "created"
    assert heard == []
    crm.world.sync.on_external_event("contact_updated", heard.append)
    crm.world.crm.update_contact({"ref": "e1", "first_name": "Bea"})
    crm.tell("updated", more="of it")
    [event] = heard
    assert (event.side, event.name, event.data) == ("ext", "contact_updated", {"id": "e1"})
    assert (event.installation, event.auth.token) == (INSTALLATION, TOKEN)
    assert event.raw == {"type": "contact.updated", "data": {"id": "e1", "more": "of it"}}
    assert event.result == Result.ok("501", action="updated")
    crm.world.event("contact_updated", {"id": 501, "firstname": "Cleo"})
    assert [event.side for event in heard] == ["ext", "botmatic"]


def test_a_listener_hears_of_what_failed_for_good_and_not_of_what_comes_again(crm: CrmWorld) -> None:
    heard: list[Result | None] = []
    crm.world.sync.on_external_event("contact_.*", lambda event: heard.append(event.result))
    crm.world.crm.fail_next(Result.failed("busy", retryable=True), method="get_contact")
    body = {"type": "contact.updated", "data": {"id": "e1"}}
    assert crm.post(body).status_code == 503
    assert heard == []
    crm.world.crm.fail_next(Result.failed("the key is refused"), method="get_contact")
    assert crm.post(body).status_code == 503
    assert heard == []
    crm.world.platform.fail("create_contact", Result.failed("no"))
    assert crm.post(body).status_code == 200
    assert [result.error for result in heard if result is not None] == ["no"]


def test_a_listener_that_raises_changes_nothing(crm: CrmWorld) -> None:
    @crm.world.sync.on_external_event("contact_created")
    def listen(event: Event) -> None:
        raise RuntimeError

    assert crm.tell("created")["action"] == "created"


def test_a_listener_is_registered_as_a_call_or_a_decorator_and_checked(crm: CrmWorld) -> None:
    with pytest.raises(ConfigurationError, match="on_external_event"):
        crm.world.sync.on_external_event("contact_updated", 5)  # type: ignore[call-overload]  # on purpose


def test_the_crms_events_pass_the_stages_that_the_platforms_do(crm: CrmWorld) -> None:
    """Middleware tells the two apart by their side."""
    seen: list[tuple[str, str]] = []
    for stage in (Stage.NORMALIZE, Stage.CATEGORIZE, Stage.RECEIVE, Stage.HEARD):

        def see(event: Event, next: Callable[..., Result], stage: str = stage) -> Result:
            seen.append((stage, event.side))
            return next()

        crm.world.sync.middleware(stage, see)

    @crm.world.sync.middleware("ingest")
    def look(request: object, next: Callable[..., Result]) -> Result:
        seen.append(("ingest", type(request).__name__))
        return next()

    crm.tell("created")
    assert seen == [
        ("ingest", "ExternalRequest"),
        *((stage, "ext") for stage in ("normalize", "categorize", "receive", "heard")),
    ]


def test_middleware_stops_an_event_or_changes_it(crm: CrmWorld) -> None:
    @crm.world.sync.middleware("receive")
    def receive(event: Event, next: Callable[..., Result]) -> Result:
        if event.data["id"] == "e1":
            return Result.skipped("not this one")
        return next(replace(event, data={"id": "e1", "contact": {"first_name": "Told"}}))

    assert crm.tell("created")["reason"] == "not this one"
    assert crm.tell("created", "another")["action"] == "created"
    assert crm.contacts == {"501": {"firstname": "Told"}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"side": "botmatic"}, "may not"),
        ({"name": "user_reply"}, "none of"),
        ({"name": "install"}, "none of"),
        ({"data": None}, "no usable id"),
        ({"data": []}, "no usable id"),
        ({"data": "x"}, "no usable id"),
    ],
)
def test_middleware_cannot_make_anything_else_of_it(crm: CrmWorld, change: dict[str, Any], said: str) -> None:
    @crm.world.sync.middleware("normalize")
    def alter(event: Event, next: Callable[..., Result]) -> Result:
        return next(replace(event, **change))

    assert said in crm.tell("created")["error"]
    assert crm.contacts == {}


def test_an_event_of_the_platform_cannot_be_made_one_of_the_crm(crm: CrmWorld) -> None:
    @crm.world.sync.middleware("normalize")
    def alter(event: Event, next: Callable[..., Result]) -> Result:
        return next(replace(event, side="ext"))

    assert "may not" in crm.world.event("contact_deleted", {"id": "e1"})["data"]["error"]


def test_a_request_is_stopped_before_anything_is_read_of_it(crm: CrmWorld) -> None:
    """Its result says how it is answered."""
    results = [Result.skipped("closed"), Result.failed("no"), Result.failed("later", retryable=True, retry_after=7)]

    @crm.world.sync.middleware("ingest")
    def stop(request: object, next: Callable[..., Result]) -> Result:
        return results.pop(0)

    answers = [crm.post({"type": "contact.created", "data": {"id": "e1"}}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert [answer.get_json()["success"] for answer in answers] == [True, False, False]
    assert answers[2].headers["Retry-After"] == "7"
    assert crm.contacts == {}


def test_a_request_can_be_mended_before_it_is_read(crm: CrmWorld) -> None:
    @crm.world.sync.middleware("ingest")
    def mend(request: ExternalRequest, next: Callable[..., Result]) -> Result:
        return next(replace(request, body=(request.body or b"").replace(b"person", b"contact")))

    answer = crm.post({"type": "person.created", "data": {"id": "e1"}})
    assert answer.get_json()["results"][0]["action"] == "created"
