"""The proof that nothing is lost, in a short form: few events, and each fault for a moment. `make chaos` is long."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.project.markdown import ROOT

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

SHORT = ("--events=240", "--contacts=30", "--connections=16", "--kills=4", "--outages=0.25", "--rate=40")


@pytest.mark.parametrize(
    ("delivery", "options"),
    [("sqlite", ["--no-ids"]), ("postgresql", ["--ids"]), ("dramatiq", ["--no-ids"])],
)
def test_nothing_is_lost_while_processes_stores_the_crm_and_the_disk_fail(delivery: str, options: list[str]) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--delivery", delivery, *SHORT, *options, "--seed", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
