"""What the packages show to users: complete, sorted, documented, and light to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing
from types import ModuleType

import pytest

import contact_sync
import contact_sync.external_webhooks
import contact_sync.platforms
import contact_sync.testing
import key_stores
import key_stores.testing
import mappers
from tests.project.markdown import ROOT

FACADES = [
    contact_sync,
    contact_sync.external_webhooks,
    contact_sync.platforms,
    contact_sync.testing,
    key_stores,
    key_stores.testing,
    mappers,
]
ERROR_MODULES = ["contact_sync.errors", "key_stores.errors", "mappers.errors"]


def name_of(value: object) -> str:
    return value.__name__ if isinstance(value, ModuleType) else str(value)


@pytest.mark.parametrize("package", FACADES, ids=name_of)
def test_all_names_everything_public_that_the_package_holds(package: ModuleType) -> None:
    held = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and name != "annotations"
        and vars(typing).get(name) is not value
    }
    assert held <= set(package.__all__)


@pytest.mark.parametrize("package", FACADES, ids=name_of)
def test_everything_that_all_names_is_there_once(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert len(package.__all__) == len(set(package.__all__))


@pytest.mark.parametrize("package", FACADES, ids=name_of)
def test_every_public_name_is_documented(package: ModuleType) -> None:
    undocumented = []
    for name in package.__all__:
        value = getattr(package, name)
        if not inspect.isclass(value) and not inspect.isfunction(value):
            continue  # a constant or the name of a type: explained where it is written
        if not own_docstring(value):
            undocumented.append(name)
        elif inspect.isclass(value):
            undocumented += [
                f"{name}.{member}" for member in public_members(value) if not own_docstring_of(value, member)
            ]
    assert undocumented == []


def own_docstring(value: object) -> bool:
    """Whether it has a docstring that somebody wrote; a dataclass without one gets its signature."""
    doc: str = getattr(value, "__doc__", None) or ""
    return doc != "" and not doc.startswith(f"{getattr(value, '__name__', '')}(")


def own_docstring_of(kind: type, member: str) -> bool:
    """Whether a member is documented, in the class itself or where it overrides something."""
    return any(own_docstring(vars(base)[member]) for base in kind.__mro__ if member in vars(base))


def public_members(kind: type) -> list[str]:
    return [
        name
        for name, value in vars(kind).items()
        if not name.startswith("_") and isinstance(value, property | classmethod | staticmethod | type(public_members))
    ]


@pytest.mark.parametrize("module", [*FACADES], ids=name_of)
def test_every_module_says_in_its_first_line_what_it_is_for(module: ModuleType) -> None:
    for found in pkgutil.iter_modules(module.__path__ if hasattr(module, "__path__") else []):
        source = ROOT.joinpath(*module.__name__.split("."), found.name)
        file = source / "__init__.py" if found.ispkg else source.with_suffix(".py")
        assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), f"{file.relative_to(ROOT)} has no docstring"


@pytest.mark.parametrize("name", ERROR_MODULES)
def test_the_error_tree_that_is_drawn_is_the_tree_of_the_classes(name: str) -> None:
    module = importlib.import_module(name)
    assert drawn_tree(module) == tree_of_classes(module)


def drawn_tree(module: ModuleType) -> set[tuple[str, str]]:
    """(class, its parent) in the drawing, which is the module docstring's second paragraph."""
    drawing = inspect.cleandoc(module.__doc__ or "").split("\n\n")[1]
    found: set[tuple[str, str]] = set()
    above: list[str] = ["Exception"]
    for line in inspect.cleandoc(drawing).splitlines():
        name = line.lstrip(" │├└─")
        depth = (len(line) - len(name)) // 4
        above = [*above[: depth + 1], name.split()[0]]
        found.add((above[-1], above[-2]))
    return found


def tree_of_classes(module: ModuleType) -> set[tuple[str, str]]:
    return {
        (kind.__name__, kind.__bases__[0].__name__)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == module.__name__
    }


@pytest.mark.parametrize("name", ERROR_MODULES)
def test_every_error_is_exported(name: str) -> None:
    module, package = importlib.import_module(name), importlib.import_module(name.partition(".")[0])
    assert {error for error, _ in tree_of_classes(module)} <= set(package.__all__)


@pytest.mark.parametrize(
    ("imported", "left_out"),
    [
        (
            "contact_sync",
            "granian rich sqlalchemy cryptography yaml psycopg pytest contact_sync.cli contact_sync.testing",
        ),
        ("key_stores", "flask requests sqlalchemy cryptography yaml psycopg pytest contact_sync mappers"),
        ("mappers", "flask requests redis sqlalchemy cryptography yaml pytest contact_sync key_stores"),
        ("contact_sync.cli", "granian sqlalchemy psycopg pytest contact_sync.testing"),
    ],
)
def test_importing_a_package_loads_only_what_it_needs(imported: str, left_out: str) -> None:
    program = f"import sys, {imported}; print(*sorted(set({left_out.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("", "")
