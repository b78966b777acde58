"""The stages that every event and every change pass, and the user's middleware in them.

    in:   ingest → normalize → categorize → receive → heard → (the handler)
    out:  send → format → (the call)

In each stage the built-in step runs first, then the user's functions in order of registration. A function gets the
item and `next`; it goes on with `next()`, or with `next(changed)` to put another item in its place, and gives back
what `next` returned. Giving back a `Result` without calling `next` stops the way there.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from .errors import ConfigurationError
from .failures import FAULTS, translate
from .results import Result, to_result

T = TypeVar("T")

Middleware = Callable[..., Any]
"""`f(item, next)`; in the `format` stage `f(change, payload, next)`. Gives back a `Result`."""


class Stage(StrEnum):
    """The names of the stages, in order, and what a function in each receives."""

    INGEST = "ingest"  # webhook.Request: bytes and headers; verified and within the limits
    NORMALIZE = "normalize"  # Event, as the platform named it
    CATEGORIZE = "categorize"  # Event; the place to give it another name
    RECEIVE = "receive"  # Event in final form, before any handler
    HEARD = "heard"  # Event for which a listener, or the sync itself, is registered by exact name
    SEND = "send"  # Change, before it is given a shape
    FORMAT = "format"  # Change and the payload for the other side's API


class Pipeline:
    """The user's middleware by stage. Runs it in order, and survives whatever it does."""

    def __init__(self) -> None:
        self._functions: dict[Stage, tuple[Middleware, ...]] = dict.fromkeys(Stage, ())
        self._lock = threading.Lock()

    def use(self, stage: str, function: Middleware) -> None:
        """Add a function at the end of a stage.

        Raises:
            ConfigurationError: There is no such stage, or `function` cannot be called.
        """
        try:
            stage = Stage(stage)
        except ValueError:
            known = ", ".join(Stage)
            raise ConfigurationError(f"middleware: there is no stage {stage!r}; use one of {known}") from None
        if not callable(function):
            raise ConfigurationError(f"middleware({stage!r}): expected a function, got {type(function).__name__}")
        if inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"middleware({stage!r}): it is called from threads; write 'def', not 'async def'")
        with self._lock:
            self._functions[stage] += (function,)

    def run(self, stage: Stage, item: T, then: Callable[[T], Result], *context: object) -> Result:
        """Run a stage's functions over an item, then `then`.

        Args:
            stage: The stage.
            item: What goes through; a function may put another in its place.
            then: What comes after the stage. It is called once at the most, and never raises.
            context: What the functions receive before the item.

        Returns:
            What `then` gave, or what a function gave back instead. A function that raises, or neither goes on nor
            gives back a `Result`, makes it a failure.
        """
        return self._step(stage, self._functions[stage], item, then, context)

    def _step(
        self,
        stage: Stage,
        functions: tuple[Middleware, ...],
        item: T,
        then: Callable[[T], Result],
        context: tuple[object, ...],
    ) -> Result:
        if not functions:
            return then(item)
        function, rest = functions[0], functions[1:]
        source = f"{stage} middleware {getattr(function, '__name__', type(function).__name__)}"
        gone_on: list[Result] = []

        def go_on(*changed: T) -> Result:
            if not gone_on:  # a second call changes nothing: one event, one effect
                gone_on.append(self._step(stage, rest, changed[0] if changed else item, then, context))
            return gone_on[0]

        try:
            answer = function(*context, item, go_on)
        except FAULTS as error:
            return translate(error, source)
        if gone_on and (answer is None or answer is gone_on[0]):
            return gone_on[0]  # as it is: what a listener answered belongs to this very result
        if answer is None:
            return Result.failed(f"{source} neither called next() nor returned a Result")
        return to_result(answer, source)
