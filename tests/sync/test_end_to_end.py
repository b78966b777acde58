"""Over real HTTP: the sandbox platform, the default server, a real store, and a CRM."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.serving import make_server

from contact_sync import BotmaticPlatform, ContactSync, Event, Result
from contact_sync.server import Server
from contact_sync.testing import MemoryConsumer, SandboxPlatform
from contact_sync.testing.sandbox import Delivery, DeliveryRules
from key_stores import PairListing
from mappers import Mapping as Row
from tests.servers import Valkey

KEY = "k" * 40
ROWS = [
    Row("id", "ref", id=True),
    Row("email", "email_address", match=True),
    Row("firstname", "first_name"),
    Row("birthdate", "born_on", type="date"),
    Row("score", "points", type="number"),
]
QUICK = DeliveryRules(backoff=0.01, longest_wait=0.05)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app with the default server; its address."""
    server = Server(app, port=0)
    started = threading.Event()
    thread = threading.Thread(target=server.run, args=(started.set,))
    thread.start()
    try:
        assert started.wait(20)
        yield server.address
    finally:
        server.stop()
        thread.join(20)


@pytest.fixture
def sandbox() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(delivery=QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def crm() -> MemoryConsumer:
    return MemoryConsumer(id_field="ref", email_field="email_address")


def make_sync(sandbox: SandboxPlatform, crm: MemoryConsumer, store: str, **options: Any) -> ContactSync:
    platform = BotmaticPlatform(sandbox.url)
    return ContactSync(crm, ROWS, store, platform=platform, secret_keys=[KEY], **options)


@pytest.fixture(params=["redis", "sqlite"])
def sync(
    request: pytest.FixtureRequest, sandbox: SandboxPlatform, crm: MemoryConsumer, tmp_path: Any
) -> Iterator[ContactSync]:
    valkey: Valkey | None = request.getfixturevalue("valkey") if request.param == "redis" else None
    with make_sync(sandbox, crm, valkey.url if valkey else f"sqlite:///{tmp_path}/pairs.db") as sync:
        yield sync


def count_pairs(sync: ContactSync, installation: str) -> int:
    assert isinstance(sync.key_store, PairListing)
    return sync.key_store.count_pairs(installation)


def test_contacts_travel_both_ways_from_install_to_uninstall(
    sandbox: SandboxPlatform, sync: ContactSync, crm: MemoryConsumer
) -> None:
    with served(sync.app) as address:
        assert sandbox.install(f"{address}/").status == 200
        assert sandbox.properties == {"email": "text", "firstname": "text", "birthdate": "date", "score": "number"}
        (installation,) = [known.id for known in sync.installations.all()]

        # from the platform
        ana = sandbox.create_contact({"email": "ana@example.org", "firstname": "Ana", "birthdate": "1990-02-01"})
        sandbox.wait_idle()
        assert list(crm.records.values()) == [
            {"ref": "1", "email_address": "ana@example.org", "first_name": "Ana", "born_on": "1990-02-01"}
        ]
        sandbox.update_contact(ana, {"firstname": "Zoë", "birthdate": None})
        sandbox.wait_idle()
        assert crm.records["1"]["first_name"] == "Zoë"
        assert crm.records["1"]["born_on"] is None

        # from the CRM
        created = crm.create_contact({"first_name": "Bea", "points": 3})
        assert isinstance(created, Result)
        bea = {"ref": created.id, "first_name": "Bea", "points": 3}
        result = sync.create_contact(bea, installation=installation)
        assert (result.action, sandbox.contacts[str(result.id)]["score"]) == ("created", 3)
        assert sync.update_contact(bea | {"points": 4}, installation=installation).action == "updated"
        assert sandbox.contacts[str(result.id)]["score"] == 4
        report = sync.import_all(installation=installation)
        # Bea's points were told of without being written there: the CRM's own record has the last word.
        assert (report.success, report.updated, report.unchanged, report.created) == (True, 1, 1, 0)
        assert count_pairs(sync, installation) == 2

        # deletes, of either side
        sandbox.delete_contact(ana)
        sandbox.wait_idle()
        assert list(crm.records) == [created.id]
        assert sync.delete_contact(str(created.id), installation=installation).action == "deleted"
        assert sandbox.contacts == {}

        sandbox.create_contact({"firstname": "Last"})
        sandbox.wait_idle()
        assert count_pairs(sync, installation) == 1
        assert sandbox.uninstall().status == 200
        assert count_pairs(sync, installation) == 0
        assert sync.installations.all() == []
        assert {attempt.status for delivery in sandbox.deliveries for attempt in delivery.attempts} == {200}


@pytest.mark.parametrize("placement", ["flat", "nested"])
def test_both_placements_of_a_contact_are_read(sandbox: SandboxPlatform, crm: MemoryConsumer, placement: str) -> None:
    sandbox.switch(placement=placement)
    with make_sync(sandbox, crm, "memory://") as sync, served(sync.app) as address:
        sandbox.install(f"{address}/")
        id = sandbox.create_contact({"firstname": "Ana"})
        sandbox.wait_idle()
        assert crm.records["1"]["first_name"] == "Ana"
        sandbox.delete_contact(id)
        sandbox.wait_idle()
        assert crm.records == {}


@pytest.mark.parametrize("after", [False, True], ids=["before it is written", "its answer is lost"])
def test_what_a_crm_that_is_down_missed_is_delivered_again(
    sandbox: SandboxPlatform, crm: MemoryConsumer, after: bool
) -> None:
    with make_sync(sandbox, crm, "memory://") as sync, served(sync.app) as address:
        sandbox.install(f"{address}/")
        crm.fail_next(TimeoutError(), method="create_contact", after=after)
        id = sandbox.create_contact({"email": "ana@example.org", "firstname": "Ana"})
        sandbox.wait_idle()
        crm.fail_next(ConnectionError(), method="update_contact", times=2, after=after)
        sandbox.update_contact(id, {"firstname": "Bea"})
        sandbox.wait_idle()
        assert [record["first_name"] for record in crm.records.values()] == ["Bea"]
        crm.fail_next(ConnectionError(), method="delete_contact", after=after)
        sandbox.delete_contact(id)
        sandbox.wait_idle()
        assert crm.records == {}
        attempts = [[one.status for one in delivery.attempts] for delivery in sandbox.deliveries]
        assert attempts == [[200], [503, 200], [503, 503, 200], [503, 200]]
        assert sandbox.deliveries[1].attempts[0].retry_after == 5


def test_an_installation_whose_properties_the_platform_cannot_take_now_is_delivered_again(
    sandbox: SandboxPlatform, crm: MemoryConsumer
) -> None:
    with make_sync(sandbox, crm, "memory://") as sync, served(sync.app) as address:
        sandbox.fail(4, on="create_properties", status=503)  # the client itself asks four times
        delivery = sandbox.install(f"{address}/")
        assert [attempt.status for attempt in delivery.attempts] == [503, 200]
        assert len(sync.installations.all()) == 1


def test_a_token_that_the_platform_does_not_know_is_refused(sandbox: SandboxPlatform, crm: MemoryConsumer) -> None:
    with make_sync(sandbox, crm, "memory://") as sync, served(sync.app) as address:
        sandbox.install(f"{address}/")
        assert post(address, "/", {"event": "install"}, token="made-up")[0] == 401
        assert post(address, "/", {"event": "contact_created", "data": {"id": 1}}, token="made-up")[0] == 401
        sandbox.main.issue_token("second")  # valid, but not installed here
        assert post(address, "/", {"event": "contact_created", "data": {"id": 1}}, token="second")[0] == 401
        assert crm.calls == []


def test_a_platform_that_tells_of_what_is_done_there_makes_no_duplicates_and_deletes_nothing(
    crm: MemoryConsumer, tmp_path: Any
) -> None:
    """Its event may overtake its answer. Contacts without an e-mail address are recognised by what they hold."""
    for number in range(120):
        crm.create_contact({"first_name": f"P{number}", "points": number})
    with (
        SandboxPlatform(delivery=QUICK, echo=True) as sandbox,
        make_sync(sandbox, crm, f"sqlite:///{tmp_path}/pairs.db") as sync,
        served(sync.app) as address,
    ):
        sandbox.install(f"{address}/")
        (installation,) = [known.id for known in sync.installations.all()]
        assert sync.import_all(installation=installation).created == 120
        sandbox.wait_idle(60)
        assert (len(crm.records), len(sandbox.contacts), count_pairs(sync, installation)) == (120, 120, 120)
        crm.create_contact({"first_name": "Zoe"})
        assert sync.create_contact({"ref": "121", "first_name": "Zoe"}, installation=installation).action == "created"
        sandbox.wait_idle(60)
        assert (len(crm.records), len(sandbox.contacts), count_pairs(sync, installation)) == (121, 121, 121)
        for number in range(1, 21):  # what is taken away from the platform alone stays in the CRM
            assert sync.delete_contact(number, installation=installation).action == "deleted"
        sandbox.wait_idle(60)
        assert (len(crm.records), len(sandbox.contacts), count_pairs(sync, installation)) == (121, 101, 101)


def test_listeners_settings_and_campaigns_work_beside_it(sandbox: SandboxPlatform, crm: MemoryConsumer) -> None:
    with make_sync(sandbox, crm, "memory://") as sync, served(sync.app) as address:
        sync.on_event("user_reply", lambda event: {"text": f"You said {event.data['text']}"})
        sync.on_action("book_.*", lambda event: {"data": {"room": 12}, "type": "data"})

        @sync.on_install
        def installed(event: Event) -> Result:
            return Result.ok(reason=sync.import_all(event.auth.token).error)

        crm.create_contact({"first_name": "Ana"})
        sandbox.install(f"{address}/")
        assert [contact["firstname"] for contact in sandbox.contacts.values()] == ["Ana"]
        reply = sandbox.send_event("user_reply", {"text": "hi"}).wait()
        assert json.loads(reply.attempts[0].body)["data"] == {"text": "You said hi"}
        booked = sandbox.send_action("book_room", {}).wait()
        assert json.loads(booked.attempts[0].body) == {"data": {"room": 12}, "type": "data", "success": True}
        (id,) = sandbox.contacts
        assert sync.send_event_on_campaign("welcome", [id], sandbox.token).success
        assert [event.contact_ids for event in sandbox.campaign_events] == [(id,)]


def test_a_blueprint_on_an_app_of_the_users_is_served_by_their_own_server(
    sandbox: SandboxPlatform, crm: MemoryConsumer
) -> None:
    with make_sync(sandbox, crm, "memory://") as sync:
        app = Flask("host")
        app.register_blueprint(sync.blueprint, url_prefix="/botmatic")
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            sandbox.install(f"http://127.0.0.1:{server.server_port}/botmatic")
            sandbox.create_contact({"firstname": "Ana"})
            sandbox.wait_idle()
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
    assert crm.records["1"]["first_name"] == "Ana"


def post(
    address: str, path: str, body: object, *, token: str = "", chunked: bool = False, headers: Any = None
) -> tuple[int, Any]:
    """Send one request; its status, and the JSON of its answer."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent: Any = iter([data[:5], data[5:]]) if chunked else data
    fields = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} | (headers or {})
    try:
        connection.request("POST", path, sent, fields, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_body_without_a_length_is_read_and_measured_by_the_default_server(
    sandbox: SandboxPlatform, crm: MemoryConsumer
) -> None:
    options: dict[str, Any] = {"auth": lambda token: token == "good", "body_limit": 1000}
    with make_sync(sandbox, crm, "memory://", **options) as sync, served(sync.app) as address:
        event = {"event": "contact_created", "data": {"id": 7, "firstname": "Ana"}}
        status, answer = post(address, "/", event, token="good", chunked=True)
        assert (status, answer["data"]["action"]) == (200, "created")
        status, answer = post(address, "/", b" " * 2000, token="good", chunked=True)
        assert (status, answer["data"]["error"]) == (413, "the body is too large")


def test_the_object_serves_itself_until_it_is_closed(sandbox: SandboxPlatform, crm: MemoryConsumer) -> None:
    from tests.servers import free_port

    port = free_port()
    sync = make_sync(sandbox, crm, "memory://", port=port)
    thread = threading.Thread(target=sync.run)
    thread.start()
    try:
        assert sandbox_reaches(sandbox, f"http://127.0.0.1:{port}/").status == 200
    finally:
        called: list[bool] = []
        sync.close(lambda: called.append(thread.is_alive()))
        thread.join(20)
    assert called
    assert not thread.is_alive()
    with pytest.raises(ConnectionError):
        post(f"http://127.0.0.1:{port}", "/", {})


def sandbox_reaches(sandbox: SandboxPlatform, url: str) -> Delivery:
    """Install at an address that may not be listened on yet; the sandbox tries until it is."""
    deadline = time.monotonic() + 30
    while True:
        delivery = sandbox.install(url)
        if delivery.status is not None or time.monotonic() > deadline:
            return delivery
