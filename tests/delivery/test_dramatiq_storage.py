"""What Dramatiq's delivery keeps in Redis, with which clients, and how it is set up."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from contact_sync.delivery import Retries, Seal, State, open_delivery
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.errors import ConfigurationError
from contact_sync.results import Result
from contact_sync.testing.delivery import Stage
from contact_sync.testing.delivery.stage import digest
from contact_sync.vault import Vault
from tests.servers import Valkey, ValkeyCluster, plain_client

SECRETS = ("ana", "example.org", "tok-secret", "0612345678")


@pytest.fixture
def stage(valkey: Valkey) -> Iterator[Stage]:
    """A delivery on a URL."""
    delivery = DramatiqDelivery(valkey.url, retries=Retries(first=0.05, longest=0.1))
    yield Stage(delivery)
    delivery.close()


def contents(port: int) -> str:
    """Everything that a server holds, as text."""
    with redis.Redis(port=port) as client:
        found: list[Any] = []
        for key in client.scan_iter():
            kind = client.type(key).decode()
            read = {
                "hash": client.hgetall,
                "zset": lambda key: client.zrange(key, 0, -1),
                "set": client.smembers,
                "list": lambda key: client.lrange(key, 0, -1),
                "string": client.get,
            }[kind]
            found.append((key, read(key)))
    return repr(found)


def test_with_secret_keys_no_contact_value_and_no_token_can_be_read(valkey: Valkey) -> None:
    """Neither of what waits, nor of what has failed, nor of what is applied."""
    vault = Vault(["k" * 32])
    delivery = DramatiqDelivery(valkey.url)
    stage = Stage(delivery, seal=Seal(vault.seal_event, vault.open_event, vault.digest))
    says = {"email": "ana@example.org", "phone": "0612345678"}
    stage.answers["8"] = [Result.failed("ana@example.org is taken")]
    for contact in ("7", "8"):
        stage.accepted(contact, says, token="tok-secret", delivery_id=f"d-{contact}")
    assert not any(secret in contents(valkey.port) for secret in SECRETS)
    stage.settle()
    stage.accepted("9", says, token="tok-secret")
    assert not any(secret in contents(valkey.port) for secret in SECRETS)
    assert stage.delivery.backlog().failed == 1
    delivery.close()


def test_what_is_applied_leaves_no_body(stage: Stage, valkey: Valkey) -> None:
    """Its record stays, and holds no value; what is dropped or forgotten leaves nothing at all."""
    done = stage.accepted("7", {"email": "ana@example.org"}, token="tok-secret")
    stage.settle()
    assert stage.state(done) is State.APPLIED
    assert not any(secret in contents(valkey.port) for secret in SECRETS)
    dropped = stage.accepted("8", {"email": "ana@example.org"}, token="tok-secret", delivery_id="d")
    assert stage.delivery.drop(dropped).success
    assert stage.delivery.forget("token:0123456789abcdef") == 1
    with plain_client(valkey.port) as client:
        assert [key for key in client.scan_iter() if ":dramatiq:" not in key] == ["contact_sync:{events}:seq"]


def test_the_number_of_keys_does_not_grow_with_what_is_kept(stage: Stage, valkey: Valkey) -> None:
    """Contacts with nothing waiting have no key, however many there are."""
    numbers = []
    for start in (0, 100):
        for n in range(start, start + 100):
            stage.accepted(f"c{n}", n)
        stage.settle()
        with plain_client(valkey.port) as client:
            numbers.append(len([key for key in client.scan_iter() if ":dramatiq:" not in key]))
    assert numbers[0] == numbers[1] < 20


def test_long_lists_are_read_and_erased_in_pages(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, whatever is looked for."""
    monkeypatch.setattr("contact_sync.delivery.dramatiq.listing.PAGE", 7)
    ids = [stage.accepted("7", n) for n in range(30)]
    stage.settle()
    ids += [stage.accepted("7", n) for n in range(30, 40)]
    other = stage.accepted("8", 1)

    def listed(limit: int = 50, **which: Any) -> list[str]:
        return [one.id for one in stage.delivery.events(limit=limit, **which)]

    assert listed(contact="7") == ids[::-1]
    assert listed(contact="7", states=[State.WAITING]) == ids[30:]
    assert listed(contact="7", states=[State.APPLIED], limit=20) == ids[29:9:-1]
    assert listed(limit=3) == [other, ids[-1], ids[-2]]
    assert listed(states=[State.WAITING], limit=3) == ids[30:33]
    assert stage.delivery.forget("token:0123456789abcdef", "7") == 40
    assert listed() == [other]
    assert stage.delivery.forget("token:0123456789abcdef") == 1


