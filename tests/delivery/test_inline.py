"""Within the request: bounded in time, whatever the CRM does, and in the request's own context."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from flask import Flask, current_app, request

from contact_sync import ConfigurationError
from contact_sync.consumer import ResultLike
from contact_sync.delivery import Inline, bounded
from contact_sync.testing import MemoryConsumer
from contact_sync.testing.delivery.stage import wait_until
from tests.sync.helpers import make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


class Hanging(MemoryConsumer):
    """A CRM whose creates hang until they are let go."""

    def __init__(self) -> None:
        super().__init__(id_field="ref", email_field="email_address")
        self.let_go = threading.Event()

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        assert self.let_go.wait(20)
        return super().create_contact(contact)


def test_a_crm_that_hangs_does_not_hang_the_request() -> None:
    """It is answered 503; what was begun ends by itself, and the event that comes again finds it done."""
    crm = Hanging()
    world = make_world(crm=crm, delivery=Inline(answer_within=0.1))
    response = world.post({"event": "contact_created", "data": ANA})
    assert response.status_code == 503
    assert response.get_json()["data"]["retryable"] is True
    assert int(response.headers["Retry-After"]) >= 1
    crm.let_go.set()
    wait_until(lambda: world.external_id("7") == "1", "the create to end")
    again = world.post({"event": "contact_created", "data": ANA})
    assert (again.status_code, again.get_json()["data"]["action"]) == (200, "unchanged")


def test_calls_that_hang_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound no more are made; when they end, all goes on."""
    monkeypatch.setattr(bounded, "MOST_LATE", 3)
    crm = Hanging()
    world = make_world(crm=crm, delivery=Inline(answer_within=0.05))
    for n in range(3):
        assert world.post({"event": "contact_created", "data": {"id": n, "firstname": "x"}}).status_code == 503
    before = len(crm.calls)
    refused = world.post({"event": "contact_created", "data": ANA})
    assert refused.status_code == 503
    assert "time-out" in refused.get_json()["data"]["error"]
    assert len(crm.calls) == before
    crm.let_go.set()
    wait_until(lambda: world.post({"event": "contact_created", "data": ANA}).status_code == 200, "all to go on")


def test_the_users_code_sees_the_request_that_it_works_for() -> None:
    """As it would in the request's own thread."""
    seen: list[tuple[str, str]] = []

    class Curious(MemoryConsumer):
        def create_contact(self, contact: dict[str, Any]) -> ResultLike:
            seen.append((current_app.name, request.path))
            return super().create_contact(contact)

    world = make_world(crm=Curious(id_field="ref", email_field="email_address"))
    app = Flask("mine")
    app.register_blueprint(world.sync.make_blueprint("again"), url_prefix="/hooks")
    headers = {"Authorization": "Bearer tok-1"}
    answer = app.test_client().post("/hooks/", json={"event": "contact_created", "data": ANA}, headers=headers)
    assert answer.get_json()["data"]["action"] == "created"
    assert seen == [("mine", "/hooks/")]


def test_threads_are_used_again() -> None:
    """One request after another needs one."""
    names: set[int] = set()

    class Watching(MemoryConsumer):
        def create_contact(self, contact: dict[str, Any]) -> ResultLike:
            names.add(threading.get_ident())
            return super().create_contact(contact)

    world = make_world(crm=Watching(id_field="ref", email_field="email_address"))
    for n in range(20):
        world.event("contact_created", {"id": n, "firstname": "x"})
    assert len(names) <= 3


def test_it_goes_on_in_a_forked_process() -> None:
    """Threads do not come along; others are started there."""
    world = make_world()
    world.event("contact_created", ANA)
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child, which is not measured
        try:
            os._exit(0 if world.event("contact_updated", ANA)["success"] else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("seconds", [0, -1, "5", None, float("inf")])
def test_odd_times_are_refused(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="answer_within"):
        Inline(answer_within=seconds)
