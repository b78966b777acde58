"""The pairs of the Node library are taken over: what is, what is not, and twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import redis

from key_stores import KeyStore, MemoryKeyStore, RedisKeyStore, StoreUnavailable
from key_stores.node import MigrationReport, migrate_node_layout
from tests.key_stores.wrong_stores import SmallStore
from tests.servers import Valkey, free_port, plain_client


@pytest.fixture
def source(valkey: Valkey) -> Iterator[redis.Redis]:
    """An empty Redis, as the Node service would use it."""
    with plain_client(valkey.port) as client:
        yield client


def node_saves(source: redis.Redis, token: str, botmatic_id: str, external_id: str) -> None:
    """What the Node library does: two writes, and nothing is cleaned up."""
    source.set(f"{token}:b:{botmatic_id}", external_id)
    source.set(f"{token}:e:{external_id}", botmatic_id)


def installation_of(token: str) -> str:
    """An id that does not show the token."""
    return f"token:{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def migrate(source: redis.Redis, target: KeyStore, **options: object) -> MigrationReport:
    """Migrate with the function above."""
    return migrate_node_layout(source, target, installation_of=installation_of, **options)  # type: ignore[arg-type]  # as given


def pairs_of(store: MemoryKeyStore, token: str) -> dict[str, str]:
    """What the new store holds for a token."""
    return dict(store.iter_pairs(installation_of(token)))


def test_pairs_are_taken_over_by_token(source: redis.Redis) -> None:
    """Under the installation's id; ids are text."""
    for number in range(2500):
        node_saves(source, "first", f"b{number}", str(number))
    node_saves(source, "second", "b1", "other")
    target = MemoryKeyStore()
    report = migrate(source, target)
    assert pairs_of(target, "first") == {f"b{number}": str(number) for number in range(2500)}
    assert pairs_of(target, "second") == {"b1": "other"}
    assert report.saved == {installation_of("first"): 2500, installation_of("second"): 1}
    assert (report.present, report.halves, report.stale, report.conflicts, report.ambiguous) == (0, 0, 0, 0, 0)
    assert source.dbsize() == 5002


def test_it_can_be_run_twice(source: redis.Redis) -> None:
    """The second time everything is there; a pair that came in between is taken."""
    for number in range(10):
        node_saves(source, "token", f"b{number}", f"e{number}")
    target = MemoryKeyStore()
    migrate(source, target)
    node_saves(source, "token", "b10", "e10")
    report = migrate(source, target)
    assert (report.saved.total(), report.present) == (1, 10)
    assert len(pairs_of(target, "token")) == 11


def test_what_the_new_store_has_is_never_changed(source: redis.Redis) -> None:
    """It is newer: a pair that crosses it is reported and not taken."""
    node_saves(source, "token", "b1", "e1")
    node_saves(source, "token", "b2", "e2")
    node_saves(source, "token", "b3", "e3")
    target = MemoryKeyStore()
    target.save_ids(installation_of("token"), "b1", "new")
    target.save_ids(installation_of("token"), "new", "e2")
    report = migrate(source, target)
    assert report.conflicts == 2
    assert pairs_of(target, "token") == {"b1": "new", "new": "e2", "b3": "e3"}


def test_a_dry_run_counts_and_writes_nothing(source: redis.Redis) -> None:
    """Neither here nor there."""
    node_saves(source, "token", "b1", "e1")
    source.set("token:b:half", "half")
    target = MemoryKeyStore()
    report = migrate(source, target, dry_run=True, delete_source=True)
    assert report.dry_run is True
    assert (report.saved.total(), report.halves, report.deleted) == (2, 1, 0)
    assert pairs_of(target, "token") == {}
    assert source.dbsize() == 3


def test_half_a_pair_of_a_known_token_is_taken(source: redis.Redis) -> None:
    """Of either direction, where its ids are free; complete pairs come first."""
    node_saves(source, "token", "b1", "e1")
    source.set("token:b:b2", "e2")
    source.set("token:e:e3", "b3")
    source.set("token:b:b4", "e4")
    source.set("token:b:b5", "e4")
    target = MemoryKeyStore()
    report = migrate(source, target)
    assert (report.saved.total(), report.halves, report.conflicts) == (4, 3, 1)
    assert pairs_of(target, "token") == {"b1": "e1", "b2": "e2", "b3": "e3", "b4": "e4"}


def test_a_stale_key_is_reported_and_not_taken(source: redis.Redis) -> None:
    """Node leaves one behind each time a pair moves: the direction that agrees with the other decides."""
    node_saves(source, "token", "b1", "e1")
    node_saves(source, "token", "b1", "e2")
    node_saves(source, "token", "b2", "e3")
    node_saves(source, "token", "b3", "e3")
    target = MemoryKeyStore()
    report = migrate(source, target)
    assert pairs_of(target, "token") == {"b1": "e2", "b3": "e3"}
    assert report.stale == 2


@pytest.mark.parametrize("token", ["a:b", "a:b:c", "a:e:c", "a:b:b:b", ":", "*", "[a-z]?\\", "{tag}", "a\nb", "é"])
@pytest.mark.parametrize(("botmatic_id", "external_id"), [("1", "2"), ("b:e:1", ":b:2"), (":e:", "e"), ("*", "a b")])
def test_colons_in_tokens_and_ids_are_told_apart_by_the_other_direction(
    source: redis.Redis, token: str, botmatic_id: str, external_id: str
) -> None:
    """Whatever stands around the mark."""
    node_saves(source, token, botmatic_id, external_id)
    target = MemoryKeyStore()
    report = migrate(source, target)
    assert pairs_of(target, token) == {botmatic_id: external_id}
    assert report.saved.total() == 1


