"""A contact that is in no pair: its partner is found, or made, and the two are paired.

A pair is saved directly after a create, before anything else can fail. An adoption that failed for now is repeated
whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from key_stores import Bury, InvalidId, KnownContact, SavePair

from .claims import Claims
from .consumer import EXISTS, READ_ONLY
from .contact_claim import ContactClaim
from .errors import ClaimLost
from .failures import translate
from .held import Held, HeldContact
from .identity import AMBIGUOUS, Identity
from .planner import Planner
from .plans import Plan
from .results import Result
from .rules import Rules
from .sides import Route
from .traces import DOUBT_SECONDS, Traces
from .writer import Writer, read

log = logging.getLogger(__name__)

RECORD_PAUSES: Final = (0.1, 0.3, 1.0)
"""How long to wait, in seconds, before a pair is saved once more."""

NO_CREATE: Final = "nothing can be created there"
NOT_FOUND_EITHER: Final = (
    "it is not found by the match rows, nor by the consumer's unique_keys. Map what makes a record unique, and have "
    "find_contact find it"
)
NO_MATCH: Final = "no record is like it, and such contacts are"


class Pairing:
    """Pairs contacts, each under a claim on it.

    Args:
        claims: Claims what is found.
        identity: Who is who.
        planner: What is to be written.
        writer: Writes it.
        rules: What becomes of a contact that is found nowhere.
        held: Who is held for a person to decide.
        traces: Whose creation is in doubt.
    """

    def __init__(
        self,
        claims: Claims,
        identity: Identity,
        planner: Planner,
        writer: Writer,
        rules: Rules,
        held: Held,
        traces: Traces,
    ) -> None:
        self._claims = claims
        self._identity = identity
        self._planner = planner
        self._writer = writer
        self._rules = rules
        self._held = held
        self._traces = traces

    def find_partner(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any]) -> Result:
        """Find a partner for a contact that has none, and pair the two; where there is none, make one."""
        found = self._identity.resolve(route, contact)
        if found.success and found.id is not None:
            return self.adopt(route, claim, id, found.id, contact, found.contact)
        if found.error == AMBIGUOUS:
            ids = [route.target.id_of(record) for record in found.contacts or ()]
            held = self._decided_or_held(route, id, found.reason or "", [each for each in ids if each is not None])
            return held or self._create(route, claim, id, contact, decided=True)
        if not found.not_found:
            return found
        return (
            self.adopt_doubtful(route, claim, id, contact)
            or self.unmatched(route, id)
            or self._create(route, claim, id, contact, decided=self._rules.unmatched_to(route.target.name) == "hold")
        )

    def adopt_doubtful(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any]) -> Result | None:
        """Adopt the contact that this one was made from, by a create whose answer got lost; `None` if there is none."""
        installation, side = route.scope.installation, route.target.name
        looks = next(iter(self._identity.guards(route, contact)), None)
        found = None if looks is None else self._traces.looks_like(installation, side, looks)
        if found is None or looks is None:
            return None
        (other,) = self._claims.add(claim, [route.target.ref(found)])
        if other.paired:
            self._traces.settle_doubt(installation, side, found, looks)
            return None
        merged = self._traces.winner_of(installation, side, found) is not None
        if merged or (other.buried and not self._traces.seconds_in_doubt(installation, side, found)):
            # It may have been made from that one; it may as well be somebody else's, who merely looks like it.
            gone = f"was made of the {route.target.noun} {found}, which is {'merged' if merged else 'deleted'} by now"
            return self._decided_or_held(route, id, f"it looks as if it {gone}", [])
        record = read(claim, route.target, found)
        if record.retryable:
            return record
        if record.not_found and route.target.readable:  # gone by now; the news of that is still to come
            problem = self.record(claim, [SavePair(*route.source.pair(id, found))])
            adopted = problem or Result.ok(found, action="adopted")
        else:
            adopted = self.adopt(route, claim, id, found, contact, record.contact)
        if adopted.success:
            self._traces.settle_doubt(installation, side, found, looks)
        return adopted

    def in_doubt(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any]) -> None:
        """Take note that a contact may have been created on the target: the target may tell of it before the next try.

        Where the next try cannot find it, it waits for that.
        """
        guards = self._identity.guards(route, contact)
        waits = not self._identity.is_searchable(route, contact)
        if guards:
            self._traces.note_doubt(route.scope.installation, route.source.name, id, guards[0], waits=waits)
        if guards and waits:
            own = route.source.ref(id)
            claim.later(Bury(own.botmatic_id, own.external_id, DOUBT_SECONDS))

    def unmatched(self, route: Route, id: str) -> Result | None:
        """What becomes of a contact that was found nowhere; `None` if one is created."""
        choice = self._rules.unmatched_to(route.target.name)
        refusal = self.uncreatable(route)
        if refusal is not None:
            return refusal
        if choice == "skip":
            return Result.skipped(f"{NO_MATCH} skipped")
        return self._decided_or_held(route, id, f"{NO_MATCH} held", []) if choice == "hold" else None

    def uncreatable(self, route: Route) -> Result | None:
        """Say that nothing can be created on the target, if that is so."""
        if route.target.creates:
            return None
        if self._rules.read_only == "error":
            return Result.failed(f"{NO_CREATE}, and no {route.target.noun} is like it", reason=READ_ONLY)
        return Result.skipped(f"{NO_CREATE}, and no {route.target.noun} is like it")

    def _decided_or_held(self, route: Route, id: str, reason: str, candidates: Sequence[str]) -> Result | None:
        """Hold a contact for a person to decide; `None` if a person has decided to create."""
        scope, side = route.scope, route.source.name
        before = self._held.find(scope.installation, side, id)
        if before is not None and before.decision == "create":
            return None  # it stays decided until the pair is there: the create may have to be tried again
        self._held.keep(scope.installation, HeldContact(side, id, reason, tuple(candidates)))
        return Result.failed(AMBIGUOUS if candidates else "held", reason=reason).with_(action="held")

    def _create(
        self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], *, decided: bool
    ) -> Result:
        refusal = self.uncreatable(route)
        if refusal is not None:
            return refusal
        plan = self._planner.plan(route, contact, None, there={}, first=True)
        result = self._writer.deliver(claim, plan, "create", None)
        if result.action == "skipped":
            return result
        if not result.success:
            if result.in_doubt:
                self.in_doubt(route, claim, id, contact)
            return self.adopt_existing(route, claim, id, contact, result)
        if result.id is None:
            return Result.failed(f"the {route.target.noun} was created, but the answer has no id to pair it with")
        pair = self.created_pair(plan, id, result)
        problem = self.record(claim, [pair])
        if decided and problem is None:
            self._held.drop(route.scope.installation, route.source.name, id)
        return self.unpaired(route, result.id, problem) if problem else Result.ok(result.id, action="created")

    def created_pair(self, plan: Plan, id: str, result: Result) -> SavePair:
        """The pair of a record that was created just now, with its baseline."""
        botmatic_id, external_id = plan.route.source.pair(id, str(result.id))
        known = KnownContact(botmatic_id, external_id)
        try:
            baseline = self._planner.baseline(plan.route, known)
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything; the pair alone is worth more
            translate(error, "the key of a baseline")
            return SavePair(botmatic_id, external_id)
        plan.settle(result.contact, baseline)
        return SavePair(botmatic_id, external_id, plan.packed())

    def adopt_existing(
        self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], refusal: Result
    ) -> Result:
        """Adopt the record that a refused create names: it exists already. Other refusals are answered as they are."""
        if refusal.retryable:
            return refusal
        if refusal.id is None:
            return self._adopt_unnamed(route, claim, id, contact, refusal) if refusal.reason == EXISTS else refusal
        held = self._held.find(route.scope.installation, route.source.name, id)
        if held is not None and held.decision == "create" and refusal.id in held.candidates:
            reason = (
                f"a person has decided that it is not the {route.target.noun} {refusal.id}, beside which none is made"
            )
            return refusal.with_(reason=refusal.reason or reason)
        found = read(claim, route.target, refusal.id)
        if not found.success and found.retryable:
            return found
        return self._adopt_in_the_way(route, claim, id, refusal.id, contact, found.contact, refusal)

    def _adopt_unnamed(
        self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], refusal: Result
    ) -> Result:
        """Adopt the record that is in the way of a create, and that is not named: it is looked for once more."""
        found = self._identity.find_existing(route, contact)
        if found.not_found:  # an index that lags, or a rule of the CRM's own
            return refusal.with_(error=f"{refusal.error}; {NOT_FOUND_EITHER}")
        if not found.success or found.id is None:
            return found
        return self._adopt_in_the_way(route, claim, id, found.id, contact, found.contact, refusal)

    def _adopt_in_the_way(
        self,
        route: Route,
        claim: ContactClaim,
        id: str,
        found_id: str,
        contact: Mapping[str, Any],
        record: Mapping[str, Any] | None,
        refusal: Result,
    ) -> Result:
        """Adopt a record that is in the way of a create, unless all match fields say that it is somebody else."""
        differs = None if record is None else self._identity.contradiction(route, contact, record)
        if differs is not None:  # some other rule of the CRM's is in the way
            reason = f"the {route.target.noun} {found_id} is in the way, and differs in {differs}"
            return self._decided_or_held(route, id, reason, [found_id]) or refusal
        return self.adopt(route, claim, id, found_id, contact, record, refusal)

    def adopt(
        self,
        route: Route,
        claim: ContactClaim,
        id: str,
        found_id: str,
        contact: Mapping[str, Any],
        record: Mapping[str, Any] | None,
        refusal: Result | None = None,
    ) -> Result:
        """Pair with a record that was there already, and fill the blanks of both sides. Nothing is cleared.

        If something fails for now, the pair is saved with a baseline that says so (where the store keeps any), and the
        next try adopts again: meanwhile, news of the record makes no second contact.
        """
        (other,) = self._claims.add(claim, [route.target.ref(found_id)])
        if other.paired and route.source.id_in(other) != id:
            reason = f"the {route.target.noun} {found_id} is already paired with {route.source.noun} "
            held = self._decided_or_held(route, id, f"{reason}{route.source.id_in(other)}", [found_id])
            # What was refused once would be refused again, and name the same record.
            return held or refusal or self._create(route, claim, id, contact, decided=True)
        if other.buried:  # perhaps because it was in doubt whether this contact was made from it
            self._traces.settle_doubt(route.scope.installation, route.target.name, found_id)
        botmatic_id, external_id = route.source.pair(id, found_id)
        known = KnownContact(botmatic_id, external_id)
        plan = self._planner.plan(route, contact, self._planner.baseline(route, known), there=record, first=True)
        result = Result.ok(found_id)
        if plan.merged.write:
            result = self._writer.deliver(claim, plan, "update", found_id)
            if result.retryable:
                self._begin(route, claim, known)
            if not result.success or result.action == "skipped":
                return result.with_(reason=result.reason or f"the {route.target.noun} {found_id} was not adopted")
        plan.settle(result.contact)
        back = self._writer.take(claim, plan, id)
        if not back.success:
            left = f"the blanks of the {route.source.noun} {id} could not be filled from {found_id}"
            back = back.with_(reason=back.reason or left)
            if back.retryable:
                self._begin(route, claim, known)
                return back
        plan.touch("botmatic", "ext")  # an earlier try of this may have got further than is known
        problem = self.record(claim, [SavePair(botmatic_id, external_id, plan.packed())])
        if problem:
            return self.unpaired(route, found_id, problem)
        return Result.ok(found_id, action="adopted") if back.success else back

    def _begin(self, route: Route, claim: ContactClaim, known: KnownContact) -> None:
        begun = self._planner.begun(route, known)
        if begun is not None and known.botmatic_id is not None and known.external_id is not None:
            claim.later(SavePair(known.botmatic_id, known.external_id, begun))

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
