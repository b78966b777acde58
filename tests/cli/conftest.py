"""A folder with a user's program, for the commands to work on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync import ContactSync
from contact_sync.testing.fixtures import sandbox_platform
from key_stores import KeyStore
from tests.cli.crm import CRM
from tests.cli.helpers import Project

__all__ = ["crm", "project", "sandbox_platform"]


@pytest.fixture
def crm() -> Iterator[CRM]:
    """A CRM over HTTP."""
    with CRM() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty folder that is the current one. What commands import from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    if "BOTMATIC_BASE_URL" not in os.environ:  # no test speaks to the real one
        monkeypatch.setenv("BOTMATIC_BASE_URL", "http://127.0.0.1:9")
    before = set(sys.modules)
    yield Project(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            for value in vars(sys.modules[name]).values():
                if isinstance(value, KeyStore):  # the program's own, which nobody else closes
                    value.close()
                elif isinstance(value, ContactSync):
                    value.delivery.close()
            del sys.modules[name]
