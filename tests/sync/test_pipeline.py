"""The seven stages, and the user's middleware in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contact_sync import Change, ConfigurationError, Event, Request, Result, Stage
from tests.sync.helpers import TOKEN, World, make_world

_NOTHING: dict[str, Any] = {}

ANA = {"id": 7, "firstname": "Ana"}


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_contact_event_passes_all_seven_stages_in_order(world: World) -> None:
    passed: list[str] = []
    for stage in Stage:

        def note(*given: Any, stage: str = stage) -> Result:
            passed.append(stage)
            result: Result = given[-1]()
            return result

        world.sync.middleware(stage, note)
    world.event("contact_created", ANA)
    assert passed == ["ingest", "normalize", "categorize", "receive", "heard", "send", "format"]


def test_middleware_runs_in_order_of_registration_after_the_built_in_steps(world: World) -> None:
    seen: list[tuple[str, object]] = []

    @world.sync.middleware("receive")
    def first(event: Event, next: Any) -> Result:
        seen.append(("first", event.data))
        result: Result = next()
        seen.append(("first again", result.action))
        return result

    @world.sync.middleware("receive")
    def second(event: Event, next: Any) -> Result:
        seen.append(("second", event.data))
        result: Result = next()
        return result

    world.event("contact_created", {"contact_created": ANA})
    assert seen == [("first", ANA), ("second", ANA), ("first again", "created")]


def test_ingest_sees_the_verified_request_and_no_other(world: World) -> None:
    seen: list[Request] = []

    @world.sync.middleware("ingest")
    def look(request: Request, next: Any) -> Result:
        seen.append(request)
        result: Result = next()
        return result

    world.post({"event": "contact_created", "data": ANA}, "unknown")
    assert seen == []
    world.event("contact_created", ANA)
    assert b"contact_created" in (seen[0].body or b"")
    assert TOKEN not in repr(seen[0])


def test_ingest_may_put_another_request_in_its_place(world: World) -> None:
    @world.sync.middleware("ingest")
    def rewrite(request: Request, next: Any) -> Result:
        result: Result = next(replace(request, body=(request.body or b"").replace(b"Ana", b"Bea")))
        return result

    world.event("contact_created", ANA)
    assert world.crm.records["1"]["first_name"] == "Bea"


def test_a_request_that_ingest_made_unreadable_is_a_failed_result(world: World) -> None:
    world.sync.middleware("ingest", lambda request, next: next(replace(request, body=b"[")))
    assert world.event("contact_created", ANA)["data"] == {"success": False, "error": "the body is not JSON"}


@pytest.mark.parametrize("stage", ["ingest", "normalize", "categorize", "receive", "heard", "send"])
def test_a_result_instead_of_next_stops_the_way_with_its_reason(world: World, stage: str) -> None:
    world.sync.middleware(stage, lambda item, next: Result.skipped("not on Sundays"))
    answer = world.post({"event": "contact_created", "data": ANA})
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"data": {"success": True, "action": "skipped", "reason": "not on Sundays"}, "type": "data", "success": True},
    )
    assert world.crm.records == {}
    assert world.external_id("7") is None


def test_format_may_stop_and_may_change_the_payload_but_not_the_contact(world: World) -> None:
    seen: list[tuple[Change, dict[str, Any]]] = []

    @world.sync.middleware("format")
    def add(change: Change, payload: dict[str, Any], next: Any) -> Result:
        seen.append((change, dict(payload)))
        payload["source"] = "chatbot"
        result: Result = next()
        return result

    world.event("contact_created", ANA)
    assert world.crm.records["1"] == {"ref": "1", "first_name": "Ana", "source": "chatbot"}
    change, payload = seen[0]
    assert (change.side, change.kind, change.contact, payload) == ("ext", "create", ANA, {"first_name": "Ana"})


def test_format_may_put_another_payload_in_its_place(world: World) -> None:
    world.sync.middleware("format", lambda change, payload, next: next({"first_name": "Bea"}))
    world.event("contact_created", ANA)
    assert world.crm.records["1"]["first_name"] == "Bea"


def test_send_sees_changes_of_both_directions_before_they_have_a_shape(world: World) -> None:
    seen: list[tuple[str, str, str | None, dict[str, Any]]] = []

    @world.sync.middleware("send")
    def look(change: Change, next: Any) -> Result:
        seen.append((change.side, change.kind, change.id, dict(change.contact)))
        result: Result = next(replace(change, contact={**change.contact, "first_name": "X", "firstname": "X"}))
        return result

    world.event("contact_created", ANA)
    world.event("contact_updated", ANA | {"firstname": "Anna"})
    world.sync.create_contact({"ref": 9, "first_name": "Zoe"}, TOKEN)
    world.event("contact_deleted", {"id": 7})
    assert seen == [
        ("ext", "create", None, ANA),
        ("ext", "update", "1", ANA | {"firstname": "Anna"}),
        ("botmatic", "create", None, {"ref": 9, "first_name": "Zoe"}),
        ("ext", "delete", "1", {}),
    ]
    assert world.platform.contacts["501"] == {"firstname": "X"}


def test_categorize_may_give_an_event_another_name(world: World) -> None:
    @world.sync.middleware("categorize")
    def rename(event: Event, next: Any) -> Result:
        result: Result = next(replace(event, name="contact_created", data=event.data["lead"]))
        return result

    assert world.event("new_lead", {"lead": ANA})["data"]["action"] == "created"


@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_middleware_cannot_make_an_event_one_that_the_platform_has_to_confirm(world: World, name: str) -> None:
    world.pair("7", "1")
    world.sync.middleware("categorize", lambda event, next: next(replace(event, name=name)))
    answer = world.event("user_reply")
    assert answer["data"]["success"] is False
    assert "middleware" in answer["data"]["error"]
    assert world.external_id("7") == "1"
    assert world.sync.installations.all() == []


def test_heard_runs_for_exact_names_alone(world: World) -> None:
    heard: list[str] = []

    @world.sync.middleware("heard")
    def note(event: Event, next: Any) -> Result:
        heard.append(event.name)
        result: Result = next()
        return result

    world.sync.on_event("user_reply", lambda event: None)
    world.sync.on_event("pattern_.*", lambda event: None)
    for name in ("user_reply", "pattern_a", "nobody", "contact_created"):
        world.event(name, ANA)
    assert heard == ["user_reply", "contact_created"]


def test_calling_next_twice_does_the_work_once(world: World) -> None:
    @world.sync.middleware("receive")
    def twice(event: Event, next: Any) -> Result:
        next()
        result: Result = next()
        return result

    assert world.event("contact_created", ANA)["data"]["action"] == "created"
    assert len(world.crm.records) == 1


def test_going_on_without_giving_anything_back_is_going_on(world: World) -> None:
    def forgetful(event: Event, next: Any) -> None:
        next()

    world.sync.middleware("receive", forgetful)
    world.sync.on_event("user_reply", lambda event: "heard")
    assert world.event("contact_created", ANA)["data"]["action"] == "created"
    assert world.event("user_reply")["data"] == "heard"


def test_middleware_may_change_the_result(world: World) -> None:
    world.sync.middleware("receive", lambda event, next: next().with_(reason="looked at"))
    assert world.event("contact_created", ANA)["data"]["reason"] == "looked at"


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda event, next: None, "receive middleware <lambda> neither called next() nor returned a Result"),
        (lambda event, next: 5, "receive middleware <lambda> returned int"),
        (lambda event, next: _NOTHING["ana@example.org"], "receive middleware <lambda> raised KeyError"),
        (lambda event: None, "receive middleware <lambda> raised TypeError"),
    ],
)
def test_middleware_that_misbehaves_is_a_clear_failure(world: World, function: Any, error: str) -> None:
    world.sync.middleware("receive", function)
    answer = world.event("contact_created", ANA)["data"]
    assert answer["success"] is False
    assert answer["error"].startswith(error)
    assert world.crm.records == {}


def test_a_wrong_stage_or_function_is_refused_at_once(world: World) -> None:
    with pytest.raises(ConfigurationError, match="there is no stage 'recieve'; use one of ingest, normalize"):
        world.sync.middleware("recieve", lambda event, next: next())
    with pytest.raises(ConfigurationError, match="expected a function, got str"):
        world.sync.middleware("receive", "f")  # type: ignore[call-overload] # wrong on purpose


def test_middleware_that_changes_a_result_leaves_the_envelope_as_it_was(world: World) -> None:
    world.sync.middleware("receive", lambda event, next: next().with_(reason="looked at"))
    world.sync.on_event("user_reply", lambda event: {"text": "hi"})
    assert world.event("user_reply") == {"data": {"text": "hi"}, "type": "data", "success": True}
    assert world.event("nobody") == {
        "data": {"error": 'No event "nobody" defined'},
        "type": "data",
        "success": False,
    }
    created = world.event("contact_created", ANA)
    assert (created["success"], created["data"]["action"], created["data"]["reason"]) == (True, "created", "looked at")


@pytest.mark.parametrize("before", [True, False])
def test_middleware_that_raises_is_not_answered_as_handled(world: World, before: bool) -> None:
    @world.sync.middleware("receive")
    def broken(event: Event, next: Any) -> Result:
        if not before:
            next()
        raise LookupError

    answer = world.event("contact_created", ANA)
    assert answer["success"] is False
    assert answer["data"]["error"] == "receive middleware broken raised LookupError"
