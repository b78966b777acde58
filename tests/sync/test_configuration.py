"""Making a `ContactSync`: wrong arguments are named, and what it opens it closes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask

from contact_sync import BotmaticPlatform, ConfigurationError, ContactSync, Event, EventName, Result
from contact_sync.abilities import Abilities
from contact_sync.testing import MemoryConsumer
from key_stores import KeyStore, MemoryKeyStore, StoreUnavailable
from mappers import Mapper
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import ROWS, TOKEN, MemoryPlatform, make_world

GOOD: dict[str, Any] = {"consumer": MemoryConsumer(), "mappings": ROWS, "key_store": "memory://"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"consumer": None}, "consumer: missing; pass an ExternalAPIConsumer, or a function from Auth to one"),
        ({"consumer": 5}, "consumer: expected an ExternalAPIConsumer, or a function from Auth to one, got int"),
        ({"consumer": MemoryConsumer}, "consumer: got the class MemoryConsumer; pass an instance of it"),
        ({"mappings": None}, "mappings: missing; pass a Mapper, a list of Mapping, or a list of dicts"),
        ({"mappings": 5}, "mappings: expected a Mapper, a list of Mapping, or a list of dicts, got int"),
        ({"mappings": []}, "mappings: "),
        ({"mappings": [{"botmatic": {"name": "a"}}]}, "mappings: "),
        ({"key_store": None}, "key_store: missing; pass a KeyStore or a URL such as 'redis://localhost'"),
        ({"key_store": 5}, "key_store: expected a KeyStore or a URL such as 'redis://localhost', got int"),
        ({"server": "app"}, "server: expected a Flask app, got str"),
        ({"key_store": "nonsense://host"}, "key_store: "),
        ({"auth": "token"}, "auth: expected a function, got str"),
        ({"installation_id": 5}, "installation_id: expected a function, got int"),
        ({"installations": "all"}, 'installations: expected None (the default) or "any"'),
        ({"endpoint": "botmatic"}, "endpoint: expected a path that begins with '/', such as '/botmatic'"),
        ({"endpoint": "/<x>"}, "endpoint: expected a path that begins with '/', such as '/botmatic'"),
        ({"endpoint": None}, "endpoint: expected a path that begins with '/', such as '/botmatic'"),
        ({"port": "3000"}, "port: expected a whole number from 0 to 65535"),
        ({"port": 70000}, "port: expected a whole number from 0 to 65535"),
        ({"port": True}, "port: expected a whole number from 0 to 65535"),
        ({"platform": "https://app.botmatic.ai"}, "platform: expected a Platform, got str"),
        ({"body_limit": 0}, "body_limit: expected a number of bytes, at least 1"),
        ({"body_limit": True}, "body_limit: expected a number of bytes, at least 1"),
        ({"frame_ancestors": "https://a.example"}, "frame_ancestors"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        ContactSync(**(GOOD | wrong))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name", ["consumer", "mappings", "key_store"])
def test_what_has_to_be_given_and_is_not_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        ContactSync(**{key: value for key, value in GOOD.items() if key != name})
    assert str(error.value).startswith(f"{name}: missing; pass ")


def test_the_password_of_a_store_that_cannot_be_opened_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as error:
        ContactSync(**(GOOD | {"key_store": "nonsense://user:very-secret@host/0"}))
    assert "very-secret" not in str(error.value)


def test_mappings_come_as_a_mapper_as_rows_or_as_nodes_dicts() -> None:
    dicts = [{"id": True, "botmatic": {"name": "id"}, "ext": {"name": "ref"}}]
    for mappings in (Mapper(ROWS), ROWS, tuple(ROWS), dicts):
        assert ContactSync(**(GOOD | {"mappings": mappings})).mapper.external_id_key == "ref"


def test_the_platforms_address_is_read_when_the_object_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTMATIC_BASE_URL", "https://bot.example")
    sync = ContactSync(**GOOD)
    assert isinstance(sync.platform, BotmaticPlatform)
    assert sync.platform.base_url == "https://bot.example"


def test_it_mounts_itself_on_a_given_app() -> None:
    app = Flask("host")
    sync = ContactSync(**GOOD, server=app, endpoint="/hook", platform=MemoryPlatform(), auth=lambda token: True)
    assert sync.app is app
    assert app.test_client().post("/hook", data=b"").status_code == 401
    assert app.test_client().get("/healthz").status_code == 404


def test_without_an_app_it_has_one_of_its_own() -> None:
    sync = ContactSync(**GOOD, platform=MemoryPlatform())
    assert sync.app is sync.app
    assert sync.app.test_client().get("/healthz").status_code == 200


def test_the_names_of_events_are_at_hand() -> None:
    assert ContactSync(**GOOD).events is EventName
    assert [str(name) for name in EventName] == [
        "install",
        "uninstall",
        "contact_created",
        "contact_updated",
        "contact_deleted",
        "user_reply",
        "bot_reply",
    ]


def test_listeners_are_registered_by_call_and_as_decorators_and_after_the_blueprint_is() -> None:
    world = make_world()

    def listener(event: Event) -> str:
        return f"heard {event.name}"

    assert world.sync.on_event("a", listener) is listener
    assert world.sync.on_event("b")(listener) is listener
    assert world.sync.on_action("c", listener) is listener
    assert world.sync.on_action("d")(listener) is listener
    for body in ({"event": "a"}, {"event": "b"}, {"action": "c"}, {"action": "d"}):
        assert world.post(body).get_json()["data"] == f"heard {next(iter(body.values()))}"
    assert world.sync.on_install(listener) is listener
    assert world.sync.on_uninstall(listener) is listener
    assert world.event("install")["data"] == "heard install"
    assert world.event("uninstall")["data"] == "heard uninstall"


def test_a_second_listener_of_a_name_takes_the_firsts_place_and_a_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = make_world()
    world.sync.on_event("a", lambda event: "first")
    world.sync.on_event("a", lambda event: "second")
    assert world.event("a")["data"] == "second"
    assert any(record.levelno == logging.WARNING and "'a'" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("name", "listener", "message"),
    [
        ("", print, "on_event: the name must be text that is not empty"),
        (5, print, "on_event: the name must be text that is not empty"),
        ("a(", print, "on_event('a('): not a regular expression: missing ), unterminated subpattern"),
        ("a", "f", "on_event('a'): expected a function, got str"),
    ],
)
def test_a_wrong_registration_is_refused(name: Any, listener: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        ContactSync(**GOOD).on_event(name, listener)
    assert str(error.value).startswith(message)


def test_a_settings_page_is_served_beside_the_webhook() -> None:
    world = make_world(frame_ancestors=["https://app.botmatic.ai"])
    world.sync.on_settings_page("/settings", lambda auth: "<input name='size'>")

    @world.sync.on_update_settings("/settings")
    def save(auth: Any, fields: Any) -> dict[str, bool]:
        return {"success": fields["size"] == 5}

    assert world.client.get(f"/settings?token={TOKEN}").status_code == 200
    assert world.client.get("/settings?token=unknown").status_code == 401
    answer = world.client.post("/settings", json={"token": TOKEN, "size": 5})
    assert (answer.status_code, answer.get_json()) == (200, {"success": True})


def test_the_settings_page_receives_the_client_that_the_auth_function_gives() -> None:
    seen: list[object] = []
    world = make_world(frame_ancestors=["https://app.botmatic.ai"], auth=lambda token: "client-7")

    @world.sync.on_settings_page("/settings")
    def page(auth: Any) -> str:
        seen.append(auth.client)
        return ""

    world.client.get(f"/settings?token={TOKEN}")
    assert seen == ["client-7"]


def test_the_settings_page_of_another_platform_needs_the_origin_of_its_frames() -> None:
    world = make_world()
    with pytest.raises(ConfigurationError, match="frame_ancestors: missing; name the origin"):
        world.sync.on_settings_page("/settings", lambda auth: "")


def test_it_is_ready_when_its_store_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryKeyStore()
    sync = ContactSync(**(GOOD | {"key_store": store}))
    assert sync.unready() is None
    assert sync.app.test_client().get("/readyz").status_code == 200

    def away() -> None:
        raise StoreUnavailable("it cannot be reached")

    monkeypatch.setattr(store, "ping", away)
    assert sync.unready() == "key store: it cannot be reached"
    assert sync.app.test_client().get("/readyz").status_code == 503
    assert ContactSync(**(GOOD | {"key_store": FiveMethods(store)})).unready() is None


class Closing(MemoryKeyStore):
    """A store that notes when it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_close_closes_what_was_opened_here_and_then_calls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    opened, given = Closing(), Closing()

    def open_it(url: str) -> KeyStore:
        return opened

    monkeypatch.setattr("contact_sync.arguments.open_key_store", open_it)
    ContactSync(**GOOD).close(lambda: order.append(f"called back, closed {opened.closed}"))
    assert order == ["called back, closed 1"]
    with ContactSync(**(GOOD | {"key_store": given, "platform": MemoryPlatform()})) as sync:
        assert sync.key_store is given
    assert given.closed == 0


