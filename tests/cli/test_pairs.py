"""`contact-sync pairs`, on real stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.abilities import Abilities
from contact_sync.claims import Claims
from contact_sync.installations import Installations
from contact_sync.vault import Vault
from key_stores import KeyStore, open_key_store
from tests.cli.helpers import FIVE_METHODS, Project
from tests.servers import Valkey

STORE = "sqlite:///pairs.db"
ACME, BRAVO = "client:acme", "client:bravo"
HOSTILE = "x\x1b[2J:{*}\n[red]"


def install(store: KeyStore, id: str) -> None:
    abilities = Abilities.of(store)
    Installations(abilities, Claims(abilities.leases, abilities.claims), Vault()).remember(id, f"token of {id}")


@pytest.fixture
def store(project: Project) -> Iterator[KeyStore]:
    """The store of `program:sync`: two installations, three pairs in the one and one in the other."""
    project.sync(STORE, auth="allow_any_token")
    opened = open_key_store(STORE)
    for id, pairs in ((ACME, [("b1", "e1"), ("b2", "e2"), ("b3", HOSTILE)]), (BRAVO, [("b1", "e9")])):
        install(opened, id)
        for pair in pairs:
            opened.save_ids(id, *pair)
    yield opened
    opened.close()


def test_count_says_how_many_an_installation_has(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "count", "--installation", ACME)
    assert (result.code, result.out) == (0, "3\n")


def test_count_all_has_a_row_for_each_installation(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "count", "--all")
    rows = [line.split() for line in result.out.splitlines()]
    assert [ACME, "3"] in rows
    assert [BRAVO, "1"] in rows
    assert "4 pairs in all" in result.out


def test_count_as_json(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "count", "--all", "--json")
    assert result.json == {"pairs": 4, "installations": {ACME: 3, BRAVO: 1}}


def test_count_all_says_why_it_sees_no_pairs_that_came_before_the_installation(project: Project) -> None:
    target = project.sync(STORE)
    store = open_key_store(STORE)
    store.save_ids(ACME, "b1", "e1")  # as migrate does
    store.close()
    result = project.run("pairs", target, "count", "--all")
    assert result.err.startswith("Note: nothing is installed here, so no pairs can be seen. Those that were migrated ")
    assert project.run("pairs", target, "count", "--installation", ACME).out == "1\n"


def test_count_all_counts_what_was_paired_without_authorization(project: Project, store: KeyStore) -> None:
    store.save_ids("anonymous", "b1", "e1")
    counted = project.run("pairs", "program:sync", "count", "--all", "--json").json
    assert counted == {"pairs": 5, "installations": {ACME: 3, BRAVO: 1, "anonymous": 1}}


def test_all_and_one_exclude_each_other(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "count", "--all", "--installation", ACME)
    assert (result.code, result.err) == (2, "Error: --all and --installation exclude each other\n")


def test_several_installations_have_to_be_chosen_from(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "count")
    assert result.code == 1
    assert result.err == (f"Error: 2 installations are here ({ACME}, {BRAVO}); name one with --installation ID\n")


def test_of_very_many_installations_some_are_named(project: Project, store: KeyStore) -> None:
    for number in range(12):
        install(store, f"client:{number}")
    assert " and 4 more); name one with --installation ID" in project.run("pairs", "program:sync", "count").err


def test_the_only_installation_need_not_be_named(project: Project, valkey: Valkey) -> None:
    project.sync(valkey.url)
    opened = open_key_store(valkey.url)
    install(opened, ACME)
    opened.save_ids(ACME, "b", "e")
    opened.close()
    assert project.run("pairs", "program:sync", "count").out == "1\n"


def test_without_any_installation_that_is_said(project: Project) -> None:
    result = project.run("pairs", project.sync(STORE), "count")
    assert result.code == 1
    assert result.err == "Error: nothing is installed here; name an installation with --installation ID\n"


def test_an_installation_that_is_not_there_is_noted(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "count", "--installation", "client:nobody")
    assert (result.out, result.err) == ("0\n", "Note: client:nobody is not installed here.\n")


def test_the_installation_of_everybody_is_never_installed_and_that_is_no_note(
    project: Project, store: KeyStore
) -> None:
    result = project.run("pairs", "program:sync", "count", "--installation", "anonymous")
    assert (result.out, result.err) == ("0\n", "")


@pytest.mark.parametrize(("option", "id"), [("--botmatic", "b2"), ("--external", "e2")])
def test_show_finds_a_pair_from_either_side(project: Project, store: KeyStore, option: str, id: str) -> None:
    asked = ("pairs", "program:sync", "show", option, id, "--installation", ACME)
    assert [ACME, "b2", "e2"] in [line.split() for line in project.run(*asked).out.splitlines()]
    assert project.run(*asked, "--json").json == {"installation": ACME, "botmatic": "b2", "external": "e2"}


def test_show_ends_with_1_if_there_is_no_pair(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "show", "--external", "e7", "--installation", ACME)
    assert (result.code, result.err) == (1, f"Error: external e7 is in no pair of {ACME}\n")


def test_show_says_of_a_contact_that_it_was_deleted(project: Project, store: KeyStore) -> None:
    store_with_tombstones = Abilities.of(store).tombstones
    store_with_tombstones.bury_ids(ACME, "b1", "e1", 60)
    result = project.run("pairs", "program:sync", "show", "--botmatic", "b1", "--installation", ACME)
    assert result.err == f"Error: Botmatic b1 is in no pair of {ACME}; it was deleted not long ago\n"


@pytest.mark.parametrize("options", [(), ("--botmatic", "b1", "--external", "e1")])
def test_show_takes_exactly_one_id(project: Project, store: KeyStore, options: tuple[str, ...]) -> None:
    result = project.run("pairs", "program:sync", "show", *options)
    assert (result.code, result.err) == (2, "Error: name one id: --botmatic ID or --external ID\n")


def test_list_shows_some_and_says_how_many_there_are(project: Project, store: KeyStore) -> None:
    asked = ("pairs", "program:sync", "list", "--installation", ACME)
    assert "3 of 3 pairs of client:acme" in project.run(*asked).out
    assert "2 of 3 pairs of client:acme" in project.run(*asked, "--limit", "2").out
    listed = project.run(*asked, "--json").json
    assert listed["pairs"] == 3
    assert {"botmatic": "b3", "external": HOSTILE} in listed["shown"]


def test_what_an_id_holds_does_nothing_to_the_terminal(project: Project, store: KeyStore) -> None:
    shown = project.run("pairs", "program:sync", "list", "--installation", ACME).out
    assert "\x1b" not in shown
    assert r"x\x1b[2J:{*}\n[red]" in shown


def test_remove_takes_exactly_that_pair_apart(project: Project, store: KeyStore) -> None:
    asked = ("pairs", "program:sync", "remove", "--botmatic", "b2", "--installation", ACME)
    refused = project.run(*asked, input="n\n")
    assert (refused.code, store.get_external_id(ACME, "b2")) == (1, "e2")
    assert "Take the pair of Botmatic b2 and external e2 of client:acme apart? [y/N]" in refused.out
    agreed = project.run(*asked, input="y\n")
    assert (agreed.code, store.get_external_id(ACME, "b2")) == (0, None)
    assert agreed.out.endswith("The pair of Botmatic b2 and external e2 of client:acme is no more.\n")
    assert store.get_external_id(ACME, "b1") == "e1"


def test_remove_by_the_external_id_without_asking(project: Project, store: KeyStore) -> None:
    result = project.run("pairs", "program:sync", "remove", "--external", "e1", "--installation", ACME, "--yes")
    assert (result.code, store.get_external_id(ACME, "b1")) == (0, None)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "name an id: --botmatic ID, --external ID, or both"),
        (("--botmatic", "b1", "--external", "e2"), 1, "Botmatic b1 and external e2 are not paired with each other"),
        (("--botmatic", "b7"), 1, f"Botmatic b7 is in no pair of {ACME}"),
    ],
)
def test_remove_touches_nothing_else(
    project: Project, store: KeyStore, options: tuple[str, ...], code: int, said: str
) -> None:
    result = project.run("pairs", "program:sync", "remove", *options, "--installation", ACME, "--yes")
    assert (result.code, result.err) == (code, f"Error: {said}\n")
    assert store.get_external_id(ACME, "b1") == "e1"


def test_a_pair_that_changes_while_it_is_asked_about_stays(
    project: Project, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*args: object, **kwargs: object) -> bool:
        store.save_ids(ACME, "b1", "e5")
        return True

    monkeypatch.setattr("click.confirm", meanwhile)
    result = project.run("pairs", "program:sync", "remove", "--botmatic", "b1", "--installation", ACME)
    assert (result.code, result.err) == (1, "Error: the pair has changed meanwhile; nothing was removed\n")
    assert store.get_external_id(ACME, "b1") == "e5"


@pytest.mark.parametrize("group", ["pairs", "installations"])
def test_who_puts_the_command_first_is_told(project: Project, group: str) -> None:
    result = project.run(group, "list", "program:sync")
    assert result.code == 2
    assert result.err == f"Error: MODULE:SYNC comes before 'list': contact-sync {group} app:sync list …\n"


@pytest.mark.parametrize("command", ["count", "show", "list", "remove"])
def test_the_help_of_a_command_needs_no_program(project: Project, command: str) -> None:
    for arguments in ((command, "--help"), ("nowhere:sync", command, "-h")):
        result = project.run("pairs", *arguments)
        assert result.code == 0
        assert result.out.startswith(f"Usage: contact-sync pairs MODULE:SYNC {command} ")


def test_a_store_in_memory_cannot_be_looked_into(project: Project) -> None:
    result = project.run("pairs", project.sync("memory://"), "count")
    assert result.code == 1
    assert "(MemoryKeyStore) is in the memory of the process that serves" in result.err
    assert result.err.endswith(": use sqlite:///pairs.db or another store\n")


def test_a_store_that_cannot_list_says_so(project: Project) -> None:
    project.write("program.py", FIVE_METHODS)
    result = project.run("pairs", "program:sync", "count", "--all")
    assert result.code == 1
    assert result.err == "Error: FiveMethods can neither count nor list its pairs (it is no PairListing)\n"


def test_a_store_that_is_away_is_a_message_that_says_what_to_look_at(project: Project, private_valkey: Valkey) -> None:
    target = project.sync(private_valkey.url.replace("//", "//somebody:hush-hush@"))
    private_valkey.stop()
    for name, *rest in (
        ("pairs", "count"),
        ("held",),
        ("resolve", "b1", "--create"),
        ("forget", "e1", "--yes"),
        ("installations", "list"),
    ):
        result = project.run(name, target, *rest)
        assert result.code == 1
        assert result.err == (
            "Error: Redis cannot be reached (ConnectionError): is it running, and is the store's URL right? "
            "'contact-sync check' says more\n"
        )


def test_a_store_that_says_itself_what_to_look_at_is_not_talked_over(project: Project) -> None:
    result = project.run("pairs", project.sync("sqlite:///no/such/folder/pairs.db"), "count")
    assert (result.code, result.err) == (
        1,
        "Error: SQLite cannot open its file; does the folder exist, and may it be written to?\n",
    )
