"""A durable delivery behind the webhook: what is answered, what is applied, and what the user's code sees of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contact_sync import Auth, ConfigurationError, ContactSync, Event, EventName, Result
from contact_sync.delivery import Retries, State
from contact_sync.delivery.inbox import Inbox
from contact_sync.testing import MemoryConsumer
from contact_sync.testing.delivery.stage import wait_until
from key_stores import open_key_store
from tests.sync.helpers import INSTALLATION, ROWS, TOKEN, MemoryPlatform, World, crm_with, make_world

QUICK = Retries(first=0.05, longest=0.2)
KEYS = ["a key of at least thirty-two characters"]
ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


@contextmanager
def working(sync: ContactSync, threads: int = 4) -> Iterator[None]:
    """Have a worker at work while the block runs."""
    stop = threading.Event()
    worker = threading.Thread(target=sync.run_worker, args=(stop,), kwargs={"threads": threads, "grace": 10.0})
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join(30)
        assert not worker.is_alive()


def settle(sync: ContactSync) -> None:
    """Have everything applied that waits."""

    def settled() -> bool:
        backlog = sync.delivery.backlog()  # once: what fails goes from in flight back to waiting
        return backlog.waiting + backlog.in_flight == 0

    with working(sync):
        wait_until(settled, "the events")


def record(crm: MemoryConsumer, id: str) -> Mapping[str, Any]:
    """A record that has to be there."""
    found = crm.get_contact(id)
    assert isinstance(found, Result)
    assert found.contact is not None
    return found.contact


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with_closing = Inbox(f"sqlite:///{tmp_path}/inbox.db", retries=QUICK, lease_seconds=1.0)
    yield with_closing
    with_closing.close()


def stored(tmp_path: Path) -> bytes:
    """Everything that lies on the disk of an inbox."""
    with sqlite3.connect(tmp_path / "inbox.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return b"".join(file.read_bytes() for file in tmp_path.glob("inbox.db*"))


def test_an_event_is_answered_when_it_is_stored_and_applied_afterwards(inbox: Inbox) -> None:
    world = make_world(delivery=inbox, secret_keys=KEYS)
    answer = world.event("contact_created", ANA)
    id = answer["data"]["event_id"]
    assert answer == {"success": True, "type": "data", "data": {"success": True, "queued": True, "event_id": id}}
    assert world.crm.calls == []
    settle(world.sync)
    assert world.external_id("7") == "1"
    assert world.sync.delivery.event(id).action == "created"  # type: ignore[union-attr]


@pytest.mark.parametrize("data", [None, "text", {}, {"id": None}, {"id": ""}, {"id": {"a": 1}}, [1]])
@pytest.mark.parametrize("name", ["contact_created", "contact_updated", "contact_deleted"])
def test_what_names_no_contact_is_refused_at_once_and_not_stored(inbox: Inbox, name: str, data: Any) -> None:
    world = make_world(delivery=inbox)
    answer = world.event(name, data)
    assert "error" in answer["data"]
    assert "queued" not in answer["data"]
    assert world.sync.delivery.events() == []


def test_an_inbox_that_is_away_is_answered_503_and_nothing_is_accepted(tmp_path: Path) -> None:
    world = make_world(delivery=f"sqlite:///{tmp_path}/nowhere/inbox.db")
    response = world.post({"event": "contact_created", "data": ANA})
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert world.crm.calls == []
    assert (world.sync.unready() or "").startswith("delivery: ")
    world.sync.close()


def test_events_that_name_no_contact_event_are_answered_by_their_listeners_at_once(inbox: Inbox) -> None:
    """Their answers are what the sender waits for."""
    world = make_world(delivery=inbox)
    world.sync.on_event(EventName.USER_REPLY, lambda event: {"said": event.data})
    world.sync.on_action("greet", lambda event: {"hello": True})
    assert world.event("user_reply", "hi")["data"] == {"said": "hi"}
    assert world.post({"action": "greet"}).get_json()["data"] == {"hello": True}
    assert world.sync.delivery.events() == []


def test_a_listener_hears_of_each_event_once_when_it_is_settled(inbox: Inbox) -> None:
    """Of those that are applied as one, each with what it said; of one that fails for now, not before its end."""
    world = make_world(delivery=inbox)
    heard: list[tuple[str, Any, Result | None]] = []

    def listen(event: Event) -> None:
        heard.append((event.name, dict(event.data), event.result))

    world.sync.on_event("contact_.*", listen)
    world.crm.fail_next(Result.failed("busy", retryable=True), method="create_contact")
    world.event("contact_created", ANA)
    world.event("contact_updated", {"id": 7, "firstname": "Bea"})
    assert heard == []
    settle(world.sync)
    assert [(name, data) for name, data, _ in heard] == [
        ("contact_created", ANA),
        ("contact_updated", {"id": 7, "firstname": "Bea"}),
    ]
    assert all(result is not None and result.action == "created" for _, _, result in heard)


def test_a_listener_hears_once_of_events_that_fail_as_one(inbox: Inbox) -> None:
    """They are applied one by one then, and of each it hears what came of it."""
    world = make_world(delivery=inbox)
    heard: list[tuple[str, bool]] = []
    world.sync.on_event(
        "contact_.*",
        lambda event: heard.append((event.data["firstname"], event.result is not None and event.result.success)),
    )
    world.crm.fail_next(Result.failed("no such name"), method="create_contact", times=2)
    for firstname in ("Ana", "Bea"):
        world.event("contact_updated", {"id": 7, "firstname": firstname})
    settle(world.sync)
    assert heard == [("Ana", False), ("Bea", True)]


def test_a_listener_that_raises_changes_nothing(inbox: Inbox) -> None:
    """It is logged; the event is applied."""
    world = make_world(delivery=inbox)

    @world.sync.on_event("contact_created")
    def listen(event: Event) -> None:
        raise RuntimeError

    id = world.event("contact_created", ANA)["data"]["event_id"]
    settle(world.sync)
    assert world.sync.delivery.event(id).state is State.APPLIED  # type: ignore[union-attr]


def test_middleware_on_the_way_in_runs_once_when_the_event_is_accepted(inbox: Inbox) -> None:
    """What it makes of the event is what is stored; what it stops is answered at once."""
    world = make_world(delivery=inbox)
    seen: list[Any] = []

    @world.sync.middleware("receive")
    def receive(event: Event, next: Callable[..., Result]) -> Result:
        seen.append(event.data["id"])
        if event.data["id"] == 8:
            return Result.skipped("not this one")
        from dataclasses import replace

        return next(replace(event, data={**event.data, "firstname": "Changed"}))

    world.crm.fail_next(Result.failed("busy", retryable=True), method="create_contact")
    world.event("contact_created", ANA)
    assert world.event("contact_created", {"id": 8})["data"]["reason"] == "not this one"
    settle(world.sync)
    assert seen == [7, 8]
    assert record(world.crm, "1")["first_name"] == "Changed"


def test_three_updates_that_wait_are_one_write(inbox: Inbox) -> None:
    """Each field as it was said last."""
    world = make_world(delivery=inbox, crm=crm_with({"ref": "e1", "email_address": "ana@example.org"}))
    world.pair("7", "e1")
    world.event("contact_updated", {"id": 7, "firstname": "A", "phone": "+33 1"})
    world.event("contact_updated", {"id": 7, "firstname": "B"})
    world.event("contact_updated", {"id": "7", "phone": None})
    settle(world.sync)
    assert [call.method for call in world.crm.calls if call.method == "update_contact"] == ["update_contact"]
    found = record(world.crm, "e1")
    assert (found["first_name"], found.get("phone_number")) == ("B", None)


def test_a_contact_of_many_installations_is_a_contact_of_each(tmp_path: Path) -> None:
    """The consumer of who sent it is called, with the client that `auth` gives when it is applied."""
    crms = {name: MemoryConsumer(id_field="ref", email_field="email_address") for name in ("a", "b")}
    platform = MemoryPlatform(["a", "b"])
    world = make_world(
        consumer=lambda auth: crms[auth.client],
        platform=platform,
        auth=lambda token: Auth(token, client=token),
        delivery=f"sqlite:///{tmp_path}/inbox.db",
        secret_keys=KEYS,
    )
    for token in crms:
        world.post({"event": "contact_created", "data": {"id": 7, "firstname": token}}, token)
    settle(world.sync)
    assert [record(crm, "1")["first_name"] for crm in crms.values()] == ["a", "b"]
    world.sync.close()


def test_a_delivery_that_comes_again_is_known_by_the_id_in_its_header(inbox: Inbox) -> None:
    """However late; and without the header every event counts."""
    world = make_world(delivery=inbox, delivery_id="header:X-Delivery-Id")
    body = {"event": "contact_created", "data": ANA}
    ids = {world.post(body, headers={"X-Delivery-Id": "d1"}).get_json()["data"]["event_id"] for _ in range(3)}
    settle(world.sync)
    again = world.post(body, headers={"x-delivery-id": "d1"}).get_json()["data"]
    assert ids == {again["event_id"]}
    assert world.post(body).get_json()["data"]["event_id"] not in ids
    assert world.post(body, headers={"X-Delivery-Id": ""}).status_code == 200


def test_a_delivery_that_comes_again_is_known_by_the_id_in_its_body(inbox: Inbox) -> None:
    """A number is as good as text; what is neither is none."""
    world = make_world(delivery=inbox, delivery_id="field:meta.delivery")

    def send(meta: Any) -> str:
        answer = world.post({"event": "contact_created", "data": ANA, "meta": meta})
        return str(answer.get_json()["data"]["event_id"])

    assert send({"delivery": 5}) == send({"delivery": "5"})
    settle(world.sync)
    assert len({send(meta) for meta in ({"delivery": [5]}, {"delivery": True}, None, "5")}) == 1
    assert send({"delivery": 5}) != send(None)


@pytest.mark.parametrize("given", ["", "X-Id", "header:", "header:a b", "field:", "field:a..b", "body:x", 5, b"x"])
def test_a_place_of_delivery_ids_that_is_none_is_refused(inbox: Inbox, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="delivery_id"):
        make_world(delivery=inbox, delivery_id=given)


def test_ids_of_deliveries_need_a_durable_delivery() -> None:
    with pytest.raises(ConfigurationError, match="durable"):
        make_world(delivery_id="header:X-Id")


@pytest.mark.parametrize(
    "given", ["", "redis://localhost", "outbox", "sqlite://", "sqlite:///:memory:", "mysql://h/d", None, 5]
)
def test_a_delivery_that_is_none_is_refused(given: Any) -> None:
    """The message does not repeat it: a URL may hold a password."""
    with pytest.raises(ConfigurationError, match="delivery") as caught:
        make_world(delivery=given)
    assert "localhost" not in str(caught.value)


def test_what_waits_lies_encrypted_and_goes_when_it_is_applied(tmp_path: Path, inbox: Inbox) -> None:
    """Contact values and the token; the ids of contacts are no secret."""
    world = make_world(delivery=inbox, secret_keys=KEYS)
    world.event("contact_created", ANA)
    waiting = stored(tmp_path)
    assert not any(secret in waiting for secret in (b"ana@example", b"Ana", TOKEN.encode()))
    settle(world.sync)
    with sqlite3.connect(tmp_path / "inbox.db") as connection:
        rows = connection.execute("SELECT body, digest FROM contact_sync_events").fetchall()
    connection.close()
    assert rows == [(None, None)]
    assert record(world.crm, "1")["first_name"] == "Ana"


def test_without_keys_it_is_said_that_what_waits_can_be_read(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    make_world(delivery=inbox)
    assert "stored unencrypted" in caplog.text
    caplog.clear()
    make_world(delivery=Inbox(inbox._database._engine), secret_keys=KEYS)
    assert "unencrypted" not in caplog.text


def test_a_key_can_be_replaced_while_events_wait(tmp_path: Path) -> None:
    """The old one opens what it has closed."""
    url = f"sqlite:///{tmp_path}/inbox.db"
    first = make_world(delivery=url, secret_keys=KEYS)
    first.event("contact_created", ANA)
    first.sync.close()
    second = make_world(delivery=url, secret_keys=["another key of thirty-two characters", *KEYS])
    settle(second.sync)
    assert record(second.crm, "1")
    second.sync.close()


def test_uninstalling_takes_what_waits_with_it(inbox: Inbox) -> None:
    """Nothing of it is applied any more, also if it was accepted at the very moment."""
    world = make_world(delivery=inbox, auth=None, installations="any")
    world.event("install")
    world.event("contact_created", ANA)
    world.event("uninstall")
    assert world.sync.delivery.events() == []
    late = Event("contact_created", "event", ANA, Auth(TOKEN), INSTALLATION, {"data": ANA})
    id = world.sync.delivery.submit(late, "7").event_id
    settle(world.sync)
    assert world.crm.calls == []
    assert world.sync.delivery.event(str(id)).action == "skipped"  # type: ignore[union-attr]


def test_what_waits_outlives_a_restart_also_where_installations_do_not(tmp_path: Path) -> None:
    """A memory store knows of no installation after a restart; that is no uninstall."""
    from tests.sync.five_methods import FiveMethods

    url = f"sqlite:///{tmp_path}/inbox.db"
    pairs = open_key_store("memory://")
    first = make_world(delivery=url, auth=None, store=FiveMethods(pairs), secret_keys=KEYS)
    first.event("install")
    first.event("contact_created", ANA)
    first.sync.close()
    second = make_world(delivery=url, auth=None, store=FiveMethods(pairs), secret_keys=KEYS)
    settle(second.sync)
    assert record(second.crm, "1")
    second.sync.close()


def test_who_has_decided_can_have_a_held_event_tried_again(inbox: Inbox) -> None:
    """Ambiguous contacts wait among the dead letters."""
    twins = [{"ref": f"e{n}", "email_address": "ana@example.org"} for n in (1, 2)]
    world = make_world(delivery=inbox, crm=crm_with(*twins))
    id = world.event("contact_created", ANA)["data"]["event_id"]
    settle(world.sync)
    letter = world.sync.delivery.event(id)
    assert letter is not None
    assert (letter.state, letter.action) == (State.FAILED, "held")
    assert world.sync.resolve_held(7, TOKEN, pair_with="e2").success
    settle(world.sync)
    assert world.sync.delivery.event(id).state is State.APPLIED  # type: ignore[union-attr]
    assert record(world.crm, "e2")["first_name"] == "Ana"


@pytest.mark.parametrize(("side", "id"), [("botmatic", 7), ("ext", "1")])
def test_forgetting_a_contact_takes_its_events_with_it(inbox: Inbox, side: Any, id: Any) -> None:
    """Those that wait, and the records of those that were applied; of that contact alone."""
    world = make_world(delivery=inbox)
    world.event("contact_created", ANA)
    settle(world.sync)
    world.event("contact_updated", {"id": 7, "firstname": "Bea"})
    other = world.event("contact_created", {"id": 8})["data"]["event_id"]
    result = world.sync.forget(id, TOKEN, side=side)
    assert (result.success, result.action) == (True, "deleted")
    assert [event.id for event in world.sync.delivery.events()] == [other]
    assert world.external_id("7") is None


def test_an_event_outlives_the_token_that_sent_it(inbox: Inbox) -> None:
    """It is applied for the newest token of its installation."""
    platform = MemoryPlatform(["old", "new"])
    world = make_world(
        platform=platform,
        delivery=inbox,
        secret_keys=KEYS,
        installation_id=lambda auth: "acme",
        auth=platform.tokens.__contains__,
    )
    for token in ("old", "new"):
        assert world.post({"event": "install"}, token).status_code == 200
    id = world.post({"event": "contact_created", "data": ANA}, "old").get_json()["data"]["event_id"]
    platform.tokens.remove("old")
    settle(world.sync)
    applied = world.sync.delivery.event(id)
    assert applied is not None
    assert (applied.action, applied.tries) == ("created", 1)


def test_an_event_that_nobody_listens_to_is_no_warning(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """Platforms tell of much."""
    world = make_world(delivery=inbox, secret_keys=KEYS)
    caplog.clear()
    assert world.event("bot_reply", "hello")["success"] is False
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_an_answer_repeats_no_value_and_a_log_line_has_the_events_id(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At the most talkative level."""
    caplog.set_level(logging.DEBUG)
    world = make_world(delivery=inbox, secret_keys=KEYS)
    world.crm.fail_next(Result.failed("SECRET Ana is taken"), method="create_contact")
    id = world.event("contact_created", {"id": 7, "firstname": "SECRET Ana"})["data"]["event_id"]
    settle(world.sync)
    lines = [record for record in caplog.records if getattr(record, "event_id", None) == id]
    assert [(line.getMessage(), vars(line)["outcome"]) for line in lines if line.levelno > logging.DEBUG] == [
        ("event failed", "failed")
    ]
    assert "SECRET" not in caplog.text
    assert "SECRET" not in str(world.sync.delivery.event(id))


