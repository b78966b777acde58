"""Every call of a store on a server is one round trip, counted on the line; and what happens when the line breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import create_engine

from key_stores import ContactRef, DeletePair, RedisKeyStore, SavePair, SQLKeyStore, StoreUnavailable
from tests.counting import CountingRelay
from tests.servers import Database, Valkey

Store = RedisKeyStore | SQLKeyStore

MANY = [(str(number), f"e{number}") for number in range(1000)]
CONTACTS = [ContactRef(b, guards=(f"{b}@example.org",)) for b, _ in MANY[:100]]
LEASES = ["a", "b", "c"]


@pytest.fixture(params=["redis", "postgresql"])
def line(request: pytest.FixtureRequest) -> Iterator[tuple[Store, CountingRelay]]:
    """A store, and the line between it and its server."""
    if request.param == "redis":
        server: Valkey = request.getfixturevalue("valkey")
        with CountingRelay(server.port) as relay:
            redis = RedisKeyStore(f"redis://127.0.0.1:{relay.port}")
            yield redis, relay
            redis.close()
        return
    database: Database = request.getfixturevalue("postgresql")
    with CountingRelay(database.server.port) as relay:
        sql = SQLKeyStore(database.url.replace(f":{database.server.port}/", f":{relay.port}/"))
        yield sql, relay
        sql.close()


CALLS: dict[str, Callable[[Store], object]] = {
    "save_ids": lambda store: store.save_ids("i", "b1", "e1"),
    "get_botmatic_id": lambda store: store.get_botmatic_id("i", "e1"),
    "get_external_id": lambda store: store.get_external_id("i", "b1"),
    "delete_ids": lambda store: store.delete_ids("i", "b1", "e1"),
    "save_many": lambda store: store.save_many("i", MANY),
    "get_botmatic_ids": lambda store: store.get_botmatic_ids("i", [e for _, e in MANY]),
    "get_external_ids": lambda store: store.get_external_ids("i", [b for b, _ in MANY]),
    "save_baselines": lambda store: store.save_baselines("i", [(*pair, b"baseline") for pair in MANY]),
    "get_baselines": lambda store: store.get_baselines("i", [b for b, _ in MANY]),
    "count_pairs": lambda store: store.count_pairs("i"),
    "bury_ids": lambda store: store.bury_ids("i", "b1", "e1", 60),
    "is_buried": lambda store: store.is_buried("i", botmatic_id="b1"),
    "acquire_leases": lambda store: store.acquire_leases("i", LEASES, "me", 60),
    "acquire_leases of others": lambda store: store.acquire_leases("i", LEASES, "you", 60),
    "renew_leases": lambda store: store.renew_leases("i", LEASES, "me", 60),
    "release_leases": lambda store: store.release_leases("i", LEASES, "me"),
    "claim": lambda store: store.claim("i", CONTACTS, "me", 60),
    "claim of others": lambda store: store.claim("i", CONTACTS, "you", 60),
    "renew_claim": lambda store: store.renew_claim("i", ["b00"], "me", 60),
    "record": lambda store: store.record("i", ["b00"], "me", [SavePair("b1", "e1"), DeletePair("b1", "e1")]),
    "put_record": lambda store: store.put_record("i", "name", "value"),
    "get_record": lambda store: store.get_record("i", "name"),
    "get_records": lambda store: store.get_records("i"),
    "delete_record": lambda store: store.delete_record("i", "name"),
    "delete_all_ids": lambda store: store.delete_all_ids("i"),
    "ping": lambda store: store.ping(),
}


def test_every_call_is_one_round_trip(line: tuple[Store, CountingRelay]) -> None:
    """Once the line and the tables are there, and the server knows the scripts; also when the call has to say no."""
    store, relay = line
    for call in CALLS.values():
        call(store)
    for _ in range(6):  # no client begins to do something else after a while
        assert {name: relay.count(partial(call, store)) for name, call in CALLS.items()} == dict.fromkeys(CALLS, 1)


def test_an_update_of_a_known_contact_is_two_round_trips(line: tuple[Store, CountingRelay]) -> None:
    """Claiming it, which says all that is known, and recording what was done, which gives it back."""
    store, relay = line
    store.save_baselines("i", [("b1", "e1", b"before")])

    def update() -> None:
        claimed = store.claim("i", [ContactRef(botmatic_id="b1")], "me", 60)
        assert claimed is not None
        (contact,) = claimed.contacts
        assert (contact.botmatic_id, contact.external_id) == ("b1", "e1")
        assert store.record("i", claimed.leases, "me", [SavePair("b1", "e1", b"after")]) is True

    update()
    assert relay.count(update) == 2
    assert store.get_baselines("i", ["b1"]) == {"b1": b"after"}


def test_a_connection_that_ended_while_idle_is_noticed_before_it_is_used(line: tuple[Store, CountingRelay]) -> None:
    """So that even what is never sent twice gets through."""
    store, relay = line
    store.save_ids("i", "b1", "e1")
    relay.cut()
    relay.mend()
    assert store.delete_ids("i", "b1", "e1") is True
    claimed = store.claim("i", [ContactRef("b1")], "me", 60)
    assert claimed is not None
    relay.cut()
    relay.mend()
    assert store.record("i", claimed.leases, "me", [SavePair("b1", "e2")]) is True
    assert store.get_external_id("i", "b1") == "e2"


def test_what_may_be_done_twice_is_sent_again_when_its_answer_is_lost(line: tuple[Store, CountingRelay]) -> None:
    """A claim by the same owner is one; so is a record that gives nothing back."""
    store, relay = line
    store.save_ids("i", "b1", "e1")
    relay.lose_answer()
    claimed = store.claim("i", [ContactRef("b1")], "me", 60)
    assert claimed is not None
    relay.lose_answer()
    assert store.renew_claim("i", claimed.leases, "me", 60) is True
    relay.lose_answer()
    assert store.record("i", claimed.leases, "me", [SavePair("b1", "e2")], release=False) is True
    relay.lose_answer()
    assert store.save_baselines("i", [("b1", "e2", b"one")]) is True
    relay.lose_answer()
    assert store.get_baselines("i", ["b1"]) == {"b1": b"one"}


def test_a_record_that_gives_back_is_not_sent_again(line: tuple[Store, CountingRelay]) -> None:
    """It took effect, and its answer was lost: the second time `False` would be a lie, so nothing is answered."""
    store, relay = line
    claimed = store.claim("i", [ContactRef("b1")], "me", 60)
    assert claimed is not None
    relay.lose_answer()
    with pytest.raises(StoreUnavailable):
        store.record("i", claimed.leases, "me", [SavePair("b1", "e1")])
    assert store.get_external_id("i", "b1") == "e1"
    assert store.record("i", claimed.leases, "me", [SavePair("b1", "e2")]) is False


def test_an_engine_of_ones_own_is_used_in_the_same_round_trips(postgresql: Database) -> None:
    """Whatever isolation it is set to; it is left as it was."""
    with CountingRelay(postgresql.server.port) as relay:
        url = postgresql.url.replace(f":{postgresql.server.port}/", f":{relay.port}/")
        engine = create_engine(url, isolation_level="SERIALIZABLE", pool_size=1, max_overflow=0)
        store = SQLKeyStore(engine)
        for _ in range(2):
            trips = relay.count(lambda: store.save_many("i", MANY))
        assert trips == 1
        with engine.connect() as connection:
            assert connection.get_isolation_level() == "SERIALIZABLE"
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "serializable"
        engine.dispose()
