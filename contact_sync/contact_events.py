"""What contact events do when they are applied: several of a contact are made one, synced, and told to listeners.

Those of the platform are synced here; those of the CRM in `external_events`.

Every delivery is given this: `inline` within the request, the durable ones in their workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from . import listeners
from .batches import save_many
from .consumer import batch_size_of
from .delivery import Run
from .engine import NO_ID, Engine
from .events import Auth, Event, EventName
from .external_events import ExternalEvents
from .external_events import folded as folded_external
from .failures import translate
from .listeners import Listeners
from .results import Result
from .scopes import Scope, Scopes
from .sides import is_empty

NOT_AN_OBJECT: Final = "the event's data is not an object"
UNINSTALLED: Final = "the integration was uninstalled meanwhile"

_MOST_SIZES: Final = 10_000


class ContactEvents:
    """Applies contact events of the platform and of the CRM.

    Args:
        engine: Keeps contacts the same.
        scopes: Finds the CRM account of who speaks.
        listeners: The user's.
        is_uninstalled: Whether an installation has to be installed here, and is not any more.
        speaker: Who speaks for an installation by now; `None` if nobody can.
    """

    def __init__(
        self,
        engine: Engine,
        scopes: Scopes,
        listeners: Listeners,
        is_uninstalled: Callable[[str], bool],
        speaker: Callable[[str], Auth | None],
    ) -> None:
        self._engine = engine
        self._scopes = scopes
        self._listeners = listeners
        self._is_uninstalled = is_uninstalled
        self._speaker = speaker
        self._external = ExternalEvents(engine)
        self._batch_sizes: dict[str, int] = {}

    def contact_of(self, event: Event) -> str | Result:
        """Name the contact that an event is about, on the side that tells of it; a failure if it names none."""
        if event.side == "ext":
            return self._external.record_of(event)
        if not isinstance(event.data, Mapping):
            return Result.failed(NOT_AN_OBJECT)
        data: Mapping[str, Any] = event.data
        if event.name == EventName.CONTACT_DELETED:
            named = data.get("contact_id")
            data = {"id": data.get("id") if is_empty(named) else named}
        return self._engine.mapper.botmatic_id(data) or Result.failed(NO_ID)

    def sync(self, event: Event) -> Result:
        """Make the other side agree with what an event tells of its contact."""
        if event.side == "ext":
            return self._external_synced([event])[0]
        scope = self._scopes.of(event.installation, event.auth)
        return scope if isinstance(scope, Result) else self._sync(scope, event)

    def apply(self, runs: Sequence[Run]) -> list[Result]:
        """Apply runs of different contacts of one installation, and tell the listeners what came of each event."""
        try:
            if self._is_uninstalled(runs[0].events[0].installation):
                return [Result.skipped(UNINSTALLED)] * len(runs)
            results = self._synced([_folded(run.events) for run in runs])
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything
            return [translate(error, "applying events").with_(retryable=True)] * len(runs)
        for run, result in zip(runs, results, strict=True):
            # What fails for now is tried again, and what fails as one is applied one by one: it is told of then.
            if result.success or (not result.retryable and len(run.events) == 1):
                self._tell(run.events, result)
        return results

    def batch_size(self, installation: str) -> int:
        """How many contacts of an installation are best applied together."""
        shared = self._scopes.shared
        return self._batch_sizes.get(installation, 1) if shared is None else batch_size_of(shared)

    def _synced(self, events: Sequence[Event]) -> list[Result]:
        if len(events) == 1:
            return [self.sync(events[0])]
        results: dict[int, Result] = {}
        batches: dict[str, list[int]] = {}  # by token: who speaks may have a CRM account of their own
        external = [place for place, event in enumerate(events) if event.side == "ext"]
        results |= zip(external, self._external_synced([events[place] for place in external]), strict=True)
        for place, event in enumerate(events):
            if place in results:
                continue
            if event.name == EventName.CONTACT_DELETED:
                results[place] = self.sync(event)
            else:
                batches.setdefault(event.auth.token, []).append(place)
        for places in batches.values():
            results |= zip(places, self._saved([events[place] for place in places]), strict=True)
        return [results[place] for place in range(len(events))]

    def _saved(self, events: Sequence[Event]) -> list[Result]:
        """Save contacts with few calls, where the CRM can take many at once."""
        scope = self._scopes.of(events[0].installation, events[0].auth)
        if isinstance(scope, Result):
            return [scope] * len(events)
        self._learn(scope)
        return save_many(self._engine, self._engine.to_external(scope), [event.data for event in events])

    def _external_synced(self, events: Sequence[Event]) -> list[Result]:
        """Make the platform agree with what the CRM tells of different records of an installation."""
        if not events:
            return []
        installation, auth = events[0].installation, events[0].auth
        # Of the platform's events the token has to be good for the CRM alone; here the platform is written to with it.
        scope = self._scopes.of(installation, self._speaker(installation) or auth)
        if isinstance(scope, Result):
            return [scope] * len(events)
        self._learn(scope)
        return self._external.sync(scope, events)

    def _learn(self, scope: Scope) -> None:
        if self._scopes.shared is None:
            if len(self._batch_sizes) >= _MOST_SIZES:
                self._batch_sizes.clear()
            self._batch_sizes[scope.installation] = batch_size_of(scope.consumer)

    def _sync(self, scope: Scope, event: Event) -> Result:
        self._learn(scope)
        route = self._engine.to_external(scope)
        contact = self.contact_of(event)
        if isinstance(contact, Result):
            return contact
        if event.name == EventName.CONTACT_DELETED:
            result = self._engine.delete(route, contact)
            return Result.skipped(result.reason or "") if result.not_found else result
        return self._engine.save(route, event.data)

    def _tell(self, events: Sequence[Event], result: Result) -> None:
        """Tell the user's listeners what came of each event. What they return is ignored; failures are in the log."""
        for event in events:
            listener = self._listeners.of(event)
            if listener is not None:
                listeners.call(listener, replace(event, result=result))


def _folded(events: Sequence[Event]) -> Event:
    """Make one event of several updates of a contact: what a later one says of a field counts."""
    last = events[-1]
    if len(events) == 1:
        return last
    if last.side == "ext":
        return folded_external(events)
    data: dict[str, Any] = {}
    for event in events:
        data.update(event.data)
    return replace(last, data=data)
