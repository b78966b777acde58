"""The group of commands: light to start, and clear when something is missing."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from contact_sync.cli import main
from tests.cli.helpers import Project, Result
from tests.project.markdown import ROOT


def test_the_version_is_the_distributions(project: Project) -> None:
    result = project.run("--version")
    assert (result.code, result.out) == (0, "contact-sync, version 0.1.0\n")


def test_the_help_lists_every_command_with_a_line(project: Project) -> None:
    listed = project.run("--help").out
    for name in (
        "new",
        "serve",
        "check",
        "pull",
        "installations",
        "pairs",
        "held",
        "resolve",
        "forget",
        "migrate",
        "sandbox",
        "demo",
    ):
        assert f"\n  {name} " in listed


@pytest.mark.parametrize("name", list(main.commands))
def test_every_command_is_there_and_explains_itself(project: Project, name: str) -> None:
    result = project.run(name, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: contact-sync {name} ")
    assert isinstance(main.commands[name], click.Command)


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("['--help']", ["rich", "granian"]),
        ("['pairs', '--help']", ["granian", "contact_sync.demo", "contact_sync.testing.sandbox"]),
        ("['installations', '--help']", ["granian"]),
    ],
)
def test_a_command_imports_no_more_than_it_needs(command: str, unneeded: list[str]) -> None:
    code = (
        "import sys\nfrom contact_sync.cli import main\n"
        f"main({command}, standalone_mode=False)\n"
        f"print([name for name in {unneeded} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_it_runs_as_a_module_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "contact_sync.cli", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("Usage: contact-sync ")


def test_a_command_that_does_not_exist_is_refused(project: Project) -> None:
    result = project.run("nonsense")
    assert result.code == 2
    assert "No such command 'nonsense'" in result.err


def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = without(project, monkeypatch, "rich", "pairs", project.sync("sqlite:///pairs.db"), "count", "--all")
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "Error: pairs needs the package 'rich', which is not installed; pip install 'contact-sync[server]', or use "
        "--json where the command has it"
    )


def test_the_demo_without_its_packages_names_the_extra(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("contact_sync.demo")]:
        monkeypatch.delitem(sys.modules, name)
    result = without(project, monkeypatch, "rich", "demo", "--once")
    assert result.code == 2
    assert result.err == (
        "Error: demo needs the package 'rich', which is not installed; pip install 'contact-sync[server]'\n"
    )


def test_the_demo_names_at_once_all_that_it_lacks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("granian", "sqlalchemy", "cryptography"):
        monkeypatch.setitem(sys.modules, package, None)
    result = without(project, monkeypatch, "rich", "demo", "--once")
    assert result.code == 2
    assert result.err == (
        "Error: demo needs the packages 'granian', 'rich', 'sqlalchemy' and 'cryptography', which are not installed; "
        "pip install 'contact-sync[server,sql,crypto]'\n"
    )


@pytest.mark.parametrize("arguments", [["count", "--all", "--json"], ["count", "--installation", "client:acme"]])
def test_what_prints_no_table_does_without_what_makes_tables(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    result = without(project, monkeypatch, "rich", "pairs", project.sync("sqlite:///pairs.db"), *arguments)
    assert result.code == 0


def test_what_is_held_can_be_listed_and_forgotten_without_what_makes_tables(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = project.sync("sqlite:///pairs.db")
    assert without(project, monkeypatch, "rich", "held", target, "--installation", "anonymous", "--json").json == []
    result = without(project, monkeypatch, "rich", "forget", target, "e1", "--installation", "anonymous", "--yes")
    assert (result.code, result.err) == (1, "Error: nothing is kept about external e1 of anonymous\n")


def test_checks_for_programs_do_without_what_makes_tables(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    result = without(project, monkeypatch, "rich", "check", project.sync("sqlite:///pairs.db"), "--json")
    assert {check["name"] for check in result.json["checks"]} >= {"mapping", "key store"}


def test_a_part_of_the_demo_that_is_missing_is_not_blamed_on_an_extra(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("contact_sync.demo")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError):
        without(project, monkeypatch, "contact_sync.demo.story", "demo", "--once")


def test_a_missing_part_of_our_own_is_not_blamed_on_an_extra(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError):
        without(project, monkeypatch, "contact_sync.cli.chosen", "pairs", "program:sync", "count")


def without(project: Project, monkeypatch: pytest.MonkeyPatch, package: str, *arguments: str) -> Result:
    """Run a command as if a package were not installed."""
    commands = main.commands
    monkeypatch.setattr(commands, "_loaded", {})
    for name in list(sys.modules):
        if name.startswith("contact_sync.cli."):
            monkeypatch.delitem(sys.modules, name)
        elif name == package or name.startswith(f"{package}."):
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    return project.run(*arguments)


def test_commands_can_be_added_and_taken_away_as_in_any_group() -> None:
    @click.command()
    def extra() -> None:
        """Do nothing."""

    names = list(main.commands)
    main.add_command(extra)
    assert [*main.commands] == [*names, "extra"]
    assert "extra" in main.commands
    assert main.commands["extra"] is extra
    del main.commands["extra"]
    assert list(main.commands) == names
    assert len(main.commands) == len(names)
