"""Who of a batch has a partner already, and who is to be created with the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync.claims import Claims
from contact_sync.contact_claim import ContactClaim
from contact_sync.engine import Engine
from contact_sync.pairing import Pairing
from contact_sync.results import Result
from contact_sync.sides import Route

from .parts import QUEUED, Contact


class Gathering(Pairing):
    """Finds partners as ever, only that whoever is to be created waits for the others.

    A record that somebody else holds is not waited for: while it waits, a whole batch would stand still, and perhaps
    that other one waits for a contact of this very batch. `Busy` says that the contact has to come later.

    Args:
        engine: What finds partners one by one.
        doubts: Whether there is any contact whose creation is in doubt, which is not asked for each of them.

    Attributes:
        decided: The ids of those that wait because a person has decided that they be created.
    """

    def __init__(self, engine: Engine, *, doubts: bool) -> None:
        at_once = Claims(engine.abilities.leases, engine.abilities.claims, wait=0.0)
        super().__init__(
            at_once, engine.identity, engine.planner, engine.writer, engine.rules, engine.held, engine.traces
        )
        self._doubts = doubts
        self.decided: set[str] = set()

    def partner_of(self, route: Route, claim: ContactClaim, one: Contact) -> Result:
        """Do what `find_partner` does; without a look-up where the target has none."""
        if route.target.readable:
            return self.find_partner(route, claim, one.id, one.contact)
        held = self._rules.unmatched_to(route.target.name) == "hold"
        return (
            self.adopt_doubtful(route, claim, one.id, one.contact)
            or self.unmatched(route, one.id)
            or self._create(route, claim, one.id, one.contact, decided=held)
        )

    def adopt_doubtful(self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any]) -> Result | None:
        return super().adopt_doubtful(route, claim, id, contact) if self._doubts else None

    def _create(
        self, route: Route, claim: ContactClaim, id: str, contact: Mapping[str, Any], *, decided: bool
    ) -> Result:
        del claim, contact
        refusal = self.uncreatable(route)
        if refusal is not None:
            return refusal
        if decided:
            self.decided.add(id)
        return QUEUED
