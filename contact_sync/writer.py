"""The way out: a change goes through `send` and `format`, and then to its side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers import MappingError

from .contact_claim import ContactClaim
from .events import Change
from .failures import translate
from .pipeline import Pipeline, Stage
from .plans import Plan
from .results import Result
from .sides import EngineSide

Shape = Callable[[Change], dict[str, Any]]
"""Builds the payload of a change. May raise a `MappingError`."""

Deliver = Callable[[Change, dict[str, Any]], Result]
"""Makes the call with a payload."""


class Writer:
    """Writes changes.

    Args:
        pipeline: The user's middleware, for `send` and `format`.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def write(self, change: Change, shape: Shape, deliver: Deliver, claim: ContactClaim | None = None) -> Result:
        """Take a change through `send` and `format`, and deliver it.

        Args:
            claim: The claim under which it is written; made sure of just before the call.

        Raises:
            ClaimLost: The claim has ended meanwhile; nothing is written.
        """
        lost: list[Exception] = []
        made: list[Result] = []

        def checked(change: Change, payload: dict[str, Any]) -> Result:
            try:
                if claim is not None:
                    claim.check()
            except Exception as error:  # noqa: BLE001 - on its way through the middleware it would be taken for theirs
                lost.append(error)
                return translate(error, "a claim")
            result = deliver(change, payload)
            if change.kind == "create" and result.success and result.id is not None:
                made.append(result)
            return result

        def give_shape(change: Change) -> Result:
            try:
                payload = shape(change)
            except MappingError as error:
                return translate(error, "mapping")
            return self._pipeline.run(Stage.FORMAT, payload, lambda built: checked(change, built), change)

        result = self._pipeline.run(Stage.SEND, change, give_shape)
        if lost:
            raise lost[0]
        # Whatever middleware says afterwards, a record that was made has to be paired, or it is made twice.
        return made[0] if made and result.id != made[0].id else result

    def deliver(self, claim: ContactClaim, plan: Plan, kind: Any, id: str | None) -> Result:
        """Write to the target what a plan says. It notes what was sent."""
        target = plan.route.target

        def call(change: Change, payload: dict[str, Any]) -> Result:
            plan.sent(payload)
            return target.write(change, payload)

        return self.write(plan.change(kind, id), target.shape if kind == "create" else plan.shape, call, claim)

    def take(self, claim: ContactClaim, plan: Plan, id: str) -> Result:
        """Write to the source what it takes from the target, if it takes anything, and move the baseline."""
        if not plan.merged.take:
            return Result.ok(id)
        sent: list[dict[str, Any]] = []
        source = plan.route.source

        def call(change: Change, payload: dict[str, Any]) -> Result:
            sent.append(payload)
            return source.write(change, payload) if payload else Result.ok(id)

        result = self.write(plan.change_back(id), plan.shape_back, call, claim)
        if result.success and result.action != "skipped" and sent:
            plan.settle_back(sent[0])
        return result


def read(claim: ContactClaim, side: EngineSide, id: str) -> Result:
    """Read a record of a side under a claim.

    Raises:
        ClaimLost: It has ended.
    """
    claim.check()
    return side.read(id)
