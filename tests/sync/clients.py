"""Worlds with several tokens, of which some are one client's."""

from __future__ import annotations

from typing import Any

from contact_sync.installations import Installations
from tests.sync.helpers import MemoryPlatform, World, make_world

KEY, OTHER_KEY = "a" * 40, "b" * 40


def three_tokens() -> MemoryPlatform:
    """A platform that knows tok-1, tok-2 and tok-3."""
    return MemoryPlatform(tokens=["tok-1", "tok-2", "tok-3"])


def by_client(platform: MemoryPlatform, **options: Any) -> World:
    """A sync in which tok-1 and tok-2 are one client's, and tok-3 another's."""
    clients = {"tok-1": "acme", "tok-2": "acme", "tok-3": "zenith"}
    return make_world(
        platform=platform, auth=clients.get, installation_id=lambda auth: auth.client, secret_keys=[KEY], **options
    )


def installations_of(world: World) -> Installations:
    return world.sync.installations
