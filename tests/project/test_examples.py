"""Every example is run as a reader would run it: in its own folder, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.markdown import ROOT

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name != "__pycache__")


def python(example: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=example,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_examples_own_tests_pass(example: Path) -> None:
    done = python(example, "pytest", "-q", "-p", "no:cacheprovider", "--override-ini=addopts=--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed in [\d.]+s", done.stdout.splitlines()[-1]), "something was skipped or not run"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_fully_typed(example: Path) -> None:
    done = python(
        example,
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache/examples"),
        ".",
        MYPYPATH=str(ROOT),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_explains_itself(example: Path) -> None:
    text = (example / "README.md").read_text("utf-8")
    assert text.startswith("# ")
    assert f"$ cd examples/{example.name}\n" in text