def test_a_client_that_gives_text_will_do_and_stays_open(valkey: Valkey) -> None:
    """It is the user's."""
    with plain_client(valkey.port) as client:
        delivery = DramatiqDelivery(client)
        stage = Stage(delivery)
        stage.accepted("é", {"é": "é"})
        stage.settle()
        assert stage.says("é") == [{"é": "é"}]
        delivery.close()
        delivery.close()
        assert client.ping() is True


@pytest.mark.parametrize("given", ["url", "client"])
def test_a_cluster_will_do(valkey_cluster: ValkeyCluster, given: str) -> None:
    """All keys are in one place, Dramatiq's too."""
    client = redis.RedisCluster.from_url(valkey_cluster.url)
    url = valkey_cluster.url.replace("redis://", "redis+cluster://")
    delivery = DramatiqDelivery(client if given == "client" else url, retries=Retries(first=0.05))
    stage = Stage(delivery)
    stage.size = 5
    stage.answers["c1"] = [Result.failed("away", retryable=True)]
    ids = [stage.accepted(f"c{n}", n, installation=f"token:{n % 3}") for n in range(20)]
    stage.settle()
    assert {stage.state(id) for id in ids} == {State.APPLIED}
    assert len(delivery.events(installation="token:1")) == 7
    assert delivery.forget("token:1") == 7
    delivery.close()
    client.close()


def test_it_is_opened_by_its_url(valkey: Valkey) -> None:
    """As the `delivery` of a `ContactSync`."""
    delivery = open_delivery(f"dramatiq+{valkey.url}")
    stage = Stage(delivery)
    stage.accepted("7", "x")
    stage.settle()
    assert stage.says("7") == ["x"]
    delivery.close()


def test_a_server_that_throws_things_away_is_warned_of(
    private_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Accepted events would be lost when its memory is full."""
    delivery = DramatiqDelivery(private_valkey.url)
    stage = Stage(delivery)
    stage.settle()
    assert "noeviction" not in caplog.text
    with plain_client(private_valkey.port) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    stage.settle()
    assert "set it to noeviction" in caplog.text
    delivery.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"redis": "http://user:hunter2@localhost"}, "a Redis URL begins with"),
        ({"redis": "redis://user:hunter2@localhost:port"}, "the Redis URL is wrong"),
        ({"redis": 7}, "not builtins.int"),
        ({"lease_seconds": 0}, "lease_seconds"),
        ({"keep_seconds": -1}, "keep_seconds"),
        ({"keep_failed_seconds": float("nan")}, "keep_failed_seconds"),
        ({"retries": 3}, "retries: expected a Retries, got int"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    """Without what is secret in it."""
    with pytest.raises(ConfigurationError, match=message) as raised:
        DramatiqDelivery(**{"redis": "redis://localhost"} | arguments)
    assert "hunter2" not in str(raised.value)


def test_before_it_is_connected_it_says_how(valkey: Valkey) -> None:
    """A `ContactSync` does it."""
    delivery = DramatiqDelivery(valkey.url)
    with pytest.raises(ConfigurationError, match="pass it to ContactSync"):
        delivery.run_worker(threading.Event())
    stage = Stage(delivery)
    with pytest.raises(ConfigurationError, match="threads: expected a whole number"):
        stage.delivery.run_worker(threading.Event(), threads=0)
    delivery.close()


def test_without_dramatiq_it_says_what_to_install() -> None:
    """In the words of pip."""
    program = (
        "import sys; sys.modules['dramatiq'] = None\n"
        "from contact_sync.delivery import open_delivery\n"
        "from contact_sync.errors import ConfigurationError\n"
        "try: open_delivery('dramatiq+redis://localhost')\n"
        "except ConfigurationError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "pip install 'contact-sync[dramatiq]'" in done.stdout, done.stderr


def test_a_seal_that_nothing_opens_leaves_a_dead_letter(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """It can be tried again when the key is back."""
    caplog.set_level(logging.DEBUG)
    delivery = DramatiqDelivery(valkey.url)
    stage = Stage(delivery, seal=Seal(lambda _, body: body, lambda *_: None, digest))
    id = stage.accepted("7", "x")
    stage.settle()
    assert "secret_keys" in (stage.record(id).error or "")
    second = DramatiqDelivery(valkey.url)
    with_key = Stage(second)
    assert second.replay(id).success
    with_key.settle()
    assert with_key.says("7") == ["x"]
    delivery.close()
    second.close()
