"""`contact-sync installations`, on real stores and a real platform."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from contact_sync import ContactSync
from contact_sync.abilities import Abilities
from contact_sync.installations import RESERVED
from contact_sync.testing import MemoryConsumer
from contact_sync.testing.sandbox import SandboxPlatform
from key_stores import open_key_store
from mappers import Mapping
from tests.cli.helpers import FIVE_METHODS, Project
from tests.servers import Database

KEY = "k" * 32
OTHER_KEY = "o" * 32
STORE = "sqlite:///pairs.db"
FIELDS = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True)]


def installed(store: str, token: str, *, pairs: int = 0, keys: tuple[str, ...] = (KEY,)) -> str:
    """Install a token on a sync with that store, as the platform does. The installation's id."""
    crm = MemoryConsumer(id_field="ref", email_field="mail")
    with ContactSync(crm, FIELDS, store, secret_keys=keys, installations="any") as sync:
        answer = sync.app.test_client().post(
            "/", json={"event": "install", "data": {}}, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.get_json()["success"] is True
        known = [one.id for one in sync.installations.all() if one.has(token)]
        sync.abilities.batches.save_many(known[0], [(f"b{number}", f"e{number}") for number in range(pairs)])
        return known[0]


def test_list_says_who_is_installed_with_how_many_pairs(project: Project, sandbox_platform: SandboxPlatform) -> None:
    project.sync(STORE, secret_keys=f"[{KEY!r}]")
    one = installed(STORE, sandbox_platform.token, pairs=2)
    other = installed(STORE, sandbox_platform.issue_token(), keys=(OTHER_KEY,))
    listed = project.run("installations", "program:sync", "list", "--json").json
    assert {row["id"]: (row["tokens"], row["readable_token"], row["pairs"]) for row in listed} == {
        one: (1, True, 2),
        other: (1, False, 0),
    }
    assert all(row["since"].endswith("+00:00") for row in listed)
    shown = project.run("installations", "program:sync", "list").out
    assert one.replace("token:", "")[:12] in shown.replace("\n", "")
    assert "yes" in shown
    assert "no " in shown
    assert sandbox_platform.token not in shown


def test_without_any_list_says_so(project: Project) -> None:
    asked = ("installations", project.sync(STORE), "list")
    assert project.run(*asked).out == "Nothing is installed.\n"
    assert project.run(*asked, "--json").json == []


def test_pairs_that_cannot_be_counted_are_a_question_mark(project: Project) -> None:
    project.write("program.py", FIVE_METHODS + "\nsync.installations.remember('client:acme', 'a token')\n")
    listed = project.run("installations", "program:sync", "list")
    assert listed.out.splitlines()[-2].split()[0] == "client:acme"
    assert listed.out.splitlines()[-2].split()[-1] == "?"
    forgotten = project.run("installations", "program:sync", "forget", "client:acme", "--yes")
    assert forgotten.out == "client:acme is forgotten: its pairs and 1 token.\n"


def test_move_takes_pairs_and_tokens_to_the_new_id(
    project: Project, sandbox_platform: SandboxPlatform, postgresql: Database
) -> None:
    project.sync(postgresql.url, secret_keys=f"[{KEY!r}]")
    old = installed(postgresql.url, sandbox_platform.token, pairs=3)
    result = project.run("installations", "program:sync", "move", old, "client:acme")
    assert (result.code, result.out) == (0, f"{old} is client:acme now: 3 pairs.\n")
    listed = project.run("installations", "program:sync", "list", "--json").json
    assert [(row["id"], row["tokens"], row["readable_token"], row["pairs"]) for row in listed] == [
        ("client:acme", 1, True, 3)
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("client:a", "acme", 2, "NEW: expected client:… (what installation_id returns, with 'client:' in front)"),
        ("client:a", "client:", 2, "NEW: expected client:… (what installation_id returns, with 'client:' in front)"),
        ("client:a", "client:a", 2, "OLD and NEW are the same"),
        ("client:nobody", "client:a", 1, "there is no installation client:nobody"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(project: Project, old: str, new: str, code: int, said: str) -> None:
    result = project.run("installations", project.sync(STORE), "move", old, new)
    assert (result.code, result.err) == (code, f"Error: {said}\n")


def test_moved_to_itself_an_installation_keeps_everything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/pairs.db"
    with ContactSync(MemoryConsumer(id_field="ref", email_field="mail"), FIELDS, url) as sync:
        sync.installations.remember("client:a", "a token")
        sync.key_store.save_ids("client:a", "b", "e")
        assert sync.installations.move("client:a", "client:a") == 0
        assert sync.key_store.get_external_id("client:a", "b") == "e"
        assert sync.installations.find("client:a") is not None


def test_forget_asks_and_says_what_is_gone(project: Project, sandbox_platform: SandboxPlatform) -> None:
    project.sync(STORE)
    id = installed(STORE, sandbox_platform.token, pairs=2)
    refused = project.run("installations", "program:sync", "forget", id, input="n\n")
    assert refused.code == 1
    assert f"Forget {id}, with 2 pairs and 1 token? [y/N]" in refused.out
    agreed = project.run("installations", "program:sync", "forget", id, input="y\n")
    assert agreed.code == 0
    assert agreed.out.endswith(f"{id} is forgotten: 2 pairs and 1 token.\n")
    assert project.run("installations", "program:sync", "list", "--json").json == []
    again = project.run("installations", "program:sync", "forget", id, "--yes")
    assert (again.code, again.err) == (1, f"Error: there is no installation {id}\n")


def test_pairs_whose_installation_is_unknown_can_be_forgotten(project: Project) -> None:
    project.sync(STORE)
    with contextlib.closing(open_key_store(STORE)) as store:
        store.save_ids("anonymous", "b", "e")
    result = project.run("installations", "program:sync", "forget", "anonymous", "--yes")
    assert (result.code, result.out) == (0, "anonymous is forgotten: 1 pair and 0 tokens.\n")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("{", "what the key store has of the installation client:a cannot be read"),
        ("[]", "what the key store has of the installation client:a cannot be read"),
        ('{"v": 1}', "what the key store has of the installation client:a cannot be read"),
        ('{"v": 7}', "the installation client:a has a record of format 7; this release reads 1"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_message(project: Project, record: str, said: str) -> None:
    project.sync(STORE)
    with contextlib.closing(open_key_store(STORE)) as store:
        Abilities.of(store).records.put_record(RESERVED, "client:a", record)
    result = project.run("installations", "program:sync", "list")
    assert (result.code, result.err) == (1, f"Error: {said}\n")
