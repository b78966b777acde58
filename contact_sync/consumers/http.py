"""The HTTP client of the ready-made consumers: one API, bounded in time and size, that never leaves its origin."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.util import parse_url

from contact_sync.errors import ConfigurationError, ContactSyncError
from contact_sync.sessions import deadline, new_session

MAX_ANSWER: Final = 32 * 2**20
"""How large an answer may be, in bytes, unpacked."""

_PORTS: Final = {"http": 80, "https": 443}
_UNFIT: Final = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f]")

Params = Mapping[str, str | int | Sequence[str]] | Sequence[tuple[str, str]]
Json = dict[str, Any] | list[Any]


class ApiError(Exception):
    """An answer that is no success. `contact_sync` reads status and headers from it: 429 and 5xx may be tried again.

    Attributes:
        status_code: The HTTP status.
        headers: The answer's, by any case.
        reply: The whole answer, for whoever knows the CRM's way to say things. Never a part of a message.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.status_code = reply.status
        self.headers = reply.headers
        self.reply = reply


class OtherOrigin(ContactSyncError):
    """A link leads to another server than the declared one, or nobody can tell for certain where it leads. It is not
    followed: the key would go along."""


class UnreadableAnswer(ContactSyncError):
    """An answer is not what it has to be: no JSON, too large, or cut off. What was asked for may have been done."""

    in_doubt = True


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a call may take, in seconds.

    Attributes:
        connect: To connect.
        read: Without a byte.
        total: In all.
    """

    connect: float = 3.05
    read: float = 10.0
    total: float = 30.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
                raise ConfigurationError(f"timeouts: {name} has to be a number of seconds above 0")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        status: The HTTP status.
        headers: By any case. Left out of `repr`.
        body: The bytes. Left out of `repr`.
        url: From where. Left out of `repr`.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            UnreadableAnswer: It is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("Content-Type", "").partition(";")[0].strip() or "no Content-Type"
            raise UnreadableAnswer(f"the answer (HTTP {self.status}, {kind[:50]!r}) is not JSON") from None

    @property
    def text(self) -> str:
        """The body as UTF-8, with a mark in place of what is none."""
        return self.body.decode("utf-8", "replace")


@runtime_checkable
class Renewable(Protocol):
    """An authorization that can be got anew after it was refused."""

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Get it anew, unless somebody else has since the request was made. Whether a repeat makes sense."""


