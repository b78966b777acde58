"""The CRM's own notices: it tells whoever has asked for it about each change, in order, and signs what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import queue
import threading
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import requests

log = logging.getLogger(__name__)

SIGNATURE: Final = "X-CRM-Signature"
"""The header that holds the HMAC-SHA256 of the body, in hexadecimal digits."""

ATTEMPTS: Final = 5
PAUSE: Final = 0.2
TIMEOUT: Final = 10.0
LONGEST_WAIT: Final = 60.0


def signature(secret: str, body: bytes) -> str:
    """Sign a notice."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class _Subscriber(NamedTuple):
    url: str
    secret: str


class Notices:
    """Sends notices to one subscriber, from a thread of its own."""

    def __init__(self) -> None:
        self._subscriber: _Subscriber | None = None
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._thread = threading.Thread(target=self._run, name="crm-notices", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str | None:
        """Where notices go; nowhere, if nobody has asked for them."""
        return None if self._subscriber is None else self._subscriber.url

    def subscribe(self, url: str, secret: str) -> None:
        """Send notices to this address from now on, and to no other."""
        self._subscriber = _Subscriber(url, secret)

    def unsubscribe(self) -> None:
        """Send no more notices."""
        self._subscriber = None

    def hold(self) -> None:
        """Keep notices back, as a slow CRM does, until they are let go."""
        self._flowing.clear()

    def let_go(self) -> None:
        """Send what was kept back, and what comes."""
        self._flowing.set()

    def tell(self, event: str, contact: Mapping[str, Any], by: str) -> None:
        """Say that a contact was changed, and by whom."""
        if self._subscriber is not None:
            self._waiting.put({"event": event, "contact": dict(contact), "by": by})

    def close(self) -> None:
        """End the thread. What is not sent yet is dropped."""
        self._stopping.set()
        self._flowing.set()
        self._waiting.put(None)
        self._thread.join(TIMEOUT)

    def _run(self) -> None:
        while (notice := self._waiting.get()) is not None:
            self._flowing.wait()
            wait = 0.0
            for attempt in range(1, ATTEMPTS + 1):
                if self._stopping.wait(wait):
                    return
                asked = self._sent(notice)
                if asked is None:
                    break
                wait = max(PAUSE * attempt, asked)
            else:
                log.warning("A notice about contact %s was given up", notice["contact"]["id"])

    def _sent(self, notice: Mapping[str, Any]) -> float | None:
        """Send a notice. `None` if it is settled: taken, or refused for good. Else how long to wait at least."""
        to = self._subscriber
        if to is None:
            return None
        body = json.dumps(notice).encode()
        headers = {"Content-Type": "application/json", SIGNATURE: signature(to.secret, body)}
        try:
            answer = requests.post(to.url, body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException:
            return 0.0
        if answer.status_code < 500 and answer.status_code != 429:
            return None
        seconds = answer.headers.get("Retry-After", "")
        return min(float(seconds), LONGEST_WAIT) if seconds.isascii() and seconds.isdecimal() else 0.0
