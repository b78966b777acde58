"""The user's listeners: how they are found by name, and what is made of their answers."""

from __future__ import annotations

import inspect
import json
import logging
import re
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import ConfigurationError
from .events import Event
from .failures import FAULTS, translate
from .results import Result, to_result

log = logging.getLogger(__name__)

Listener = Callable[[Event], Any]
"""A user's function for an event or an action. Returns a dict or a `Result`."""

Kind = Literal["event", "action", "external_event"]
"""What is listened to: events of the platform, its actions, or events of the CRM."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to an event.

    Attributes:
        handled: The outer `success`: whether a listener, or the sync itself, handled it.
        result: What came of it. A retryable failure is answered with 503.
        data: What goes into `data`. Left out of `repr`.
        type: The envelope's type.
        status: The HTTP status, unless the failure is retryable.
        more: What else a listener put into its envelope. Left out of `repr`.
    """

    handled: bool
    result: Result
    data: Any = field(repr=False)
    type: object = "data"
    status: int = 200
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, result: Result) -> Reply:
        """Handled, and this came of it. A contact itself is never answered."""
        return cls(handled=True, result=result, data=result.with_(contact=None, contacts=None).to_dict())

    @classmethod
    def failed(cls, result: Result, *, status: int = 200) -> Reply:
        """Nobody handled it, or who should have failed at it."""
        return cls(handled=False, result=result, data={"error": result.error}, status=status)

    def to_dict(self) -> dict[str, Any]:
        """The envelope."""
        return {**self.more, "data": self.data, "type": self.type, "success": self.handled}


class Listeners:
    """The user's listeners by kind and name.

    A name is also a regular expression for the whole name. The exact name wins, then patterns in order of
    registration.
    """

    def __init__(self) -> None:
        # Replaced as a whole, never changed: requests under way go on reading the one that they have.
        self._registered: Mapping[tuple[Kind, str], tuple[re.Pattern[str], Listener]] = {}
        self._lock = threading.Lock()

    def add(self, kind: Kind, name: str, listener: Listener) -> None:
        """Register a listener. A second one for the same name takes the first one's place.

        Raises:
            ConfigurationError: The name is empty, no text, or no regular expression; or the listener is no function.
        """
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"on_{kind}: the name must be text that is not empty")
        key = (kind, str(name))
        if not callable(listener):
            raise ConfigurationError(f"on_{kind}({key[1]!r}): expected a function, got {type(listener).__name__}")
        if inspect.iscoroutinefunction(listener):
            raise ConfigurationError(f"on_{kind}({key[1]!r}): it is called from threads; write 'def', not 'async def'")
        try:
            pattern = re.compile(key[1])
        except re.error as error:
            raise ConfigurationError(f"on_{kind}({key[1]!r}): not a regular expression: {error}") from None
        with self._lock:
            if key in self._registered:
                log.warning("on_%s(%r) was registered again; the new listener takes the old one's place", *key)
            self._registered = {**self._registered, key: (pattern, listener)}

    def has_exact(self, kind: Kind, name: str) -> bool:
        """Whether there is a listener of exactly this name."""
        return (kind, name) in self._registered

    def of(self, event: Event) -> Listener | None:
        """The one listener that runs for an event, or `None`."""
        return self.find("external_event" if event.side == "ext" else event.kind, event.name)

    def find(self, kind: Kind, name: str) -> Listener | None:
        """The one listener that runs for a name, or `None`."""
        registered = self._registered
        exact = registered.get((kind, name))
        if exact is not None:
            return exact[1]
        for key, (pattern, listener) in registered.items():
            if key[0] == kind and pattern.fullmatch(name):
                return listener
        return None


def call(listener: Listener, event: Event) -> tuple[Any, Result | None]:
    """Call a listener, whatever it does.

    Returns:
        What it returned, and the failure if it did not run to its end.
    """
    source = _source(event)
    try:
        said = listener(event)
    except FAULTS as error:
        return None, translate(error, source).with_(error=f"{source} failed", retryable=False, retry_after=None)
    if isinstance(said, Coroutine):
        said.close()  # else Python warns later, and elsewhere, that it was never awaited
        problem = f"{source} is an 'async def'; listeners are called from threads: write 'def'"
        log.warning("%s", problem)
        return None, Result.failed(problem)
    return said, None


def run(listener: Listener, event: Event) -> Reply:
    """Run a listener and make a reply of what it returns, whatever it does."""
    said, failure = call(listener, event)
    if failure is not None:
        return Reply.failed(failure)
    source = _source(event)
    result = to_result(said, source) if isinstance(said, Result) else None
    data = said if result is None else result.to_dict()
    if not _is_json(data):
        return Reply.failed(Result.failed(f"{source} returned something that JSON cannot carry"))
    if result is not None:
        return Reply(handled=True, result=result, data=data)
    if isinstance(said, Mapping) and "data" in said and "type" in said:
        result = _outcome(said["data"], source)
        if said.get("success") is False and result.success:
            result = Result.failed(f"{source} failed")
        return Reply(handled=True, result=result, data=said["data"], type=said["type"], more=said)
    return Reply(handled=True, result=_outcome(said, source), data=said)


def _source(event: Event) -> str:
    return f"the listener for {event.name!r}"


def _outcome(said: object, source: str) -> Result:
    """The result in what a listener returned: a dict with a boolean `success` is one, anything else means success."""
    if isinstance(said, Mapping) and isinstance(said.get("success"), bool):
        return to_result(said, source)
    return Result.ok()


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
