"""Fixtures for pytest. Import one in your `conftest.py`, or name this module in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .sandbox import SandboxPlatform


@pytest.fixture
def sandbox_platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxPlatform]:
    """Give a running sandbox platform, and let `BOTMATIC_BASE_URL` be its address for as long as the test lasts."""
    with SandboxPlatform() as sandbox:
        monkeypatch.setenv("BOTMATIC_BASE_URL", sandbox.url)
        yield sandbox
