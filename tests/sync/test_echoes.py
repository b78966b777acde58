"""A platform that tells of what is done there, before it answers: no duplicate, no second delete."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from contact_sync import Result
from key_stores import Claimed, MemoryKeyStore
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import INSTALLATION, TOKEN, MemoryPlatform, World, crm_with, make_world


class Waited(MemoryKeyStore):
    """Says when somebody has to wait for a claim."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()

    def claim(self, *args: Any) -> Claimed | None:
        claimed = super().claim(*args)
        if claimed is None:
            self.waits.set()
        return claimed


class Telling(MemoryPlatform):
    """Sends an event for each write, and answers when the event is done or has to wait."""

    def __init__(self, store: Waited) -> None:
        super().__init__()
        self.store = store
        self.world: World | None = None
        self.threads: list[threading.Thread] = []
        self.answers: list[dict[str, Any]] = []

    def tell(self, name: str, data: dict[str, Any]) -> None:
        world = self.world
        assert world is not None
        self.store.waits.clear()
        done = threading.Event()

        def send() -> None:
            self.answers.append(world.event(name, data)["data"])
            done.set()
            self.store.waits.set()

        self.threads.append(threading.Thread(target=send))
        self.threads[-1].start()
        assert self.store.waits.wait(20)

    def create_contact(self, token: str, contact: Mapping[str, Any]) -> Result:
        result = super().create_contact(token, contact)
        self.tell("contact_created", {"id": result.id, **contact})
        return result

    def create_contacts(self, token: str, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        return [self.create_contact(token, contact) for contact in contacts]

    def delete_contact(self, token: str, id: str) -> Result:
        result = super().delete_contact(token, id)
        self.tell("contact_deleted", {"contact_id": id})
        return result


ZOE = {"ref": "9", "first_name": "Zoe", "points": 5, "email_address": ""}
MAPPER = Mapper(
    [
        Row("id", "ref", id=True),
        Row("email", "email_address", match=True),
        Row("firstname", "first_name"),
        Row("score", "points", type="number"),
        Row("seen", "seen_on", direction="to_external"),
    ]
)


@pytest.fixture
def world() -> Iterator[World]:
    store = Waited()
    platform = Telling(store)
    platform.world = world = make_world(platform=platform, store=store, crm=crm_with(ZOE), mapper=MAPPER)
    yield world
    for thread in platform.threads:
        thread.join(20)


def told(world: World) -> list[Any]:
    assert isinstance(world.platform, Telling)
    for thread in world.platform.threads:
        thread.join(20)
    return [answer["action"] for answer in world.platform.answers]


@pytest.mark.parametrize("email", ["", "zoe@example.org"])
@pytest.mark.parametrize("method", ["create_contact", "import_contacts"])
def test_a_contact_that_we_create_there_does_not_come_back_as_a_second_record(
    world: World, method: str, email: str
) -> None:
    record = ZOE | {"email_address": email}
    world.crm.update_contact(record)
    assert getattr(world.sync, method)(record if method == "create_contact" else [record], TOKEN).success
    assert told(world) == ["unchanged"]
    assert list(world.crm.records) == ["9"]
    assert world.store.get_botmatic_id(INSTALLATION, "9") == "501"


def test_a_contact_that_we_delete_there_is_not_deleted_in_the_crm(world: World) -> None:
    world.sync.create_contact(ZOE, TOKEN)
    assert told(world) == ["unchanged"]
    assert world.sync.delete_contact("9", TOKEN).action == "deleted"
    assert told(world) == ["unchanged", "skipped"]
    assert list(world.crm.records) == ["9"]
    assert world.store.get_botmatic_id(INSTALLATION, "9") is None
