"""The webhook without a web framework: headers and bytes in, an answer out.

The checks come in this order: too large (413), not JSON (400), not authorized (401, or 503 if nobody can say), no
event (403); then the event goes through the pipeline to its handler. Everything that is not one of these is a 200.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn

from .auth import Refused
from .events import Auth, Event, EventName
from .failures import translate
from .handlers import Handlers
from .listeners import Reply
from .pipeline import Pipeline, Stage
from .results import Result

BODY_LIMIT: Final = 1_000_000
"""How many bytes a body may have unless the user says otherwise."""

DEEPEST: Final = 64
LONGEST_NAME: Final = 256
RETRY_AFTER_SECONDS: Final = 5.0
_PLATFORM_EVENTS: Final = frozenset({EventName.INSTALL, EventName.UNINSTALL})

Authorize = Callable[[str | None], Auth | Refused]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. What `ingest` middleware receives.

    Attributes:
        headers: By lower-case name. Left out of `repr`, as they hold the token.
        body: The raw bytes, or `None` if there were more than allowed. Left out of `repr`.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, an object to send as JSON, and headers."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """What a body says: which event or action, and the whole of it. No name: it says nothing."""

    kind: Literal["event", "action"]
    name: str
    raw: Mapping[str, Any] = field(repr=False)


class Webhook:
    """Answers the platform's requests.

    Args:
        by_platform: Decides on INSTALL and UNINSTALL.
        by_user: Decides on everything else.
        installation_of: Names the installation of who speaks; `None` if it cannot be named, which refuses.
        pipeline: The user's middleware.
        handlers: What each event does.
    """

    def __init__(
        self,
        by_platform: Authorize,
        by_user: Authorize,
        installation_of: Callable[[Auth], str | None],
        pipeline: Pipeline,
        handlers: Handlers,
    ) -> None:
        self._by_platform = by_platform
        self._by_user = by_user
        self._installation_of = installation_of
        self._pipeline = pipeline
        self._handlers = handlers

    def answer(self, request: Request) -> Answer:
        """Answer a request, whatever is in it and whatever the user's code does."""
        try:
            return self._checked(request)
        except Exception as error:  # noqa: BLE001 - nothing may crash a request; said in the log and the answer
            return _answer(Reply.failed(translate(error, "the webhook")))

    def _checked(self, request: Request) -> Answer:
        if request.body is None:
            return refusal(413, "the body is too large")
        try:
            said = read(request)
        except Unreadable as problem:
            return refusal(400, str(problem))
        auth = self._authorize(request, said)
        if isinstance(auth, Refused):
            return refusal(auth.status, auth.error, auth.retry_after)
        installation = self._installation_of(auth)
        if installation is None:
            return refusal(401, "not authorized")
        if not said.name:
            return refusal(403, "the body has neither 'event' nor 'action'")
        return self._dispatch(request, Event(said.name, said.kind, None, auth, installation, said.raw))

    def _authorize(self, request: Request, said: Said) -> Auth | Refused:
        return (self._by_platform if _is_platforms(said) else self._by_user)(bearer_token(request.headers))

    def _dispatch(self, request: Request, event: Event) -> Answer:
        """Take an event through the stages. Each stage's own step comes first, then the user's functions."""
        replies: list[Reply] = []

        def to_normalize(given: Request) -> Result:
            try:
                said = event if given is request else read(given)
            except Unreadable as problem:
                return Result.failed(str(problem))
            return self._pipeline.run(Stage.NORMALIZE, _normalized(event, said), to_categorize)

        def to_categorize(event: Event) -> Result:
            return self._pipeline.run(Stage.CATEGORIZE, event, to_receive)

        def to_receive(event: Event) -> Result:
            return self._pipeline.run(Stage.RECEIVE, self._handlers.inner(event), to_heard)

        def to_heard(event: Event) -> Result:
            if self._handlers.hears(event):
                return self._pipeline.run(Stage.HEARD, event, to_handler)
            return to_handler(event)

        def to_handler(heard: Event) -> Result:
            if _is_platforms(heard) and not _is_platforms(event):
                # Only the platform may confirm these two, and it was not asked.
                return Result.failed(f"middleware made {event.name!r} an {heard.name}, which it may not")
            try:
                reply = self._handlers.handle(heard)
            except Exception as error:  # noqa: BLE001 - nothing may crash a request; said in the log and the answer
                reply = Reply.failed(translate(error, f"handling {heard.name!r}"))
            replies.append(reply)
            return reply.result

        result = self._pipeline.run(Stage.INGEST, request, to_normalize)
        reply = replies[0] if replies and replies[0].result is result else Reply.of(result)
        return _answer(reply)


def _normalized(event: Event, said: Said | Event) -> Event:
    data = said.raw.get("data")
    data = {} if data is None else _copy(data)  # of the original: nobody who changes the one changes the other
    return Event(said.name, said.kind, data, event.auth, event.installation, said.raw)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _is_platforms(said: Said | Event) -> bool:
    """Whether the platform alone decides who may say this."""
    return said.kind == "event" and said.name in _PLATFORM_EVENTS


def _answer(reply: Reply) -> Answer:
    body = reply.to_dict()
    result = reply.result
    if not result.success and result.retryable:
        return Answer(503, body, _retry_headers(result.retry_after or RETRY_AFTER_SECONDS))
    return Answer(reply.status, body)


def refusal(status: int, error: str, retry_after: float | None = None) -> Answer:
    """The answer to a request that is not handled at all."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after is not None:
        headers |= _retry_headers(retry_after)
    return Answer(status, {"success": False, "type": "data", "data": {"error": error}}, headers)


def _retry_headers(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Read the token of an `Authorization` header: after `Bearer `, or bare."""
    words = headers.get("authorization", "").split()
    if len(words) == 2 and words[0].lower() == "bearer":
        return words[1]
    return words[0] if len(words) == 1 and words[0].lower() != "bearer" else None


class Unreadable(ValueError):
    """The body is not a JSON object. The message says why, without repeating any of it."""


def read(request: Request) -> Said:
    """Read a request's body.

    Raises:
        Unreadable: It is not a JSON object in UTF-8, or is nested too deeply.
    """
    if not request.body:
        return Said("event", "", {})
    headers = request.headers
    data = parse_object(headers.get("content-type", ""), headers.get("content-encoding", ""), request.body)
    names = {kind: data.get(kind) for kind in ("event", "action")}
    for kind, name in names.items():
        if name is not None and (not isinstance(name, str) or len(name) > LONGEST_NAME):
            raise Unreadable(f"{kind!r} must be text of at most {LONGEST_NAME} characters")
    if names["action"] and names["event"] not in _PLATFORM_EVENTS:
        return Said("action", names["action"], data)
    return Said("event", names["event"] or "", data)


def parse_object(content_type: str, content_encoding: str, body: bytes) -> dict[str, Any]:
    """Parse a JSON object as strictly as JSON is defined.

    Raises:
        Unreadable: It is not one; the message says why and repeats nothing of the body.
    """
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise Unreadable("the Content-Type must be application/json")
    if "charset=" in parameters and parameters.partition("charset=")[2].strip(' "').split(";")[0] not in _UTF8:
        raise Unreadable("the charset must be utf-8")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise Unreadable("the body must not be compressed")
    try:
        data = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    except ValueError:
        raise Unreadable("the body is not JSON") from None
    if not isinstance(data, dict):
        raise Unreadable("the body must be a JSON object")
    if _deeper_than(data, DEEPEST):
        raise Unreadable("the body is nested too deeply")
    return data


_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _deeper_than(data: object, limit: int) -> bool:
    level = [data]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
