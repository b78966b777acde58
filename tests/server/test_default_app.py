"""The default server's own routes: what this is, and how it is."""

from __future__ import annotations

import threading
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
from flask import Flask, Response, abort
from flask.testing import FlaskClient

from contact_sync import ConfigurationError, ContactSync, allow_any_token
from contact_sync.server import app as app_module
from contact_sync.testing import MemoryConsumer
from key_stores import MemoryKeyStore, StoreUnavailable
from mappers import Mapping
from tests.server.apps import get, post
from tests.servers import Valkey

FIELDS = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True)]


def sync_with(key_store: Any = "memory://", **options: Any) -> ContactSync:
    crm = MemoryConsumer(id_field="ref", email_field="mail")
    return ContactSync(crm, FIELDS, key_store, auth=allow_any_token, **options)


def client_of(sync: ContactSync) -> FlaskClient:
    return sync.app.test_client()


@pytest.mark.parametrize("path", ["/botmatic", "/botmatic/"])
def test_get_on_the_endpoint_says_what_this_is(path: str) -> None:
    answer = client_of(sync_with(endpoint="/botmatic", secret_keys=["hush" * 10])).get(path)
    assert answer.status_code == 200
    said = answer.get_json()
    assert said["name"] == "contact-sync"
    assert said["version"]
    assert said["webhook"]["method"] == "POST"
    assert said["webhook"]["path"] == "/botmatic"
    assert said["health"] == ["/healthz", "/readyz"]
    assert "hush" not in answer.get_data(as_text=True)


def test_a_version_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(app_module, "version", unknown)
    assert client_of(sync_with()).get("/").get_json()["version"] is None


def test_the_webhook_is_on_the_same_address() -> None:
    event = {"event": "contact_created", "data": {"id": 1, "email": "a@example.com"}}
    answer = client_of(sync_with()).post("/", json=event)
    assert answer.get_json()["data"]["action"] == "created"


def test_healthz_is_200_whatever_the_store_does() -> None:
    class Down(MemoryKeyStore):
        def ping(self) -> None:
            raise StoreUnavailable("away")

    answer = client_of(sync_with(Down())).get("/healthz")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_readyz_is_503_with_the_reason_while_the_store_is_down(private_valkey: Valkey) -> None:
    sync = sync_with(private_valkey.url)
    client = client_of(sync)
    up = client.get("/readyz")
    assert (up.status_code, up.get_json(), up.headers["Cache-Control"]) == (200, {"ready": True}, "no-store")
    private_valkey.stop()
    down = client.get("/readyz")
    assert (down.status_code, down.headers["Cache-Control"]) == (503, "no-store")
    assert down.get_json()["reason"].startswith("key store: Redis cannot be reached")
    private_valkey.start()
    assert client.get("/readyz").status_code == 200
    sync.close()


def test_readyz_survives_whatever_a_users_store_raises() -> None:
    class Odd(MemoryKeyStore):
        def ping(self) -> None:
            raise ValueError("a password")

    answer = client_of(sync_with(Odd())).get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["reason"] == "the readiness check raised ValueError"


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [("GET", "/nothing", 404, "not found"), ("DELETE", "/", 405, "method not allowed")],
)
def test_what_is_not_there_is_said_in_json(method: str, path: str, status: int, error: str) -> None:
    answer = client_of(sync_with()).open(path, method=method)
    assert answer.status_code == status
    assert answer.get_json() == {"success": False, "type": "data", "data": {"error": error}}


def test_405_names_the_methods_that_there_are() -> None:
    answer = client_of(sync_with()).delete("/")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_a_fault_in_a_route_of_the_users_own_is_a_500_in_json_without_internals() -> None:
    sync = sync_with()

    @sync.app.get("/broken")
    def broken() -> str:
        raise ValueError("a password")

    answer = client_of(sync).get("/broken")
    assert (answer.status_code, answer.get_json()["data"]) == (500, {"error": "internal server error"})


def test_an_answer_that_a_route_of_the_users_own_aborts_with_stays_as_it_is() -> None:
    sync = sync_with()

    @sync.app.get("/teapot")
    def teapot() -> str:
        abort(Response("short and stout", 418))

    answer = client_of(sync).get("/teapot")
    assert (answer.status_code, answer.get_data()) == (418, b"short and stout")


def test_redirects_stay_redirects() -> None:
    answer = client_of(sync_with(endpoint="/a/b")).get("/a//b")
    assert answer.status_code == 308


@pytest.mark.parametrize("endpoint", ["/healthz", "/readyz", "/readyz/"])
def test_an_endpoint_on_a_health_route_is_refused_by_the_default_server_alone(endpoint: str) -> None:
    sync = sync_with(endpoint=endpoint)
    with pytest.raises(ConfigurationError, match="endpoint: the default server answers"):
        sync.app  # noqa: B018 - making it is what raises
    own = Flask("own")
    own.register_blueprint(sync.blueprint)
    assert own.test_client().post(endpoint, json={"event": "x"}).status_code == 200


def test_an_app_of_the_users_own_gets_none_of_these_routes() -> None:
    own = Flask("own")
    sync = sync_with(server=own, endpoint="/botmatic")
    client = own.test_client()
    assert sync.app is own
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/botmatic")] == [404, 404, 405]


def test_run_serves_until_close_and_close_lets_requests_end(capfd: pytest.CaptureFixture[str]) -> None:
    sync = sync_with(port=0)
    entered, leave = threading.Event(), threading.Event()

    @sync.on_event("held")
    def held(event: Any) -> dict[str, bool]:
        entered.set()
        return {"left": leave.wait(20)}

    running = threading.Thread(target=sync.run)
    running.start()
    address = wait_for_address(capfd)
    assert get(address, "/readyz")[0] == 200
    answers: list[tuple[int, bytes]] = []
    asking = threading.Thread(target=lambda: answers.append(post(address, b'{"event": "held", "data": {}}')))
    asking.start()
    assert entered.wait(20)
    threading.Timer(0.1, leave.set).start()
    sync.close()
    running.join(20)
    asking.join(20)
    assert not running.is_alive()
    assert [status for status, _ in answers] == [200]
    assert b'"left": true' in answers[0][1]


def wait_for_address(capfd: pytest.CaptureFixture[str]) -> str:
    said = ""
    for _ in range(400):
        said += capfd.readouterr().err
        if "Listening on " in said:
            return said.partition("Listening on ")[2].split()[0]
        threading.Event().wait(0.05)
    pytest.fail(f"it does not say where it listens: {said}")
