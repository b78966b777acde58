"""The CRM's webhooks without a web framework: a request in, an answer out.

The checks come in this order: too large (413), not verified (401), received before (200), not readable (400). Then each
event goes through the pipeline to its handler. The answer is 503 if any of them is to come again, else 200: what a CRM
is told with another 4xx it does not tell again.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from contact_sync.abilities import Abilities
from contact_sync.bodies import Unreadable
from contact_sync.errors import Busy
from contact_sync.events import Auth, Event
from contact_sync.external_events import UNREAD
from contact_sync.failures import FAULTS, translate
from contact_sync.handlers import Handlers
from contact_sync.identities import Identities
from contact_sync.installations import Installations
from contact_sync.pipeline import Pipeline, Stage
from contact_sync.results import Result
from contact_sync.webhook import RETRY_AFTER_SECONDS, Answer, refusal, retry_headers, tell_handled

from .once import Once, delivery_key
from .request import EVENT_NAMES, Challenge, ExternalEvent, ExternalRequest, gathered
from .scheme import TOLERANCE, Refusal, Verified, fingerprint_of
from .speaking import Speaking
from .webhooks import UNSIGNED, ExternalWebhooks

log = logging.getLogger(__name__)

PATIENCE: Final = 3
"""How many events in a row of an installation may fail for now; the rest of a request is not tried then."""

REPEATED: Final = Result.skipped("it was received before")
IN_PROGRESS: Final = Result.failed("it is being worked on; come again", retryable=True)
NOT_TRIED: Final = Result.failed("it was not tried, since those before it failed for now", retryable=True)


class Receiver:
    """Answers the requests of a CRM at one path.

    Args:
        path: The path, for the log.
        webhooks: What the user says of them.
        speaking: Finds out for whom events are.
        pipeline: The user's middleware.
        handlers: What each event does.
        once: Remembers deliveries.
    """

    def __init__(
        self,
        path: str,
        webhooks: ExternalWebhooks,
        speaking: Speaking,
        pipeline: Pipeline,
        handlers: Handlers,
        once: Once,
    ) -> None:
        self._path = path
        self._webhooks = webhooks
        self._speaking = speaking
        self._pipeline = pipeline
        self._handlers = handlers
        self._once = once
        if webhooks.scheme is None:
            log.warning(UNSIGNED, path)

    def answer(self, request: ExternalRequest) -> Answer:
        """Answer a request, whatever is in it and whatever the user's code does."""
        try:
            return self._checked(request)
        except Unreadable as problem:
            return refusal(400, str(problem))
        except Exception as error:  # noqa: BLE001 - nothing may crash a request; what nobody foresaw comes again
            return _answer([translate(error, f"the external webhook {self._path!r}").with_(retryable=True)])

    def _checked(self, request: ExternalRequest) -> Answer:
        if request.body is None:
            return refusal(413, "the body is too large")
        verdict = self._verdict(request)
        if isinstance(verdict, Refusal):
            name = self._webhooks.scheme_name
            log.warning("A request to the external webhook %r was refused (%s): %s", self._path, name, verdict.reason)
            return refusal(401, "not authorized")
        mark, id = verdict.fingerprint, self._webhooks.id_of(request)
        if id is not None and mark is None:
            # Whoever copies it could give it the id of one that is still to come, and so keep that out.
            id = f"{id} {fingerprint_of(request.body).hex()}"
        if id is None and mark is None:
            return self._handled(request, verdict, None)
        signed = None if mark is None else delivery_key(self._path, "signed", mark)
        named = None if id is None else delivery_key(self._path, "named", id.encode("utf-8", "surrogatepass"))
        try:
            with self._once.entering(signed, named, 2 * self._tolerance) as entry:
                if entry.is_known:
                    return _answer([REPEATED])
                answer = self._handled(request, verdict, id)
                entry.is_done = answer.status == 200
                return answer
        except Busy:
            return _answer([IN_PROGRESS])

    def _verdict(self, request: ExternalRequest) -> Verified | Refusal:
        try:
            verdict = self._webhooks.verify(request, time.time())
        except FAULTS as error:
            translate(error, "the scheme of an external webhook")
            return Refusal("the scheme raised an exception")
        return verdict if isinstance(verdict, Verified | Refusal) else Refusal("the scheme gave no verdict")

    def _handled(self, request: ExternalRequest, verdict: Verified, id: str | None) -> Answer:
        may_be_old = verdict.fingerprint is None
        return _Way(
            self._path, self._webhooks, self._speaking, self._pipeline, self._handlers, request, id, may_be_old
        ).ingest()

    @property
    def _tolerance(self) -> float:
        return TOLERANCE if self._webhooks.scheme is None else self._webhooks.scheme.tolerance


def make_receivers(
    webhooks: Mapping[str, ExternalWebhooks],
    identities: Identities,
    installations: Installations,
    abilities: Abilities,
    pipeline: Pipeline,
    handlers: Handlers,
) -> dict[str, Receiver]:
    """Make what answers at each path."""
    speaking = Speaking(identities, installations, remembers=abilities.records is not abilities.local)
    once = Once(abilities)
    return {path: Receiver(path, one, speaking, pipeline, handlers, once) for path, one in webhooks.items()}


