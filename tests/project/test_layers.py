"""The written-down direction of imports holds, and a step against it is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.markdown import ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("contact_sync", "key_stores", "mappers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check(folder: Path) -> str:
    done = subprocess.run(
        [str(LINT_IMPORTS), "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return " ".join(done.stdout.split())


def test_all_contracts_are_kept(copy: Path) -> None:
    assert " 0 broken" in check(copy)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("mappers/mapper.py", "import key_stores", "mappers and key_stores stand alone"),
        ("key_stores/base.py", "import contact_sync.errors", "mappers and key_stores stand alone"),
        ("contact_sync/results.py", "import contact_sync.engine", "contact_sync is layered"),
        ("contact_sync/webhook.py", "import contact_sync.blueprint", "contact_sync is layered"),
        ("contact_sync/engine.py", "import flask", "Flask stays in the shells"),
        ("contact_sync/integration.py", "import werkzeug.serving", "Flask stays in the shells"),
        ("contact_sync/consumer/calls.py", "import requests", "requests stays with those who call other services"),
        ("contact_sync/cli/__init__.py", "import granian", "Granian stays in the default server"),
        ("contact_sync/server/__init__.py", "import rich.table", "click and rich stay in the commands"),
        ("contact_sync/engine.py", "import redis", "Redis stays with what keeps things there"),
        ("key_stores/urls.py", "import sqlalchemy", "SQLAlchemy stays with what keeps things there"),
        ("contact_sync/installations.py", "import cryptography", "cryptography stays in the vault"),
    ],
)
def test_an_import_in_the_wrong_direction_breaks_its_contract(
    copy: Path, module: str, line: str, contract: str
) -> None:
    with (copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    assert f"{contract} BROKEN" in check(copy)


def test_a_module_that_is_in_no_layer_is_refused(copy: Path) -> None:
    (copy / "contact_sync" / "stray.py").write_text('"""A module that nobody put into a layer."""\n')
    assert "contact_sync is layered BROKEN" in check(copy)


def test_a_circle_of_imports_is_noticed(copy: Path) -> None:
    for module, other in (("one", "two"), ("two", "one")):
        (copy / "key_stores" / f"{module}.py").write_text(f"import key_stores.{other}\n")
    assert "nothing goes round in circles BROKEN" in check(copy)
