"""`MODULE:SYNC`: what is taken, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.helpers import SYNC, Project

PROGRAM = f"""{SYNC}
import enum

sync = ContactSync(crm, FIELDS, "sqlite:///pairs.db")
other = ContactSync(crm, FIELDS, "sqlite:///pairs.db")
number = 3

class Holder:
    sync = sync

def make():
    return sync

def make_for(tenant):
    return sync

async def make_later():
    return sync

def make_nothing():
    return None

def make_trouble():
    raise RuntimeError("the settings file is missing")

def make_wrongly():
    return ContactSync(crm, FIELDS, "nonsense://")
"""


@pytest.mark.parametrize("name", ["sync", "make", "Holder.sync"])
def test_an_instance_and_a_factory_are_taken_from_the_current_folder(project: Project, name: str) -> None:
    project.write("program.py", PROGRAM)
    listed = project.run("installations", f"program:{name}", "list")
    assert (listed.code, listed.out) == (0, "Nothing is installed.\n")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("program", "write program:sync, for example"),
        ("program:", "write program:sync, for example"),
        (":sync", "write app:sync, for example"),
        ("program.py", "write program:sync, for example"),
        ("nowhere:sync", "there is no module 'nowhere', neither in "),
        ("package.nowhere:sync", "there is no module 'package.nowhere', neither in "),
        ("program.py:sync", "there is no module 'program.py'; write it as Python imports it: program:sync"),
        ("./sub/program.py:sync", "write it as Python imports it: sub.program:sync"),
        ("program:snyc", "program has no 'snyc'; it has other, sync"),
        ("program:Holder.nothing", "program has no 'Holder.nothing'; it has other, sync"),
        ("program:number", "program:number is of type int; expected a ContactSync, or a function without arguments"),
        ("program:Holder", "program:Holder is the class Holder; expected a ContactSync"),
        ("program:make_for", "program:make_for takes arguments; a function that makes a sync takes none"),
        ("program:make_later", "program:make_later is an 'async def'"),
        ("program:make_nothing", "program:make_nothing() is of type NoneType; expected a ContactSync"),
        ("empty:sync", "empty has no 'sync'; there is no ContactSync in it"),
    ],
)
def test_what_cannot_be_taken_is_said_with_what_to_write(project: Project, target: str, said: str) -> None:
    project.write("program.py", PROGRAM)
    project.write("empty.py", "")
    (project.folder / "package").mkdir()
    project.write("package/__init__.py", "")
    result = project.run("check", target)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_a_function_without_a_signature_is_called(project: Project) -> None:
    project.write("program.py", "make = dict.fromkeys\nmake_type = type('Odd', (), {'__call__': dict})()\n")
    assert "raised" not in project.run("check", "program:make").err
    assert "is of type dict" in project.run("check", "program:make_type").err


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("import a_package_that_is_missing\n", "line 1", "No module named 'a_package_that_is_missing'"),
        ("\nimport helper_module\n", "line 1", "cannot import name 'nothing' from 'os'"),
        ("def broken(:\n", "line 1", "SyntaxError"),
        ("\n\n1 / 0\n", "line 3", "ZeroDivisionError"),
    ],
    ids=["a package that is missing", "an import in an import", "syntax", "an exception"],
)
def test_what_a_module_raises_is_shown_with_its_place(project: Project, text: str, place: str, said: str) -> None:
    project.write("program.py", text)
    project.write("helper_module.py", "from os import nothing\n")
    result = project.run("check", "program:sync")
    assert result.code == 2
    assert "importing program failed" in result.err
    assert place in result.err
    assert said in result.err
    assert "importlib" not in result.err
    assert str(Path("contact_sync") / "cli") not in result.err


def test_what_a_factory_raises_is_shown_with_its_place(project: Project) -> None:
    project.write("program.py", PROGRAM)
    result = project.run("check", "program:make_trouble")
    assert result.code == 2
    assert "calling program:make_trouble failed" in result.err
    assert "in make_trouble" in result.err
    assert "RuntimeError: the settings file is missing" in result.err


@pytest.mark.parametrize("target", ["program:make_wrongly", "wrong:sync"])
def test_an_error_of_ours_is_one_line_with_the_line_that_caused_it(project: Project, target: str) -> None:
    project.write("program.py", PROGRAM)
    project.write("wrong.py", f"{SYNC}\nsync = ContactSync(crm, FIELDS, 'nonsense://')\n")
    result = project.run("check", target)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert f"{target.partition(':')[0]}.py:" in result.err
    assert "key_store: a key store's URL begins with " in result.err


def test_debug_shows_the_whole_traceback_as_well(project: Project) -> None:
    project.write("wrong.py", f"{SYNC}\nsync = ContactSync(crm, FIELDS, 'nonsense://')\n")
    result = project.run("--debug", "check", "wrong:sync")
    assert result.code == 2
    assert "Traceback (most recent call last)" in result.err
    assert "integration.py" in result.err
    assert "Error: importing wrong failed" in result.err
