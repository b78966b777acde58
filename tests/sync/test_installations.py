"""Installing, uninstalling, rotating tokens, and what is kept of an installation."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import Auth, Event, Result
from contact_sync.installations import MOST_TOKENS, RESERVED, token_installation_id
from contact_sync.testing import MemoryConsumer
from key_stores import Records
from tests.sync.clients import KEY, by_client, three_tokens
from tests.sync.helpers import INSTALLATION, MemoryPlatform, World, make_world


@pytest.fixture
def platform() -> MemoryPlatform:
    return three_tokens()


@pytest.fixture
def world(platform: MemoryPlatform) -> World:
    return make_world(platform=platform, auth=None, secret_keys=[KEY])


def records_of(world: World) -> Records:
    assert isinstance(world.store, Records)
    return world.store


def test_install_creates_the_mapped_properties_before_the_users_listener_runs(world: World) -> None:
    @world.sync.on_install
    def installed(event: Event) -> dict[str, Any]:
        return {"properties": [entry["name"] for entry in world.platform.properties], "success": True}

    assert world.event("install")["data"] == {"properties": ["email", "firstname", "phone"], "success": True}


def test_installing_again_changes_nothing(world: World) -> None:
    world.event("install")
    before = records_of(world).get_records(RESERVED)
    world.pair("7", "1")
    world.event("install")
    assert records_of(world).get_records(RESERVED) == before
    assert world.external_id("7") == "1"


@pytest.mark.parametrize("returned", [Result.failed("no plan"), {"success": False, "error": "no plan"}])
def test_an_install_listener_that_fails_refuses_the_installation(world: World, returned: object) -> None:
    world.sync.on_install(lambda event: returned)
    answer = world.event("install")
    assert answer["data"] == {"success": False, "error": "no plan"}
    assert world.sync.installations.all() == []


@pytest.mark.parametrize("returned", [False, {"data": False, "type": "data"}])
def test_an_install_listener_that_returns_false_refuses_the_installation(world: World, returned: object) -> None:
    world.sync.on_install(lambda event: returned)
    answer = world.event("install")
    assert answer == {
        "success": False,
        "type": "data",
        "data": {"error": "the listener for 'install' returned False"},
    }
    assert world.sync.installations.all() == []


@pytest.mark.parametrize("returned", [None, 0, "", {}])
def test_an_install_listener_that_returns_something_else_that_is_empty_installs(world: World, returned: object) -> None:
    world.sync.on_install(lambda event: returned)
    assert world.event("install")["success"] is True
    assert [installation.id for installation in world.sync.installations.all()] == [INSTALLATION]


def test_an_install_listener_that_raises_refuses_the_installation(world: World) -> None:
    def broken(event: Event) -> None:
        raise OSError("no disk")

    world.sync.on_install(broken)
    assert world.event("install") == {
        "success": False,
        "type": "data",
        "data": {"error": "the listener for 'install' failed"},
    }
    assert world.sync.installations.all() == []


def test_properties_that_cannot_be_created_refuse_the_installation(world: World) -> None:
    heard: list[Event] = []
    world.sync.on_install(heard.append)
    world.platform.fail("create_properties", Result.failed("create properties: HTTP 422"))
    assert world.event("install")["success"] is False
    world.platform.fail("create_properties", Result.failed("unreachable", retryable=True))
    assert world.post({"event": "install"}).status_code == 503
    assert heard == []
    assert world.sync.installations.all() == []


def test_uninstall_has_forgotten_everything_when_the_users_listener_runs(world: World) -> None:
    found: list[object] = []

    @world.sync.on_uninstall
    def uninstalled(event: Event) -> None:
        found.extend([world.external_id("7"), world.sync.installations.all(), event.result])

    world.event("install")
    world.pair("7", "1")
    world.event("uninstall")
    assert found == [None, [], Result.ok(action="uninstalled")]


def test_uninstalling_twice_is_harmless(world: World) -> None:
    world.event("install")
    assert world.event("uninstall")["data"] == {"success": True, "action": "uninstalled"}
    assert world.event("uninstall")["data"] == {"success": True, "action": "uninstalled"}


def test_with_one_crm_account_the_first_installation_keeps_others_out_until_it_uninstalls(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.event("install")
    refused = world.post({"event": "install"}, "tok-2")
    assert refused.status_code == 401
    assert 'installations="any"' in caplog.text
    assert "tok-2" not in caplog.text
    assert [installation.id for installation in world.sync.installations.all()] == [INSTALLATION]
    world.event("uninstall")
    assert world.event("install", token="tok-2")["data"]["action"] == "installed"


def test_with_one_crm_account_another_workspace_cannot_run_the_uninstall_listener(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    world.sync.on_uninstall(lambda event: told.append(event.installation))
    world.event("install")
    assert world.post({"event": "uninstall"}, "tok-2").status_code == 401
    assert told == []
    assert "Refused the installation" in caplog.text
    world.event("uninstall")
    world.event("uninstall", token="tok-2")
    assert told == [INSTALLATION, token_installation_id("tok-2")]


def test_an_installation_from_before_there_could_be_only_one_can_be_uninstalled(platform: MemoryPlatform) -> None:
    world = make_world(platform=platform, auth=None, installations="any")
    for token in ("tok-1", "tok-2"):
        world.event("install", token=token)
    only_one = make_world(platform=platform, auth=None, store=world.store)
    assert only_one.event("uninstall", token="tok-2")["data"]["action"] == "uninstalled"
    assert [installation.id for installation in only_one.sync.installations.all()] == [INSTALLATION]


@pytest.mark.parametrize(
    "options",
    [
        {"auth": None, "installations": "any"},
        {"auth": lambda token: True},
        {"auth": None, "consumer": lambda auth: MemoryConsumer()},
    ],
)
def test_others_are_let_in_if_asked_for_or_if_somebody_else_decides(platform: MemoryPlatform, options: Any) -> None:
    world = make_world(platform=platform, **options)
    for token in ("tok-1", "tok-2"):
        assert world.event("install", token=token)["data"]["action"] == "installed"


def test_a_rotated_token_of_the_same_client_keeps_its_pairs(platform: MemoryPlatform) -> None:
    world = by_client(platform)
    world.event("install", token="tok-1")
    world.event("contact_created", {"id": 7, "firstname": "Ana"}, "tok-1")
    world.event("install", token="tok-2")
    assert world.event("contact_updated", {"id": 7, "firstname": "Bea"}, "tok-2")["data"]["action"] == "updated"
    assert world.external_id("7", "client:acme") == "1"


def test_the_uninstall_of_an_old_token_forgets_that_token_alone(platform: MemoryPlatform) -> None:
    world = by_client(platform)
    told: list[Event] = []
    world.sync.on_uninstall(told.append)
    world.event("install", token="tok-1")
    world.event("install", token="tok-2")
    world.pair("7", "1", "client:acme")
    assert world.event("uninstall", token="tok-1")["data"]["action"] == "skipped"
    assert (world.external_id("7", "client:acme"), told) == ("1", [])
    assert world.event("uninstall", token="tok-2")["success"] is True
    assert (world.external_id("7", "client:acme"), len(told)) == (None, 1)


def test_a_token_that_is_remembered_no_longer_is_not_kept_in_memory_either() -> None:
    tokens = [f"rotated-{number}" for number in range(MOST_TOKENS + 5)]
    world = make_world(platform=MemoryPlatform(tokens=tokens), installation_id=lambda auth: "acme")
    for token in tokens:
        world.event("install", token=token)
    kept = world.sync.installations._in_memory
    assert sorted(kept.values()) == sorted(tokens[-MOST_TOKENS:])
    assert world.sync.installations.token_of("client:acme") == tokens[-1]


def test_clients_do_not_see_each_others_pairs(platform: MemoryPlatform) -> None:
    world = by_client(platform)
    world.event("contact_created", {"id": 7, "firstname": "Ana"}, "tok-1")
    assert world.event("contact_updated", {"id": 7, "firstname": "Zoe"}, "tok-3")["data"]["action"] == "created"
    world.event("uninstall", token="tok-3")
    assert world.external_id("7", "client:acme") == "1"


@pytest.mark.parametrize("returned", [None, "", True, 1.5, object()])
def test_an_installation_that_cannot_be_named_is_refused(platform: MemoryPlatform, returned: object) -> None:
    world = make_world(platform=platform, installation_id=lambda auth: returned)
    assert world.post({"event": "user_reply"}).status_code == 401


def test_an_installation_id_function_that_raises_refuses(platform: MemoryPlatform) -> None:
    def broken(auth: Auth) -> str:
        raise LookupError("very-secret")

    world = make_world(platform=platform, installation_id=broken)
    assert world.post({"event": "user_reply"}).status_code == 401


def test_the_id_of_an_installation_is_a_digest_of_the_token() -> None:
    id = token_installation_id("very-secret")
    assert id.startswith("token:")
    assert "very-secret" not in id
    assert id != token_installation_id("very-secret2")
