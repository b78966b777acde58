"""Tokens of installations as they are kept: encrypted, bound to their installation, unreadable without a key."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from contact_sync import ConfigurationError, Result
from contact_sync.installations import RESERVED, Installations, token_installation_id
from contact_sync.vault import Vault
from key_stores import KeyStore, MemoryKeyStore
from tests.sync.clients import KEY, OTHER_KEY, by_client, installations_of, three_tokens
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import INSTALLATION, TOKEN, MemoryPlatform, World, make_world


@pytest.fixture
def platform() -> MemoryPlatform:
    return three_tokens()


def speak_for(world: World, installation: str) -> Result:
    return world.sync.create_contact({"ref": 1, "first_name": "Ana"}, installation=installation)


def test_after_a_restart_the_sync_can_speak_for_an_installation_by_its_id(
    platform: MemoryPlatform, able_store: KeyStore
) -> None:
    make_world(platform=platform, store=able_store, secret_keys=[KEY]).event("install")
    restarted = make_world(platform=platform, store=able_store, secret_keys=[KEY])
    assert speak_for(restarted, INSTALLATION).action == "created"


def test_tokens_are_kept_encrypted_and_in_no_key_name(platform: MemoryPlatform) -> None:
    store = MemoryKeyStore()
    world = make_world(platform=MemoryPlatform(["very-secret"]), store=store, secret_keys=[KEY])
    world.event("install", token="very-secret")
    assert "very-secret" not in str(store.get_records(RESERVED))
    assert "very-secret" not in repr(world.sync.installations.all())


def test_a_key_is_replaced_by_putting_the_new_one_in_front(platform: MemoryPlatform) -> None:
    store = MemoryKeyStore()
    make_world(platform=platform, store=store, secret_keys=[KEY]).event("install")
    assert speak_for(make_world(platform=platform, store=store, secret_keys=[OTHER_KEY, KEY]), INSTALLATION).success
    assert not speak_for(make_world(platform=platform, store=store, secret_keys=[OTHER_KEY]), INSTALLATION).success


def test_an_installation_that_is_installed_again_is_sealed_with_the_first_key(platform: MemoryPlatform) -> None:
    """So that the old key can be dropped afterwards; and so that keys can be introduced later."""
    store = MemoryKeyStore()
    for keys in ([], [KEY], [OTHER_KEY, KEY]):
        make_world(platform=platform, store=store, secret_keys=keys).event("install")
    before = store.get_records(RESERVED)
    world = make_world(platform=platform, store=store, secret_keys=[OTHER_KEY])
    assert speak_for(world, INSTALLATION).success
    world.event("install")
    assert store.get_records(RESERVED) == before
    assert len(world.sync.installations.all()[0].tokens) == 1


def test_sealing_anew_leaves_the_other_tokens_of_a_client_as_they_are(platform: MemoryPlatform) -> None:
    store = MemoryKeyStore()
    world = by_client(platform, store=store)
    for token in ("tok-1", "tok-2"):
        world.event("install", token=token)
    known = world.sync.installations.find("client:acme")
    rotated = Installations(world.sync.abilities, world.sync.engine.claims, Vault([OTHER_KEY, KEY]))
    rotated.remember("client:acme", "tok-1")
    after = rotated.find("client:acme")
    assert known is not None
    assert after is not None
    assert [token.digest for token in after.tokens] == [token.digest for token in known.tokens]
    assert [a.sealed == b.sealed for a, b in zip(after.tokens, known.tokens, strict=True)] == [False, True]
    assert rotated.token_of("client:acme") == "tok-2"


def test_of_a_clients_tokens_the_newest_is_spoken_with_and_the_oldest_are_forgotten(
    platform: MemoryPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contact_sync.installations.MOST_TOKENS", 2)
    world = by_client(platform, store=MemoryKeyStore())
    installations = world.sync.installations
    for number in range(4):
        installations.remember("client:acme", f"tok-{number}")
        assert installations.token_of("client:acme") == f"tok-{number}"
    known = installations.find("client:acme")
    assert known is not None
    assert [known.has(f"tok-{number}") for number in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("name", ["install", "uninstall"])
def test_a_record_of_a_later_release_is_left_alone(platform: MemoryPlatform, name: str) -> None:
    store = MemoryKeyStore()
    world = make_world(platform=platform, store=store, auth=None)
    later = '{"v": 99, "tokens": "in another way"}'
    store.put_record(RESERVED, INSTALLATION, later)
    answer = world.event(name)
    assert answer["success"] is False
    assert "format 99; this release reads 1" in answer["data"]["error"]
    assert store.get_record(RESERVED, INSTALLATION) == later
    assert world.post({"event": "user_reply"}).status_code == 503


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"v": 1}', '{"v": 1, "tokens": [{}]}', '{"v": 1, "tokens": 5}']
)
def test_a_record_that_cannot_be_read_lets_nobody_in(platform: MemoryPlatform, text: str) -> None:
    store = MemoryKeyStore()
    world = make_world(platform=platform, store=store, auth=None)
    store.put_record(RESERVED, INSTALLATION, text)
    assert world.post({"event": "user_reply"}).status_code == 503
    assert "cannot be read" in world.event("install")["data"]["error"]


def test_a_ciphertext_is_bound_to_its_installation(platform: MemoryPlatform) -> None:
    store = MemoryKeyStore()
    world = make_world(platform=platform, store=store, installations="any", secret_keys=[KEY])
    world.event("install", token="tok-1")
    stolen = store.get_record(RESERVED, INSTALLATION)
    assert stolen is not None
    store.put_record(RESERVED, "token:other", stolen)
    assert world.sync.installations.token_of(INSTALLATION) == TOKEN
    assert world.sync.installations.token_of("token:other") is None


def test_without_a_key_the_token_stays_in_memory_and_a_warning_says_so(
    platform: MemoryPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryKeyStore()
    with caplog.at_level(logging.WARNING):
        world = make_world(platform=platform, store=store)
    assert "secret_keys" in caplog.text
    world.event("install")
    assert speak_for(world, INSTALLATION).success
    refused = speak_for(make_world(platform=platform, store=store), INSTALLATION)
    assert refused.error is not None
    assert "secret_keys" in refused.error


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("k" * 40, "secret_keys: expected a list of texts, got one; write secret_keys=[key]"),
        (["short"], "secret_keys: key 1 is not a text of at least 32 characters"),
        ([KEY, 5], "secret_keys: key 2 is not a text of at least 32 characters"),
        ([None], "secret_keys: key 1 is not a text of at least 32 characters"),
        (None, "secret_keys: expected a list of texts, got NoneType"),
        (b"k" * 40, "secret_keys: expected a list of texts, got one; write secret_keys=[key]"),
    ],
)
def test_wrong_keys_are_refused_when_the_sync_is_made(keys: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        make_world(secret_keys=keys)
    assert str(error.value).startswith(message)
    assert "short" not in str(error.value)


def test_a_store_without_records_warns_once_what_that_costs(caplog: pytest.LogCaptureFixture) -> None:
    make_world(store=FiveMethods(MemoryKeyStore()))
    warnings = [record.message for record in caplog.records if "FiveMethods" in record.message]
    assert len(warnings) == 1
    assert "Leases, Tombstones, Records" in warnings[0]


def test_without_keys_erasing_forgets_the_tokens_in_memory_of_that_installation_alone(platform: MemoryPlatform) -> None:
    world = make_world(platform=platform, installations="any")
    for token in ("tok-1", "tok-2"):
        world.event("install", token=token)
    installations_of(world).erase(INSTALLATION)
    other = token_installation_id("tok-2")
    assert installations_of(world).token_of(INSTALLATION) is None
    assert installations_of(world).token_of(other) == "tok-2"


def test_encryption_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'contact-sync\[crypto\]'"):
        make_world(secret_keys=[KEY])
