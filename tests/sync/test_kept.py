"""What a store keeps: read whole after a story, it holds no value of a contact, no token and no key."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from redis import Redis

from key_stores import open_key_store
from tests.servers import Valkey
from tests.sync.helpers import MemoryPlatform, crm_with, make_world

KEY = "a" * 40
VALUES = ("ana.known@example.org", "KnownFirst", "KnownLater", "0698765432", "known.token")


def test_nothing_that_a_redis_store_keeps_holds_a_value_or_a_token(valkey: Valkey) -> None:
    email, first, later, phone, token = VALUES
    crm = crm_with({"ref": "e8", "email_address": "two@example.org"}, {"ref": "e9", "email_address": "two@example.org"})
    platform = MemoryPlatform([token])
    with Redis(port=valkey.port) as redis, closing(open_key_store(valkey.url)) as store:
        world = make_world(store=store, crm=crm, platform=platform, auth=None, secret_keys=[KEY])
        world.event("install", token=token)
        contact = {"id": 7, "email": email, "firstname": first, "phone": phone}
        platform.contacts["7"] = {}
        assert world.event("contact_created", contact, token)["data"]["action"] == "created"
        assert world.event("contact_updated", contact | {"firstname": later}, token)["data"]["action"] == "updated"
        held = {"id": 8, "email": "two@example.org", "firstname": first}
        assert world.event("contact_created", held, token)["data"]["action"] == "held"
        crm.fail_next(TimeoutError(), method="create_contact", after=True)
        doubtful = {"event": "contact_created", "data": {"id": 9, "firstname": first, "phone": phone}}
        assert world.post(doubtful, token).status_code == 503
        gone = {"id": 10, "email": f"x.{email}", "firstname": first}
        assert world.event("contact_created", gone, token)["data"]["action"] == "created"
        assert world.event("contact_deleted", {"id": 10}, token)["data"]["action"] == "deleted"
        kept = b"\n".join(_everything(redis))
    assert b"held:" in kept
    assert b"doubt:" in kept
    for value in (*VALUES, "two@example.org", KEY):
        for form in (value.encode(), value.encode().hex().encode(), value.casefold().encode()):
            assert form not in kept, value


def _everything(redis: Any) -> list[bytes]:
    """Each key of a server, and all that is in it."""
    found: list[bytes] = []
    for key in redis.scan_iter():
        found.append(key)
        match redis.type(key):
            case b"hash":
                found += [part for pair in redis.hgetall(key).items() for part in pair]
            case b"string":
                found.append(redis.get(key))
            case b"zset":
                found += redis.zrange(key, 0, -1)
            case b"set":
                found += redis.smembers(key)
            case kind:
                raise AssertionError(f"what is in a {kind!r} is not looked at")
    return found
