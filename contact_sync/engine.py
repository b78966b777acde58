"""One engine for both directions: claim → resolve → merge → write → record.

`save` takes one contact of one side and makes the other side agree. It holds a claim on the contact while it works,
saves a pair directly after a create, before anything else can fail, and never raises. What ends a pair is in `endings`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from key_stores import ContactRef, KnownContact, SavePair
from mappers import Mapper

from .abilities import Abilities
from .baselines import Keys, is_begun
from .claims import Claims
from .conflicts import Conflicts
from .consumer import READ_ONLY, one_event
from .contact_claim import ContactClaim
from .endings import Endings
from .failures import translate
from .held import Held
from .identity import Identity
from .pairing import Pairing
from .pipeline import Pipeline
from .planner import Planner
from .plans import Plan
from .platforms import Platform
from .results import NOT_FOUND, Result
from .rules import Rules
from .scopes import Scope
from .sides import ExternalSide, PlatformSide, Route
from .traces import Traces
from .writer import Writer, read

log = logging.getLogger(__name__)

NO_ID: Final = "the contact has no usable id: text that is not empty, or a whole number"
GONE: Final = "it was deleted; a late event does not bring it back"
REFUSED: Final = f"{READ_ONLY}: {{}}"
OLDER: Final = "it is older than what was written there since"


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
        self.keys = keys
        self.planner = Planner(mapper, rules, abilities, keys)
        self.identity = Identity(mapper, rules)
        self.writer = Writer(pipeline)
        self.held = Held(abilities.records)
        self.conflicts = Conflicts()
        self.traces = Traces(abilities.records, keys)
        self.endings = Endings(claims, self.writer, rules, self.traces, self.held)
        self.pairing = Pairing(claims, self.identity, self.planner, self.writer, rules, self.held, self.traces)

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
        own = route.source.ref(id)
        return self.claimed(route, [own], lambda claim: self._save(route, claim, id, contact, create))

    def delete(self, route: Route, id: str) -> Result:
        """Do what a delete is to do to the partner of a contact that is gone from the source, and bury the pair.

        Returns:
            The `id` of the target's record that was deleted; `NOT_FOUND` if the contact has no partner.
        """
        return self.claimed(route, [route.source.ref(id)], lambda claim: self.endings.delete(route, claim, id))

    def merge_contacts(self, route: Route, loser: str, winner: str) -> Result:
        """Take note that two contacts of the source have become one: the winner, who gets the loser's partner."""
        winner = self.traces.winner_of(route.scope.installation, route.source.name, winner) or winner
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
            with one_event(), self.claims.contacts(route.scope.installation, refs) as claim:
                result = work(claim)
            return result
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return translate(error, f"the sync of a {route.source.noun}")

    def _save(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], create: bool) -> Result:
        known = claim.contacts[0]
        if known.paired:
            begun = is_begun(known.baseline) and route.target.readable
            return (self._adopt_again if begun else self.update)(route, claim, known, contact)
        if known.buried:
            return self.endings.gone(route, id, GONE)
        if not create:
            return Result.failed(NOT_FOUND, reason=f"this {route.source.noun} is not paired")
        # Two contacts with one e-mail address, or the same person from both sides, must not be created twice at once.
        known, *_ = self.claims.widen(claim, [route.source.ref(id, self.identity.guards(route, contact))])
        if known.paired:  # by the other side, while this one waited
            return self.update(route, claim, known, contact)
        if known.buried:
            return self.endings.gone(route, id, GONE)
        return self.pairing.find_partner(route, claim, id, contact)

    def _adopt_again(
        self, route: Route, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]
    ) -> Result:
        """Finish an adoption that failed for now."""
        partner = str(route.target.id_in(known))
        found = read(claim, route.target, partner)
        if found.not_found:
            return self.missing(route, claim, known, contact)
        if found.retryable:
            return found
        return self.pairing.adopt(route, claim, str(route.source.id_in(known)), partner, contact, found.contact)

    # A contact that has a partner

    def update(self, route: Route, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]) -> Result:
        """Write to the partner of a contact what has changed."""
        plan = self.plan_update(route, claim, known, contact)
        if isinstance(plan, Result):
            return plan
        partner = str(route.target.id_in(known))
        result = self.writer.deliver(claim, plan, "update", partner) if plan.merged.write else Result.ok(partner)
        return self.written(claim, known, contact, plan, result)

    def written(
        self, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any], plan: Plan, result: Result
    ) -> Result:
        """Take note of what came of writing to the partner of a contact; then the source takes what it is to take.

        Args:
            plan: What was to be written.
            result: What the target answered; a success if the plan has nothing for it.
        """
        if not plan.has_news:
            plan.settle(None)
            self.keep(claim, known, plan)
            return self.unchanged(plan, known)
        if result.not_found:
            return self.missing(plan.route, claim, known, contact)
        if result.in_doubt:
            plan.touch(plan.route.target.name)
            self.keep(claim, known, plan)
        if not result.success or result.action == "skipped":
            return result
        plan.settle(result.contact)
        back = self.writer.take(claim, plan, str(plan.route.source.id_in(known)))
        self.keep(claim, known, plan)
        return self.updated(plan, known) if back.success else back

    def plan_update(
        self,
        route: Route,
        claim: ContactClaim,
        known: KnownContact,
        contact: Mapping[str, Any],
        read_at: float | None = None,
    ) -> Plan | Result:
        """Decide what is to be written; either side is read first, where that has to be known. A result ends it.

        Args:
            read_at: When the contact was read; `None` if its side has told of it.
        """
        plan = self.planner.plan(route, contact, self.planner.baseline(route, known))
        if plan.is_doubtful(read_at):
            fresh = read(claim, route.source, str(route.source.id_in(known)))
            if fresh.not_found:
                return Result.skipped(f"the {route.source.noun} is gone by now")
            if fresh.retryable:
                return fresh
            if fresh.success and fresh.contact is not None:
                contact = fresh.contact
                plan = self.planner.plan(route, contact, self.planner.baseline(route, known))
                plan.was_read(route.source.name)
        if plan.wants_the_other_side:
            found = read(claim, route.target, str(route.target.id_in(known)))
            if found.not_found:
                return self.missing(route, claim, known, contact)
            if not found.success or found.contact is None:
                return found if not found.success else Result.failed("a record was read, but not given")
            plan = self.planner.plan(route, contact, self.planner.baseline(route, known), there=found.contact)
        return plan

    def unchanged(self, plan: Plan, known: KnownContact) -> Result:
        """Say that nothing was to be done."""
        id = plan.route.target.id_in(known)
        return self._said(Result.ok(id, action="unchanged", reason=OLDER if plan.stale else None), plan)

    def updated(self, plan: Plan, known: KnownContact) -> Result:
        """Say what was done, and report the conflicts."""
        self.conflicts.report(plan, known)
        result = Result.ok(plan.route.target.id_in(known), action="updated")
        return self._said(result.with_(conflicts=tuple(plan.conflicts)) if plan.conflicts else result, plan)

    def _said(self, result: Result, plan: Plan) -> Result:
        """Name what was not written because the target cannot take it."""
        if not plan.refused:
            return result
        reason = REFUSED.format(", ".join(plan.refused))
        if self.rules.read_only == "error":
            return Result.failed(reason, id=result.id, reason=READ_ONLY)
        return result.with_(reason=reason)

    def keep(self, claim: ContactClaim, known: KnownContact, plan: Plan) -> None:
        """Have the baseline kept when the claim is given back, if it has moved."""
        packed = plan.packed()
        if packed is not None and known.botmatic_id is not None and known.external_id is not None:
            claim.later(SavePair(known.botmatic_id, known.external_id, packed))

    def missing(self, route: Route, claim: ContactClaim, known: KnownContact, contact: Mapping[str, Any]) -> Result:
        """End a pair whose other record is gone, or make another record, as the user wants it."""
        if self.rules.missing == "recreate" and route.source.readable:  # what was told may be a part of it, or old
            fresh = read(claim, route.source, str(route.source.id_in(known)))
            if fresh.retryable:
                return fresh
            contact = contact if fresh.contact is None else fresh.contact
        result = self.endings.missing(route, claim, known)
        if result is not None:
            return result
        id = str(route.source.id_in(known))  # the pair is no more; what it may be recognised by has to be claimed now
        self.claims.add(claim, [route.source.ref(id, self.identity.guards(route, contact))])
        return self.pairing.find_partner(route, claim, id, contact)