class Api:
    """Calls of one API. Safe for many threads. Redirects are not followed, and cookies are not kept.

    Args:
        base_url: `https://api.example.com/v3`, to which paths are added. Its origin is the only one that is spoken to.
        auth: What authorizes each request. Nothing else does: neither netrc nor what the URL holds.
        headers: Sent with each request.
        timeouts: How long a call may take.
        pool_size: How many connections are kept.

    Raises:
        ConfigurationError: The URL is no http or https URL, or holds a name, a password, a query or a fragment.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        pool_size: int = 32,
    ) -> None:
        self.base_url = checked_url(base_url).rstrip("/")
        self.auth = auth
        self._origin = origin(self.base_url)
        self.timeouts = timeouts or Timeouts()
        self._headers = dict(headers or {})
        self._session = new_session(pool_size)

    def call(
        self,
        method: str,
        path: str = "",
        *,
        params: Params | None = None,
        json: Json | None = None,
        data: bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
    ) -> Reply:
        """Make a call.

        Args:
            path: Below the base URL, with ids quoted; or a whole URL that the API gave, such as that of a next page.
            json: A body that is sent as JSON.
            data: A body as bytes, or the fields of a form.
            allow: Statuses from 300 up that are answers rather than errors.

        Raises:
            ApiError: The status is 300 or above and not allowed.
            OtherOrigin: The URL leads elsewhere. Nothing was sent.
            UnreadableAnswer: The answer is too large.
            requests.RequestException: There was no answer.
        """
        reply = self._sent(method, self.url(path), params, json, data, headers)
        if reply.status >= 300 and reply.status not in allow:
            raise ApiError(reply)
        return reply

    def url(self, path: str) -> str:
        """The URL of a path, or of a link that the API gave. Where it leads is looked at when it is called.

        Raises:
            OtherOrigin: A link is no plain URL.
        """
        is_link = "://" in path[:10] or path.startswith("//")
        return joined(self.base_url, path) if is_link else self.base_url + path

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _sent(
        self,
        method: str,
        url: str,
        params: Params | None,
        json: Json | None,
        data: bytes | Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        ends = time.monotonic() + self.timeouts.total
        again = isinstance(self.auth, Renewable)
        self._assert_own(url)  # before anything is done for it; and again when it is as it will be connected to
        while True:
            request = self._session.prepare_request(
                requests.Request(
                    method,
                    url,
                    params=params,
                    json=json,
                    data=data,
                    headers={**self._headers, **(headers or {})},
                    auth=self.auth or _Nobody(),
                )
            )
            self._assert_own(request.url or "")
            with deadline(ends):
                reply = self._exchange(request, ends)
            # What was answered 401 has not been done, so it can be sent again.
            if reply.status != 401 or not again or not isinstance(self.auth, Renewable) or not self.auth.renew(request):
                return reply
            again = False

    def _assert_own(self, url: str) -> None:
        found = origin(url)
        if found is None or found != self._origin:
            raise OtherOrigin("a link leads to another server than the declared one; it is not followed")

    def _exchange(self, request: requests.PreparedRequest, ends: float) -> Reply:
        stay = _Stay()
        request.hooks["response"].append(stay)
        left = max(0.001, ends - time.monotonic())
        settings = self._session.merge_environment_settings(request.url, {}, True, None, None)
        timeout = (min(self.timeouts.connect, left), min(self.timeouts.read, left))
        response = self._session.send(request, timeout=timeout, allow_redirects=False, **settings)
        with response:
            body = bytearray()
            for block in response.iter_content(65_536):
                body += block
                if len(body) > MAX_ANSWER:
                    raise UnreadableAnswer(f"the answer is larger than {MAX_ANSWER} bytes")
                if time.monotonic() > ends:
                    raise TimeoutError("the answer took too long")
        if stay.location is not None:
            response.headers["Location"] = stay.location
        return Reply(response.status_code, response.headers, bytes(body), request.url or "")


def checked_url(url: object) -> str:
    """Check a base URL.

    Raises:
        ConfigurationError: It is none. The message does not repeat it, since it may hold a password.
    """
    said = "base_url: expected an http:// or https:// URL"
    if not isinstance(url, str):
        raise ConfigurationError(f"{said}, got {type(url).__name__}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{said}; this one cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigurationError(f"{said} with a host")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{said} without a name or password; they belong into auth")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{said} without '?' or '#'")
    if _UNFIT.search(parts.netloc) or origin(url) is None:
        raise ConfigurationError(f"{said}; this one cannot be read")
    return url


def joined(place: str, link: str) -> str:
    """The URL of a link that a server gave in answer to a call of `place`.

    Raises:
        OtherOrigin: It holds what no link has to, and what programs read in different ways.
    """
    if _UNFIT.search(link):
        raise OtherOrigin("a link has a backslash, a space or a control character in it; it is not followed")
    try:
        return urljoin(place, link)
    except ValueError:
        raise OtherOrigin("a link cannot be read; it is not followed") from None


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port that a call of a URL would connect to; `None` if that cannot be told for certain.

    requests and urllib3 rewrite a URL before they connect: `http://a\\@b/` is one of `a`, and to `urlsplit` one of `b`.
    So it is rewritten here in the same way, and both parsers have to agree on what comes of it. A URL that holds a
    name or a password has no origin here.
    """
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
        read, split = parse_url(prepared.url or ""), urlsplit(prepared.url or "")
        same = (read.host or "").strip("[]") == unquote(split.hostname or "") and read.port == split.port
    except ValueError:
        return None
    if not same or not read.host or read.auth is not None or read.scheme not in _PORTS:
        return None
    return read.scheme, read.host, read.port or _PORTS[read.scheme]


def is_same_origin(one: str, other: str) -> bool:
    """Whether calls of two URLs would connect to one server."""
    found = origin(one)
    return found is not None and found == origin(other)


class _Nobody(AuthBase):
    """Authorizes nothing, and keeps requests from looking into netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Stay:
    """Keeps where a redirect leads from requests, which reads the whole body of one even when redirects are off."""

    location: str | None = None

    def __call__(self, response: requests.Response, **_: object) -> None:
        self.location = response.headers.pop("Location", None)
