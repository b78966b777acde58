"""The socket that the default server listens on: opened here, so that its port is known and its errors are clear."""

from __future__ import annotations

import errno
import socket
from typing import Final

from contact_sync.errors import ConfigurationError

BACKLOG: Final = 1024
"""How many connections wait until somebody takes them."""


def listen(host: str, port: int) -> socket.socket:
    """Open a socket that listens.

    Args:
        host: A name or an address of this machine; `0.0.0.0` or `::` for all of them.
        port: The port; 0 lets the system choose.

    Raises:
        ConfigurationError: That is not possible; the message says why.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise ConfigurationError(f"host: there is no address for {host!r}; use 127.0.0.1, or 0.0.0.0 for all") from None
    family, _, _, _, address = found[0]
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(_why(error, host, port)) from None


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket, for people."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port: {port} of {host} is in use; stop what listens there, or choose another (0 takes a free one)"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port: {port} may not be opened by this user; choose one above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host: {host!r} is no address of this machine; use 127.0.0.1, or 0.0.0.0 for all"
    return f"host and port: {host}, {port} cannot be listened on: {error.strerror or type(error).__name__}"
