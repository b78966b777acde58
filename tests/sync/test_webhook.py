"""The wire of the webhook: statuses, bodies and their precedence."""

from __future__ import annotations

import io
import json
from typing import Any, ClassVar

import pytest
from flask import request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from contact_sync import ContactSync, Event, Result
from contact_sync.testing import MemoryConsumer
from tests.sync.helpers import ROWS, TOKEN, MemoryPlatform, World, make_world


@pytest.fixture
def world() -> World:
    return make_world()


def refusal(error: str) -> dict[str, Any]:
    return {"success": False, "type": "data", "data": {"error": error}}


def test_a_created_contact_is_answered_with_its_result_and_never_with_the_contact(world: World) -> None:
    answer = world.event("contact_created", {"id": 7, "email": "ana@example.org", "firstname": "Ana"})
    assert answer == {"data": {"success": True, "id": "1", "action": "created"}, "type": "data", "success": True}
    assert world.crm.records["1"]["first_name"] == "Ana"


@pytest.mark.parametrize("name", ["contact_created", "contact_updated"])
def test_a_contact_may_be_nested_under_the_events_name(world: World, name: str) -> None:
    answer = world.event(name, {name: {"id": "7", "firstname": "Ana"}, "id": "not this one"})
    assert answer["data"]["action"] == "created"
    assert world.external_id("7") == "1"


@pytest.mark.parametrize(
    "data",
    [
        {"contact_id": 7, "id": "other"},
        {"id": "7"},
        {"contact_id": None, "id": 7},
        {"contact_id": "", "id": 7},
        {"contact_deleted": {"contact_id": "7"}},
        {"contact_deleted": {"id": 7}, "id": "other"},
    ],
)
def test_the_id_of_a_deleted_contact_is_found_in_every_placement(world: World, data: dict[str, Any]) -> None:
    world.event("contact_created", {"id": "7", "firstname": "Ana"})
    answer = world.event("contact_deleted", data)
    assert answer["data"] == {"success": True, "id": "1", "action": "deleted"}
    assert world.crm.records == {}


def test_a_listener_answers_events_and_its_return_value_becomes_the_data(world: World) -> None:
    seen: list[Event] = []

    @world.sync.on_event("user_reply")
    def reply(event: Event) -> dict[str, Any]:
        seen.append(event)
        return {"text": "hello"}

    body = {"event": "user_reply", "data": {"text": "hi"}, "more": [1]}
    answer = world.post(body)
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"data": {"text": "hello"}, "type": "data", "success": True},
    )
    assert (seen[0].name, seen[0].kind, seen[0].data, seen[0].raw) == ("user_reply", "event", {"text": "hi"}, body)
    assert seen[0].auth.token == TOKEN


@pytest.mark.parametrize(("kind", "noun"), [("event", "event"), ("action", "action")])
def test_a_name_without_a_listener_is_answered_by_name(world: World, kind: str, noun: str) -> None:
    answer = world.post({kind: 'he said "hi"'})
    assert (answer.status_code, answer.get_json()) == (200, refusal(f'No {noun} "he said "hi"" defined'))


def test_the_platform_is_never_listened_to_about_actions_named_like_its_events(world: World) -> None:
    assert world.post({"action": "contact_created", "data": {"id": 1}}).get_json() == refusal(
        'No action "contact_created" defined'
    )
    assert world.crm.records == {}


def test_with_both_the_action_wins_except_over_install_and_uninstall(world: World) -> None:
    world.sync.on_action("act", lambda event: "action")
    world.sync.on_event("evt", lambda event: "event")
    assert world.post({"event": "evt", "action": "act"}).get_json()["data"] == "action"
    assert world.post({"event": "install", "action": "act"}).get_json()["data"]["action"] == "installed"
    assert world.post({"event": "uninstall", "action": "act"}).get_json()["data"]["action"] == "uninstalled"


# Refusals, in the order in which they are checked


