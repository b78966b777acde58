"""The review list: contacts that are held, and what a person decides about them."""

from __future__ import annotations

from key_stores import KnownContact, SavePair

from .contact_claim import ContactClaim
from .engine import Engine
from .held import HeldContact
from .results import NOT_FOUND, Result
from .sides import EngineSide, Route


class Review:
    """Lists held contacts and settles them.

    Args:
        engine: What holds them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def held(self, installation: str) -> list[HeldContact]:
        """List the contacts that are held, oldest first. Those that have found a partner meanwhile are dropped.

        Raises:
            KeyStoreError: The store cannot be asked.
        """
        batches, held = self._engine.abilities.batches, self._engine.held
        waiting = held.all(installation)
        paired = {
            "botmatic": batches.get_external_ids(installation, [one.id for one in waiting if one.side == "botmatic"]),
            "ext": batches.get_botmatic_ids(installation, [one.id for one in waiting if one.side == "ext"]),
        }
        for one in waiting:
            if one.id in paired[one.side]:
                held.drop(installation, one.side, one.id)
        return [one for one in waiting if one.id not in paired[one.side]]

    def pair(self, route: Route, id: str, partner: str) -> Result:
        """Settle a held contact of the source: it is this record of the target.

        What the two have is merged when either side tells of it next; a contact of the CRM is read and merged at once.
        """
        refs = [route.source.ref(id), route.target.ref(partner)]
        result = self._engine.claimed(route, refs, lambda claim: self._pair(route, claim, id, partner))
        return self._again(route, id, result) if result.success else result

    def _pair(self, route: Route, claim: ContactClaim, id: str, partner: str) -> Result:
        held = self._find(route, id)
        if held is None:
            return _not_held(route, id)
        for known, side, own in zip(claim.contacts, (route.source, route.target), (id, partner), strict=True):
            if known.paired:
                return _paired(side, own)
        if route.target.readable:
            found = route.target.read(partner)
            if not found.success:
                missing = f"there is no {route.target.noun} {partner}"
                return found.with_(reason=missing) if found.not_found else found
        pair = route.source.pair(id, partner)
        begun = self._engine.planner.begun(route, KnownContact(*pair))  # the blanks of both are still to be filled
        claim.record(SavePair(*pair, begun))
        self._engine.held.drop(route.scope.installation, route.source.name, id)
        return Result.ok(partner, action="adopted")

    def create(self, route: Route, id: str) -> Result:
        """Settle a held contact of the source: it is none of the target's records, and gets one of its own.

        That is made when the platform tells of the contact next; for a contact of the CRM it is made at once.
        """
        decided = self._engine.claimed(route, [route.source.ref(id)], lambda claim: self._create(route, claim, id))
        return self._again(route, id, decided) if decided.success else decided

    def _create(self, route: Route, claim: ContactClaim, id: str) -> Result:
        held = self._find(route, id)
        if held is None:
            return _not_held(route, id)
        if claim.contacts[0].paired:
            return _paired(route.source, id)
        decided = HeldContact(held.side, id, held.reason, held.candidates, held.since, "create")
        self._engine.held.keep(route.scope.installation, decided)
        return Result.ok(id, action="held", reason="it is created when it is told of next")

    def _again(self, route: Route, id: str, otherwise: Result) -> Result:
        """Sync a contact at once, if its side can be read."""
        if not route.source.readable:
            return otherwise
        found = route.source.read(id)
        if not found.success or found.contact is None:
            return otherwise
        done = self._engine.save(route, found.contact)
        return otherwise if done.action == "unchanged" else done

    def _find(self, route: Route, id: str) -> HeldContact | None:
        return self._engine.held.find(route.scope.installation, route.source.name, id)


def _paired(side: EngineSide, id: str) -> Result:
    return Result.failed(f"the {side.noun} {id} is paired already; see 'contact-sync pairs'")


def _not_held(route: Route, id: str) -> Result:
    return Result.failed(NOT_FOUND, reason=f"the {route.source.noun} {id} is not held; see 'contact-sync held'")
