"""No token, no key and no contact value appears in a log, in the answer of a refusal, in an error or in a `repr`."""

from __future__ import annotations

import functools
import http.client
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from contact_sync import (
    Auth,
    BotmaticPlatform,
    Change,
    Conflict,
    ContactSync,
    Event,
    ImportReport,
    Request,
    Result,
    mark,
)
from contact_sync.baselines import Key
from contact_sync.claims import Claims
from contact_sync.log_lines import FAILED, RETRIED
from contact_sync.merge import FieldState
from contact_sync.scopes import Scope
from contact_sync.server.access_log import AccessLog
from contact_sync.testing import MemoryConsumer, SandboxPlatform
from contact_sync.testing.sandbox import DeliveryRules
from contact_sync.webhook import Answer, Said
from key_stores import ContactRef, open_key_store
from tests.servers import Valkey
from tests.sync.helpers import INSTALLATION, ROWS, MemoryPlatform, World, make_world
from tests.sync.test_end_to_end import post, served

TOKEN, OTHER, KEY = "tok-SECRET-1", "tok-SECRET-2", "key-SECRET-0123456789-0123456789"
ANA = {"id": 7, "email": "ana.SECRET@example.org", "firstname": "SECRET Ana", "phone": "+33 SECRET 6"}
FAULTS: list[Any] = [
    RuntimeError(f"{TOKEN} {ANA}"),
    ConnectionError(f"https://crm.example/?email={ANA['email']}"),
    TimeoutError(f"{TOKEN}"),
    {"success": "SECRET"},
    {"success": True, "id": {"SECRET": 1}},
    None,
]


def check(*texts: object) -> None:
    for text in texts:
        assert "SECRET" not in str(text), str(text)[:2000]


@pytest.fixture
def sandbox() -> Iterator[SandboxPlatform]:
    with SandboxPlatform(token=TOKEN, delivery=DeliveryRules(attempts=2, backoff=0.01, longest_wait=0.01)) as sandbox:
        yield sandbox


