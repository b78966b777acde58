"""`contact-sync held`, `resolve` and `forget`, on a real store and a real platform."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest

from contact_sync import ContactSync
from contact_sync.cli.target import load_sync
from contact_sync.testing import MemoryConsumer
from contact_sync.testing.sandbox import SandboxPlatform
from tests.cli.helpers import FIVE_METHODS, SYNC, Project, Result
from tests.cli.test_installations import KEY

RECORDS = """
crm = MemoryConsumer(
    [
        {"ref": "e1", "mail": "ana@example.org"},
        {"ref": "e2", "mail": "ana@example.org"},
        {"ref": "e3", "mail": "bea@example.org"},
    ],
    id_field="ref",
    email_field="mail",
)
"""


@dataclass
class Shop:
    """A program with an installation, for which contacts of either side can be told of."""

    project: Project
    sync: ContactSync
    crm: MemoryConsumer
    platform: SandboxPlatform
    token: str
    installation: str

    def tell(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        """Send an event, as the platform does."""
        client = self.sync.app.test_client()
        sent = client.post("/", json={"event": name, "data": data}, headers={"Authorization": f"Bearer {self.token}"})
        answer: dict[str, Any] = sent.get_json()["data"]
        return answer

    def hold(self, id: str = "b1", email: str = "ana@example.org") -> None:
        """Have a contact held that may be two records, unless it has another address."""
        assert self.tell("contact_created", {"id": id, "email": email})["action"] == "held"

    def held(self, *options: str) -> list[dict[str, Any]]:
        """What `contact-sync held` lists."""
        listed: list[dict[str, Any]] = self.run("held", *options, "--json").json
        return listed

    def run(self, command: str, *arguments: str, input: str | None = None) -> Result:
        """Run a command on the program."""
        return self.project.run(command, "program:sync", *arguments, input=input)


def shop_with(project: Project, platform: SandboxPlatform, crm: str = "crm", **arguments: str) -> Shop:
    """Write a program whose sync has these arguments (Python), and install it."""
    given = {"secret_keys": f"[{KEY!r}]", "installations": "'any'"} | arguments
    written = "".join(f", {name}={value}" for name, value in given.items())
    project.write("program.py", f"{SYNC}{RECORDS}\nsync = ContactSync({crm}, FIELDS, 'sqlite:///pairs.db'{written})\n")
    load_sync("program:sync")
    program = sys.modules["program"]
    shop = Shop(project, program.sync, program.crm, platform, platform.token, "")
    assert shop.tell("install", {})["success"] is True
    shop.installation = program.sync.installations.all()[0].id
    return shop


@pytest.fixture
def shop(project: Project, sandbox_platform: SandboxPlatform) -> Shop:
    return shop_with(project, sandbox_platform)


def test_nothing_is_held_at_first(shop: Shop) -> None:
    assert shop.run("held").out == "Nothing is held.\n"
    assert shop.held() == []


def test_held_names_the_contact_the_records_that_it_may_be_and_why(shop: Shop) -> None:
    shop.hold()
    [one] = shop.held()
    assert one.pop("since").endswith("+00:00")
    assert one == {
        "installation": shop.installation,
        "side": "botmatic",
        "id": "b1",
        "reason": "'email' fits the records e1, e2",
        "candidates": ["e1", "e2"],
        "decision": None,
    }
    shown = shop.run("held").out
    assert "e1, e2" in shown
    assert f"1 contact of {shop.installation}" in shown
    assert "contact-sync resolve program:sync ID --with OTHER_ID, or --create" in shown
    assert "ana@" not in shown


def test_held_shows_every_installation_or_one(shop: Shop) -> None:
    shop.hold()
    first, shop.token = shop.installation, shop.platform.issue_token()
    shop.tell("install", {})
    shop.hold("b9")
    assert {(one["installation"] == first, one["id"]) for one in shop.held()} == {(True, "b1"), (False, "b9")}
    assert [one["id"] for one in shop.held("--installation", first)] == ["b1"]


def test_what_an_id_holds_does_nothing_to_the_terminal(shop: Shop) -> None:
    shop.hold("x\x1b[2J[red]")
    shown = shop.run("held").out
    assert "\x1b" not in shown
    assert r"x\x1b[2J[red]" in shown


def test_resolve_pairs_a_contact_with_the_record_that_it_is(shop: Shop) -> None:
    shop.hold()
    result = shop.run("resolve", "b1", "--with", "e2")
    assert result.code == 0
    assert result.out == (
        f"Botmatic b1 and external e2 of {shop.installation} are a pair. "
        "What they have is merged when either side tells of them next.\n"
    )
    assert shop.sync.key_store.get_external_id(shop.installation, "b1") == "e2"
    assert shop.held() == []
    assert shop.tell("contact_updated", {"id": "b1", "email": "ana@example.net"})["action"] == "adopted"
    assert shop.crm.records["e2"]["mail"] == "ana@example.net"


def test_resolve_lets_a_contact_have_a_record_of_its_own(shop: Shop) -> None:
    shop.hold()
    result = shop.run("resolve", "b1", "--create")
    assert (result.code, result.out) == (
        0,
        "Botmatic b1 gets a record of its own when the platform tells of it next.\n",
    )
    assert "decided: to be created" in shop.run("held").out
    assert shop.tell("contact_updated", {"id": "b1", "email": "ana@example.org"})["action"] == "created"
    assert len(shop.crm.records) == 4
    assert shop.held() == []


def test_a_contact_of_the_crm_is_created_on_the_platform_at_once(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    shop = shop_with(project, sandbox_platform, unmatched="'hold'")
    assert shop.sync.create_contact(shop.crm.records["e3"], shop.token).action == "held"
    result = shop.run("resolve", "e3", "--create")
    [(id, contact)] = sandbox_platform.contacts.items()
    assert contact["email"] == "bea@example.org"
    assert result.out == (
        f"external e3 and Botmatic {id} of {shop.installation} are a pair: Botmatic {id} was created.\n"
    )


def test_a_contact_of_the_crm_is_paired_and_synced_at_once(project: Project, sandbox_platform: SandboxPlatform) -> None:
    shop = shop_with(project, sandbox_platform, unmatched="'hold'")
    id = sandbox_platform.create_contact({"email": "b@example.org"})
    shop.sync.create_contact(shop.crm.records["e3"], shop.token)
    result = shop.run("resolve", "e3", "--with", id)
    assert result.out == f"external e3 and Botmatic {id} of {shop.installation} are a pair.\n"
    assert sandbox_platform.contacts[id]["email"] == "bea@example.org"


def test_a_pair_that_was_settled_stays_if_the_sync_at_once_fails(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    shop = shop_with(project, sandbox_platform, unmatched="'hold'")
    shop.sync.create_contact(shop.crm.records["e3"], shop.token)
    id = sandbox_platform.create_contact({"email": "b@example.org"})
    sandbox_platform.fail(on="update_contact", status=422)
    result = shop.run("resolve", "e3", "--with", id)
    assert result.code == 1
    assert result.err.endswith("external e3 is paired all the same; it is synced when either side tells of it next\n")
    assert shop.sync.update_contact(shop.crm.records["e3"], shop.token).action == "updated"


def test_a_create_that_fails_is_no_success(project: Project, sandbox_platform: SandboxPlatform) -> None:
    shop = shop_with(project, sandbox_platform, unmatched="'hold'")
    shop.sync.create_contact(shop.crm.records["e3"], shop.token)
    sandbox_platform.fail(on="create_contact", status=422)
    result = shop.run("resolve", "e3", "--create")
    assert result.code == 1
    assert "HTTP 422" in result.err
    assert "paired" not in result.err


def test_a_contact_of_the_crm_needs_a_token(
    project: Project, sandbox_platform: SandboxPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_with(project, sandbox_platform, unmatched="'hold'", secret_keys="[]")
    shop.sync.create_contact(shop.crm.records["e3"], shop.token)
    del sys.modules["program"]  # as in another process
    refused = shop.run("resolve", "e3", "--create")
    assert refused.code == 1
    assert refused.err.endswith("; pass its token with --token-env NAME or --ask-token\n")
    monkeypatch.setenv("TOKEN", shop.token)
    result = shop.run("resolve", "e3", "--create", "--token-env", "TOKEN")
    assert (result.code, len(sandbox_platform.contacts)) == (0, 1)
    assert shop.token not in result.out + result.err + refused.err


def test_with_one_account_a_tenant_only_pairing_needs_a_token(
    project: Project, sandbox_platform: SandboxPlatform
) -> None:
    shop = shop_with(project, sandbox_platform, "lambda auth: crm", secret_keys="[]")
    shop.hold()
    del sys.modules["program"]  # as in another process
    assert shop.run("resolve", "b1", "--with", "e2").code == 1
    assert shop.run("resolve", "b1", "--create").code == 0
    assert shop.run("forget", "b1", "--side", "botmatic", "--yes").code == 0
    assert shop.held() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "say what becomes of it: --with ID or --create, one of the two"),
        (("--create", "--with", "e1"), "say what becomes of it: --with ID or --create, one of the two"),
        (
            ("--create", "--ask-token", "--installation", "x"),
            "--installation, --token-env and --ask-token exclude each other",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(shop: Shop, options: tuple[str, ...], said: str) -> None:
    result = shop.run("resolve", "b1", *options)
    assert (result.code, result.err) == (2, f"Error: {said}\n")


@pytest.mark.parametrize(
    "command", [("resolve", "b1", "--create"), ("forget", "b1"), ("resolve", "--with", "e1", "b1")]
)
def test_who_forgets_the_module_is_told_that_it_comes_first(project: Project, command: tuple[str, ...]) -> None:
    result = project.run(*command)
    assert (result.code, result.err) == (
        2,
        f"Error: MODULE:SYNC comes first: contact-sync {command[0]} app:sync b1 …\n",
    )


@pytest.mark.parametrize(("command", "lacking"), [((), "MODULE:SYNC"), (("app:sync",), "ID")])
def test_who_forgets_the_id_is_told_that(project: Project, command: tuple[str, ...], lacking: str) -> None:
    result = project.run("resolve", *command, "--create")
    assert result.code == 2
    assert f"Missing argument '{lacking}'" in result.err


def test_a_contact_that_is_not_held_is_not_settled(shop: Shop) -> None:
    shop.hold()
    result = shop.run("resolve", "b2", "--create")
    assert result.code == 1
    assert result.err == f"Error: b2 of {shop.installation} is not held; see 'contact-sync held'\n"
    result = shop.run("resolve", "b1", "--create", "--side", "ext")
    assert "is not held on the side ext" in result.err


def test_a_record_that_is_not_there_is_not_paired_with(shop: Shop) -> None:
    shop.hold()
    result = shop.run("resolve", "b1", "--with", "e9")
    assert (result.code, result.err) == (1, "Error: there is no record e9\n")
    assert len(shop.held()) == 1


def test_an_id_that_is_held_on_both_sides_needs_the_side(project: Project, sandbox_platform: SandboxPlatform) -> None:
    shop = shop_with(project, sandbox_platform, unmatched="'hold'")
    shop.hold("e3", "nobody@example.org")
    shop.sync.create_contact(shop.crm.records["e3"], shop.token)
    result = shop.run("resolve", "e3", "--create")
    assert result.err == "Error: e3 is held on both sides; say which with --side botmatic or --side ext\n"
    assert shop.run("resolve", "e3", "--create", "--side", "ext").code == 0


def test_forget_erases_a_pair_after_asking(shop: Shop) -> None:
    shop.tell("contact_created", {"id": "b3", "email": "bea@example.org"})
    assert shop.run("forget", "e3", input="n\n").code == 1
    assert shop.sync.key_store.get_botmatic_id(shop.installation, "e3") == "b3"
    result = shop.run("forget", "e3", input="y\n")
    about = f"about external e3 (paired with Botmatic b3) of {shop.installation}"
    assert result.out == f"Erase all that is kept {about}? [y/N]: y\nErased: all that was kept {about}.\n"
    assert shop.sync.key_store.get_botmatic_id(shop.installation, "e3") is None
    assert "e3" in shop.crm.records


def test_forget_erases_that_a_contact_is_held(shop: Shop) -> None:
    shop.hold()
    result = shop.run("forget", "b1", "--side", "botmatic", "--yes")
    assert (result.code, shop.held()) == (0, [])
    assert result.out.startswith("Erased: all that was kept about Botmatic b1 of ")


def test_forget_erases_a_tombstone(shop: Shop) -> None:
    shop.tell("contact_created", {"id": "b3", "email": "bea@example.org"})
    shop.tell("contact_deleted", {"id": "b3"})
    assert shop.run("forget", "b3", "--side", "botmatic", "--yes").code == 0
    assert not shop.sync.abilities.tombstones.is_buried(shop.installation, botmatic_id="b3", external_id=None)


def test_forget_erases_a_record_as_what_a_contact_may_be(shop: Shop) -> None:
    shop.hold()
    result = shop.run("forget", "e2", input="y\n")
    assert (result.code, [one["candidates"] for one in shop.held()]) == (0, [["e1"]])


def test_forget_erases_a_merger_of_either_end(shop: Shop) -> None:
    traces = shop.sync.engine.endings.traces
    for id in ("b7", "b8"):
        traces.note_merger(shop.installation, "botmatic", "b7", "b8")
        assert shop.run("forget", id, "--side", "botmatic", input="y\n").code == 0
        assert traces.winner_of(shop.installation, "botmatic", "b7") is None


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_forget_says_if_nothing_is_kept_and_asks_nothing_then(shop: Shop, options: tuple[str, ...]) -> None:
    shop.hold()  # somebody else
    result = shop.run("forget", "e9", *options)
    assert result.out == ""
    assert (result.code, result.err) == (
        1,
        f"Error: nothing is kept about external e9 of {shop.installation}\n",
    )


def test_what_is_gone_while_it_is_asked_about_was_not_erased_by_forget(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*args: object, **kwargs: object) -> bool:
        assert shop.run("forget", "b1", "--side", "botmatic", "--yes").code == 0
        return True

    shop.hold()
    monkeypatch.setattr("click.confirm", meanwhile)
    result = shop.run("forget", "b1", "--side", "botmatic")
    assert (result.code, result.err) == (1, f"Error: nothing is kept about Botmatic b1 of {shop.installation}\n")


@pytest.mark.parametrize("command", [("held",), ("resolve", "b1", "--create"), ("forget", "e1", "--yes")])
def test_a_store_in_memory_cannot_be_looked_into(project: Project, command: tuple[str, ...]) -> None:
    name, *rest = command
    result = project.run(name, project.sync("memory://"), *rest)
    assert result.code == 1
    assert "(MemoryKeyStore) is in the memory of the process that serves" in result.err
    assert result.err.endswith(": use sqlite:///pairs.db or another store\n")


def test_a_store_without_records_says_where_what_is_held_is(project: Project) -> None:
    project.write("program.py", FIVE_METHODS)
    result = project.run("held", "program:sync")
    assert result.code == 1
    assert "FiveMethods keeps no records" in result.err


def test_without_any_installation_one_has_to_be_named(project: Project) -> None:
    result = project.run("held", project.sync("sqlite:///pairs.db"))
    assert (result.code, result.err) == (
        1,
        "Error: nothing is installed here; name an installation with --installation ID\n",
    )
