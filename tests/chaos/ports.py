"""Ports to which somebody comes back: while nobody listens there, the system must give them to nobody else.

Otherwise a client that connects gets such a port as its own now and then, even that very one to which it connects.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Final

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_LOWEST: Final = 32_768
_BELOW: Final = 12_000


def lasting_port() -> int:
    """Find a free port of 127.0.0.1 below those that the system gives out by itself."""
    lowest = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _USUAL_LOWEST
    for _ in range(100):
        port = random.randrange(max(1024, lowest - _BELOW), max(2048, lowest))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port was found")
