"""The webhook without a web framework: headers and bytes in, an answer out.

The checks come in this order: too large (413), not JSON (400), not authorized (401, or 503 if nobody can say), no
event (403); then the event goes through the pipeline to its handler. Everything that is not one of these is a 200.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from .auth import Refused
from .bodies import Unreadable, parse_object
from .delivery_ids import DeliveryId
from .events import Auth, Event, EventName
from .failures import translate
from .handlers import Handlers
from .listeners import Reply
from .log_lines import APPLIED, FAILED, HELD, RETRIED, UNHEARD_EVENT, log_event
from .observing import UNHEARD, event_outcome, observers
from .pipeline import Pipeline, Stage
from .results import Result

log = logging.getLogger(__name__)

BODY_LIMIT: Final = 1_000_000
"""How many bytes a body may have unless the user says otherwise."""

LONGEST_NAME: Final = 256
RETRY_AFTER_SECONDS: Final = 5.0
_NAMES: Final = frozenset(EventName)
_MESSAGES: Final[dict[str, str]] = {"held": HELD, "failed": FAILED, "for_now": RETRIED, "unheard": UNHEARD_EVENT}
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
        delivery_id: What the sender calls a delivery; `None` where it has no names for them.
    """

    def __init__(
        self,
        by_platform: Authorize,
        by_user: Authorize,
        installation_of: Callable[[Auth], str | None],
        pipeline: Pipeline,
        handlers: Handlers,
        delivery_id: DeliveryId | None = None,
    ) -> None:
        self._by_platform = by_platform
        self._by_user = by_user
        self._installation_of = installation_of
        self._pipeline = pipeline
        self._handlers = handlers
        self._delivery_id = delivery_id

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
        delivery_id = None if self._delivery_id is None else self._delivery_id(request.headers, said.raw)
        event = Event(said.name, said.kind, None, auth, installation, said.raw, delivery_id=delivery_id)
        return _answer(_Way(self._pipeline, self._handlers, request, event).ingest())

    def _authorize(self, request: Request, said: Said) -> Auth | Refused:
        return (self._by_platform if _is_platforms(said) else self._by_user)(bearer_token(request.headers))


class _Way:
    """The way of one event through the stages: a method each, in order.

    In each the built-in step comes first, then the user's functions, then the next stage.
    """

    def __init__(self, pipeline: Pipeline, handlers: Handlers, request: Request, event: Event) -> None:
        self._pipeline = pipeline
        self._handlers = handlers
        self._request = request
        self._event = event
        self._reply: Reply | None = None

    def ingest(self) -> Reply:
        """Go the whole way. The request is verified, and its installation known, by now."""
        result = self._pipeline.run(Stage.INGEST, self._request, self._normalize)
        if self._reply is None:  # stopped on the way
            return replace(Reply.of(result), handled=result.success)
        return _with_result(self._reply, result)

    def _normalize(self, request: Request) -> Result:
        try:
            said = self._event if request is self._request else read(request)
        except Unreadable as problem:
            return Result.failed(str(problem))
        data = said.raw.get("data")
        data = {} if data is None else _copy(data)  # of the original: nobody who changes the one changes the other
        event = replace(self._event, name=said.name, kind=said.kind, data=data, raw=said.raw)
        return self._pipeline.run(Stage.NORMALIZE, event, self._categorize)

    def _categorize(self, event: Event) -> Result:
        return self._pipeline.run(Stage.CATEGORIZE, event, self._receive)

    def _receive(self, event: Event) -> Result:
        return self._pipeline.run(Stage.RECEIVE, self._handlers.inner(event), self._hear)

    def _hear(self, event: Event) -> Result:
        if self._handlers.hears(event):
            return self._pipeline.run(Stage.HEARD, event, self._handle)
        return self._handle(event)

    def _handle(self, event: Event) -> Result:
        if _is_platforms(event) and not _is_platforms(self._event):
            # Only the platform may confirm these two, and it was not asked.
            return Result.failed(f"middleware made {self._event.name!r} an {event.name}, which it may not")
        if event.side != "botmatic":
            return Result.failed("middleware made an event of the platform one of the CRM, which it may not")
        began = time.monotonic()
        try:
            self._reply = self._handlers.handle(event)
        except Exception as error:  # noqa: BLE001 - nothing may crash a request; said in the log and the answer
            self._reply = Reply.failed(translate(error, f"handling {event.name!r}"))
        if not self._reply.result.queued:  # whoever applies it tells of it
            tell_handled(event, self._reply.result, time.monotonic() - began)
        return self._reply.result


def tell_handled(event: Event, result: Result, seconds: float) -> None:
    """Tell what came of an event. Its error may be a consumer's, and hold anything; it is in the answer alone."""
    outcome = event_outcome(result)
    observers.event_accepted(event.full_name)
    observers.event_settled(event.full_name, outcome, seconds)
    level = logging.WARNING if not result.success and (event.side == "ext" or event.name in _NAMES) else logging.INFO
    message = _MESSAGES.get(outcome, APPLIED)
    if outcome == UNHEARD:  # a platform tells of much that is nobody's business here
        level = logging.DEBUG
    log_event(
        log,
        level,
        message,
        event_id=None,
        installation=event.installation,
        event=event.full_name,
        outcome=outcome,
        seconds=seconds,
    )


def _with_result(reply: Reply, result: Result) -> Reply:
    """The reply, after middleware perhaps made another result of its own."""
    if result is reply.result:
        return reply
    if reply.result.success and not result.success:
        return Reply.failed(result)
    said_more = reply.data != Reply.of(reply.result).data  # a listener's own data stays
    return replace(reply, result=result, data=reply.data if said_more else Reply.of(result).data)


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
        wait = RETRY_AFTER_SECONDS if result.retry_after is None else result.retry_after
        return Answer(503, body, retry_headers(wait))
    return Answer(reply.status, body)


def refusal(status: int, error: str, retry_after: float | None = None) -> Answer:
    """The answer to a request that is not handled at all."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after is not None:
        headers |= retry_headers(retry_after)
    return Answer(status, {"success": False, "type": "data", "data": {"error": error}}, headers)


def retry_headers(seconds: float) -> dict[str, str]:
    """The header that says when to come again."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Read the token of an `Authorization` header: after `Bearer `, or bare."""
    words = headers.get("authorization", "").split()
    if len(words) == 2 and words[0].lower() == "bearer":
        return words[1]
    return words[0] if len(words) == 1 and words[0].lower() != "bearer" else None


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
