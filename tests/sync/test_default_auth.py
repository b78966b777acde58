"""The default of `auth`: installed here and confirmed by the platform, asked again, few questions at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import Result
from contact_sync import auth as auth_module
from key_stores import MemoryKeyStore, StoreUnavailable
from tests.sync.helpers import TOKEN, MemoryPlatform, World, make_world


@pytest.fixture
def world() -> World:
    world = make_world(auth=None, platform=MemoryPlatform(tokens=["tok-1", "tok-2"]))
    world.sync.on_event("user_reply", lambda event: "heard")
    return world


def status(world: World, token: str = TOKEN) -> int:
    return world.post({"event": "user_reply"}, token).status_code


def test_a_token_that_is_valid_on_the_platform_but_not_installed_here_is_refused_without_asking(world: World) -> None:
    assert status(world) == 401
    assert world.platform.calls == []


def test_an_installed_token_is_let_in_until_it_uninstalls(world: World) -> None:
    world.event("install")
    assert status(world) == 200
    world.event("uninstall")
    assert status(world) == 401


def test_another_process_lets_an_installed_token_in_too(world: World) -> None:
    world.event("install")
    other = make_world(auth=None, platform=world.platform, store=world.store)
    other.sync.on_event("user_reply", lambda event: "heard")
    assert status(other) == 200


def test_the_platform_is_asked_once_and_again_after_ten_minutes(world: World, monkeypatch: Any) -> None:
    now = Clock(monkeypatch)
    world.event("install")
    world.platform.calls.clear()
    for _ in range(5):
        assert status(world) == 200
    now.forward(599)
    assert status(world) == 200
    assert world.platform.calls == ["validate_token"]
    now.forward(2)
    assert status(world) == 200
    assert world.platform.calls == ["validate_token"] * 2


def test_a_token_that_the_platform_takes_back_is_refused_and_the_refusal_is_remembered_for_a_while(
    world: World, monkeypatch: Any
) -> None:
    now = Clock(monkeypatch)
    world.event("install")
    world.platform.tokens.clear()
    world.platform.calls.clear()
    assert [status(world), status(world)] == [401, 401]
    assert world.platform.calls == ["validate_token"]
    world.platform.tokens.add(TOKEN)
    now.forward(31)
    assert status(world) == 200


def test_installing_again_lifts_a_remembered_refusal_at_once(world: World) -> None:
    world.event("install")
    world.platform.tokens.clear()
    assert status(world) == 401
    world.platform.tokens.add(TOKEN)
    world.event("install")
    assert status(world) == 200


def test_an_unreachable_platform_is_503_and_is_asked_again_after_a_second(world: World, monkeypatch: Any) -> None:
    now = Clock(monkeypatch)
    world.event("install")
    world.platform.calls.clear()
    world.platform.fail("validate_token", Result.failed("unreachable", retryable=True))
    for _ in range(2):
        answer = world.post({"event": "user_reply"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert world.platform.calls == ["validate_token"]
    now.forward(1.1)
    assert status(world) == 200


def test_installing_again_asks_an_unreachable_platform_again_at_once(world: World) -> None:
    world.event("install")
    world.platform.fail("validate_token", Result.failed("unreachable", retryable=True))
    assert status(world) == 503
    world.event("install")
    assert status(world) == 200


def test_who_waits_too_long_for_the_answer_to_anothers_question_is_told_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth_module, "QUESTION_WAIT", 0.01)
    world.event("install")
    asked, go = threading.Event(), threading.Event()
    validate = world.platform.validate_token

    def hanging(token: str) -> Result:
        asked.set()
        assert go.wait(10)
        return validate(token)

    world.platform.validate_token = hanging  # type: ignore[method-assign] # a double that hangs
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(status, world)
        assert asked.wait(10)
        others = [pool.submit(status, world) for _ in range(4)]
        assert [future.result(timeout=10) for future in others] == [503] * 4
        go.set()
        assert first.result() == 200


def test_an_unreachable_store_is_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(world.store, "get_record", unreachable)
    assert status(world) == 503


def test_many_requests_at_once_ask_the_platform_once(world: World) -> None:
    world.event("install")
    world.platform.calls.clear()
    asked, go = threading.Event(), threading.Event()
    validate = world.platform.validate_token

    def slow(token: str) -> Result:
        asked.set()
        assert go.wait(10)
        return validate(token)

    world.platform.validate_token = slow  # type: ignore[method-assign] # a double, slowed down
    with ThreadPoolExecutor(8) as pool:
        statuses = [pool.submit(status, world) for _ in range(8)]
        assert asked.wait(10)
        go.set()
        assert [future.result() for future in statuses] == [200] * 8
    assert world.platform.calls == ["validate_token"]


@pytest.mark.parametrize(
    ("answer", "heard"),
    [(Result.failed("the token was refused"), 401), (Result.failed("timed out", retryable=True), 503)],
)
def test_of_many_requests_at_once_all_hear_a_refusal_that_was_asked_for_once(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Result, heard: int
) -> None:
    Clock(monkeypatch)  # stands still
    world.event("install")
    world.platform.calls.clear()
    world.platform.fail("validate_token", answer)
    asked, go = threading.Event(), threading.Event()
    validate = world.platform.validate_token

    def slow(token: str) -> Result:
        asked.set()
        assert go.wait(10)
        return validate(token)

    world.platform.validate_token = slow  # type: ignore[method-assign] # a double, slowed down
    with ThreadPoolExecutor(8) as pool:
        statuses = [pool.submit(status, world) for _ in range(8)]
        assert asked.wait(10)
        go.set()
        assert [future.result() for future in statuses] == [heard] * 8
    assert world.platform.calls == ["validate_token"]


def test_how_many_tokens_are_being_asked_about_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_module, "MOST_REMEMBERED", 1)
    both = make_world(auth=None, installations="any", platform=world.platform)
    both.sync.on_event("user_reply", lambda event: "heard")
    for token in ("tok-1", "tok-2"):
        both.event("install", token=token)
        assert status(both, token) == 200
    assert status(both, "tok-1") == 200


def test_few_questions_are_under_way_at_once_however_many_strangers_come() -> None:
    under_way, most = 0, 0
    lock = threading.Lock()
    full = threading.Event()
    go = threading.Event()

    class Slow(MemoryPlatform):
        def validate_token(self, token: str) -> Result:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
                if under_way == auth_module.MOST_QUESTIONS:
                    full.set()
            assert go.wait(10)
            with lock:
                under_way -= 1
            return Result.failed("the token was refused")

    world = make_world(auth=None, platform=Slow())
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(world.post, {"event": "install"}, f"stranger-{n}") for n in range(16)]
        assert full.wait(10)
        go.set()
        assert {future.result().status_code for future in answers} == {401}
    assert most == auth_module.MOST_QUESTIONS


def test_strangers_whose_questions_hang_do_not_hold_up_who_is_installed() -> None:
    go = threading.Event()
    hang = threading.Semaphore(0)

    class Slow(MemoryPlatform):
        def validate_token(self, token: str) -> Result:
            if token.startswith("stranger"):
                hang.release()
                assert go.wait(20)
            return super().validate_token(token)

    world = make_world(auth=None, platform=Slow())
    world.sync.on_event("user_reply", lambda event: "heard")
    world.event("install")
    with ThreadPoolExecutor(auth_module.MOST_QUESTIONS) as pool:
        for number in range(auth_module.MOST_QUESTIONS):
            pool.submit(world.post, {"event": "install"}, f"stranger-{number}")
            assert hang.acquire(timeout=20)
        heard = status(world)
        go.set()
    assert heard == 200


def test_what_is_remembered_of_refusals_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_module, "MOST_REMEMBERED", 3)
    recent = auth_module._Recent(60)
    for number in range(10):
        recent.add(f"t{number}")
    assert [f"t{number}" in recent for number in range(10)] == [False] * 7 + [True] * 3


class Clock:
    """A clock that is moved by hand, in place of the one that `auth` reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("contact_sync.auth.time.monotonic", lambda: self.now)

    def forward(self, seconds: float) -> None:
        self.now += seconds


def test_a_store_of_five_methods_remembers_installations_in_this_process() -> None:
    from tests.sync.five_methods import FiveMethods

    world = make_world(auth=None, store=FiveMethods(MemoryKeyStore()))
    world.sync.on_event("user_reply", lambda event: "heard")
    assert status(world) == 401
    world.event("install")
    assert status(world) == 200


def test_an_event_whose_token_is_not_installed_is_said_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world(auth=None)
    for _ in range(3):
        assert world.post({"event": "contact_created", "data": {"id": 7}}).status_code == 401
    said = [record.message for record in caplog.records if "is not installed here" in record.message]
    assert len(said) == 1
    assert TOKEN not in caplog.text
