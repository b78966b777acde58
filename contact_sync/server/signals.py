"""How a main thread waits so that nothing it is to hear is lost."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


class Bell:
    """Waits for other threads and for signals.

    The system may hand a signal to any thread; Python's handlers only ever run in the main one, which does not notice
    while it waits for a lock, an event or a queue. It does notice when it waits for a socket that the signal itself
    writes to.
    """

    def __init__(self) -> None:
        self.ear, self._hammer = socket.socketpair()
        for end in (self.ear, self._hammer):
            end.setblocking(False)

    def ring(self) -> None:
        """End a wait, now or the next. Safe from any thread, and in the handler of a signal."""
        with contextlib.suppress(OSError):  # it has rung often enough to be full, or nobody waits any more
            self._hammer.send(b"\0")

    def wait_until(self, true: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until something is true; it is looked at whenever it rings. `False` if the time is over before."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not true():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if left == 0.0:
                return False
            select.select([self.ear], [], [], left)
            self.silence()
        return True

    def silence(self) -> None:
        """Forget that it has rung."""
        with contextlib.suppress(BlockingIOError):
            self.ear.recv(4096)

    def close(self) -> None:
        """Give its sockets back."""
        self.ear.close()
        self._hammer.close()

    @contextlib.contextmanager
    def hearing_signals(self, handler: Callable[[int], object]) -> Iterator[None]:
        """Have SIGTERM and Ctrl-C call a function and ring, and give the program its own handlers back in the end.

        One that the program ignores stays ignored. Does nothing outside of the main thread, where none are heard.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in STOPPING}
        heard = [number for number, own in before.items() if own is not signal.SIG_IGN]
        fd_before = signal.set_wakeup_fd(self._hammer.fileno(), warn_on_full_buffer=False)
        for number in heard:
            signal.signal(number, lambda number, _: handler(number))
        try:
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number] or signal.SIG_DFL)
            signal.set_wakeup_fd(fd_before)