class _Way:
    """The way of one request through the stages."""

    def __init__(
        self,
        path: str,
        webhooks: ExternalWebhooks,
        speaking: Speaking,
        pipeline: Pipeline,
        handlers: Handlers,
        request: ExternalRequest,
        id: str | None,
        may_be_old: bool,
    ) -> None:
        self._path = path
        self._webhooks = webhooks
        self._speaking = speaking
        self._pipeline = pipeline
        self._handlers = handlers
        self._request = request
        self._id = id
        self._may_be_old = may_be_old
        self._said: tuple[Result, Answer] | None = None
        self._accounts: dict[str | None, tuple[str, Auth] | Result] = {}
        self._away: Counter[str] = Counter()

    def ingest(self) -> Answer:
        """Go the whole way. The request is verified by now."""
        result = self._pipeline.run(Stage.INGEST, self._request, self._read)
        if self._said is not None and result is self._said[0]:
            return self._said[1]
        return _answer([result])  # middleware has stopped it, or made a result of its own

    def _read(self, request: ExternalRequest) -> Result:
        try:
            said = self._webhooks.reader(request)
            if isinstance(said, Challenge):
                return self._say(Result.ok(action="answered"), Answer(200, {"challenge": said.text}))
            events = list(said)
            if not all(isinstance(event, ExternalEvent) for event in events):
                raise TypeError("expected an iterable of ExternalEvent, or a Challenge")
            if self._may_be_old:  # somebody's copy even: then nothing counts but what the record holds now
                events = [replace(event, contact=None) for event in events]
        except Unreadable as problem:
            return self._say(Result.failed(str(problem)), refusal(400, str(problem)))
        except FAULTS as error:
            failure = translate(error, "the reader of an external webhook").with_(retryable=True)
            return self._say(failure, _answer([failure]))
        results = [self._take(number, event) for number, event in enumerate(gathered(events))]
        return self._say(_summary(results), _answer(results))

    def _say(self, result: Result, answer: Answer) -> Result:
        self._said = result, answer
        return result

    def _take(self, number: int, told: ExternalEvent) -> Result:
        if told.account not in self._accounts:
            self._accounts[told.account] = self._speaking.of(told.account, self._webhooks.identify)
        who = self._accounts[told.account]
        if isinstance(who, Result):
            log.info("An event of the CRM was not taken: %s", who.reason or who.error)
            return who
        installation, auth = who
        if self._away[installation] >= PATIENCE:
            return NOT_TRIED
        data: dict[str, Any] = {"id": told.id}
        data |= {} if told.contact is None else {"contact": told.contact}
        data |= {} if told.into is None else {"into": told.into}
        if not _is_json([data, told.raw]):
            return Result.failed("what was read of it holds something that JSON cannot carry")
        name = EVENT_NAMES[told.kind]
        id = None if self._id is None else f"{self._path} {self._id} {number} {name} {told.id}"
        event = Event(name, "event", data, auth, installation, told.raw, delivery_id=id, side="ext")
        result = self._pipeline.run(Stage.NORMALIZE, event, self._categorize)
        is_away = _is_for_now(result) and result.reason != UNREAD
        self._away[installation] = self._away[installation] + 1 if is_away else 0
        return result

    def _categorize(self, event: Event) -> Result:
        return self._pipeline.run(Stage.CATEGORIZE, event, self._receive)

    def _receive(self, event: Event) -> Result:
        return self._pipeline.run(Stage.RECEIVE, event, self._hear)

    def _hear(self, event: Event) -> Result:
        if self._handlers.hears(event):
            return self._pipeline.run(Stage.HEARD, event, self._handle)
        return self._handle(event)

    def _handle(self, event: Event) -> Result:
        if event.side != "ext":
            # Nobody has looked whether the CRM may speak for the platform.
            return Result.failed("middleware made an event of the CRM one of the platform, which it may not")
        began = time.monotonic()
        try:
            result = self._handlers.handle(event).result
        except Exception as error:  # noqa: BLE001 - nothing may crash a request; said in the log and the answer
            result = translate(error, f"handling {event.full_name!r}")
        if not result.queued:  # whoever applies it tells of it
            tell_handled(event, result, time.monotonic() - began)
        return result


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_for_now(result: Result) -> bool:
    return result.retryable and not result.success


def _summary(results: Sequence[Result]) -> Result:
    """What `ingest` middleware gets for all the events of a request."""
    for is_wanted in (_is_for_now, lambda result: not result.success):
        failure = next(filter(is_wanted, results), None)
        if failure is not None:
            return failure.with_(contact=None, contacts=None)
    return results[0] if len(results) == 1 else Result.ok(action="received")


def _answer(results: Sequence[Result]) -> Answer:
    body = {
        "success": all(result.success for result in results),
        "results": [result.with_(contact=None, contacts=None).to_dict() for result in results],
    }
    away = [result for result in results if _is_for_now(result)]
    if not away:
        return Answer(200, body)
    waits = [RETRY_AFTER_SECONDS if result.retry_after is None else result.retry_after for result in away]
    return Answer(503, body, retry_headers(max(waits)))
