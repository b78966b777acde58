"""Who may speak: the user's function in each of its forms, the default, and the platform's own events."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from contact_sync import Auth, ConfigurationError, Event, Request, Result, allow_any_token
from contact_sync import auth as auth_module
from tests.sync.helpers import TOKEN, MemoryPlatform, World, make_world

CLIENT = object()


def seen_by_listener(world: World, token: str | None = TOKEN) -> tuple[int, Auth | None]:
    """The status of an event, and the auth that its listener received."""
    seen: list[Event] = []
    world.sync.on_event("user_reply", seen.append)
    status = world.post({"event": "user_reply"}, token).status_code
    return status, seen[0].auth if seen else None


@pytest.mark.parametrize(
    ("returned", "client"),
    [
        (True, None),
        (Auth("other"), None),
        (Auth("other", CLIENT), CLIENT),
        ({"token": "other"}, None),
        ({"token": "other", "client": CLIENT}, CLIENT),
        ({"token": "other", "client": CLIENT, "plan": "pro"}, {"token": "other", "client": CLIENT, "plan": "pro"}),
        ({"client": CLIENT}, {"client": CLIENT}),
        ({}, {}),
        (CLIENT, CLIENT),
        (0, 0),
        ("client-7", "client-7"),
    ],
)
def test_each_form_lets_in_and_the_requests_token_always_wins(returned: object, client: object) -> None:
    status, auth = seen_by_listener(make_world(auth=lambda token: returned))
    assert status == 200
    assert auth == Auth(TOKEN, client)


@pytest.mark.parametrize("returned", [False, None, Result.failed("no")])
def test_false_none_and_a_failed_result_refuse(returned: object) -> None:
    assert seen_by_listener(make_world(auth=lambda token: returned)) == (401, None)


async def later(token: str) -> bool:
    return True


def test_an_async_function_is_refused_when_the_sync_is_made_and_lets_nobody_in_if_it_hides() -> None:
    """What it returns is an object, and any object would be a client."""
    with pytest.raises(ConfigurationError, match="auth: it is called from threads; write 'def', not 'async def'"):
        make_world(auth=later)
    assert seen_by_listener(make_world(auth=lambda token: later(token))) == (401, None)


class Promise:
    """Something else that is to be awaited."""

    def __await__(self) -> Any:
        yield


def test_what_is_to_be_awaited_lets_nobody_in() -> None:
    assert seen_by_listener(make_world(auth=lambda token: Promise())) == (401, None)


def test_an_exception_refuses_and_neither_answer_nor_log_repeats_it(caplog: pytest.LogCaptureFixture) -> None:
    def broken(token: str) -> bool:
        raise RuntimeError(f"no such token: {token}")

    with caplog.at_level(logging.DEBUG):
        world = make_world(auth=broken)
        answer = world.post({"event": "user_reply"}, "very-secret")
    assert answer.status_code == 401
    assert "very-secret" not in answer.get_data(as_text=True) + caplog.text
    assert "RuntimeError" in caplog.text


def test_install_and_uninstall_ask_the_platform_and_never_the_users_function() -> None:
    asked: list[str] = []
    world = make_world(auth=asked.append)
    assert world.event("install")["data"]["action"] == "installed"
    assert world.event("uninstall")["data"]["action"] == "uninstalled"
    assert asked == []
    assert world.platform.calls.count("validate_token") == 2


@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_a_token_that_the_platform_does_not_confirm_can_neither_install_nor_uninstall(name: str) -> None:
    world = make_world(auth=lambda token: True)
    world.pair("7", "1")
    assert world.post({"event": name}, "unknown").status_code == 401
    assert world.post({"event": name}, None).status_code == 401
    assert world.external_id("7") == "1"


@pytest.mark.parametrize(("said", "answered"), [(9, "9"), (0, "1"), (None, "5")])
@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_a_platform_that_cannot_be_asked_is_503_and_never_401(name: str, said: float | None, answered: str) -> None:
    """And the wait that the platform asks for is passed on, also if that is none: then it is the shortest there is."""
    world = make_world()
    world.platform.fail("validate_token", Result.failed("unreachable", retryable=True, retry_after=said))
    answer = world.post({"event": name})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, answered)


class Odd(MemoryPlatform):
    """A user's platform that does not keep to its contract."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def validate_token(self, token: str) -> Result:
        if isinstance(self.answer, Exception):
            raise self.answer
        return cast(Result, self.answer)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (RuntimeError(), 503),
        (TimeoutError(), 503),
        (None, 401),
        (True, 401),
        ({"success": "yes"}, 401),
        ({"success": True}, 200),
    ],
)
def test_a_platform_that_misbehaves_lets_nobody_in_who_is_not_confirmed(answer: object, status: int) -> None:
    assert make_world(platform=Odd(answer)).post({"event": "install"}).status_code == status


@pytest.mark.parametrize("token", ["x" * 5000, "tok\x01", "tok\x7f", "tok\ud800"])
def test_what_can_be_no_token_is_refused_before_anybody_is_asked(token: str) -> None:
    asked: list[str] = []
    world, default = make_world(auth=asked.append), make_world(auth=None)
    for sync in (world.sync, default.sync):
        for body in (b'{"event": "install"}', b'{"event": "user_reply"}'):
            assert sync.webhook.answer(Request({"authorization": f"Bearer {token}"}, body)).status == 401
    assert (asked, world.platform.calls, default.platform.calls) == ([], [], [])


def test_who_asks_while_too_many_questions_are_under_way_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auth_module, "QUESTION_WAIT", 0.01)
    monkeypatch.setattr(auth_module, "MOST_QUESTIONS", 1)
    asked, go = threading.Event(), threading.Event()

    class Slow(MemoryPlatform):
        def validate_token(self, token: str) -> Result:
            asked.set()
            assert go.wait(20)
            return super().validate_token(token)

    world = make_world(platform=Slow())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.post, {"event": "install"})
        assert asked.wait(20)
        answer = world.post({"event": "install"})
        go.set()
        assert first.result().status_code == 200
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_allow_any_token_lets_everybody_in_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world(auth=allow_any_token)
    assert "everybody" in caplog.text
    assert seen_by_listener(world, "whatever") == (200, Auth("whatever"))


def test_allow_any_token_lets_requests_in_without_a_token_as_anonymous() -> None:
    world = make_world(auth=allow_any_token)
    seen: list[Event] = []
    world.sync.on_event("user_reply", seen.append)
    assert world.post({"event": "user_reply"}, None).status_code == 200
    assert seen[0].installation == "anonymous"
    world.event("contact_created", {"id": 7, "firstname": "Ana"}, None)
    assert world.external_id("7", "anonymous") == "1"


def test_auth_shows_neither_token_nor_client_in_its_repr() -> None:
    assert repr(Auth("very-secret", {"name": "Ana"})) == "Auth()"
