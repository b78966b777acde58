"""What ends a pair: a delete, a record that is found to be gone, a merger, and being forgotten."""

from __future__ import annotations

import uuid
from typing import Any, Final

from key_stores import Bury, DeletePair, KnownContact, SavePair
from mappers import Side

from .claims import Claims
from .consumer import READ_ONLY
from .contact_claim import ContactClaim
from .events import Change
from .held import Held
from .results import NOT_FOUND, Result
from .rules import Mark, Rules
from .sides import EngineSide, Route
from .traces import Traces
from .writer import Writer, read

IN_DOUBT: Final = "it may be there already: the answer got lost when the {} was created; its news is waited for"


FOR_GOOD_SECONDS: Final = 50 * 365 * 24 * 3600.0
"""How long it is remembered of a record that is still there that it must not come back: longer than anybody asks."""


class Endings:
    """Ends pairs, each under a claim on it.

    Args:
        claims: Claims the former partner of a contact that was found to be gone.
        writer: Writes to sides.
        rules: What a delete does, and what becomes of a pair whose other record is gone.
        traces: What is remembered of contacts that are in no pair.
        held: Who is held.
    """

    def __init__(self, claims: Claims, writer: Writer, rules: Rules, traces: Traces, held: Held) -> None:
        self._claims = claims
        self._writer = writer
        self._rules = rules
        self.traces = traces
        self._held = held

    def gone(self, route: Route, id: str, why: str) -> Result:
        """Say why nothing is done for a contact on which a tombstone lies."""
        doubt = self.traces.seconds_in_doubt(route.scope.installation, route.source.name, id)
        if doubt:
            return Result.failed(IN_DOUBT.format(route.target.noun), retryable=True, retry_after=doubt)
        winner = self.traces.winner_of(route.scope.installation, route.source.name, id)
        return Result.skipped(why if winner is None else _merged_into(route.source, winner))

    def delete(self, route: Route, claim: ContactClaim, id: str) -> Result:
        """Do to the partner of a contact that is gone what the policy says, and bury the pair."""
        known = claim.contacts[0]
        if not known.paired:
            winner = self.traces.winner_of(route.scope.installation, route.source.name, id)
            if winner is not None:
                return Result.skipped(_merged_into(route.source, winner))
            partner = self._former_partner(route, claim, id)
            if partner is None:
                self.traces.gone_too(route.scope.installation, route.source.name, id)
                self.traces.settle_doubt(route.scope.installation, route.source.name, id)
                self._held.drop(route.scope.installation, route.source.name, id)
                claim.later(self._grave(route, id))
                return Result.failed(NOT_FOUND, reason=f"this {route.source.noun} is not paired")
            known = KnownContact(*route.source.pair(id, partner))
        return self.end(route, claim, id, known)

    def end(self, route: Route, claim: ContactClaim, id: str, known: KnownContact) -> Result:
        """Do to the partner of a contact what the policy says."""
        policy = self._rules.deletes_to(route.target.name)
        partner = str(route.target.id_in(known))
        if policy == "ignore":
            return Result.skipped(f"deletes do not travel; the {route.target.noun} {partner} stays as it is")
        can = route.target.updates if isinstance(policy, Mark) else policy != "delete" or route.target.deletes
        if not can:
            return self._undeletable(route, claim, id, known)
        if policy == "unlink":
            claim.later(_unpairing(known), self._grave(route, id))
            return Result.skipped(f"deletes do not travel; the {route.target.noun} {partner} is unpaired")
        result = self._delete_on(route.target, claim, partner, policy)
        if result.action == "skipped" or not (result.success or result.not_found):
            return result
        # A record that was gone already is what was wanted. One that is marked stays, and must not come back.
        seconds = FOR_GOOD_SECONDS if isinstance(policy, Mark) else self._rules.tombstone_seconds
        self._bury(route, claim, id, partner, seconds)
        # Also whom it was paired with before: told of once more, its delete is not to reach that one, too.
        self.traces.drop_gone(route.scope.installation, route.source.name, id)
        if result.not_found or policy == "delete":
            return Result.ok(partner, action="deleted")
        if policy == "archive":
            return Result.ok(partner, action="deleted", reason="it is archived")
        return Result.ok(partner, action="updated", reason="it is marked as deleted")

    def _undeletable(self, route: Route, claim: ContactClaim, id: str, known: KnownContact) -> Result:
        """End the pair of a contact whose partner cannot be deleted; by the rules, the partner may come back."""
        partner = str(route.target.id_in(known))
        stays = f"{READ_ONLY}: the {route.target.noun} {partner} stays"
        if self._rules.read_only == "revert":
            claim.later(_unpairing(known), self._grave(route, id))
            return Result.skipped(f"{stays}; with its next news it counts as new")
        self._bury(route, claim, id, partner, FOR_GOOD_SECONDS)
        if self._rules.read_only == "error":
            return Result.failed(f"{stays}, and is not synced any more", id=partner, reason=READ_ONLY)
        return Result.skipped(f"{stays}, and is not synced any more")

    def _delete_on(self, side: EngineSide, claim: ContactClaim, id: str, policy: Any) -> Result:
        scope = side.scope
        if isinstance(policy, Mark):
            change = Change(side.name, "update", {}, id, scope.installation, scope.auth, ())
            marks = dict(policy.fields)
            return self._writer.write(change, lambda change: side.shape(change) | marks, side.write, claim)
        change = Change(side.name, "delete", {}, id, scope.installation, scope.auth)
        if policy == "archive":
            return self._writer.write(change, lambda _: {}, lambda change, _: side.archive(str(change.id)), claim)
        return self._writer.write(change, lambda _: {}, side.write, claim)

    def missing(self, route: Route, claim: ContactClaim, known: KnownContact) -> Result | None:
        """End the pair of a record that is found to be gone.

        Returns:
            What the event ends with; `None` if another record is to be made: the pair is no more then.
        """
        gone = f"the paired {route.target.noun} {route.target.id_in(known)} is gone"
        if self._rules.missing == "recreate":
            claim.record(_unpairing(known))
            return None
        if self._rules.missing == "unlink":
            claim.later(_unpairing(known))
            return Result.skipped(f"{gone}; the {route.source.noun} is unpaired and counts as new from now on")
        id, partner = str(route.target.id_in(known)), str(route.source.id_in(known))
        self.traces.note_gone(route.scope.installation, route.target.name, id, partner)
        claim.later(Bury(known.botmatic_id, known.external_id, self._rules.tombstone_seconds))
        return Result.skipped(f"{gone}; it counts as deleted")

    def merge(self, route: Route, claim: ContactClaim, loser: str, winner: str) -> Result:
        """Give the loser's partner to the winner. If the winner has one, the loser's is a part of that one."""
        installation, source, target = route.scope.installation, route.source, route.target
        lost, kept = claim.contacts
        self.traces.note_merger(installation, source.name, loser, winner)
        own = source.ref(loser)
        own_grave = Bury(own.botmatic_id, own.external_id, FOR_GOOD_SECONDS)
        if not lost.paired:
            self._held.drop(installation, source.name, loser)
        # An update may have found the loser gone before the news of the merger came.
        partner = target.id_in(lost) if lost.paired else self._former_partner(route, claim, loser)
        if partner is None:
            claim.later(own_grave)
            return Result.ok(target.id_in(kept), action="unchanged", reason=f"the {source.noun} {loser} was not paired")
        deleted = kept.buried and not self.traces.seconds_in_doubt(installation, source.name, winner)
        found = self._look_for(route, claim, winner) if deleted else None
        if found is not None and found.retryable:
            return found
        if not lost.paired:
            self.traces.drop_gone(installation, source.name, loser)
        if deleted:
            if found is not None and found.not_found:
                return self.end(route, claim, loser, KnownContact(*source.pair(loser, partner)))
            self._bury(route, claim, loser, partner, FOR_GOOD_SECONDS)
            stays = f"the {target.noun} {partner} stays, and is not synced any more"
            return Result.ok(partner, action="updated", reason=f"the {source.noun} {winner} counts as deleted; {stays}")
        if not kept.paired:
            claim.later(SavePair(*source.pair(winner, partner)), own_grave)
            return Result.ok(partner, action="updated")
        other = str(target.id_in(kept))
        self.traces.note_merger(installation, target.name, partner, other)
        self._bury(route, claim, loser, partner, FOR_GOOD_SECONDS)
        return Result.ok(
            other, action="updated", reason=f"the {target.noun} {partner} stays, and is not synced any more"
        )

    def _look_for(self, route: Route, claim: ContactClaim, id: str) -> Result | None:
        """Read a contact that has a tombstone; `None` if it may be there all the same.

        It may if it is marked, or if its partner alone was gone. If the side cannot be read, the tombstone is believed.
        """
        if isinstance(self._rules.deletes_to(route.source.name), Mark):
            return None
        if self.traces.was_left(route.scope.installation, route.source.name, id):
            return None
        return read(claim, route.source, id) if route.source.readable else Result.failed(NOT_FOUND)

    def remembers(self, route: Route, id: str) -> bool:
        """Whether anything is kept about a contact that is in no pair and has no tombstone."""
        installation, side = route.scope.installation, route.source.name
        return self._held.mentions(installation, side, id) or self.traces.mention(installation, side, id)

    def forget(self, route: Route, claim: ContactClaim, id: str) -> Result:
        """Erase all that is kept about a contact and its partner, also one that it was buried with."""
        installation, known = route.scope.installation, claim.contacts[0]
        found = known.paired or known.buried
        former = None if known.paired else self.traces.buried_with(installation, route.source.name, id)
        if former is not None and not self._claims.add(claim, [route.target.ref(former)])[0].paired:
            known = KnownContact(*route.source.pair(id, former))
        # Saving a pair lifts the tombstones of its ids; with none, one id is paired with nobody for that moment.
        nobody = uuid.uuid4().hex
        botmatic_id, external_id = known.botmatic_id or nobody, known.external_id or nobody
        claim.record(SavePair(botmatic_id, external_id), DeletePair(botmatic_id, external_id))
        ids: dict[Side, str | None] = {"botmatic": known.botmatic_id, "ext": known.external_id}
        for side, own in ids.items():
            if own is not None:
                found |= self._held.forget(installation, side, own)
                found |= self.traces.forget(installation, side, own)
        return Result.ok(id, action="deleted" if found else "unchanged")

    def _former_partner(self, route: Route, claim: ContactClaim, id: str) -> str | None:
        """With whom a contact was paired that was found to be gone, unless that one has a new partner by now."""
        partner = self.traces.partner_of_gone(route.scope.installation, route.source.name, id)
        if partner is None:
            return None
        (known,) = self._claims.add(claim, [route.target.ref(partner)])
        if known.paired:
            self.traces.drop_gone(route.scope.installation, route.source.name, id)
            return None
        return partner

    def _bury(self, route: Route, claim: ContactClaim, id: str, partner: str, seconds: float) -> None:
        """Have a contact and its partner buried, and remember that they lie together."""
        botmatic_id, external_id = route.source.pair(id, partner)
        self.traces.note_grave(route.scope.installation, botmatic_id, external_id, seconds)
        claim.later(Bury(botmatic_id, external_id, seconds))

    def _grave(self, route: Route, id: str) -> Bury:
        own = route.source.ref(id)
        return Bury(own.botmatic_id, own.external_id, self._rules.tombstone_seconds)


def _unpairing(known: KnownContact) -> DeletePair:
    return DeletePair(str(known.botmatic_id), str(known.external_id))


def _merged_into(side: EngineSide, winner: str) -> str:
    return f"it was merged into the {side.noun} {winner}"
