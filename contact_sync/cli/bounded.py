"""Runs a check in a thread of its own, so that it can neither hang nor end the others."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from contact_sync.failures import translate
from key_stores import KeyStoreError

from .findings import Finding

_LOOK: Final = 0.2
"""How often a waiting main thread looks up, in seconds: the handlers of signals run in it, and not while it waits."""


def bounded(name: str, check: Callable[[], Iterator[Finding]], timeout: float) -> Iterator[Finding]:
    """Run a check.

    Args:
        name: What it is called.
        check: Gives findings. What it raises is a finding as well.
        timeout: How long each finding may take, in seconds. Then the check is left to itself.
    """
    found: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            for finding in check():
                found.put(finding)
        except Exception as error:  # noqa: BLE001 - whatever a user's code raises is what is to be found out
            said = translate(error, f"the check of the {name}").error or ""
            away = isinstance(error, KeyStoreError)
            remedy = (
                "See to the key store first" if away else "Correct that; contact-sync --debug check says where it is"
            )
            found.put(Finding(name, "fail", said, remedy))
        finally:
            found.put(None)

    threading.Thread(target=run, name=f"check {name}", daemon=True).start()
    deadline = time.monotonic() + timeout
    while True:
        try:
            finding = found.get(timeout=max(0.0, min(_LOOK, deadline - time.monotonic())))
        except queue.Empty:
            if time.monotonic() < deadline:
                continue
            finding = Finding(
                name, "fail", f"no answer within {timeout:g} s", "See what hangs; give its client a time-out"
            )
            yield finding
            return
        if finding is None:
            return
        yield finding
        deadline = time.monotonic() + timeout