def test_what_cannot_be_closed_keeps_nothing_else_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, called = Closing(), []
    monkeypatch.setattr("contact_sync.arguments.open_key_store", lambda url: opened)
    sync = ContactSync(**GOOD)

    def broken() -> None:
        raise LookupError

    monkeypatch.setattr(sync.platform, "close", broken)
    with pytest.raises(LookupError):
        sync.close(lambda: called.append(True))
    assert (opened.closed, called) == (1, [True])


def test_the_app_may_also_be_one_that_the_blueprint_was_registered_on_under_a_prefix() -> None:
    app = Flask("host")
    sync = ContactSync(**GOOD, platform=MemoryPlatform(), endpoint="/hook/", auth=lambda token: True)
    app.register_blueprint(sync.blueprint, url_prefix="/botmatic")
    rules = {str(rule) for rule in app.url_map.iter_rules() if not str(rule).startswith("/static")}
    assert rules == {"/botmatic/hook/"}
    for path in ("/botmatic/hook", "/botmatic/hook/"):
        assert app.test_client().post(path, data=b"").status_code == 401


def test_a_store_of_five_methods_is_asked_pair_by_pair() -> None:
    abilities = Abilities.of(FiveMethods(MemoryKeyStore()))
    assert abilities.batches.save_many("i", [("b1", "e1"), ("b2", "e2")])
    assert abilities.batches.get_botmatic_ids("i", ["e1", "e3", "e2"]) == {"e1": "b1", "e2": "b2"}
    assert abilities.batches.get_external_ids("i", ["b1", "b3"]) == {"b1": "e1"}
    abilities.tombstones.bury_ids("i", "b1", "e1", 60)
    assert abilities.tombstones.is_buried("i", external_id="e1")
    assert abilities.pairs.get_botmatic_id("i", "e1") is None
    abilities.forget("i")
    assert not abilities.tombstones.is_buried("i", external_id="e1")


def test_a_call_that_goes_wrong_in_an_unforeseen_way_is_a_failed_result(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()

    def broken(*_: object) -> Result:
        raise LookupError("very-secret")

    monkeypatch.setattr(world.platform, "create_properties", broken)
    assert world.sync.create_property({"name": "a"}, TOKEN).error == "the call raised LookupError"
    answer = world.event("install")
    assert answer["success"] is False
    assert answer["data"] == {"error": "handling 'install' raised LookupError"}
