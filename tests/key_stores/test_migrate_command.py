"""`contact-sync migrate`: end to end, on a real server, as a command of a program and on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from contact_sync.cli import main
from contact_sync.installations import token_installation_id
from key_stores import PairListing, open_key_store
from tests.key_stores.test_node import node_saves
from tests.servers import Valkey, free_port, plain_client

TOKEN = "tok-5ecret-0123456789"


@pytest.fixture
def source(valkey: Valkey) -> Iterator[redis.Redis]:
    """A Redis with 20 pairs of one token, one of another, and a stale key."""
    with plain_client(valkey.port) as client:
        for number in range(20):
            node_saves(client, TOKEN, f"b{number}", f"e{number}")
        node_saves(client, "other-5ecret", "b1", "e1")
        node_saves(client, TOKEN, "b1", "moved")
        yield client


@pytest.fixture
def target(tmp_path: Path) -> str:
    """The URL of a new store."""
    return f"sqlite:///{tmp_path}/pairs.db"


def pairs(target: str, installation: str) -> dict[str, str]:
    """What the new store holds."""
    store = open_key_store(target)
    assert isinstance(store, PairListing)
    found = dict(store.iter_pairs(installation))
    store.close()
    return found


def migrate(*arguments: str, env: dict[str, str] | None = None, typed: str | None = None) -> Result:
    """Run the command."""
    result = CliRunner().invoke(main, ["migrate", *arguments], env=env, input=typed)
    assert "5ecret" not in result.output
    return result


def test_pairs_are_taken_over_and_counted(source: redis.Redis, valkey: Valkey, target: str) -> None:
    """Twice; the second time they are there already. The old keys stay."""
    before = source.dbsize()
    first = migrate("--from", valkey.url, "--to", target)
    assert first.exit_code == 0, first.output
    assert pairs(target, token_installation_id(TOKEN)) == {f"b{n}": f"e{n}" for n in range(20)} | {"b1": "moved"}
    assert pairs(target, token_installation_id("other-5ecret")) == {"b1": "e1"}
    lines = [line.split() for line in first.output.splitlines()]
    assert [token_installation_id(TOKEN), "20"] in lines
    assert ["pairs", "saved", "21"] in lines
    assert "43 of 43 keys gone through" in first.output
    assert "the other direction names another id" in first.output
    assert source.dbsize() == before
    second = migrate("--from", valkey.url, "--to", target)
    assert ["pairs", "there", "already", "21"] in [line.split() for line in second.output.splitlines()]


def test_a_dry_run_says_that_it_was_one(source: redis.Redis, valkey: Valkey, target: str) -> None:
    """And what would be saved."""
    result = migrate("--from", valkey.url, "--to", target, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "Pairs to save" in result.output
    assert "nothing was written" in result.output
    assert pairs(target, token_installation_id(TOKEN)) == {}


def test_old_keys_are_removed_where_asked(source: redis.Redis, valkey: Valkey, target: str) -> None:
    """But for the stale one."""
    result = migrate("--from", valkey.url, "--to", target, "--delete-source")
    assert result.exit_code == 0, result.output
    assert [str(key) for key in source.scan_iter()] == [f"{TOKEN}:e:e1"]


def test_one_token_comes_from_the_environment_or_is_asked_for(source: redis.Redis, valkey: Valkey, target: str) -> None:
    """Never from the command line; its pairs may go to a client's installation."""
    result = migrate("--from", valkey.url, "--to", target, "--token-env", "THE_TOKEN", env={"THE_TOKEN": TOKEN})
    assert result.exit_code == 0, result.output
    assert len(pairs(target, token_installation_id(TOKEN))) == 20
    assert pairs(target, token_installation_id("other-5ecret")) == {}
    asked = migrate(
        "--from", valkey.url, "--to", target, "--ask-token", "--installation", "client:acme", typed="other-5ecret\n"
    )
    assert asked.exit_code == 0, asked.output
    assert pairs(target, "client:acme") == {"b1": "e1"}


def test_addresses_may_come_from_the_environment(source: redis.Redis, valkey: Valkey, target: str) -> None:
    """They may hold passwords, which others can see on a command line."""
    env = {"CONTACT_SYNC_MIGRATE_FROM": valkey.url, "CONTACT_SYNC_MIGRATE_TO": target}
    result = migrate(env=env)
    assert result.exit_code == 0, result.output
    assert len(pairs(target, token_installation_id(TOKEN))) == 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "sqlite:///x.db", "--to", "TARGET"), "--from: the Node library keeps its pairs in one Redis"),
        (("--from", "redis+cluster://x", "--to", "TARGET"), "--from: the Node library keeps its pairs in one"),
        (("--from", "REDIS", "--to", "memory://"), "--to: what is in memory is gone"),
        (("--from", "REDIS", "--to", "mysql://u:5ecret@h/x"), "--to: a key store's URL begins with"),
        (("--from", "redis://:5ecret@h:port", "--to", "TARGET"), "--from: the Redis URL is wrong"),
        (("--from", "REDIS", "--to", "TARGET", "--dry-run", "--delete-source"), "exclude each other"),
        (("--from", "REDIS", "--to", "TARGET", "--ask-token", "--token-env", "X"), "exclude each other"),
        (("--from", "REDIS", "--to", "TARGET", "--token-env", "NOT_SET"), "NOT_SET is not set"),
        (("--from", "REDIS", "--to", "TARGET", "--installation", "client:x"), "goes with one token"),
        (("--from", "REDIS", "--to", "sqlite:////nowhere/x/pairs.db"), "--to: SQLite cannot open its file"),
        (("--from", "AWAY", "--to", "TARGET"), "--from: Redis cannot be reached"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    valkey: Valkey, target: str, arguments: tuple[str, ...], said: str
) -> None:
    """Which of the two addresses it is about, and never a password of it."""
    stand_for = {"REDIS": valkey.url, "TARGET": target, "AWAY": f"redis://127.0.0.1:{free_port()}"}
    result = migrate(*(stand_for.get(argument, argument) for argument in arguments))
    assert result.exit_code in (1, 2), result.output
    assert said in result.output


def test_a_terminal_shows_a_bar_that_comes_to_its_end(source: redis.Redis, valkey: Valkey, target: str) -> None:
    """As a process of its own, under a pseudo-terminal."""
    command = [sys.executable, "-m", "contact_sync.cli", "migrate", "--from", valkey.url, "--to", target]
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0, shown
    assert b"100%" in shown
    assert b"43/43" in shown
    assert b"5ecret" not in shown
    assert len(pairs(target, token_installation_id(TOKEN))) == 20


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how a pseudo-terminal says that its other end is closed
        return b""
