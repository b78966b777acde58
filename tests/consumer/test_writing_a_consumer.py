"""The consumer of the page about writing one is itself proven by the suite, as the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .rest import rest_crm

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-consumer.md"

OPTIONS = ("-q", "-W", "error", "-p", "no:cacheprovider", "-k", "TestAcme or batch_of or in_a_batch")
BATCH_TESTS = 6

SUITE_OF_BATCHES = """
import test_acme
from acme_batches import BatchAcme

class TestBatches(test_acme.ConsumerContract):
    text_field = "first_name"
    consumer_at = test_acme.TestAcme.consumer_at

    @test_acme.pytest.fixture
    def consumer(self):
        consumer = BatchAcme(test_acme.os.environ["ACME_URL"], test_acme.os.environ["ACME_KEY"])
        yield consumer
        consumer.close()
"""


def test_the_consumers_of_the_page_pass_the_suite(tmp_path: Path) -> None:
    shown = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert [name for name, _ in shown] == ["acme.py", "test_acme.py", "acme_batches.py"]
    for name, code in [*shown, ("test_batches.py", SUITE_OF_BATCHES)]:
        (tmp_path / name).write_text(code, "utf-8")
    with rest_crm() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, "test_acme.py", "test_batches.py"],
            cwd=tmp_path,
            env={**os.environ, "ACME_URL": url, "ACME_KEY": "key", "PYTHONPATH": str(PAGE.parents[1])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    passed = re.search(r"^(\d+) passed, \d+ deselected in ", done.stdout.splitlines()[-1])
    assert passed, done.stdout + done.stderr
    assert int(passed[1]) >= 170 + BATCH_TESTS, "as many tests as the page says"
