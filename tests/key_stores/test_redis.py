"""What is particular to the store on Redis: keys, round trips, formats, clients that are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from key_stores import ContactRef, KeyStoreError, RedisKeyStore, SavePair, StoreUnavailable, open_key_store
from key_stores.testing.tombstones import wait_until
from tests.servers import Valkey, ValkeyCluster, ValkeyTLS, plain_client, run_valkey


class CountingClient(redis.Redis):
    """Counts the commands that are sent; each is one round trip."""

    sent = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.sent += 1
        execute: Callable[..., Any] = super().execute_command
        return execute(*args, **options)


@pytest.fixture
def client(valkey: Valkey) -> Iterator[redis.Redis]:
    """A plain client, to look into the server."""
    with plain_client(valkey.port) as client:
        yield client


@pytest.fixture
def store(valkey: Valkey) -> Iterator[RedisKeyStore]:
    """A store on an empty server."""
    store = RedisKeyStore(valkey.url)
    yield store
    store.close()


CALLS: dict[str, Callable[[RedisKeyStore], object]] = {
    "save_ids": lambda store: store.save_ids("i", "b1", "e1"),
    "get_botmatic_id": lambda store: store.get_botmatic_id("i", "e1"),
    "get_external_id": lambda store: store.get_external_id("i", "b1"),
    "delete_ids": lambda store: store.delete_ids("i", "b1", "e1"),
    "save_many": lambda store: store.save_many("i", [(n, n) for n in range(1000)]),
    "get_botmatic_ids": lambda store: store.get_botmatic_ids("i", range(1000)),
    "get_external_ids": lambda store: store.get_external_ids("i", range(1000)),
    "save_baselines": lambda store: store.save_baselines("i", [(n, n, b"baseline") for n in range(1000)]),
    "get_baselines": lambda store: store.get_baselines("i", range(1000)),
    "count_pairs": lambda store: store.count_pairs("i"),
    "bury_ids": lambda store: store.bury_ids("i", "b1", "e1", 60),
    "is_buried": lambda store: store.is_buried("i", botmatic_id="b1"),
    "acquire_leases": lambda store: store.acquire_leases("i", ["a", "b", "c"], "me", 60),
    "renew_leases": lambda store: store.renew_leases("i", ["a", "b", "c"], "me", 60),
    "release_leases": lambda store: store.release_leases("i", ["a", "b", "c"], "me"),
    "claim": lambda store: store.claim("i", [ContactRef(n, guards=("g",)) for n in range(100)], "me", 60),
    "renew_claim": lambda store: store.renew_claim("i", ["b0", "b1"], "me", 60),
    "record": lambda store: store.record("i", ["b0", "b1"], "me", [SavePair(n, n, b"") for n in range(100)]),
    "put_record": lambda store: store.put_record("i", "name", "value"),
    "get_record": lambda store: store.get_record("i", "name"),
    "get_records": lambda store: store.get_records("i"),
    "delete_record": lambda store: store.delete_record("i", "name"),
    "delete_all_ids": lambda store: store.delete_all_ids("i"),
    "ping": lambda store: store.ping(),
}


KNOW_NO_FORMAT = ("acquire_leases", "renew_leases", "release_leases", "renew_claim", "is_buried", "ping")
"""What reads neither pairs nor records."""


def test_every_call_is_one_round_trip(valkey: Valkey) -> None:
    """Once the server knows the scripts."""
    with CountingClient(port=valkey.port) as client:
        store = RedisKeyStore(client)
        for call in CALLS.values():
            call(store)
        for name, call in CALLS.items():
            before = client.sent
            call(store)
            assert (name, client.sent - before) == (name, 1)


def test_a_server_that_forgot_the_scripts_is_told_again(store: RedisKeyStore, client: redis.Redis) -> None:
    """As after a restart."""
    for call in CALLS.values():
        call(store)
        client.script_flush()
    store.save_ids("i", "b1", "e1")
    assert store.get_external_id("i", "b1") == "e1"


def test_nothing_walks_over_the_database(store: RedisKeyStore, client: redis.Redis) -> None:
    """No `KEYS` and no `SCAN`, not even for removing an installation; that is an `UNLINK`."""
    client.config_resetstat()
    for call in CALLS.values():
        call(store)
    list(store.iter_pairs("i"))
    stats = client.info("commandstats")
    assert not {"cmdstat_keys", "cmdstat_scan"} & set(stats)
    assert stats["cmdstat_unlink"]["calls"] == 1


def test_an_installation_is_a_few_keys_that_tell_nothing(store: RedisKeyStore, client: redis.Redis) -> None:
    """Two hashes of pairs, one of records, a set of tombstones; names under one hash tag, of a fixed form."""
    for number in range(100):
        store.save_ids("token {secret}:b:", f"b{number}", f"e{number}")
    store.put_record("token {secret}:b:", "name", "value")
    store.bury_ids("token {secret}:b:", "b1", "e1", 60)
    keys = sorted(str(key) for key in client.scan_iter())
    assert len({key.partition("}")[0] for key in keys}) == 1
    assert [key.partition("}")[2] for key in keys] == [":b", ":e", ":r", ":t"]
    assert all(key.startswith("contact-sync:{") and "secret" not in key for key in keys)


def test_an_emptied_installation_leaves_no_keys(store: RedisKeyStore, client: redis.Redis) -> None:
    """Whether it was emptied pair by pair or at once."""
    store.save_ids("i", "b1", "e1")
    store.put_record("i", "name", "value")
    store.delete_ids("i", "b1", "e1")
    store.delete_record("i", "name")
    assert client.dbsize() == 0
    store.save_ids("i", "b1", "e1")
    store.bury_ids("i", "b1", "e1", 60)
    store.save_ids("i", "b1", "e1")
    store.put_record("i", "name", "value")
    store.delete_all_ids("i")
    assert client.dbsize() == 0


def test_leases_are_keys_that_end_by_themselves_and_do_not_show_the_name(
    store: RedisKeyStore, client: redis.Redis
) -> None:
    """A lease on an e-mail address is personal data."""
    store.acquire_leases("i", ["anna@example.org", "b"], "me", 60)
    keys = client.keys()
    assert len(keys) == 2
    assert not any("anna" in key for key in keys)
    assert all(0 < client.pttl(key) <= 60_000 for key in keys)
    store.release_leases("i", ["anna@example.org", "b"], "me")
    assert client.dbsize() == 0


def test_tombstones_do_not_pile_up(store: RedisKeyStore, client: redis.Redis) -> None:
    """Ended ones go when others are put, and all of them with the last."""
    for number in range(40):
        store.bury_ids("i", f"b{number}", None, 0.001)
    store.bury_ids("i", "b", None, 60)
    (key,) = client.keys()
    while client.zcard(key) > 1:
        store.bury_ids("i", "b", None, 60)
    assert store.is_buried("i", botmatic_id="b") is True
    assert 0 < client.pttl(key) <= 60_000


@pytest.mark.parametrize("name", [name for name in CALLS if name not in KNOW_NO_FORMAT])
def test_another_format_is_refused_and_left_as_it_is(store: RedisKeyStore, client: redis.Redis, name: str) -> None:
    """A later release wrote it: the message says so."""
    store.save_ids("i", "b1", "e1")
    store.put_record("i", "name", "value")
    for key in client.scan_iter():
        assert client.hget(key, "") == "1"
        client.hset(key, "", "2")
    before = {key: client.hgetall(key) for key in client.scan_iter()}
    with pytest.raises(KeyStoreError, match="a later release wrote them") as raised:
        CALLS[name](store)
    assert not isinstance(raised.value, StoreUnavailable)
    assert {key: client.hgetall(key) for key in client.scan_iter()} == before


def test_claims_are_two_keys_that_do_not_show_the_guards(store: RedisKeyStore, client: redis.Redis) -> None:
    """They end with the last claim, so that nothing is left of a process that died."""
    contacts = [ContactRef(botmatic_id=f"b{n}", guards=("anna@example.org",)) for n in range(50)]
    claimed = store.claim("i", contacts, "me", 30)
    assert claimed is not None
    longer = store.claim("i", [ContactRef(external_id="e")], "me", 60)
    assert longer is not None
    store.claim("i", [ContactRef(external_id="e2")], "you", 30)
    keys = sorted(str(key) for key in client.scan_iter())
    assert [key.partition("}")[2] for key in keys] == [":c", ":x"]
    assert len({client.pexpiretime(key) for key in keys}) == 1
    assert all(30_000 < client.pttl(key) <= 60_000 for key in keys)
    assert not any("anna" in field for field in client.hgetall(keys[0]))
    assert store.record("i", [*claimed.leases, *longer.leases], "me") is True
    assert client.hlen(keys[0]) == client.zcard(keys[1]) == 1
    store.delete_all_ids("i")
    assert client.dbsize() == 0


def test_ended_claims_do_not_pile_up(store: RedisKeyStore, client: redis.Redis) -> None:
    """They go a few at a time when others are claimed."""
    for number in range(40):
        assert store.claim("i", [ContactRef(botmatic_id=number)], f"owner {number}", 0.001) is not None
    assert store.claim("i", [ContactRef(botmatic_id="b")], "me", 60) is not None  # the keys stay for as long
    hash, ends = sorted(client.keys())

    def left() -> int:
        assert store.claim("i", [ContactRef(botmatic_id="b")], "me", 60) is not None
        assert client.hlen(hash) == client.zcard(ends)
        return int(client.zcard(ends))

    wait_until(lambda: left() == 1, "the end of all others")


def test_a_pair_without_a_baseline_is_its_external_id_alone(store: RedisKeyStore, valkey: Valkey) -> None:
    """With one, a byte and itself are added; ids and baselines of any length are told apart, and numbers are packed."""
    ids = {
        "text": (b"e1", b"\x82e1"),
        "62 bytes": (b"e" * 62, b"\xbe" + b"e" * 62),
        "63 bytes": (b"e" * 63, b"\xbf\0\0\0\x3f" + b"e" * 63),
        "small": (b"7", b"\xf6\x07"),
        "number": (b"100000000", b"\xf9\x05\xf5\xe1\x00"),
        "14 digits": (b"99999999999999", b"\xfb\x5a\xf3\x10\x7a\x3f\xff"),
        "15 digits": (b"999999999999999", b"\x8f999999999999999"),
        "zero": (b"0", b"\x810"),
        "zero in front": (b"07", b"\x8207"),
        "number and more": (b"7 ", b"\x827 "),
    }
    store.save_many("i", [(name, external.decode()) for name, (external, _) in ids.items()])
    with redis.Redis(port=valkey.port) as raw:
        (hash,) = raw.keys("*:b")
        stored = raw.hgetall(hash)
        assert {name: stored[name.encode()] for name in ids} == {name: external for name, (external, _) in ids.items()}
        store.save_baselines("i", [(name, external.decode(), b"\xff1") for name, (external, _) in ids.items()])
        stored = raw.hgetall(hash)
        assert {name: stored[name.encode()] for name in ids} == {name: of + b"\xff1" for name, (_, of) in ids.items()}
    for name, (external, _) in ids.items():
        assert store.get_external_id("i", name) == external.decode()
        assert store.get_baselines("i", [name]) == {name: b"\xff1"}
        assert store.delete_ids("i", name, external.decode()) is True


def test_another_format_is_refused_by_a_walk(store: RedisKeyStore, client: redis.Redis) -> None:
    """Before it gives anything that was not meant so."""
    store.save_ids("i", "b1", "e1")
    for key in client.scan_iter():
        client.hset(key, "", "2")
    with pytest.raises(KeyStoreError, match="a later release wrote them"):
        list(store.iter_pairs("i"))


def test_a_given_client_stays_open_and_as_it_is(valkey: Valkey) -> None:
    """Only what the store opened is closed by it; a closed store of a URL opens again when it is used."""
    with redis.Redis(port=valkey.port, decode_responses=True) as client:
        given = RedisKeyStore(client)
        given.save_ids("i", "b1", "e1")
        pool = client.connection_pool
        given.close()
        assert client.connection_pool is pool
        assert client.info("clients")["connected_clients"] == 1
        opened = RedisKeyStore(valkey.url)
        assert opened.get_external_id("i", "b1") == "e1"
        assert client.info("clients")["connected_clients"] == 2
        opened.close()
        wait_until(lambda: client.info("clients")["connected_clients"] == 1, "that the server notices")
        assert opened.get_external_id("i", "b1") == "e1"
        opened.close()


def test_prefixes_keep_programs_apart(valkey: Valkey) -> None:
    """Two programs that share a database and an installation id."""
    first, second = RedisKeyStore(valkey.url), RedisKeyStore(valkey.url, prefix="other program")
    first.save_ids("client:1", "b1", "e1")
    assert second.get_external_id("client:1", "b1") is None
    second.delete_all_ids("client:1")
    assert first.get_external_id("client:1", "b1") == "e1"
    first.close()
    second.close()
    for wrong in ("", "a{b", "a}b"):
        with pytest.raises(KeyStoreError, match="prefix"):
            RedisKeyStore(valkey.url, prefix=wrong)


def test_what_is_no_client_is_refused() -> None:
    """An asynchronous client among it; its type is named, and nothing else of it."""
    for wrong in (None, 5, redis.asyncio.Redis()):
        with pytest.raises(KeyStoreError, match=r"takes a redis\.Redis, .* not .*(NoneType|int|Redis)"):
            RedisKeyStore(wrong)  # type: ignore[arg-type]  # what is tested


def test_tls_is_kept_and_certificates_are_checked(valkey_tls: ValkeyTLS) -> None:
    """An untrusted server is unreachable; a plain connection to a TLS port as well."""
    store = open_key_store(valkey_tls.url)
    store.save_ids("i", "b1", "e1")
    assert store.get_external_id("i", "b1") == "e1"
    store.close()
    for url in (valkey_tls.bare_url, valkey_tls.bare_url.replace("rediss://", "redis://")):
        refused = open_key_store(url)
        with pytest.raises(StoreUnavailable):
            refused.get_external_id("i", "b1")
        refused.close()


def test_all_keys_of_an_installation_are_on_one_node_of_a_cluster(valkey_cluster: ValkeyCluster) -> None:
    """And installations are spread over the nodes."""
    store = open_key_store(valkey_cluster.url.replace("redis://", "redis+cluster://"))
    for number in range(12):
        store.save_ids(f"{{same}}{number}", "b1", "e1")
    store.close()
    counts = []
    for node in valkey_cluster.nodes:
        with plain_client(node.port) as client:
            keys = client.keys()
        counts.append(len(keys))
        assert sorted(key[:-1] for key in keys if key.endswith("b")) == sorted(k[:-1] for k in keys if k.endswith("e"))
    assert sum(counts) == 24
    assert all(counts)


def test_a_plain_client_of_a_cluster_is_told_what_to_use(valkey_cluster: ValkeyCluster) -> None:
    """Some node has to answer that the key is elsewhere."""
    store = open_key_store(valkey_cluster.url)
    said = []
    for number in range(20):
        try:
            store.get_external_id(str(number), "b1")
        except KeyStoreError as error:
            said.append(str(error))
    store.close()
    assert set(said) == {"this Redis is part of a cluster; use a redis+cluster:// URL or a redis.RedisCluster"}


def settled_memory(client: redis.Redis) -> int:
    """The memory in use, once tables that grow have finished moving."""
    used = [0, -1]

    def settled() -> bool:
        used.append(int(client.info("memory")["used_memory"]))
        return used[-1] == used[-2] == used[-3]

    wait_until(settled, "that the server's memory settles")
    return used[-1]


def test_a_pair_takes_less_than_two_thirds_of_two_text_keys() -> None:
    """36 characters of installation, 24 and 9 of ids, as in Node's layout."""
    installation, pairs = "i" * 36, [(f"{n:024x}", f"{100_000_000 + n}") for n in range(20_000)]
    batches = [pairs[start : start + 1000] for start in range(0, len(pairs), 1000)]
    with run_valkey() as server, plain_client(server.port) as client:
        empty = settled_memory(client)
        for batch in batches:
            client.mset({f"{installation}:b:{b}": e for b, e in batch} | {f"{installation}:e:{e}": b for b, e in batch})
        texts = settled_memory(client) - empty
    with run_valkey() as server, plain_client(server.port) as client:
        empty = settled_memory(client)
        store = RedisKeyStore(server.url)
        for batch in batches:
            store.save_many(installation, batch)
        store.close()
        hashes = settled_memory(client) - empty
    assert hashes / texts <= 0.65