def test_an_inbox_goes_on_in_a_forked_process(inbox: Inbox) -> None:
    """With connections and locks of its own, as under servers that fork."""
    world = make_world(delivery=inbox)
    world.event("contact_created", ANA)
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child, which is not measured
        try:
            world.event("contact_created", {"id": 8})
            os._exit(0 if inbox.backlog().waiting == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert inbox.backlog().waiting == 2


def test_inline_has_nothing_for_a_worker_to_do() -> None:
    """It says what to set."""
    with pytest.raises(ConfigurationError, match="durable"):
        make_world().sync.run_worker(threading.Event())


def test_a_delivery_that_is_given_is_the_users_to_close(tmp_path: Path, inbox: Inbox) -> None:
    """One that was opened from a URL is not."""
    given, opened = make_world(delivery=inbox), make_world(delivery=f"sqlite:///{tmp_path}/other.db")
    for world in (given, opened):
        world.event("contact_created", ANA)
        world.sync.close()
    assert inbox.backlog().waiting == 1
    assert "closed" in (opened.sync.delivery.unready() or "")


def many_threads(world: World, count: int) -> None:
    threads = [
        threading.Thread(target=world.event, args=("contact_updated", {"id": n % 5, "firstname": str(n)}))
        for n in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_events_that_come_at_once_are_all_stored(inbox: Inbox) -> None:
    """Each in one of few commits."""
    world = make_world(delivery=inbox, mapper=ROWS)
    many_threads(world, 40)
    assert world.sync.delivery.backlog().waiting == 40
