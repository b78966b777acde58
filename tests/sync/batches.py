"""Batches of the platform's contacts to a CRM, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from contact_sync import Auth, Result
from contact_sync.batches import save_many
from contact_sync.scopes import Scope
from contact_sync.testing import MemoryConsumer
from tests.sync.helpers import INSTALLATION, TOKEN, World, crm_with, make_world


def batch_world(*records: dict[str, Any], size: int = 100, crm: MemoryConsumer | None = None, **options: Any) -> World:
    """A world whose CRM takes several records at once."""
    return make_world(crm=crm or crm_with(*records, batch_size=size), **options)


def save(world: World, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Hand contacts of the platform to the CRM together."""
    scope = Scope(INSTALLATION, Auth(TOKEN), world.crm)
    return save_many(world.sync.engine, world.sync.engine.to_external(scope), contacts)


def save_each(world: World, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Hand contacts of the platform to the CRM one by one."""
    scope = Scope(INSTALLATION, Auth(TOKEN), world.crm)
    return [world.sync.engine.save(world.sync.engine.to_external(scope), contact) for contact in contacts]


def people(count: int, first: int = 1, name: str = "P") -> list[dict[str, Any]]:
    return [
        {"id": str(number), "email": f"p{number}@example.org", "firstname": f"{name}{number}"}
        for number in range(first, first + count)
    ]


def methods(world: World) -> Counter[str]:
    """How often each of the CRM's methods was called since the last time."""
    called = Counter(call.method for call in world.crm.calls)
    world.crm.calls.clear()
    return called


def actions(results: Sequence[Result]) -> list[str | None]:
    return [result.action if result.success else result.error for result in results]


def names(world: World) -> dict[str | None, str]:
    """What the CRM has as the first name of each of the platform's contacts."""
    return {
        world.store.get_botmatic_id(INSTALLATION, id): record["first_name"] for id, record in world.crm.records.items()
    }
