"""Giving an installation another id."""

from __future__ import annotations

from typing import Any

import pytest

from key_stores import MemoryKeyStore
from tests.sync.clients import KEY, OTHER_KEY, by_client, installations_of, three_tokens
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import INSTALLATION, TOKEN, MemoryPlatform, World, make_world


@pytest.fixture
def platform() -> MemoryPlatform:
    return three_tokens()


@pytest.fixture
def world(platform: MemoryPlatform) -> World:
    return make_world(platform=platform, auth=None, secret_keys=[KEY])


def test_moving_takes_pairs_and_tokens_to_another_id(platform: MemoryPlatform, able_store: Any) -> None:
    world = make_world(platform=platform, store=able_store, secret_keys=[KEY])
    world.event("install")
    able_store.save_many(INSTALLATION, [(f"b{number}", f"e{number}") for number in range(1200)])
    assert installations_of(world).move(INSTALLATION, "client:acme") == 1200
    assert world.external_id("b1199", "client:acme") == "e1199"
    assert world.external_id("b1199") is None
    assert [known.id for known in installations_of(world).all()] == ["client:acme"]
    assert installations_of(world).token_of("client:acme") == TOKEN


def test_moving_to_the_same_id_changes_nothing(world: World) -> None:
    world.event("install")
    world.pair("7", "1")
    assert installations_of(world).move(INSTALLATION, INSTALLATION) == 0
    assert world.external_id("7") == "1"
    assert installations_of(world).token_of(INSTALLATION) == TOKEN


def test_pairs_move_also_where_nothing_was_installed(world: World) -> None:
    """As with an `auth` of one's own that never saw an INSTALL."""
    world.pair("7", "1", "client:old")
    assert installations_of(world).move("client:old", "client:new") == 1
    assert world.external_id("7", "client:new") == "1"
    assert installations_of(world).all() == []


def test_a_token_that_no_key_opens_moves_without_being_readable(platform: MemoryPlatform) -> None:
    store = MemoryKeyStore()
    make_world(platform=platform, store=store, secret_keys=[KEY]).event("install")
    world = make_world(platform=platform, store=store, secret_keys=[OTHER_KEY])
    installations_of(world).move(INSTALLATION, "client:acme")
    known = installations_of(world).find("client:acme")
    assert known is not None
    assert known.has(TOKEN)
    assert installations_of(world).token_of("client:acme") is None


def test_a_store_that_cannot_list_its_pairs_cannot_move_them() -> None:
    with pytest.raises(LookupError, match="cannot list its pairs"):
        installations_of(make_world(store=FiveMethods(MemoryKeyStore()))).move("client:a", "client:b")


def test_moving_what_is_not_there_says_so(world: World) -> None:
    with pytest.raises(LookupError, match="there is no installation client:nobody"):
        installations_of(world).move("client:nobody", "client:acme")


def test_moving_into_an_installation_joins_their_tokens(platform: MemoryPlatform) -> None:
    world = by_client(platform)
    world.event("install", token="tok-1")
    world.event("install", token="tok-3")
    installations_of(world).move("client:zenith", "client:acme")
    known = installations_of(world).find("client:acme")
    assert known is not None
    assert known.has("tok-1")
    assert known.has("tok-3")
    assert not known.has("tok-2")