def test_no_token_is_401_and_says_how_to_authorize(world: World) -> None:
    answer = world.post({"event": "user_reply"}, token=None)
    assert (answer.status_code, answer.get_json()) == (401, refusal("not authorized"))
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("body", [b"", {}, {"data": 1}, {"event": None}, {"event": "", "action": ""}])
def test_a_body_without_event_or_action_is_403(world: World, body: object) -> None:
    assert world.post(body).status_code == 403
    assert world.post(body, token="unknown").status_code == 401


NOT_JSON: list[tuple[bytes, str]] = [
    (b"{", "the body is not JSON"),
    (b" ", "the body is not JSON"),
    (b"event=install", "the body is not JSON"),
    (b'{"event": "a"} {}', "the body is not JSON"),
    (b'{"event": NaN}', "the body is not JSON"),
    (b'{"data": {"id": Infinity}}', "the body is not JSON"),
    (b'{"n": ' + b"9" * 5000 + b"}", "the body is not JSON"),
    (b'{"n": 1e999}', "the body is not JSON"),
    (b'{"event": "\xff"}', "the body is not UTF-8"),
    ('{"event": "a"}'.encode("utf-16"), "the body is not UTF-8"),
    (b"[]", "the body must be a JSON object"),
    (b'"install"', "the body must be a JSON object"),
    (b"null", "the body must be a JSON object"),
    (b'{"event": 5}', "'event' must be text of at most 256 characters"),
    (b'{"action": ["a"]}', "'action' must be text of at most 256 characters"),
    (b'{"event": "' + b"a" * 257 + b'"}', "'event' must be text of at most 256 characters"),
    (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the body is nested too deeply"),
    (b'{"data": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}", "the body is nested too deeply"),
]


@pytest.mark.parametrize(("body", "error"), NOT_JSON, ids=[str(number) for number in range(len(NOT_JSON))])
@pytest.mark.parametrize("token", [TOKEN, None])
def test_what_is_not_a_json_object_is_400_before_the_token_is_looked_at(
    world: World, body: bytes, error: str, token: str | None
) -> None:
    answer = world.post(body, token)
    assert (answer.status_code, answer.get_json()) == (400, refusal(error))


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Content-Type": "text/plain"}, "the Content-Type must be application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "the Content-Type must be application/json"),
        ({"Content-Type": "application/json; charset=latin-1"}, "the charset must be utf-8"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, "the body must not be compressed"),
    ],
)
def test_other_content_types_and_encodings_are_400(world: World, headers: dict[str, str], error: str) -> None:
    answer = world.post({"event": "user_reply"}, content_type=None, headers=headers)
    assert (answer.status_code, answer.get_json()) == (400, refusal(error))


@pytest.mark.parametrize(
    "content_type", [None, "application/json; charset=UTF-8", 'application/json; charset="utf-8"', "application/x+json"]
)
def test_json_is_read_under_all_its_content_types(world: World, content_type: str | None) -> None:
    world.sync.on_event("user_reply", lambda event: event.data)
    answer = world.post({"event": "user_reply", "data": "é"}, content_type=content_type)
    assert answer.get_json()["data"] == "é"


@pytest.mark.parametrize("token", [TOKEN, None])
def test_a_body_over_the_limit_is_413_before_anything_else(token: str | None) -> None:
    world = make_world(body_limit=100)
    answer = world.post(b"{" * 101, token)
    assert (answer.status_code, answer.get_json()) == (413, refusal("the body is too large"))
    assert world.post(b"{" * 100, token).status_code == 400


def test_the_limit_is_a_megabyte_unless_set(world: World) -> None:
    assert world.post(b" " * 1_000_001).status_code == 413
    assert world.post(b" " * 1_000_000).status_code == 400