def get(address: str, path: str) -> tuple[int, dict[str, str], str]:
    """Ask for a page, with a client that logs nothing by itself."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        connection.close()


def test_every_event_and_route_at_debug_level_over_real_http(
    sandbox: SandboxPlatform, valkey: Valkey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    crm = MemoryConsumer(id_field="ref", email_field="email_address")
    platform = BotmaticPlatform(sandbox.url)
    refusals: list[object] = []
    with (
        ContactSync(crm, ROWS, valkey.url, platform=platform, secret_keys=[KEY]) as sync,
        served(sync.app) as address,
    ):
        monkeypatch.setattr(sync.app, "wsgi_app", AccessLog(sync.app.wsgi_app))
        sync.on_settings_page("/settings", lambda auth: "<input name='size'>")
        sync.on_update_settings("/settings", lambda auth, fields: {"success": False, "errorFields": {}})
        sync.on_event("user_reply", lambda event: event.data["missing SECRET"])

        def refused(body: object, token: str = TOKEN, path: str = "/") -> None:
            status, answer = post(address, path, body, token=token)
            assert status != 200 or answer["success"] is False or answer["data"]["success"] is False
            refusals.append(answer)

        refused({"event": "contact_created", "data": ANA}, OTHER)
        refused({"event": "install"}, OTHER)
        sandbox.install(f"{address}/")
        for fault in FAULTS:
            for method in ("get_contact_by_email", "create_contact"):
                crm.fail_next(fault, method=method)
                refused({"event": "contact_created", "data": ANA})
        assert post(address, "/", {"event": "contact_created", "data": ANA}, token=TOKEN)[1]["data"]["id"] == "1"
        for fault in FAULTS:
            crm.fail_next(fault, method="update_contact")
            refused({"event": "contact_updated", "data": ANA | {"firstname": "SECRET Anna"}})
            crm.fail_next(fault, method="delete_contact")
            refused({"event": "contact_deleted", "data": {"id": 7}})
        refused({"event": "user_reply", "data": ANA})
        refused({"event": "contact_created", "data": [ANA]})
        refused({"event": "contact_created", "data": {"email": ANA["email"]}})
        refused(b'{"event": "contact_created", "data": {"email": "ana.SECRET@example.org"')
        refused({"data": ANA})
        refused({"token": OTHER, "size": "SECRET"}, path="/settings")
        for path, status in (
            (f"/settings?token={OTHER}", 401),
            (f"/settings?tok={TOKEN}", 401),
            (f"/?token={TOKEN}", 200),
            (f"/healthz?token={TOKEN}", 200),
            (f"/readyz?token={TOKEN}", 200),
            (f"/nowhere?token={TOKEN}", 404),
        ):
            answered = get(address, path)
            assert answered[0] == status
            refusals.append(answered)
        # The page itself is for its frame: it posts with the token. Its headers and the logs are for others.
        shown, headers, _ = get(address, f"/settings?token={TOKEN}")
        assert shown == 200
        refusals.append(headers)
        sandbox.fail(8, on="create_contact", status=500)
        installation = sync.installations.all()[0].id
        record = {"ref": "9", "first_name": "SECRET Bea", "email_address": "bea.SECRET@example.org"}
        for result in (
            sync.create_contact(record, installation=installation),
            sync.create_contact(record, OTHER),
            sync.create_contact(record, installation="client:SECRET"),
        ):
            assert not result.success
            refusals += [repr(result), result.error]
        bad: list[dict[str, Any]] = [record | {"ref": None}, {"ref": "5", "first_name": {"SECRET"}}]
        report = sync.import_contacts(
            bad, TOKEN, progress=lambda report: refusals.append([repr(report), report.failed])
        )
        assert len(report.failed) == 2
        refusals += [repr(report), report.failed]

        def progress(report: ImportReport) -> None:
            raise RuntimeError(f"{TOKEN} {record} {report}")

        refusals.append(sync.import_contacts([record], TOKEN, progress=progress))
        sandbox.clear_faults()
        crm.fail_next(RuntimeError(record), method="list_contacts")
        refusals.append(sync.import_all(TOKEN))
        assert sandbox.uninstall().status == 200
        check(repr(sync), repr(sync.engine), repr(sync.installations), repr(sync.platform), repr(sync.key_store))
    check(caplog.text, json.dumps(refusals, default=str))
    assert len(caplog.records) > 20
    assert " GET /settings 200 " in caplog.text


def test_a_store_that_breaks_and_a_user_whose_code_breaks_tell_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("contact_sync.pairing.RECORD_PAUSES", (0.0,))
    monkeypatch.setattr("contact_sync.integration.Claims", functools.partial(Claims, wait=0.01))

    def broken(*_: Any) -> Any:
        raise LookupError(f"{TOKEN} {ANA}")

    worlds: list[World] = []
    for options in (
        {"auth": broken},
        {"auth": lambda token: True, "installation_id": broken},
        {"consumer": broken},
        {"auth": None, "broken": "get_record"},
        {"broken": "acquire_leases"},
        {"broken": "release_leases"},
        {"broken": "claim"},
        {"broken": "record"},
        {"broken": "put_record"},
        {"stage": "ingest"},
        {"stage": "receive"},
        {"stage": "send"},
        {"stage": "format"},
    ):
        given: dict[str, Any] = dict(options)
        method, stage = given.pop("broken", None), given.pop("stage", None)
        store: Any = open_key_store("memory://")
        world = make_world(platform=MemoryPlatform([TOKEN]), store=store, **given)
        if method:
            setattr(store, method, broken)
        if stage:
            world.sync.middleware(stage, broken)
        worlds.append(world)
    answers = [
        world.post({"event": name, "data": ANA}, TOKEN).get_data(as_text=True)
        for world in worlds
        for name in ("install", "contact_created", "contact_deleted", "uninstall")
    ]
    assert sum('"success": false' in answer for answer in answers) > 20
    check(caplog.text, *answers)


def test_nothing_that_users_receive_shows_it_in_its_repr() -> None:
    auth = Auth(TOKEN, client={"name": "SECRET"})
    result = Result.failed("SECRET").with_(contact=ANA, contacts=[ANA])
    event = Event("contact_created", "event", ANA, auth, "client:acme", {"data": ANA}, result)
    request = Request({"authorization": f"Bearer {TOKEN}"}, json.dumps(ANA).encode())
    change = Change("ext", "update", ANA, "1", "client:acme", auth)
    scope = Scope("client:acme", auth, MemoryConsumer([ANA]))
    check(auth, result, event, request, change, scope, Said("event", "x", {"data": ANA}), Answer(200, {"data": ANA}))
    conflict = Conflict("email", "SECRET", "SECRET", "ext", "client:acme")
    check(conflict, mark(name="SECRET"), ContactRef("7", guards=("SECRET",)), Key(b"SECRET"), FieldState("f", "SECRET"))


def test_an_id_cannot_forge_a_line_of_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("contact_sync.pairing.RECORD_PAUSES", ())
    store: Any = open_key_store("memory://")
    world = make_world(store=store)

    def away(*_: Any) -> bool:
        raise ConnectionError

    store.record = away
    world.post(
        {"event": "contact_created", "data": {"id": "7\nERROR somebody broke in" + "x" * 10_000, "firstname": "Ana"}}
    )
    (line,) = [record.getMessage() for record in caplog.records if "could not be saved" in record.getMessage()]
    assert "\n" not in line
    assert len(line) < 600


@pytest.mark.parametrize(
    ("failure", "said", "outcome"),
    [
        (Result.failed("no such plan: ana@example.org"), FAILED, "failed"),
        (Result.failed("busy", retryable=True), RETRIED, "for_now"),
    ],
)
def test_a_contact_that_was_not_applied_leaves_a_line_in_the_log(
    failure: Result, said: str, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world()
    world.crm.fail_next(failure, method="create_contact")
    world.post({"event": "contact_created", "data": {"id": 7, "firstname": "Ana"}})
    (line,) = [record for record in caplog.records if record.name == "contact_sync.webhook"]
    assert (line.levelname, line.getMessage()) == ("WARNING", said)
    assert {"event": "contact_created", "outcome": outcome, "installation": INSTALLATION}.items() <= vars(line).items()
    assert "ana@example.org" not in caplog.text
