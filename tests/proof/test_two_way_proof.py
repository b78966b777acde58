"""The proof: whatever people do, and however it is told, both sides end the same.

`PROOF_EXAMPLES=2000` tells so many new stories in place of the same 30. What a story was is told with its failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contact_sync.testing import SandboxPlatform
from key_stores import KeyStore, open_key_store
from tests.proof.host import Host
from tests.proof.machine import Sync

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

EXAMPLES = os.environ.get("PROOF_EXAMPLES")
QUIET = settings(
    max_examples=int(EXAMPLES or "30"),
    derandomize=EXAMPLES is None,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=["memory", "redis", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[KeyStore]:
    if request.param == "memory":
        url = "memory://"
    elif request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/pairs.db"
    else:
        server: Any = request.getfixturevalue("valkey" if request.param == "redis" else "postgresql")
        url = server.url
    store = open_key_store(url)
    yield store
    store.close()


def test_both_sides_end_the_same(sandbox: SandboxPlatform, host: Host, store: KeyStore) -> None:
    Sync.sandbox, Sync.host, Sync.store = sandbox, host, store
    run_state_machine_as_test(Sync, settings=QUIET)
