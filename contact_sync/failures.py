"""Exceptions to failed results: what a user's code, or a library that it uses, may raise."""

from __future__ import annotations

import email.utils
import errno
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import Any, Final

from key_stores import KeyStoreError, StoreUnavailable
from mappers import MappingError

from .errors import Busy, ClaimLost, ContactSyncError, DeliveryUnavailable
from .results import Result

log = logging.getLogger(__name__)

FAULTS: Final = (Exception, SystemExit)
"""What a user's code may raise and so end its own call alone; `sys.exit()` would leave a request without an answer.

Everything else passes: Ctrl-C, and what servers raise in their own threads to end them (gevent's `GreenletExit`).
"""

_FOR_NOW: Final = (StoreUnavailable, Busy, ClaimLost, DeliveryUnavailable)

_HERE: Final = Path(__file__).parent

_TEMPORARY: Final = frozenset(
    # By name, so that no HTTP library has to be imported: requests, urllib3, httpx, aiohttp, botocore, redis.
    (
        "ChunkedEncodingError",
        "ClientConnectionError",
        "ConnectionError",
        "IncompleteRead",
        "MaxRetryError",
        "NetworkError",
        "NewConnectionError",
        "ProtocolError",
        "RetryError",
        "ServerDisconnectedError",
        "StoreUnavailable",
        "Timeout",
        "TimeoutError",
        "TimeoutException",
        "TransportError",
        "gaierror",
    )
)
_NO_CONNECTION: Final = frozenset(
    ("ConnectTimeout", "ConnectTimeoutError", "ConnectError", "NameResolutionError", "NewConnectionError", "gaierror")
)
_UNREACHABLE: Final = frozenset(
    {errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET}
)
_TEMPORARY_STATUS: Final = frozenset({408, 425, 429})
_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_LONGEST_WAIT: Final = 86_400.0
_DEEPEST: Final = 8


def translate(error: BaseException, source: str) -> Result:
    """Turn an exception into a failed result and log where it came from.

    Messages of foreign exceptions may hold contact values (a URL with an e-mail address is enough), so neither the
    result nor the log repeats them: both name the kind of error, the place, and the HTTP status if there is one.

    An exception that was raised `from` another, or that wraps one, is judged by what is inside as well.

    Args:
        error: What was raised.
        source: Whose code it was, for the message (`"AcmeConsumer.create_contact"`).

    Returns:
        A failure; `retryable` for connection errors, time-outs, 408, 425, 429 and 5xx, with `retry_after` if the
        server said so.
    """
    if isinstance(
        error, ContactSyncError | KeyStoreError | MappingError
    ):  # ours: their messages hold no ids and no values
        log.warning("%s: %s", source, error)
        return Result.failed(str(error), retryable=isinstance(error, _FOR_NOW), in_doubt=_is_unreadable(error))
    kind = type(error).__name__
    status = status_of(error)
    if status is not None and status >= 400:
        temporary = status >= 500 or status in _TEMPORARY_STATUS
    else:
        temporary = any(_is_temporary(one) for one in _layers(error))
    said = f" (HTTP {status})" if status is not None else ""
    log.warning("%s raised %s%s at %s", source, kind, said, _place(error))
    return Result.failed(
        f"{source} raised {kind}{said}",
        retryable=temporary,
        retry_after=_retry_after(error) if temporary else None,
        in_doubt=_is_unreadable(error)
        or (temporary and (status is None or status >= 500) and not _never_arrived(error)),
    )


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an exception carries, wherever its library keeps it."""
    for holder in _holders(error):
        for name in ("status_code", "status", "code"):
            status = _read(holder, name)
            if isinstance(status, int) and 100 <= status <= 599:
                return int(status)
    return None


def parse_retry_after(value: str | None) -> float | None:
    """Read a `Retry-After` header (RFC 9110: seconds or an HTTP date) as seconds from now.

    Returns:
        The seconds, a day at the most, and 0 for a date that is over; none if the header is neither.
    """
    if not value:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _LONGEST_WAIT)
    try:
        when = email.utils.parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        seconds = (when - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), _LONGEST_WAIT)


def _layers(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps: its cause, or the `reason` that urllib and urllib3 keep."""
    one: object = error
    for _ in range(_DEEPEST):
        if not isinstance(one, BaseException):
            return
        yield one
        reason = _read(one, "reason")
        one = reason if isinstance(reason, BaseException) else one.__cause__


def _holders(error: BaseException) -> Iterator[object]:
    for one in _layers(error):
        yield _read(one, "response")
        if not isinstance(one, SystemExit):  # its code is that of a process, not of HTTP
            yield one


def _is_temporary(error: BaseException) -> bool:
    if isinstance(error, ValueError):
        return False  # requests' JSONDecodeError and InvalidURL are OSErrors as well
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return True
    return any(kind.__name__ in _TEMPORARY for kind in type(error).__mro__)


def _is_unreadable(error: BaseException) -> bool:
    """Whether there was an answer, of which nobody knows what it says: what was asked for may have been done.

    An exception says so by a true attribute `in_doubt`; those of JSON libraries are known by their name.
    """
    return any(type(one).__name__ == "JSONDecodeError" or _read(one, "in_doubt") is True for one in _layers(error))


def _never_arrived(error: BaseException) -> bool:
    """Whether a call cannot have taken effect, since there was no connection to send it on."""
    for one in _layers(error):
        wrapped = [one, *one.args[:1]]  # requests wraps what urllib3 raised
        reasons = [*wrapped, *(_read(each, "reason") for each in wrapped)]
        if any(type(each).__name__ in _NO_CONNECTION for each in reasons):
            return True
        if isinstance(one, OSError) and (one.errno in _UNREACHABLE or one.errno == errno.ECONNREFUSED):
            return True
    return False


def _retry_after(error: BaseException) -> float | None:
    for holder in _holders(error):
        headers = _read(holder, "headers")
        for name in ("Retry-After", "retry-after"):
            value = _try(methodcaller("get", name), headers)
            if isinstance(value, str):
                return parse_retry_after(value)
    return None


def _read(holder: object, name: str) -> Any:
    return _try(attrgetter(name), holder)


def _try(read: Callable[[Any], Any], holder: object) -> Any:
    """Look into someone's exception, whose properties may raise themselves: what cannot be read is not there."""
    try:
        return read(holder)
    except Exception:  # noqa: BLE001 - any kind, and the exception being translated is the one to report
        return None


def _place(error: BaseException) -> str:
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if not frames:
        return "an unknown place"
    # The innermost line is mostly in some library; the one that the reader can change is further out.
    own = [
        (file, line) for file, line in frames if "site-packages" not in file and not Path(file).is_relative_to(_HERE)
    ]
    file, line = (own or frames)[-1]
    return f"{Path(file).name}:{line}"
