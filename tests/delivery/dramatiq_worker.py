"""A worker process: `python -m tests.delivery.dramatiq_worker URL LEASE CRASHES`. For `test_dramatiq_workers.py`.

It says what it applies, a line each. At an event that says `hang` it hangs, and one that says `poison` kills it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

from contact_sync.delivery import Parts, Retries, Run, Seal
from contact_sync.delivery.dramatiq import DramatiqDelivery
from contact_sync.events import Auth
from contact_sync.results import Result
from contact_sync.testing.delivery.stage import digest


class Handler:
    """Applies events."""

    def apply(self, runs: Sequence[Run]) -> list[Result]:
        for run in runs:
            said = [event.data["says"] for event in run.events]
            sys.stdout.write(
                f"{run.events[0].data['id']} {' '.join(map(str, said))}\n"
            )  # whole, also from many threads
            sys.stdout.flush()
            if "poison" in said:
                os.kill(os.getpid(), signal.SIGKILL)
            if "hang" in said:
                time.sleep(60)
        return [Result.ok(action="updated")] * len(runs)

    def batch_size(self, installation: str) -> int:
        del installation
        return 1


def main(url: str, lease: str, crashes: str) -> None:
    """Work until the input ends."""
    retries = Retries(first=0.05, crashes=int(crashes))
    delivery = DramatiqDelivery(url, lease_seconds=float(lease), retries=retries)
    handler = Handler()
    seal = Seal(lambda _, body: body, lambda _, body: body, digest)
    delivery.connect(Parts(lambda event: handler.apply([Run((event,))])[0], handler, Auth, seal))
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    delivery.run_worker(stop, threads=4, grace=5.0, ready=lambda: print("ready", flush=True))
    delivery.close()


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
