"""Rules for the files themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.markdown import ROOT

MODULES = sorted(
    path
    for part in ("contact_sync", "key_stores", "mappers", "benchmarks", "examples")
    for path in ROOT.glob(f"{part}/**/*.py")
)


def test_no_file_is_longer_than_400_lines() -> None:
    assert {str(path): n for path in MODULES if (n := path.read_text("utf-8").count("\n")) > 400} == {}


def test_examples_are_folders_and_no_packages() -> None:
    assert list(ROOT.glob("examples/**/__init__.py")) == []


@pytest.mark.parametrize("script", ["scripts/setup.sh"])
def test_shell_scripts_are_written_for_any_posix_shell(script: str) -> None:
    done = subprocess.run(["sh", "-n", str(ROOT / script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def a_copy(folder: Path) -> Path:
    """The files that a set-up reads, in a folder whose path has a space in it."""
    copy = folder / "a clone"
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    for name in ("Makefile", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    return copy


def fake_python(folder: Path, says: str) -> str:
    program = folder / "python-fake"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    return str(program)


def make(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=copy, capture_output=True, text=True, timeout=60)


def test_make_alone_lists_what_there_is(tmp_path: Path) -> None:
    done = make(a_copy(tmp_path))
    assert done.returncode == 0
    for target in ("demo", "test", "test-browser", "bench", "lint", "format", "clean"):
        assert f"make {target} " in done.stdout


def test_a_missing_python_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = make(a_copy(tmp_path), "demo", "PYTHON=python-that-is-not-there")
    assert done.returncode != 0
    assert "No 'python-that-is-not-there' here. Install Python 3.11 or newer" in done.stderr


def test_an_old_python_is_refused_with_what_to_do(tmp_path: Path) -> None:
    old = fake_python(tmp_path, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    done = make(a_copy(tmp_path), "test", f"PYTHON={old}")
    assert done.returncode != 0
    assert "is Python 3.9.2; Python 3.11 or newer is needed. Name one: make PYTHON=" in done.stderr


def test_a_python_without_venv_is_refused_with_what_to_do(tmp_path: Path) -> None:
    bare = fake_python(tmp_path, 'case "$2" in *ensurepip*) exit 1 ;; esac')
    done = make(a_copy(tmp_path), "demo", f"PYTHON={bare}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
