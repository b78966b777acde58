"""A batch of the CRM's contacts on its way to the platform, under one claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from key_stores import InvalidId, KnownContact, SavePair, as_id

from .contact_claim import ContactClaim
from .courses import Course
from .engine import GONE, NO_ID, Engine
from .errors import ClaimLost
from .events import Change
from .failures import translate
from .plans import Plan
from .platforms import NOTHING_DONE
from .results import NOT_FOUND, Result
from .sides import Route

T = TypeVar("T")

QUEUED: Final = Result.ok(action="batched", reason="it is written with the others of its batch")
"""What `next()` gives to `send` and `format` middleware for a contact of a batch."""


class Batch:
    """A batch on its way: what is known of each contact, and what came of it."""

    def __init__(self, engine: Engine, route: Route, contacts: Sequence[Mapping[str, Any]], course: Course) -> None:
        self._engine = engine
        self._route = route
        self._course = course
        self._contacts = contacts
        self._results: dict[int, Result] = {}
        self.known: list[tuple[str, Mapping[str, Any]]] = []
        self._places: dict[str, int] = {}
        self._read_at = course.read_at
        for place, contact in enumerate(contacts):
            id = route.source.id_of(contact) if isinstance(contact, Mapping) else None
            problem = Result.failed(NO_ID) if id is None else _refused(id)
            if problem is not None:
                self._results[place] = problem
            elif id is not None:
                self.known.append((id, contact))
                self._places[id] = place

    def results(self) -> list[Result]:
        return [self._results[place] for place in range(len(self._contacts))]

    def fail_rest(self, failure: Result) -> None:
        for place in self._places.values():
            self._results.setdefault(place, failure)

    def fail_all(self, failure: Result) -> None:
        """What was written is not recorded: whatever it was, it has to be done again."""
        for place in self._places.values():
            if self._results.get(place, failure).success:
                self._results[place] = failure
        self.fail_rest(failure)

    def run(self, claim: ContactClaim, *, create: bool) -> None:
        known = {id: kept for (id, _), kept in zip(self.known, claim.contacts, strict=True)}
        new: list[tuple[str, Mapping[str, Any]]] = []
        changed: list[tuple[str, Mapping[str, Any], Plan]] = []
        installation = self._route.scope.installation
        doubts = not all(one.paired for one in claim.contacts) and self._engine.traces.are_doubts(installation)
        for id, contact in self.known:
            if known[id].paired:
                plan = self._safely(lambda id=id, contact=contact: self._plan(claim, known[id], contact))  # type: ignore[misc]
                if isinstance(plan, Result):
                    self._results[self._places[id]] = plan
                else:
                    changed.append((id, contact, plan))
            else:
                result = self._safely(
                    lambda id=id, contact=contact: self._result_of_new(  # type: ignore[misc]
                        claim, id, known[id], contact, create=create, doubts=doubts
                    )
                )
                if result is None:
                    new.append((id, contact))
                else:
                    self._results[self._places[id]] = result
        self._update(claim, changed, known)
        self._create(claim, new)

    def _plan(self, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]) -> Plan | Result:
        plan = self._engine.plan_update(self._route, claim, known, contact, self._read_at)
        if isinstance(plan, Result) or plan.has_news:
            return plan
        plan.settle(None)
        self._engine.keep(claim, known, plan)
        return self._engine.unchanged(plan, known)

    def _result_of_new(
        self,
        claim: ContactClaim,
        id: str,
        known: KnownContact,
        contact: Mapping[str, Any],
        *,
        create: bool,
        doubts: bool,
    ) -> Result | None:
        if known.buried:
            return self._engine.endings.gone(self._route, id, GONE)
        if not create:
            return Result.failed(NOT_FOUND, reason="this record is not paired")
        pairing = self._engine.pairing
        adopted = pairing.adopt_doubtful(self._route, claim, id, contact) if doubts else None
        return adopted or pairing.unmatched(self._route, id)

    def _update(
        self,
        claim: ContactClaim,
        changed: Sequence[tuple[str, Mapping[str, Any], Plan]],
        known: Mapping[str, KnownContact],
    ) -> None:
        """Write what has changed of contacts that have a partner."""
        ready: list[tuple[str, Mapping[str, Any], Plan, dict[str, Any]]] = []
        for id, contact, plan in changed:
            payload = self._prepare(claim, id, plan, "update", str(known[id].botmatic_id))
            if payload is not None:
                ready.append((id, contact, plan, payload))
        platform, token = self._engine.platform, self._route.scope.auth.token
        results = _all_then_each(
            claim,
            [(str(known[id].botmatic_id), payload) for id, _, _, payload in ready],
            lambda many: self._course.heard(platform.update_contacts(token, many)),
            lambda one: platform.update_contact(token, *one),
        )
        for (id, contact, plan, _), result in zip(ready, results, strict=True):
            if result.success:
                plan.settle(None)
                self._engine.keep(claim, known[id], plan)
                result = self._engine.updated(plan, known[id])
            elif result.not_found:
                result = self._safely(
                    lambda id=id, contact=contact: self._engine.missing(self._route, claim, known[id], contact)  # type: ignore[misc]
                )
            self._results[self._places[id]] = result

    def _create(self, claim: ContactClaim, new: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Create what is new, and pair it."""
        ready: list[tuple[str, Mapping[str, Any], Plan, dict[str, Any]]] = []
        for id, contact in new:
            plan = self._engine.planner.plan(self._route, contact, None, there={}, first=True)
            payload = self._prepare(claim, id, plan, "create", None)
            if payload is not None:
                ready.append((id, contact, plan, payload))
        platform, token = self._engine.platform, self._route.scope.auth.token
        results = _all_then_each(
            claim,
            [payload for _, _, _, payload in ready],
            lambda many: self._course.heard(platform.create_contacts(token, many)),
            lambda one: platform.create_contact(token, one),
        )
        made: list[SavePair] = []
        for (id, _, plan, _), result in zip(ready, results, strict=True):
            if result.success and result.id:
                made.append(self._engine.pairing.created_pair(plan, id, result))
        problem = self._engine.pairing.record(claim, made)
        for (id, contact, _, _), result in zip(ready, results, strict=True):
            if not result.success:
                if result.in_doubt:
                    self._engine.pairing.in_doubt(self._route, claim, id, contact)
                done = self._safely(
                    lambda id=id, contact=contact, result=result: self._engine.pairing.adopt_existing(  # type: ignore[misc]
                        self._route, claim, id, contact, result
                    )
                )
            elif not result.id:
                done = Result.failed("the contact was created, but the answer has no id to pair it with")
            elif problem is not None:
                done = self._engine.pairing.unpaired(self._route, result.id, problem)
            else:
                done = Result.ok(result.id, action="created")
            self._results[self._places[id]] = done

    def _safely(self, work: Callable[[], T]) -> T | Result:
        """Do something for one contact of the batch; if it raises, that one fails."""
        try:
            return work()
        except ClaimLost:
            raise
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return translate(error, "a contact of a batch")

    def _prepare(
        self, claim: ContactClaim, id: str, plan: Plan, kind: Any, target_id: str | None
    ) -> dict[str, Any] | None:
        """Take a contact through `send` and `format`. `None` if it is settled already: stopped, or not mappable."""
        payloads: list[dict[str, Any]] = []

        def collect(_change: Change, payload: dict[str, Any]) -> Result:
            payloads.append(payload)
            plan.sent(payload)
            return QUEUED

        shape = self._route.target.shape if kind == "create" else plan.shape
        result = self._engine.writer.write(plan.change(kind, target_id), shape, collect, claim)
        if not payloads:
            self._results[self._places[id]] = result
            return None
        return payloads[0]


def _refused(id: str) -> Result | None:
    """What is wrong with an id that no key store takes; it must not fail the batch that it is in."""
    try:
        as_id(id, "id")
    except InvalidId as error:
        return Result.failed(str(error))
    return None


def _all_then_each(
    claim: ContactClaim, items: list[Any], many: Callable[[list[Any]], list[Result]], one: Callable[[Any], Result]
) -> list[Result]:
    """Write all at once; if they are turned down together, one by one: a bad one does not stop the rest.

    Only where it is certain that nothing was done, since a repeated create makes everything twice; and where it is
    about what was sent, since a call that was refused for its token is refused a hundred times more.

    Raises:
        ClaimLost: The claim has ended meanwhile; nothing more is written.
    """
    if not items:
        return []
    claim.check()
    results = many(items)
    if len(results) != len(items):
        return [Result.failed(f"the platform gave {len(results)} results for {len(items)} contacts")] * len(items)
    if len(items) == 1:
        return results

    def alone(item: Any) -> Result:
        claim.check()
        return one(item)

    return [
        alone(item) if not result.success and result.reason == NOTHING_DONE else result
        for item, result in zip(items, results, strict=True)
    ]