@pytest.mark.parametrize(("parts", "status"), [(2, 413), (1, 400)])
def test_a_body_without_a_length_is_measured_while_it_is_read(parts: int, status: int) -> None:
    world = make_world(body_limit=100)
    environ = EnvironBuilder(path="/", method="POST", content_type="application/json").get_environ()
    environ |= {"wsgi.input": _Parts([b"x" * 60] * parts), "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    _, answered, _ = run_wsgi_app(world.client.application, environ)
    assert answered.startswith(str(status))


class _Parts(io.RawIOBase):
    """A body that comes in parts, without an end that is known before."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def read(self, size: int = -1) -> bytes:
        return self._parts.pop(0) if self._parts else b""


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", TOKEN, f"  Bearer   {TOKEN} "])
def test_the_token_is_read_with_bearer_or_bare(world: World, header: str) -> None:
    world.sync.on_event("user_reply", lambda event: event.auth.token)
    answer = world.post({"event": "user_reply"}, token=None, headers={"Authorization": header})
    assert answer.get_json()["data"] == TOKEN


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc def", f"Bearer {TOKEN} more", "x" * 5000])
def test_a_header_that_holds_no_token_is_401(header: str) -> None:
    world = make_world(auth=lambda token: True)
    assert world.post({"event": "user_reply"}, token=None, headers={"Authorization": header}).status_code == 401


# Temporary failures


class Overloaded(Exception):
    """What an HTTP client raises when it is told to come back later."""

    status_code = 429
    headers: ClassVar = {"Retry-After": "7"}


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Result.failed("busy", retryable=True, retry_after=17.2), "18"),
        (Result.failed("busy", retryable=True), "5"),
        (Overloaded(), "7"),
    ],
)
def test_a_crm_that_fails_for_now_is_answered_with_503_so_that_it_is_sent_again(
    world: World, fault: Result | Exception, retry_after: str
) -> None:
    world.crm.fail_next(fault, method="create_contact")
    body = {"event": "contact_created", "data": {"id": 7, "firstname": "Ana"}}
    answer = world.post(body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, retry_after)
    assert answer.get_json()["data"]["success"] is False
    assert world.post(body).get_json()["data"]["action"] == "created"


@pytest.mark.parametrize("fault", [TimeoutError(), ConnectionResetError()], ids=["time-out", "reset"])
def test_a_create_whose_answer_got_lost_is_answered_with_503_until_it_is_known_what_came_of_it(
    world: World, fault: Exception
) -> None:
    world.platform.contacts["7"] = {"firstname": "Ana"}
    world.crm.fail_next(fault, method="create_contact", after=True)
    body = {"event": "contact_created", "data": {"id": 7, "firstname": "Ana"}}
    answer = world.post(body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    answer = world.post(body)
    assert answer.status_code == 503
    assert answer.get_json()["data"]["error"] == (
        "it may be there already: the answer got lost when the record was created; its news is waited for"
    )
    assert world.sync.create_contact(world.crm.records["1"], TOKEN).action == "adopted"
    assert world.post(body).get_json()["data"] == {"success": True, "id": "1", "action": "unchanged"}
    assert len(world.crm.records) == 1


def test_a_crm_that_fails_for_good_is_a_failed_result_with_200(world: World) -> None:
    world.crm.fail_next(Result.failed("the phone number is not one"), method="create_contact")
    answer = world.event("contact_created", {"id": 7, "firstname": "Ana"})
    assert answer == {
        "data": {"success": False, "error": "the phone number is not one"},
        "type": "data",
        "success": True,
    }


@pytest.mark.parametrize("data", [None, [], "text", 5, True, [{"id": 1}]])
@pytest.mark.parametrize("name", ["contact_created", "contact_updated", "contact_deleted"])
def test_data_that_is_no_object_is_a_failed_result(world: World, name: str, data: object) -> None:
    answer = world.event(name, data)
    assert (answer["success"], answer["data"]["success"]) == (True, False)
    assert world.crm.calls == []


@pytest.mark.parametrize("id", [None, "", True, False, 1.5, [], {}, ["a"]])
@pytest.mark.parametrize("name", ["contact_created", "contact_updated", "contact_deleted"])
def test_an_odd_or_missing_id_is_a_failed_result(world: World, name: str, id: object) -> None:
    answer = world.event(name, {"id": id, "firstname": "Ana"})
    assert answer["data"]["success"] is False
    assert "id" in answer["data"]["error"]
    assert world.crm.calls == []


HOSTILE_IDS = ["a:b", "*", "{tag}", "line\nbreak", "x" * 10_000, "../..", "\x00", "' OR 1=1", "é", 0, 10**20]


@pytest.mark.parametrize("id", HOSTILE_IDS, ids=[str(number) for number in range(len(HOSTILE_IDS))])
def test_a_hostile_id_is_only_an_id(world: World, id: object) -> None:
    assert world.event("contact_created", {"id": id, "firstname": "Ana"})["data"]["action"] == "created"
    assert world.event("contact_updated", {"id": id, "firstname": "Bea"})["data"]["action"] == "updated"
    assert world.crm.records["1"]["first_name"] == "Bea"
    assert world.event("contact_deleted", {"id": id})["data"]["action"] == "deleted"


def test_an_id_that_is_no_valid_text_is_a_failed_result(world: World) -> None:
    answer = world.post(b'{"event": "contact_updated", "data": {"id": "\\ud800"}}')
    assert answer.status_code == 200
    assert answer.get_json()["data"]["success"] is False


# The blueprint


def test_the_endpoint_answers_with_and_without_a_trailing_slash_and_adds_no_other_route() -> None:
    world = make_world(endpoint="/hook")
    for path in ("/hook", "/hook/"):
        assert world.client.post(path, data=b"").status_code == 401
    assert world.client.get("/hook").status_code == 405
    for path in ("/", "/healthz", "/readyz"):
        assert world.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/botmatic", "/botmatic/"])
def test_a_prefix_is_answered_with_and_without_a_trailing_slash(path: str) -> None:
    from flask import Flask

    app = Flask("host")
    sync = ContactSync(MemoryConsumer(), ROWS, "memory://", platform=MemoryPlatform(), auth=lambda token: True)
    app.register_blueprint(sync.blueprint, url_prefix="/botmatic")
    assert app.test_client().post(path, data=b"").status_code == 401


def test_it_can_be_mounted_twice_under_two_names() -> None:
    from flask import Flask

    app = Flask("host")
    sync = ContactSync(MemoryConsumer(), ROWS, "memory://", platform=MemoryPlatform(), auth=lambda token: True)
    app.register_blueprint(sync.blueprint, url_prefix="/a")
    app.register_blueprint(sync.make_blueprint(name="second"), url_prefix="/b")
    sync.on_event("user_reply", lambda event: "heard")
    for path in ("/a", "/b"):
        answer = app.test_client().post(path, json={"event": "user_reply"}, headers={"Authorization": "Bearer x"})
        assert answer.get_json()["data"] == "heard"


def test_a_body_that_a_hook_of_the_host_has_read_already_is_still_there(world: World) -> None:
    def read_it() -> None:
        request.get_data()

    world.client.application.before_request(read_it)
    assert world.event("contact_created", {"id": 7, "firstname": "Ana"})["data"]["action"] == "created"


def test_the_hosts_own_lower_limit_is_413_too(world: World) -> None:
    world.client.application.config["MAX_CONTENT_LENGTH"] = 10
    assert world.post(json.dumps({"event": "user_reply"}).encode()).status_code == 413


def test_a_body_that_ends_before_its_length_is_400(world: World) -> None:
    environ = EnvironBuilder(path="/", method="POST", data=b'{"event": "a"}').get_environ()
    environ["CONTENT_LENGTH"] = "100"
    body, status, _ = run_wsgi_app(world.client.application, environ)
    assert status.startswith("400")
    assert json.loads(b"".join(body)) == refusal("the body could not be read")
