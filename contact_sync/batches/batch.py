"""A batch on its way, under one claim.

What is to be done for each contact is decided by the engine's own rules. What has changed is then written with one
call, what is new with another, whose pairs are saved directly after it. Who cannot go with the others, since it may be
the same person as one of them, or since somebody holds its partner, comes after them, by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, ParamSpec, TypeVar

from contact_sync.baselines import is_begun
from contact_sync.contact_claim import ContactClaim
from contact_sync.engine import GONE, NO_ID, Engine
from contact_sync.errors import Busy, ClaimLost
from contact_sync.events import Change
from contact_sync.failures import translate
from contact_sync.plans import Plan
from contact_sync.results import NOT_FOUND, Result
from contact_sync.sides import Route, nothing_done
from key_stores import ContactRef, InvalidId, KnownContact, as_id

from .gathering import Gathering
from .parts import QUEUED, Contact, Writing

P = ParamSpec("P")
T = TypeVar("T")

Heard = Callable[[list[Result]], object]
"""Is told what came of each call for many, before those that it turned down are written one by one."""

SYNC: Final = "the sync of a {}"

Outcomes = Sequence[tuple[Writing, Result]]


class Batch:
    """A batch on its way: what is known of each contact, and what came of it.

    Attributes:
        refs: What is to be claimed.
    """

    def __init__(
        self,
        engine: Engine,
        route: Route,
        contacts: Sequence[Mapping[str, Any]],
        *,
        create: bool,
        read_at: float | None,
        heard: Heard | None,
    ) -> None:
        self._engine = engine
        self._route = route
        self._creates = create
        self._read_at = read_at
        self._heard = heard
        self._size = len(contacts)
        self._results: dict[int, Result] = {}
        self._contacts: list[Contact] = []
        self._later: list[Contact] = []
        for place, contact in enumerate(contacts):
            id = route.source.id_of(contact) if isinstance(contact, Mapping) else None
            problem = Result.failed(NO_ID) if id is None else _refused(id)
            if problem is not None:
                self._results[place] = problem
            elif id is not None:
                self._contacts.append(Contact(place, id, contact, engine.identity.guards(route, contact)))
        self.refs: list[ContactRef] = [route.source.ref(one.id, one.guards) for one in self._contacts]

    def results(self) -> list[Result]:
        """What came of each contact, in order."""
        return [self._results[place] for place in range(self._size)]

    def fail(self, failure: Result) -> None:
        """Take note that what was done could not be recorded: whatever it was, it has to be done again."""
        for one in self._contacts:
            if self._results.get(one.place, failure).success:
                self._results[one.place] = failure
            self._results.setdefault(one.place, failure)

    def run(self, claim: ContactClaim) -> None:
        """Write what has changed, and then what is new: so a look-up finds what the others have by now."""
        paired: list[tuple[Contact, KnownContact]] = []
        single: list[tuple[Contact, KnownContact]] = []
        taken: set[str] = set()
        for one, known in zip(self._contacts, claim.contacts, strict=True):
            if self._route.target.readable and _has_to_wait(one, known, taken):
                self._later.append(one)
            else:
                (paired if known.paired else single).append((one, known))
        self._write(claim, "update", self._each(claim, paired, self._changed), self._updated)
        doubts = bool(single) and self._engine.traces.are_doubts(self._route.scope.installation)
        gathering = Gathering(self._engine, doubts=doubts)
        self._write(claim, "create", self._each(claim, single, partial(self._new, gathering)), self._created)

    def finish(self) -> None:
        """Do those that could not go with the others, now that the others are done and given back."""
        for one in self._later:
            self._results[one.place] = self._engine.save(self._route, one.contact, create=self._creates)

    # What is to be written

    def _each(
        self,
        claim: ContactClaim,
        contacts: Sequence[tuple[Contact, KnownContact]],
        decide: Callable[[ContactClaim, Contact, KnownContact], Writing | Result | None],
    ) -> list[Writing]:
        """Decide what is to be written for each contact; the others are settled by a result, or come later."""
        writes: list[Writing] = []
        for one, known in contacts:
            claim.check()  # what is decided takes reads and look-ups, perhaps many
            outcome = self._safely(decide, claim, one, known)
            if isinstance(outcome, Writing):
                writes.append(outcome)
            elif outcome is not None:
                self._results[one.place] = outcome
        return writes

    def _changed(self, claim: ContactClaim, one: Contact, known: KnownContact) -> Writing | Result:
        plan = self._engine.plan_update(self._route, claim, known, one.contact, self._read_at)
        if isinstance(plan, Result):
            return plan
        partner = str(self._route.target.id_in(known))
        if not plan.merged.write:
            return self._engine.written(claim, known, one.contact, plan, Result.ok(partner))
        return self._prepared(claim, one, known, plan, "update", partner)

    def _new(
        self, gathering: Gathering, claim: ContactClaim, one: Contact, known: KnownContact
    ) -> Writing | Result | None:
        if known.buried:
            return self._engine.endings.gone(self._route, one.id, GONE)
        if not self._creates:
            return Result.failed(NOT_FOUND, reason=f"this {self._route.source.noun} is not paired")
        try:
            found = gathering.partner_of(self._route, claim, one)
        except Busy:
            self._later.append(one)
            return None
        if found is not QUEUED:
            return found
        plan = self._engine.planner.plan(self._route, one.contact, None, there={}, first=True)
        return self._prepared(claim, one, known, plan, "create", None, decided=one.id in gathering.decided)

    def _prepared(
        self,
        claim: ContactClaim,
        one: Contact,
        known: KnownContact,
        plan: Plan,
        kind: Literal["create", "update"],
        target_id: str | None,
        *,
        decided: bool = False,
    ) -> Writing | Result:
        """Take a contact through `send` and `format`. A result if that settles it: it is stopped, or not mappable."""
        built: list[Writing] = []

        def collect(change: Change, payload: dict[str, Any]) -> Result:
            built.append(Writing(one, known, plan, change, payload, decided))
            plan.sent(payload)
            return QUEUED

        shape = self._route.target.shape if kind == "create" else plan.shape
        result = self._engine.writer.write(plan.change(kind, target_id), shape, collect, claim)
        return built[0] if built else result

    # Writing it

    def _write(
        self,
        claim: ContactClaim,
        kind: Literal["create", "update"],
        writes: Sequence[Writing],
        settle: Callable[[ContactClaim, Outcomes], None],
    ) -> None:
        """Write with few calls; if one is turned down whole, one by one: a bad contact does not stop the rest.

        Raises:
            ClaimLost: The claim has ended meanwhile; nothing more is written.
        """
        target = self._route.target
        for start in range(0, len(writes), target.batch_size):
            claim.check()
            part = writes[start : start + target.batch_size]
            results = target.write_many(kind, [(write.change, write.payload) for write in part])
            if self._heard is not None:
                self._heard(results)
            outcomes = list(zip(part, results, strict=True))
            again = [write for write, result in outcomes if nothing_done(result)] if len(part) > 1 else []
            settle(claim, [(write, result) for write, result in outcomes if write not in again])
            for write in again:
                claim.check()
                settle(claim, [(write, target.write(write.change, write.payload))])

    def _updated(self, claim: ContactClaim, outcomes: Outcomes) -> None:
        for write, result in outcomes:
            one = write.one
            self._results[one.place] = self._safely(
                self._engine.written, claim, write.known, one.contact, write.plan, result
            )

    def _created(self, claim: ContactClaim, outcomes: Outcomes) -> None:
        """Pair what was created, before anything else can fail."""
        pairing = self._engine.pairing
        pairs = [
            pairing.created_pair(write.plan, write.one.id, result)
            for write, result in outcomes
            if result.success and result.action != "skipped" and result.id and _refused(result.id) is None
        ]
        problem = pairing.record(claim, pairs)
        for write, result in outcomes:
            self._results[write.one.place] = self._safely(self._paired, claim, write, result, problem)

    def _paired(self, claim: ContactClaim, write: Writing, result: Result, problem: Result | None) -> Result:
        """Say what came of a create.

        Args:
            problem: Why the pairs of those that were created could not be saved, if they could not.
        """
        route, one, pairing = self._route, write.one, self._engine.pairing
        if not result.success:
            if result.in_doubt:
                pairing.in_doubt(route, claim, one.id, one.contact)
            return pairing.adopt_existing(route, claim, one.id, one.contact, result)
        if result.action == "skipped":
            return result
        if not result.id:
            return Result.failed(f"the {route.target.noun} was created, but the answer has no id to pair it with")
        if _refused(result.id) is not None:  # it has not kept the others from being saved
            problem = pairing.record(claim, [pairing.created_pair(write.plan, one.id, result)])
        if problem is not None:
            return pairing.unpaired(route, result.id, problem)
        if write.decided:
            self._engine.held.drop(route.scope.installation, route.source.name, one.id)
        return Result.ok(result.id, action="created")

    def _safely(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Result:
        """Do something for one contact of the batch; if it raises, that one fails."""
        try:
            return work(*args, **kwargs)
        except ClaimLost:
            raise
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return translate(error, SYNC.format(self._route.source.noun))


def _has_to_wait(one: Contact, known: KnownContact, taken: set[str]) -> bool:
    """Whether a contact cannot go with the others: its adoption has begun, or it may be the same person as one of them.

    Args:
        taken: What the contacts before it may be recognised by, in so far as they are in no pair; added to.
    """
    if known.paired and is_begun(known.baseline):
        return True
    names = (f"id:{one.id}", *(() if known.paired else one.guards))
    met = not taken.isdisjoint(names)
    taken.update(names)
    return met


def _refused(id: str) -> Result | None:
    """What is wrong with an id that no key store takes; it must not fail the batch that it is in."""
    try:
        as_id(id, "id")
    except InvalidId as error:
        return Result.failed(str(error))
    return None
