"""`python -m tests.chaos`: runs the proof for a delivery, or for all of them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.chaos.disk import own_namespace
from tests.chaos.faults import Seconds
from tests.chaos.report import report
from tests.chaos.run import Plan, run

DELIVERIES: Final = ("sqlite", "postgresql", "dramatiq")


def main() -> int:
    """Do what the command line says."""
    options = _parser().parse_args()
    own_namespace("tests.chaos", sys.argv[1:])
    logging.disable(logging.WARNING)  # of the sync in this process, which only looks
    seed = secrets.randbelow(10_000) if options.seed is None else options.seed
    seconds = Seconds(*(length * options.outages for length in (5.0, 5.0, 10.0, 3.0)))
    passed = True
    for number, delivery in enumerate(options.delivery or DELIVERIES):
        plan = Plan(
            delivery,
            events=options.events,
            contacts=options.contacts,
            connections=options.connections,
            kills=options.kills,
            rate=options.rate,
            failing=options.failing,
            ids=(seed + number) % 2 == 1 if options.ids is None else options.ids,
            seed=seed,
            seconds=seconds,
        )
        passed &= _prove(plan, keep=options.keep)
    return 0 if passed else 1


def _prove(plan: Plan, *, keep: bool) -> bool:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    with _folder(keep=keep) as folder:
        print(f"\n── {plan.delivery}, seed {plan.seed}", flush=True)
        outcome = run(plan, folder, say)
        print(report(outcome), flush=True)
        return not outcome.failures


@contextlib.contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    try:
        yield folder
    finally:
        if keep:
            print(f"what the processes said is in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--delivery", choices=DELIVERIES, action="append", help="one of them; may be repeated  [all]")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument(
        "--connections", type=int, default=64, help="of the platform's; half of them to each web process"
    )
    parser.add_argument("--kills", type=int, default=20, help="how often a process is killed with -9")
    parser.add_argument("--rate", type=float, default=50.0, help="events a second at the most")
    parser.add_argument("--failing", type=float, default=0.2, help="which part of the CRM's calls fails")
    parser.add_argument("--outages", type=float, default=1.0, help="outages last so many times as long")
    parser.add_argument(
        "--ids", action=argparse.BooleanOptionalAction, help="whether deliveries carry an id  [by seed]"
    )
    parser.add_argument("--seed", type=int, help="of everything that is left to chance  [another one each time]")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs of the processes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
