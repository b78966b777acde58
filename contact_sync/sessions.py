"""A session whose answers have a deadline.

A read time-out starts again with every byte, so a server that drips can hold a thread for hours: in the headers, in the
body, in between. Here every read from the socket gets no more than what is left until one moment in time.
"""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_current: Final = threading.local()


@contextmanager
def deadline(moment: float) -> Iterator[None]:
    """Bound the answers that this thread starts to read, on sessions of `new_session`, by a `time.monotonic` moment."""
    _current.moment = moment
    try:
        yield
    finally:
        del _current.moment


def new_session(pool_size: int) -> requests.Session:
    """A session for many threads: pooled, heeding `deadline`, and without cookies.

    One session may speak for many installations. A cookie that is set for one of them would be sent for the next, so
    none is ever kept.
    """
    session = requests.Session()
    session.headers["User-Agent"] = "contact-sync"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(pool_maxsize=pool_size))
    return session


class _NoPaths(logging.Filter):
    """Keeps paths and parameters of the URLs that are called here out of urllib3's log: addresses of contacts stand
    there, and keys. So may they in a header that cannot be read. What others call is logged as it was."""

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(_current, "moment") and isinstance(record.args, tuple):
            record.args = tuple(_without_path(arg) for arg in record.args)
            record.exc_info = None
        return True


def _without_path(arg: object) -> object:
    if isinstance(arg, BaseException):
        return type(arg).__name__
    return "(path)" if isinstance(arg, str) and (arg.startswith("/") or "://" in arg) else arg


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_NoPaths())


class _Reader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, moment: float) -> None:
        self._raw = raw
        self._sock = sock
        self._moment = moment
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:  # the buffer protocol has no type in Python 3.11
        left = self._moment - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left if self._timeout is None else min(left, self._timeout))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        moment = getattr(_current, "moment", None)
        if moment is not None:
            self.fp: io.BufferedReader = io.BufferedReader(_Reader(self.fp.detach(), sock, moment))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS: Final = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
