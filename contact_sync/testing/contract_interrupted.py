"""`ConsumerContract`: a CRM that does what it is asked for, and one answer of which gets lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from contact_sync.consumer import EXISTS, Changes, CursorExpired, ExternalAPIConsumer, ask, changes, offers, pages
from contact_sync.results import Result
from contact_sync.sides import hits

from .contract_applies import needs
from .contract_changes import walk
from .contract_probe import PAGE, RECORDS, ConsumerDeclaration, Probe, said
from .faulty_server import Trouble, TroubledLine
from .paths import value_at

MOST: Final = 4
"""How many requests of a call something happens to, each in a call of its own."""

TELL: Final = (
    "Let the time-out of the HTTP client out, or answer Result.failed(…, retryable=True): nobody knows what was done, "
    "and the sync looks before it tries again"
)


@dataclass(frozen=True)
class Call:
    """A call, to one of whose requests something happened.

    Attributes:
        contact: What the method was given.
        result: What came of it.
        requests: How many requests it made.
        trouble: What happened, and to which request, for a message.
    """

    contact: dict[str, Any]
    result: Result
    requests: int
    trouble: str


class InterruptedTests(ConsumerDeclaration):
    """Tests that `ConsumerContract` has only where `consumer_at` and the fixture `crm_url` are written.

    All requests go to the real CRM, but for one that gets lost, or whose answer does: each of a call's, one after the
    other. Afterwards the CRM is looked at.
    """

    @needs("consumer_at", "crm_url", "update", "records")
    def test_an_update_without_an_answer_is_no_success_unless_it_was_done(self, probe: Probe, crm_url: str) -> None:
        """An update that times out is a retryable failure, whether the CRM has done it or not."""
        calls = _interrupted(probe, crm_url, "update_contact", lambda: probe.change(probe.record().id, text="Changed"))
        for call in calls:
            id = str(probe.id_of(call.contact))
            text = value_at(probe.read(id), probe.declared.text_field)
            assert not call.result.success or text == "Changed", (
                f"update_contact {said(call.result)} when {call.trouble}, and the record has {text!r} where 'Changed' "
                f"was to be written: the edit is lost. {TELL}"
            )
            assert call.result.success or call.result.retryable, (
                f"update_contact {said(call.result)} when {call.trouble}; that is not retryable, so the edit is lost. "
                f"{TELL}"
            )

    @needs("consumer_at", "crm_url", "create")
    def test_a_create_without_an_answer_makes_one_record_at_the_most(self, probe: Probe, crm_url: str) -> None:
        """A create that times out is a retryable failure, or has the id of the one record that it made."""
        calls = _interrupted(probe, crm_url, "create_contact", probe.contact)
        made = [_made(probe, call.contact) for call in calls]
        for call, ids in zip(calls, made, strict=True):
            assert len(ids) <= 1, (
                f"create_contact made the records {ids} when {call.trouble}; it must not send a create twice, since "
                f"the first one may have been done. {TELL}"
            )
            assert not call.result.success or ids == [call.result.id], (
                f"create_contact {said(call.result)} when {call.trouble}, and there are the records {ids}. {TELL}"
            )
            adopts = call.result.reason == EXISTS or (call.result.id is not None and ids == [call.result.id])
            assert call.result.success or call.result.retryable or adopts, (
                f"create_contact {said(call.result)} when {call.trouble}; that is not retryable, so the contact is "
                f"lost. {TELL}"
            )

    @needs("consumer_at", "crm_url")
    def test_a_walk_with_an_error_on_its_way_leaves_nothing_out(self, probe: Probe, crm_url: str) -> None:
        """Where the CRM answers 503 once, the walk fails, or asks again; it skips no page."""
        cursor = _cursor(probe)
        records = {record.id for record in probe.records(RECORDS)}
        walks: dict[str, Callable[[ExternalAPIConsumer], Walked]] = {"iter_contacts": lambda it: _walk(probe, it)}
        if cursor is not None:
            walks["list_changed"] = lambda it: _tell(probe, it, cursor)
        for method, walked in walks.items():
            whole: Callable[[Walked], bool] = lambda ended: records <= ended[0]  # noqa: E731 - its type is said
            probe.settled(partial(walked, probe.consumer), whole)
            asks, number = 1, 0
            while (number := number + 1) <= min(asks, MOST):
                with TroubledLine(crm_url, "503", number, self.time_limit) as line:
                    consumer = self.consumer_at(line.url)
                    ids, failure = walked(consumer)
                    consumer.close()
                assert line.requests, TELL_URL
                asks = number + 1 if failure else line.requests
                assert failure is None or failure.retryable, (
                    f"{method} {said(failure)} when the CRM answered 503; let the HTTP error out, or yield "
                    "Result.failed(…, retryable=True)"
                )
                left_out = [] if failure else sorted(records - ids)
                assert not left_out, (
                    f"{method} ended without a failure when the CRM answered 503 to its request {number}, and left "
                    f"out {left_out}. A page that cannot be read ends the walk: let the exception of the HTTP "
                    "client out, or yield Result.failed(…, retryable=True)"
                )


TELL_URL: Final = (
    "consumer_at made a consumer whose create_contact, update_contact or list_contacts sent nothing to the URL that it "
    "was given; the fixture 'crm_url' has to give the base URL of the CRM, as consumer_at takes it"
)

Walked = tuple[set[str | None], Result | None]
"""The ids that a walk gave, and the failure that ended it."""


def _interrupted(probe: Probe, crm_url: str, method: str, contact: Callable[[], dict[str, Any]]) -> list[Call]:
    """Make a call for each request that one makes, and each way in which it or its answer can get lost."""
    __tracebackhide__ = True

    def call(contact: Mapping[str, Any], trouble: Trouble | None, at: int) -> Call:
        with TroubledLine(crm_url, trouble, at, probe.declared.time_limit) as line:
            consumer = probe.declared.consumer_at(line.url)
            result = ask(consumer, method, dict(contact))
            consumer.close()
        if result.success and method == "create_contact" and result.id is not None:
            probe.remember(result.id)
        return Call(dict(contact), result, line.requests, f"the {trouble} was number {at} of the call")

    first = call(contact(), None, 0)
    assert first.requests, TELL_URL
    assert first.result.success, (
        f"{method} {said(first.result)}, by way of a site that hands everything on to the CRM. {TELL_URL}"
    )
    lost: tuple[Trouble, ...] = ("lost request", "lost answer")
    planned = [(contact(), trouble, at) for at in range(1, min(first.requests, MOST) + 1) for trouble in lost]
    with ThreadPoolExecutor(len(planned)) as pool:
        return list(pool.map(lambda it: call(*it), planned))


def _made(probe: Probe, contact: Mapping[str, Any]) -> list[str]:
    """The ids of the records with a contact's address, which are deleted in the end."""
    email = value_at(contact, probe.declared.email_field)
    found = probe.settled(lambda: probe.ask("get_contact_by_email", email), lambda it: len(hits(it)) > 1)
    ids = sorted({str(probe.id_of(record)) for record in hits(found)})
    for id in ids:
        probe.remember(id)
    return ids


def _walk(probe: Probe, consumer: ExternalAPIConsumer) -> Walked:
    ids: set[str | None] = set()
    for page in pages(consumer, PAGE):
        if not page.success:
            return ids, page
        ids |= {probe.id_of(contact) for contact in page.contacts or ()}
    return ids, None


def _tell(probe: Probe, consumer: ExternalAPIConsumer, cursor: str | None) -> Walked:
    ids: set[str | None] = set()
    try:
        for page in changes(consumer, cursor):
            if not isinstance(page, Changes):
                return ids, page
            ids |= {probe.id_of(contact) for contact in page.contacts}
    except CursorExpired:
        return ids, Result.failed("CursorExpired")
    return ids, None


def _cursor(probe: Probe) -> str | None:
    """Where to go on from to be told what is created from now on; `None` if that cannot be told."""
    if not probe.makes or not offers(probe.consumer, "list_changed"):
        return None
    seen = probe.record().id
    known = probe.settled(partial(walk, probe, None), lambda it: seen in it.contacts)
    return str(known.cursor)
