"""The thread that sends messages by a broker whose connections belong to threads, as RabbitMQ's do.

So one connection a process is enough, and nobody who accepts or applies events waits for a broker that hangs. And it is
looked after: a thread that sends now and then would find its own closed by the broker, since it answers no heartbeat.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from queue import Empty, Full, Queue
from typing import Any, Final

import dramatiq

from contact_sync.failures import FAULTS

log = logging.getLogger(__name__)

MOST_UNSENT: Final = 1_000
"""How many messages wait to be sent at the most. What is due beyond that is found by the sweep."""

IDLE_SECONDS: Final = 1.0
"""How often the connection is looked after while there is nothing to send."""

CLOSE_SECONDS: Final = 2.0
"""For how long it is waited in the end that everything is sent."""

Send = Callable[[int, float], None]
_Message = tuple[int, float]


class Postman:
    """Sends messages in a thread of its own, which starts with the first of them.

    Args:
        broker: What sends them.
        send: Has it send one (since when a mailbox is due, or 0; in how many seconds it is to arrive). Never raises.
    """

    def __init__(self, broker: dramatiq.Broker, send: Send) -> None:
        self._broker = broker
        self._send = send
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._unsent: Queue[_Message | None] = Queue(MOST_UNSENT)
        self._thread: threading.Thread | None = None

    def put(self, due: int, delay: float) -> None:
        """Have a message sent soon, if not too many wait already."""
        if self._process != os.getpid():
            self._begin_anew()  # threads do not come along when a process forks, and locks come along as they are
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, args=(self._unsent,), name="contact-sync-post", daemon=True
                )
                self._thread.start()
            try:
                self._unsent.put_nowait((due, delay))
            except Full:
                log.debug("A message was not sent, since too many wait; the workers find by themselves what is due")

    def close(self) -> None:
        """Send what waits, unless that lasts too long, and close the connection."""
        if self._process != os.getpid():
            return
        with self._lock:
            thread, unsent = self._thread, self._unsent
            self._thread, self._unsent = None, Queue(MOST_UNSENT)  # a thread that hangs keeps its own
        if thread is not None:
            if unsent.full():
                with contextlib.suppress(Empty):
                    unsent.get_nowait()
            unsent.put_nowait(None)
            thread.join(CLOSE_SECONDS)

    def _work(self, unsent: Queue[_Message | None]) -> None:
        is_kept = False
        while True:
            try:
                message = unsent.get(timeout=IDLE_SECONDS)
            except Empty:
                is_kept = is_kept and keep_connection(self._broker)  # one that is lost waits for the next message
                continue
            if message is None:
                leave_thread(self._broker)
                return
            self._send(*message)
            is_kept = True


def is_by_thread(broker: dramatiq.Broker) -> bool:
    """Whether a broker keeps a connection for each thread, and closes it when its attribute is deleted."""
    return isinstance(getattr(type(broker), "connection", None), property)


def keep_connection(broker: Any) -> bool:
    """Have this thread's connection answer the broker's heartbeats. Whether it is still there."""
    try:
        broker.connection.process_data_events()
    except FAULTS as error:
        log.debug("The connection to the broker was lost (%s)", type(error).__name__)
        leave_thread(broker)
        return False
    return True


def leave_thread(broker: Any) -> None:
    """Close this thread's connection to a broker that keeps one for each: the thread is about to end."""
    if is_by_thread(broker):
        try:
            del broker.connection
        except FAULTS as error:
            log.debug("A thread's connection to the broker could not be closed (%s)", type(error).__name__)
