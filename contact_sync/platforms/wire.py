"""One HTTP call and its repeats: bounded in time, size and number. Knows nothing of contacts."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

from contact_sync.failures import parse_retry_after
from contact_sync.results import Result
from contact_sync.sessions import deadline

log = logging.getLogger(__name__)

MAX_ANSWER: Final = 10 * 2**20
"""How large an answer may be, in bytes, unpacked."""

_TEMPORARY: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a REST API.

    Attributes:
        name: What it does, for messages (`create contact`).
        method: The HTTP method.
        path: The path below the base URL, quoted.
        expect: The statuses that mean success.
        body: The body's bytes, or the fields of a form. Left out of `repr`.
        repeatable: Whether doing it twice is the same as doing it once.
        by_id: Whether the path names a record, so that a 404 means that there is none.
    """

    name: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    expect: tuple[int, ...]
    body: bytes | Mapping[str, str] | None = field(default=None, repr=False)
    repeatable: bool = True
    by_id: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered.

    Attributes:
        status: The HTTP status.
        body: The body's bytes. Left out of `repr`.
        content_type: As sent, or empty.
        retry_after: In how many seconds to try again, where the other side said so.
        in_doubt: Whether an earlier try of the same call may have taken effect without being answered properly.
    """

    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    retry_after: float | None = None
    in_doubt: bool = False

    @property
    def temporary(self) -> bool:
        """Whether the same call may be answered differently later."""
        return self.status in _TEMPORARY or self.status >= 500

    @property
    def turned_away(self) -> bool:
        """Whether it is certain that the call was not carried out, and may be made again.

        A server that names a time to come back has turned the call away. A bare 503 is also what a gateway says when it
        lost the server in the middle of it.
        """
        return self.status == 429 or (self.status == 503 and self.retry_after is not None)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often a call tries.

    Attributes:
        connect: Seconds to connect.
        read: Seconds without a byte.
        total: Seconds for the whole call: all tries, all waits.
        longest_wait: Seconds of the longest wait before a repeat. An answer that asks for a longer one ends the call.
        retries: How many repeats at the most.
        backoff: Seconds; the wait before the nth repeat is a random share of `backoff * 2**n`.
    """

    connect: float
    read: float
    total: float
    longest_wait: float
    retries: int
    backoff: float


@dataclass(frozen=True, slots=True)
class _Lost:
    """A try without an answer."""

    error: str
    sent: bool
    temporary: bool = True


class Wire:
    """Sends calls over a session. Safe for many threads as far as the session is; `requests` sessions are, for this."""

    def __init__(
        self, base_url: str, session: requests.Session, limits: Limits, sleep: Callable[[float], object]
    ) -> None:
        self._base_url = base_url
        self._session = session
        self._limits = limits
        self._sleep = sleep

    def send(self, call: Call, headers: Mapping[str, str], token: str | None) -> Reply | Result:
        """Send a call, repeating it where that is safe.

        A call that is not `repeatable` is repeated only when it is certain that nothing was done: no connection was
        made, or the answer is a 429, or a 503 with `Retry-After`.

        Returns:
            The last answer, whatever its status; or a failed result if there was none.
        """
        ends = time.monotonic() + self._limits.total
        in_doubt = False
        tries = 0
        while True:
            got = self._once(call, headers, token, ends)
            tries += 1
            undone = not got.sent if isinstance(got, _Lost) else got.turned_away
            wait = self._wait(got, tries, ends)
            if wait is None or not (call.repeatable or undone):
                return self._finish(call, got, in_doubt)
            in_doubt = in_doubt or not undone
            said = got.error if isinstance(got, _Lost) else f"HTTP {got.status}"
            log.info("%s: %s; repeat %d of %d in %.2f s", call.name, said, tries, self._limits.retries, wait)
            self._sleep(wait)

    def _wait(self, got: Reply | _Lost, tries: int, ends: float) -> float | None:
        """Seconds to wait before a repeat; none if there shall be no other try."""
        if not got.temporary or tries > self._limits.retries:
            return None
        jitter = random.uniform(0, self._limits.backoff * 2**tries)  # noqa: S311 - spreads load, guards nothing
        asked = got.retry_after if isinstance(got, Reply) else None
        wait = min(jitter, self._limits.longest_wait) if asked is None else asked
        left = ends - time.monotonic()
        return wait if wait <= self._limits.longest_wait and wait < left else None

    def _finish(self, call: Call, got: Reply | _Lost, in_doubt: bool) -> Reply | Result:
        if isinstance(got, Reply):
            return replace(got, in_doubt=in_doubt)
        doubtful = (got.sent or in_doubt) and not call.repeatable
        said = f"{call.name}: {got.error}{'; it may have taken effect' if doubtful else ''}"
        return Result.failed(said, retryable=got.temporary, in_doubt=doubtful)

    def _once(self, call: Call, headers: Mapping[str, str], token: str | None, ends: float) -> Reply | _Lost:
        try:
            with deadline(ends):
                return self._exchange(call, headers, token, ends)
        except requests.exceptions.SSLError:
            return _Lost("no trusted TLS connection to the platform", sent=True)
        except (requests.Timeout, TimeoutError) as error:
            return _Lost("the platform did not answer in time", sent=not isinstance(error, requests.ConnectTimeout))
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.InvalidHeader):
            return _Lost("the request cannot be sent as it is", sent=False, temporary=False)
        except (requests.RequestException, HTTPError, OSError) as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
                return _Lost("the platform cannot be reached", sent=False)
            if isinstance(cause, ReadTimeoutError):
                return _Lost("the platform did not answer in time", sent=True)
            return _Lost(f"the connection to the platform broke ({type(error).__name__})", sent=True)

    def _exchange(self, call: Call, headers: Mapping[str, str], token: str | None, ends: float) -> Reply | _Lost:
        session = self._session
        request = session.prepare_request(
            requests.Request(
                call.method, self._base_url + call.path, headers=dict(headers), data=call.body, auth=_Bearer(token)
            )
        )
        request.hooks["response"].append(_stay_here)
        left = max(0.001, ends - time.monotonic())
        settings = session.merge_environment_settings(request.url, {}, True, None, None)
        response = session.send(
            request,
            timeout=(min(self._limits.connect, left), min(self._limits.read, left)),
            allow_redirects=False,
            **settings,
        )
        with response:
            body = bytearray()
            for block in response.iter_content(65_536):
                body += block
                if len(body) > MAX_ANSWER:
                    return _Lost(f"the answer is larger than {MAX_ANSWER} bytes", sent=True, temporary=False)
                if time.monotonic() > ends:
                    raise TimeoutError("the answer took too long")
        return Reply(
            status=response.status_code,
            body=bytes(body),
            content_type=response.headers.get("Content-Type", ""),
            retry_after=parse_retry_after(response.headers.get("Retry-After")),
        )


class _Bearer(AuthBase):
    """Runs last when a request is made ready, so neither netrc nor a session's own headers or cookies get past it."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        for name in ("Authorization", "Cookie"):
            request.headers.pop(name, None)
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _stay_here(response: requests.Response, **_: object) -> None:
    # Even when redirects are off, requests reads the whole body of one to work out where it would lead.
    response.headers.pop("Location", None)
