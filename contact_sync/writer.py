"""The way out: a change goes through `send` and `format`, and then to its side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers import MappingError

from .contact_claim import ContactClaim
from .events import Change
from .failures import translate
from .pipeline import Pipeline, Stage
from .results import Result

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

        def checked(change: Change, payload: dict[str, Any]) -> Result:
            try:
                if claim is not None:
                    claim.check()
            except Exception as error:  # noqa: BLE001 - on its way through the middleware it would be taken for theirs
                lost.append(error)
                return translate(error, "a claim")
            return deliver(change, payload)

        def give_shape(change: Change) -> Result:
            try:
                payload = shape(change)
            except MappingError as error:
                return translate(error, "mapping")
            return self._pipeline.run(Stage.FORMAT, payload, lambda built: checked(change, built), change)

        result = self._pipeline.run(Stage.SEND, change, give_shape)
        if lost:
            raise lost[0]
        return result