def test_a_key_that_can_be_read_in_two_ways_is_not_guessed(source: redis.Redis) -> None:
    """Both ways agree with another key; one token alone can be read in one way."""
    node_saves(source, "x", "1:b:2", "e")
    node_saves(source, "x:b:1", "2", "e")
    target = MemoryKeyStore()
    report = migrate(source, target)
    assert report.saved.total() == 0
    assert report.ambiguous == 1
    for token, pair in (("x", {"1:b:2": "e"}), ("x:b:1", {"2": "e"})):
        migrate(source, target, only_token=token)
        assert pairs_of(target, token) == pair


def test_half_a_pair_that_can_be_read_in_two_ways_is_not_guessed(source: redis.Redis) -> None:
    """It is counted as ambiguous if one of the tokens is known, as another's key otherwise."""
    node_saves(source, "x", "b1", "e1")
    source.set("x:b:1:e:2", "3")
    source.set("y:b:1:e:2", "3")
    target = MemoryKeyStore()
    report = migrate(source, target)
    assert (report.saved.total(), report.ambiguous, report.foreign) == (1, 1, 1)


def test_other_keys_are_left_alone(source: redis.Redis) -> None:
    """Also those that look alike: of other types, of other programs, empty, not UTF-8."""
    node_saves(source, "token", "b1", "e1")
    source.set("page:b:1", "cached")
    source.set("token:x:1", "value")
    source.set(":b:1", "no token")
    source.set("token:b:", "no id")
    source.set("token:b:empty", "")
    source.hset("token:b:hash", "e9", "1")
    source.hset("token:e:e2", "field", "1")
    source.set("token:b:b2", "e2")
    source.rpush("token:e:list", "b3")
    source.set(b"token:b:\xff", "e4")
    source.set("token:b:b5", b"\xff")
    before = source.dbsize()
    target = MemoryKeyStore()
    report = migrate(source, target, delete_source=True)
    assert pairs_of(target, "token") == {"b1": "e1", "b2": "e2"}
    assert report.deleted == 4  # the hash had the name of the second pair's other key
    assert source.dbsize() == before - 4
    assert report.foreign == 5


def test_old_keys_are_removed_only_where_asked_and_only_of_pairs_that_are_saved(source: redis.Redis) -> None:
    """Also of those that were there already; stale, conflicting and other keys stay."""
    for number in range(3):
        node_saves(source, "token", f"b{number}", f"e{number}")
    node_saves(source, "token", "b2", "e4")
    target = MemoryKeyStore()
    target.save_ids(installation_of("token"), "b0", "e0")
    target.save_ids(installation_of("token"), "b1", "new")
    report = migrate(source, target, delete_source=True)
    assert report.deleted == 4
    assert sorted(str(key) for key in source.scan_iter()) == ["token:b:b1", "token:e:e1", "token:e:e2"]


def test_one_token_alone_can_be_taken(source: redis.Redis) -> None:
    """A token may hold what a pattern would mean something by."""
    for token in ("a*", "ab", "a[b]", "a\\b", "a?"):
        node_saves(source, token, f"b of {token}", "e")
        source.set(f"{token}:b:half", "half")
    for token in ("a*", "a[b]", "a\\b", "a?"):
        target = MemoryKeyStore()
        report = migrate(source, target, only_token=token)
        assert report.saved == {installation_of(token): 2}
        assert pairs_of(target, token) == {f"b of {token}": "e", "half": "half"}


def test_a_store_of_five_methods_is_enough(source: redis.Redis) -> None:
    """Pair by pair."""
    for number in range(5):
        node_saves(source, "token", f"b{number}", f"e{number}")
    target = SmallStore()
    assert migrate(source, target).saved.total() == 5
    assert target.get_botmatic_id(installation_of("token"), "e4") == "b4"
    assert migrate(source, target).present == 5


def test_the_new_store_may_be_in_the_same_redis(source: redis.Redis, valkey: Valkey) -> None:
    """Its keys are not taken for Node's."""
    node_saves(source, "token", "b:b:1", "e:e:1")
    target = RedisKeyStore(valkey.url)
    for expected in ((1, 0), (0, 1)):
        report = migrate_node_layout(valkey.url, target, installation_of=installation_of)
        assert (report.saved.total(), report.present) == expected
        assert (report.foreign, report.ambiguous, report.stale) == (0, 0, 0)
    target.close()


def test_progress_is_told(source: redis.Redis) -> None:
    """From page to page, to the end; the number of all keys is the source's."""
    for number in range(3000):
        node_saves(source, "token", f"b{number}", f"e{number}")
    told: list[tuple[int, int]] = []
    migrate(source, MemoryKeyStore(), progress=lambda done, total: told.append((done, total)))
    assert len(told) > 3
    assert told == sorted(told)
    assert told[-1] == (6000, 6000)


def test_it_walks_with_scan_and_never_with_keys(source: redis.Redis) -> None:
    """So that the service can go on."""
    node_saves(source, "token", "b1", "e1")
    source.config_resetstat()
    migrate(source, MemoryKeyStore())
    assert "cmdstat_keys" not in source.info("commandstats")


def test_an_unreachable_source_is_said() -> None:
    """Nothing is reported as if there had been nothing."""
    with pytest.raises(StoreUnavailable):
        migrate_node_layout(f"redis://127.0.0.1:{free_port()}", MemoryKeyStore(), installation_of=installation_of)


def test_no_report_shows_a_token(source: redis.Redis) -> None:
    """Nor does what it is made of."""
    node_saves(source, "secret token", "b1", "e1")
    source.set("secret token:b:half", "half")
    assert "secret" not in repr(migrate(source, MemoryKeyStore()))
