"""Listeners: their envelopes through middleware, and whatever else they may be or return."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, cast

import pytest

from contact_sync import ConfigurationError, Event, Request, Result
from tests.sync.helpers import World, make_world

ANA = {"id": 7, "firstname": "Ana"}


def refusal(error: str) -> dict[str, Any]:
    return {"success": False, "type": "data", "data": {"error": error}}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        (None, {"data": None, "type": "data", "success": True}),
        (0, {"data": 0, "type": "data", "success": True}),
        ({"data": [1], "type": "options"}, {"data": [1], "type": "options", "success": True}),
        ({"data": {"success": False}, "type": "data"}, {"data": {"success": False}, "type": "data", "success": True}),
        ({"data": 1}, {"data": {"data": 1}, "type": "data", "success": True}),
        (Result.ok(5), {"data": {"success": True, "id": "5"}, "type": "data", "success": True}),
        (Result.failed("no"), {"data": {"success": False, "error": "no"}, "type": "data", "success": True}),
    ],
)
def test_what_a_listener_returns_becomes_the_envelope(world: World, returned: object, body: dict[str, Any]) -> None:
    world.sync.on_action("act", lambda event: returned)
    answer = world.post({"action": "act"})
    assert (answer.status_code, answer.get_json()) == (200, body)


@pytest.mark.parametrize("code", [None, 0, 404, "ana@example.org"])
def test_a_listener_that_ends_its_program_ends_only_itself(world: World, code: str | int | None) -> None:
    world.sync.on_action("act", lambda event: sys.exit(code))
    answer = world.post({"action": "act"})
    assert (answer.status_code, answer.get_json()) == (200, refusal("the listener for 'act' failed"))


def test_ctrl_c_in_a_listener_is_no_failure_of_the_listener(world: World) -> None:
    def interrupted(event: Event) -> None:
        raise KeyboardInterrupt

    world.sync.on_action("act", interrupted)
    with pytest.raises(KeyboardInterrupt):
        world.post({"action": "act"})


def test_a_listener_that_raises_is_answered_without_internals(world: World) -> None:
    def broken(event: Event) -> None:
        raise KeyError("ana@example.org")

    world.sync.on_action("act", broken)
    answer = world.post({"action": "act"})
    assert (answer.status_code, answer.get_json()) == (200, refusal("the listener for 'act' failed"))


@pytest.mark.parametrize("nonsense", [object(), {1, 2}, {"a": float("nan")}, Result.ok(contact={"a": object()})])
def test_a_listener_that_returns_what_json_cannot_carry_is_a_clear_failure(world: World, nonsense: object) -> None:
    world.sync.on_action("act", lambda event: nonsense)
    assert world.post({"action": "act"}).get_json() == refusal(
        "the listener for 'act' returned something that JSON cannot carry"
    )


def test_the_exact_name_wins_and_then_patterns_in_order_of_registration(world: World) -> None:
    world.sync.on_event("user_.*", lambda event: "first pattern")
    world.sync.on_event("user_r.*", lambda event: "second pattern")
    world.sync.on_event("user_reply", lambda event: "exact")
    assert world.event("user_reply")["data"] == "exact"
    assert world.event("user_rest")["data"] == "first pattern"
    assert world.event("other_user_reply")["data"] == {"error": 'No event "other_user_reply" defined'}


def test_a_listener_on_a_contact_event_runs_afterwards_and_its_answer_is_ignored(world: World) -> None:
    seen: list[Event] = []

    @world.sync.on_event(world.sync.events.CONTACT_CREATED)
    def created(event: Event) -> dict[str, bool]:
        seen.append(event)
        return {"success": False}

    answer = world.event("contact_created", {"contact_created": {"id": 7, "firstname": "Ana"}})
    assert answer == {"data": {"success": True, "id": "1", "action": "created"}, "type": "data", "success": True}
    assert seen[0].data == {"id": 7, "firstname": "Ana"}
    assert seen[0].result == Result.ok("1", action="created")


def test_a_listener_on_a_contact_event_that_raises_does_not_hide_what_was_synced(world: World) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("secret")

    world.sync.on_event("contact_created", broken)
    answer = world.event("contact_created", {"id": 7, "firstname": "Ana"})
    assert answer["success"] is False
    assert answer["data"] == {
        "success": True,
        "id": "1",
        "action": "created",
        "error": "the listener for 'contact_created' failed",
    }


ANSWERS: list[tuple[object, dict[str, Any]]] = [
    ({"text": "hello"}, {"data": {"text": "hello"}, "type": "data", "success": True}),
    (None, {"data": None, "type": "data", "success": True}),
    ({"data": [1], "type": "options"}, {"data": [1], "type": "options", "success": True}),
    (Result.ok(5), {"data": {"success": True, "id": "5"}, "type": "data", "success": True}),
    (Result.failed("no"), {"data": {"success": False, "error": "no"}, "type": "data", "success": True}),
]


@pytest.mark.parametrize("stage", ["ingest", "normalize", "categorize", "receive", "heard"])
@pytest.mark.parametrize(("returned", "body"), ANSWERS)
def test_what_a_listener_answers_gets_through_middleware_as_it_is(
    world: World, stage: str, returned: object, body: dict[str, Any]
) -> None:
    for _ in range(2):
        world.sync.middleware(stage, lambda item, next: next())
    world.sync.on_action("act", lambda event: returned)
    assert world.post({"action": "act"}).get_json() == body


def test_that_nobody_listens_gets_through_middleware_too(world: World) -> None:
    world.sync.middleware("receive", lambda event, next: next())
    assert world.event("nobody") == {"data": {"error": 'No event "nobody" defined'}, "type": "data", "success": False}


def test_a_listener_that_raises_is_a_failure_through_middleware_too(world: World) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError

    world.sync.middleware("receive", lambda event, next: next())
    world.sync.on_event("act", broken)
    assert world.event("act") == {"data": {"error": "the listener for 'act' failed"}, "type": "data", "success": False}


def test_what_else_is_in_a_listeners_envelope_stays_there_and_success_says_that_it_was_handled(world: World) -> None:
    world.sync.on_event("act", lambda event: {"data": 1, "type": "data", "delay": 5, "success": False})
    assert world.event("act") == {"data": 1, "type": "data", "delay": 5, "success": True}


def test_an_install_listener_whose_envelope_says_failure_refuses_the_installation(world: World) -> None:
    world.sync.on_install(lambda event: {"data": {"why": "no plan"}, "type": "data", "success": False})
    assert world.event("install")["data"] == {"why": "no plan"}
    assert world.sync.installations.all() == []


@pytest.mark.parametrize("returned", [object(), {1, 2}, float("nan"), Result.failed("no"), {"success": False}])
def test_what_a_listener_on_a_contact_event_returns_is_ignored_whatever_it_is(world: World, returned: object) -> None:
    world.sync.on_event("contact_created", lambda event: returned)
    assert world.event("contact_created", ANA) == {
        "data": {"success": True, "id": "1", "action": "created"},
        "type": "data",
        "success": True,
    }


def test_a_listener_on_a_contact_event_hears_of_failures_once_they_are_settled(world: World) -> None:
    heard: list[Any] = []
    world.sync.on_event("contact_created", lambda event: heard.append(event.result))
    world.crm.fail_next(Result.failed("busy", retryable=True), method="create_contact")
    assert world.post({"event": "contact_created", "data": ANA}).status_code == 503
    assert heard == []
    world.crm.fail_next(Result.failed("no"), method="create_contact")
    world.event("contact_created", ANA)
    assert heard == [Result.failed("no")]


def test_a_pattern_listens_to_contact_events_and_installations_too(world: World) -> None:
    heard: list[str] = []
    world.sync.on_event("contact_.*|install", lambda event: heard.append(event.name))
    for name in ("install", "contact_created", "contact_deleted", "uninstall"):
        world.event(name, ANA)
    assert heard == ["install", "contact_created", "contact_deleted"]


@pytest.mark.parametrize(
    ("given", "retry_after"),
    [
        (Result.failed("later", retryable=True, retry_after=7), "7"),
        ({"success": False, "error": "later", "retryable": True}, "5"),
        (Result(success=False, error="later", retryable=True, retry_after=cast(Any, "soon")), "5"),
        (Result(success=False, error="later", retryable=True, retry_after=-5.0), "5"),
    ],
)
def test_a_listener_may_ask_to_be_sent_the_event_again(world: World, given: object, retry_after: str) -> None:
    world.sync.on_event("act", lambda event: given)
    answer = world.post({"event": "act"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, retry_after)


def test_a_listener_that_raises_is_not_sent_the_event_again(world: World) -> None:
    """Node answers 200 here; a sender that redelivers would run it again and again."""

    def broken(event: Event) -> None:
        raise TimeoutError

    world.sync.on_event("act", broken)
    assert world.event("act")["success"] is False


async def later(*_: object) -> dict[str, Any]:
    return {}


def test_an_async_function_is_refused_when_it_is_registered(world: World) -> None:
    for register in (
        lambda: world.sync.on_event("act", later),
        lambda: world.sync.on_action("act", later),
        lambda: world.sync.on_install(later),
        lambda: world.sync.middleware("receive", later),
    ):
        with pytest.raises(ConfigurationError, match="write 'def', not 'async def'"):
            register()


@pytest.mark.parametrize("name", ["act", "contact_created"])
def test_a_listener_that_turns_out_to_be_async_is_a_clear_failure(world: World, name: str) -> None:
    world.sync.on_event(name, lambda event: later())
    answer = world.event(name, ANA)
    assert answer["success"] is False
    assert answer["data"]["error"].startswith(f"the listener for {name!r} is an 'async def'")


def test_the_untouched_original_stays_in_raw_whatever_is_done_to_the_data(world: World) -> None:
    seen: list[Event] = []

    @world.sync.middleware("normalize")
    def change(event: Event, next: Any) -> Any:
        event.data["firstname"] = "Bea"
        event.data["tags"][0]["name"] = "changed"
        return next(replace(event, name="contact_created"))

    world.sync.on_event("contact_created", seen.append)
    body = {"event": "contact_updated", "data": ANA | {"tags": [{"name": "first"}]}, "more": 1}
    world.post(body)
    assert seen[0].raw == body
    assert (seen[0].name, seen[0].data["tags"]) == ("contact_created", [{"name": "changed"}])
    assert world.crm.records["1"]["first_name"] == "Bea"


def test_the_webhook_answers_even_what_no_web_framework_would_hand_it(world: World) -> None:
    answer = world.sync.webhook.answer(Request(cast(Any, None), b"{}"))
    assert (answer.status, answer.body["success"]) == (200, False)
    assert answer.body["data"] == {"error": "the webhook raised AttributeError"}
