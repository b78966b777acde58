"""One engine for both directions: claim → resolve → merge → write → record.

`save` takes one contact of one side and makes the other side agree. It holds a claim on the contact while it works,
saves a pair directly after a create, before anything else can fail, and never raises. What ends a pair is in `endings`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from key_stores import ContactRef, InvalidId, KnownContact, SavePair
from mappers import Mapper

from .abilities import Abilities
from .baselines import Keys
from .claims import Claims
from .conflicts import Conflicts
from .contact_claim import ContactClaim
from .endings import Endings
from .errors import ClaimLost
from .failures import translate
from .held import Held, HeldContact
from .identity import AMBIGUOUS, Identity
from .mergers import Mergers
from .pipeline import Pipeline
from .plans import Plan, Planner
from .platforms import Platform
from .results import NOT_FOUND, Result
from .rules import Rules
from .scopes import Scope
from .sides import EngineSide, ExternalSide, PlatformSide, Route
from .writer import Writer

log = logging.getLogger(__name__)

RECORD_PAUSES: Final = (0.1, 0.3, 1.0)
"""How long to wait, in seconds, before a pair is saved once more."""

NO_ID: Final = "the contact has no usable id: text that is not empty, or a whole number"
GONE: Final = "it was deleted; a late event does not bring it back"
OLDER: Final = "it is older than what was written there since"
NO_MATCH: Final = "no record is like it, and such contacts are"


class Engine:
    """Keeps both sides the same, a contact at a time.

    Args:
        mapper: The table of fields.
        platform: The chatbot side.
        abilities: The key store.
        claims: Who works on what.
        pipeline: The user's middleware, for `send` and `format`.
        rules: The user's choices.
        keys: The keys of the baselines.
    """

    def __init__(
        self,
        mapper: Mapper,
        platform: Platform,
        abilities: Abilities,
        claims: Claims,
        pipeline: Pipeline,
        rules: Rules,
        keys: Keys,
    ) -> None:
        self.mapper = mapper
        self.platform = platform
        self.abilities = abilities
        self.claims = claims
        self.rules = rules
        self.planner = Planner(mapper, rules, abilities, keys)
        self.identity = Identity(mapper, rules)
        self.writer = Writer(pipeline)
        self.held = Held(abilities.records)
        self.conflicts = Conflicts()
        self.endings = Endings(self.writer, rules, Mergers(abilities.records), self.held)

    def to_external(self, scope: Scope) -> Route:
        """The route for what happened on the platform."""
        return Route(PlatformSide(scope, self.mapper, self.platform), ExternalSide(scope, self.mapper))

    def to_platform(self, scope: Scope) -> Route:
        """The route for what happened in the CRM."""
        return self.to_external(scope).back

    def save(self, route: Route, contact: Mapping[str, Any], *, create: bool = True) -> Result:
        """Make the target agree with a contact of the source: update its partner, adopt one, or create one.

        Args:
            contact: The source's contact, in the source's names, with its id.
            create: Whether a contact without a partner gets one. Otherwise it is `NOT_FOUND`.

        Returns:
            The `id` of the target's record, and as `action` `created`, `adopted`, `updated`, `unchanged`, `skipped` or
            `held`.
        """
        id = route.source.id_of(contact)
        if id is None:
            return Result.failed(NO_ID)
        ref = route.source.ref(id, self.identity.guards(route, contact))
        return self.claimed(route, [ref], lambda claim: self._save(route, claim, id, contact, create))

    def delete(self, route: Route, id: str) -> Result:
        """Do what a delete is to do to the partner of a contact that is gone from the source, and bury the pair.

        Returns:
            The `id` of the target's record that was deleted; `NOT_FOUND` if the contact has no partner.
        """
        return self.claimed(route, [route.source.ref(id)], lambda claim: self.endings.delete(route, claim, id))

    def merge_contacts(self, route: Route, loser: str, winner: str) -> Result:
        """Take note that two contacts of the source have become one: the winner, who gets the loser's partner."""
        winner = self.endings.mergers.winner_of(route.scope.installation, route.source.name, winner) or winner
        if loser == winner:
            return Result.failed(f"the {route.source.noun} cannot be merged into itself, be it by way of others")
        refs = [route.source.ref(loser), route.source.ref(winner)]
        return self.claimed(route, refs, lambda claim: self.endings.merge(route, claim, loser, winner))

    def forget(self, route: Route, id: str) -> Result:
        """Erase all that is kept about a contact of the source and its partner. Neither side is written to."""
        return self.claimed(route, [route.source.ref(id)], lambda claim: self.endings.forget(route, claim, id))

    def claimed(self, route: Route, refs: Sequence[ContactRef], work: Callable[[ContactClaim], Result]) -> Result:
        """Do some work under a claim. Whatever goes wrong is a failed result."""
        try:
            with self.claims.contacts(route.scope.installation, refs) as claim:
                result = work(claim)
            return result
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return translate(error, f"the sync of a {route.source.noun}")

    def _save(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], create: bool) -> Result:
        known = claim.contacts[0]
        if known.paired:
            return self.update(route, claim, known, contact)
        if not create:
            return Result.failed(NOT_FOUND, reason=f"this {route.source.noun} is not paired")
        if known.buried:
            return self.endings.gone(route, id, GONE)
        return self._match(route, claim, id, contact)

    # A contact that has a partner

    def update(self, route: Route, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]) -> Result:
        """Write to the partner of a contact what has changed."""
        plan = self.plan_update(route, claim, known, contact)
        if isinstance(plan, Result):
            return plan
        if not plan.has_news:
            plan.settle(None)
            self.keep(claim, known, plan)
            return self.unchanged(plan, known)
        partner = str(route.target.id_in(known))
        result = Result.ok(partner)
        if plan.merged.write:
            result = self._deliver(claim, plan, "update", partner)
            if result.not_found:
                return self.missing(route, claim, known, contact)
            if not result.success or result.action == "skipped":
                return result
        plan.settle(result.contact)
        back = self._take(claim, plan, str(route.source.id_in(known)))
        self.keep(claim, known, plan)
        return self.updated(plan, known) if back.success else back

    def plan_update(
        self, route: Route, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]
    ) -> Plan | Result:
        """Decide what is to be written; either side is read first, where that has to be known. A result ends it."""
        plan = self.planner.plan(route, contact, self.planner.baseline(route, known))
        if plan.is_doubtful:
            fresh = self._read(claim, route.source, str(route.source.id_in(known)))
            if fresh.not_found:
                return Result.skipped(f"the {route.source.noun} is gone by now")
            if fresh.retryable:
                return fresh
            if fresh.success and fresh.contact is not None:
                contact = fresh.contact
                plan = self.planner.plan(route, contact, self.planner.baseline(route, known))
        if plan.wants_the_other_side:
            found = self._read(claim, route.target, str(route.target.id_in(known)))
            if found.not_found:
                return self.missing(route, claim, known, contact)
            if not found.success or found.contact is None:
                return found if not found.success else Result.failed("a record was read, but not given")
            plan = self.planner.plan(route, contact, self.planner.baseline(route, known), there=found.contact)
        return plan

    def unchanged(self, plan: Plan, known: KnownContact) -> Result:
        """Say that nothing was to be done."""
        id = plan.route.target.id_in(known)
        return Result.ok(id, action="unchanged", reason=OLDER if plan.stale else None)

    def updated(self, plan: Plan, known: KnownContact) -> Result:
        """Say what was done, and report the conflicts."""
        self.conflicts.report(plan, known)
        result = Result.ok(plan.route.target.id_in(known), action="updated")
        return result.with_(conflicts=tuple(plan.conflicts)) if plan.conflicts else result

    def keep(self, claim: ContactClaim, known: KnownContact, plan: Plan) -> None:
        """Have the baseline kept when the claim is given back, if it has moved."""
        packed = plan.packed()
        if packed is not None and known.botmatic_id is not None and known.external_id is not None:
            claim.later(SavePair(known.botmatic_id, known.external_id, packed))

    def missing(self, route: Route, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]) -> Result:
        """End a pair whose other record is gone, or make another record, as the user wants it."""
        result = self.endings.missing(route, claim, known)
        if result is not None:
            return result
        id = str(route.source.id_in(known))  # the pair is no more; what it may be recognised by has to be claimed now
        self.claims.add(claim, [route.source.ref(id, self.identity.guards(route, contact))])
        return self._match(route, claim, id, contact)

    def _take(self, claim: ContactClaim, plan: Plan, id: str) -> Result:
        """Write to the source what it takes from the target."""
        if not plan.merged.take:
            return Result.ok(id)
        sent: list[dict[str, Any]] = []
        source = plan.route.source

        def deliver(change: Any, payload: dict[str, Any]) -> Result:
            sent.append(payload)
            return source.write(change, payload) if payload else Result.ok(id)

        result = self.writer.write(plan.change_back(id), plan.shape_back, deliver, claim)
        if result.success and result.action != "skipped" and sent:
            plan.settle_back(sent[0])
        return result

    # A contact that has none

    def _match(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any]) -> Result:
        found = self.identity.resolve(route, contact)
        if found.success and found.id is not None:
            return self.adopt(route, claim, id, found.id, contact, found.contact)
        if found.error == AMBIGUOUS:
            ids = [route.target.id_of(record) for record in found.contacts or ()]
            held = self._hold(route, id, found.reason or "", [each for each in ids if each is not None])
            return held or self._create(route, claim, id, contact)
        if not found.not_found:
            return found
        return self.unmatched(route, id) or self._create(route, claim, id, contact)

    def unmatched(self, route: Route, id: str) -> Result | None:
        """What becomes of a contact that was found nowhere; `None` if one is created."""
        choice = self.rules.unmatched_to(route.target.name)
        if choice == "skip":
            return Result.skipped(f"{NO_MATCH} skipped")
        return self._hold(route, id, f"{NO_MATCH} held", []) if choice == "hold" else None

    def _hold(self, route: Route, id: str, reason: str, candidates: Sequence[str]) -> Result | None:
        """Hold a contact for a person to decide; `None` if a person has decided to create."""
        scope, side = route.scope, route.source.name
        before = self.held.find(scope.installation, side, id)
        if before is not None and before.decision == "create":
            self.held.drop(scope.installation, side, id)
            return None
        self.held.keep(scope.installation, HeldContact(side, id, reason, tuple(candidates)))
        return Result.failed(AMBIGUOUS if candidates else "held", reason=reason).with_(action="held")

    def _create(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any]) -> Result:
        plan = self.planner.plan(route, contact, None, there={}, first=True)
        result = self._deliver(claim, plan, "create", None)
        if result.action == "skipped":
            return result
        if not result.success:
            return self.adopt_existing(route, claim, id, contact, result)
        if result.id is None:
            return Result.failed(f"the {route.target.noun} was created, but the answer has no id to pair it with")
        pair = self.created_pair(plan, id, result)
        problem = self.record(claim, [pair])
        return self.unpaired(route, result.id, problem) if problem else Result.ok(result.id, action="created")

    def created_pair(self, plan: Plan, id: str, result: Result) -> SavePair:
        """The pair of a record that was created just now, with its baseline."""
        botmatic_id, external_id = plan.route.source.pair(id, str(result.id))
        known = KnownContact(botmatic_id, external_id)
        plan.settle(result.contact, self.planner.baseline(plan.route, known))
        return SavePair(botmatic_id, external_id, plan.packed())

    def adopt_existing(
        self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], refusal: Result
    ) -> Result:
        """Adopt the record that a refused create names: it exists already. Other refusals are answered as they are."""
        if refusal.id is None or refusal.retryable:
            return refusal
        found = self._read(claim, route.target, refusal.id)
        if not found.success and found.retryable:
            return found
        return self.adopt(route, claim, id, refusal.id, contact, found.contact)

    def adopt(
        self,
        route: Route,
        claim: ContactClaim,
        id: str,
        found_id: str,
        contact: Mapping[str, Any],
        record: Mapping[str, Any] | None,
    ) -> Result:
        """Pair with a record that was there already, and fill the blanks of both sides. Nothing is cleared.

        The pair is saved last: if something fails for now, the next try adopts again.
        """
        (other,) = self.claims.add(claim, [route.target.ref(found_id)])
        if other.paired:
            reason = f"the {route.target.noun} {found_id} is already paired with {route.source.noun} "
            held = self._hold(route, id, f"{reason}{route.source.id_in(other)}", [found_id])
            return held or self._create(route, claim, id, contact)
        botmatic_id, external_id = route.source.pair(id, found_id)
        known = KnownContact(botmatic_id, external_id)
        plan = self.planner.plan(route, contact, self.planner.baseline(route, known), there=record, first=True)
        result = Result.ok(found_id)
        if plan.merged.write:
            result = self._deliver(claim, plan, "update", found_id)
            if not result.success or result.action == "skipped":
                return result.with_(reason=result.reason or f"the {route.target.noun} {found_id} was not adopted")
        plan.settle(result.contact)
        back = self._take(claim, plan, id)
        if not back.success:
            left = f"the blanks of the {route.source.noun} {id} could not be filled from {found_id}"
            back = back.with_(reason=back.reason or left)
            if back.retryable:
                return back
        problem = self.record(claim, [SavePair(botmatic_id, external_id, plan.packed())])
        if problem:
            return self.unpaired(route, found_id, problem)
        return Result.ok(found_id, action="adopted") if back.success else back

    # What all of them need

    def record(self, claim: ContactClaim, pairs: Sequence[SavePair]) -> Result | None:
        """Save pairs of contacts that are paired from now on.

        A pair that is lost is a duplicate later, so a store that is away for a moment is waited for, and pairs that
        cannot be saved at all are named in the log.

        Returns:
            The failure, if they could not be saved.
        """
        pauses = list(RECORD_PAUSES)
        while pairs:
            try:
                claim.record(*pairs)
                break
            except Exception as error:  # noqa: BLE001 - a user's store may raise anything
                if not pauses or isinstance(error, InvalidId | ClaimLost):
                    for pair in pairs:
                        log.error(
                            "The pair of Botmatic %.200r and external %.200r could not be saved",
                            pair.botmatic_id,
                            pair.external_id,
                        )
                    return translate(error, "saving a pair")
            time.sleep(pauses.pop(0))
        return None

    def unpaired(self, route: Route, target_id: str, problem: Result) -> Result:
        """The failure of a contact whose pair could not be saved; it names the record."""
        reason = f"the {route.target.noun} {target_id} exists, but the pair could not be saved"
        return problem.with_(id=target_id, reason=reason)

    def _deliver(self, claim: ContactClaim, plan: Plan, kind: Any, id: str | None) -> Result:
        target = plan.route.target

        def deliver(change: Any, payload: dict[str, Any]) -> Result:
            plan.sent(payload)
            return target.write(change, payload)

        shape = target.shape if kind == "create" else plan.shape
        return self.writer.write(plan.change(kind, id), shape, deliver, claim)

    @staticmethod
    def _read(claim: ContactClaim, side: EngineSide, id: str) -> Result:
        claim.check()
        return side.read(id)
