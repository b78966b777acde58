"""`/metrics` on the default server: who may read it, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from contact_sync import ConfigurationError, ContactSync, allow_any_token
from contact_sync.delivery import Backlog
from contact_sync.errors import DeliveryUnavailable
from contact_sync.metrics import open_metrics
from contact_sync.server import Server
from contact_sync.server.app import default_app, health_app
from contact_sync.testing import MemoryConsumer
from mappers import Mapping
from tests.observing.helpers import Read
from tests.server.apps import get, running

TOKEN = "hush-hush-42"
VARIABLE = "CONTACT_SYNC_METRICS_TOKEN"


def ready() -> str | None:
    return None


def fixed() -> tuple[bytes, str]:
    return b"up 1\n", "text/plain; version=0.0.4; charset=utf-8"


def app_of(
    metrics: Callable[[], tuple[bytes, str]] | None, endpoint: str = "/", token: str | None = None
) -> FlaskClient:
    fields = [Mapping("id", "ref", id=True)]
    sync = ContactSync(MemoryConsumer(id_field="ref"), fields, "memory://", auth=allow_any_token, endpoint=endpoint)
    return default_app(sync.blueprint, endpoint, ready, metrics, token).test_client()


def test_the_route_answers_what_prometheus_reads_over_http() -> None:
    app = health_app(ready, open_metrics(lambda: Backlog(waiting=4)))
    server = Server(app, port=0)
    with running(server):
        status, body = get(server.address, "/metrics")
    assert status == 200
    assert Read(body)("contact_sync_events_waiting") == 4


def test_the_answer_is_of_prometheus_type_and_not_kept_by_anybody() -> None:
    answer = app_of(fixed).get("/metrics")
    assert (answer.status_code, answer.get_data()) == (200, b"up 1\n")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert app_of(fixed).get("/").get_json()["metrics"] == "/metrics"


def test_without_metrics_there_is_no_route_and_its_path_may_be_the_endpoint() -> None:
    client = app_of(None)
    assert client.get("/metrics").status_code == 404
    assert "metrics" not in client.get("/").get_json()
    assert app_of(None, endpoint="/metrics").get("/metrics").get_json()["name"] == "contact-sync"


@pytest.mark.parametrize("endpoint", ["/metrics", "/metrics/"])
def test_an_endpoint_on_its_path_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint: the default server answers"):
        app_of(fixed, endpoint)


def test_the_webhook_is_there_beside_it() -> None:
    answer = app_of(fixed, token=TOKEN).post("/", json={"event": "contact_created", "data": {"id": 1}})
    assert answer.get_json()["data"]["action"] == "created"


@pytest.mark.parametrize("given_as", ["argument", "environment"])
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer \u00e9\u00ff", 401),
        ("Bearer " + "x" * 5_000, 401),
    ],
)
def test_with_a_token_only_who_has_it_may_read_them(
    given_as: str, header: str | None, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if given_as == "environment":
        monkeypatch.setenv(VARIABLE, TOKEN)
    client = app_of(fixed, token=TOKEN if given_as == "argument" else None)
    answer = client.get("/metrics", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert b"up 1" not in answer.get_data()
    assert client.get("/healthz").status_code == 200  # asked by load balancers, which have no token
    assert TOKEN not in caplog.text + answer.get_data(as_text=True)


def test_the_argument_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "another")
    assert app_of(fixed, token=TOKEN).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("token", ["", " ", "two words", "line\nbreak", "caf\u00e9"])
def test_a_token_that_nobody_could_send_is_refused_and_not_repeated(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"^metrics_token: expected a token of ASCII") as refused:
        app_of(fixed, token=token)
    assert not token.strip() or token not in str(refused.value)
    monkeypatch.setenv(VARIABLE, token)
    with pytest.raises(ConfigurationError, match=f"^{VARIABLE}: expected a token of ASCII"):
        app_of(fixed)


def test_metrics_that_cannot_be_had_are_a_500_without_internals() -> None:
    def broken() -> tuple[bytes, str]:
        raise OSError("a password")

    answer = app_of(broken).get("/metrics")
    assert (answer.status_code, answer.get_json()["data"]) == (500, {"error": "internal server error"})


def test_a_process_without_a_webhook_says_how_it_is() -> None:
    reasons: list[str | None] = [None, "delivery: the inbox cannot be reached"]
    client = health_app(lambda: reasons.pop(0)).test_client()
    assert client.get("/healthz").get_json() == {"alive": True}
    assert client.get("/readyz").get_json() == {"ready": True}
    away = client.get("/readyz")
    assert (away.status_code, away.get_json()["reason"]) == (503, "delivery: the inbox cannot be reached")
    assert client.post("/", json={}).get_json()["data"] == {"error": "not found"}
    assert client.get("/metrics").status_code == 404


def test_readyz_of_such_a_process_says_what_its_store_raises() -> None:
    def unready() -> str | None:
        raise DeliveryUnavailable("the inbox cannot be reached")

    answer: Any = health_app(unready).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["reason"]) == (503, "the inbox cannot be reached")
