"""What a CRM's events do when they are applied: the platform is made to agree with the record that they are about.

An event may hold the record. Most do not, and then it is read: so news that come late, twice or in the wrong order do
no harm.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from .batches import write_batch
from .consumer import ask
from .contact_claim import ContactClaim
from .delivery.redaction import redacted
from .engine import NO_ID, Engine
from .events import MERGED, RESTORED, Event, EventName
from .results import Result, id_text
from .scopes import Scope
from .sides import Route

STILL_THERE: Final = "the record is there, so the news of its deletion is old"
NO_RECORD: Final = "the record is not there; if it was deleted, that is told of by itself"

UNREAD: Final = "the record could not be read"
"""The reason of an event whose record could neither be read nor is known to be gone, though not for now alone, such as
with a key that is refused. The event is right, and good for something as soon as a person has mended that: who cannot
keep it has it told again."""


class ExternalEvents:
    """Applies what a CRM has told of its records.

    Args:
        engine: Keeps contacts the same.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record_of(self, event: Event) -> str | Result:
        """Name the record that an event is about; a failure if it names none."""
        try:
            return id_text(event.data["id"])
        except (ValueError, LookupError, TypeError):
            return Result.failed(NO_ID)

    def sync(self, scope: Scope, events: Sequence[Event]) -> list[Result]:
        """Make the platform agree with what events tell of different records."""
        route = self._engine.to_platform(scope)
        results: dict[int, Result] = {}
        told: dict[int, Mapping[str, Any]] = {}
        read: dict[int, Mapping[str, Any]] = {}
        began = time.time()
        for place, event in enumerate(events):
            id = self.record_of(event)
            if isinstance(id, Result):
                results[place] = id
            elif event.name == EventName.CONTACT_DELETED:
                results[place] = self._deleted(route, event, id)
            elif event.name == MERGED:
                results[place] = self._merged(route, event, id, event.data.get("into"))
            elif event.name != RESTORED and isinstance(event.data.get("contact"), Mapping):
                told[place] = self._engine.mapper.with_external_id(event.data["contact"], id)
            else:
                found = self._found(route, event, id)
                if isinstance(found, Result):
                    results[place] = found
                else:
                    read[place] = found
        results |= zip(told, self._saved(route, list(told.values())), strict=True)
        results |= zip(read, self._saved(route, list(read.values()), began), strict=True)
        return [results[place] for place in range(len(events))]

    def _saved(self, route: Route, records: Sequence[Mapping[str, Any]], read_at: float | None = None) -> list[Result]:
        if len(records) == 1:
            results = [self._engine.save(route, records[0])]
        else:
            results = write_batch(self._engine, route, records, read_at=read_at)
        return [_without_values(result, record) for result, record in zip(results, records, strict=True)]

    def _deleted(self, route: Route, event: Event, id: str) -> Result:
        """Delete the contact of a record that is gone. One that is there, or may be there, keeps its contact."""
        record = self._read(route, id)
        if isinstance(record, Result):
            if not record.not_found:
                return record
            result = self._engine.delete(route, id)
            return Result.skipped(result.reason or "") if result.not_found else result
        into = self._lives_on_as(route, id, record)
        return Result.skipped(STILL_THERE) if into == id else self._merged(route, event, id, into)

    def _merged(self, route: Route, event: Event, id: str, into: object) -> Result:
        """Give the winner the loser's contact, and then that contact what the winner has by now.

        Not by two events: of different records they come in any order. And none is created: of several losers, the one
        that has a contact may come last.
        """
        try:
            into = id_text(into)
        except ValueError:
            return Result.failed(f"it is not said what the record was merged into: {NO_ID}")
        merged = self._engine.merge_contacts(route, id, into)
        if not merged.success:
            return merged
        winner = self._found(route, event, into)
        if isinstance(winner, Result):
            return merged if winner.success else winner
        saved = _without_values(self._engine.save(route, winner, create=False), winner)
        return merged if saved.not_found or (saved.success and merged.action != "unchanged") else saved

    def _read(self, route: Route, id: str) -> Mapping[str, Any] | Result:
        """Read a record. `NOT_FOUND` alone says that it is not there; after any other failure it may be."""
        found = ask(route.scope.consumer, "get_contact", id)
        if found.success and found.contact is not None:
            return found.contact
        failure = Result.failed("a record was read, but not given") if found.success else found
        return failure if failure.not_found or failure.retryable else failure.with_(reason=UNREAD)

    def _lives_on_as(self, route: Route, id: str, contact: Mapping[str, Any]) -> str:
        """The id of the record that was given for an id: another one, if the CRM has merged the two."""
        return route.source.id_of(contact) or id

    def _found(self, route: Route, event: Event, id: str) -> Mapping[str, Any] | Result:
        """Read a record that an event tells of without telling what it holds."""
        record = self._read(route, id)
        if isinstance(record, Result):
            return Result.skipped(NO_RECORD) if record.not_found else record
        if event.name == RESTORED:
            lifted = self._lifted(route, id)
            if not lifted.success:
                return lifted
        into = self._lives_on_as(route, id, record)
        if into != id:
            merged = self._engine.merge_contacts(route, id, into)
            if not merged.success:
                return merged
        return self._engine.mapper.with_external_id(record, into)

    def _lifted(self, route: Route, id: str) -> Result:
        """Forget that a record was deleted, if its contact was deleted for that: it gets another one.

        A contact that was kept stays apart, as there must not be a second one.
        """

        def lift(claim: ContactClaim) -> Result:
            known = claim.contacts[0]
            if known.paired or not known.buried or self._engine.rules.deletes_to(route.target.name) != "delete":
                return Result.ok()
            traces, who = self._engine.traces, (route.scope.installation, route.source.name, id)
            if traces.winner_of(*who) is not None or traces.seconds_in_doubt(*who):
                return Result.ok()
            return self._engine.endings.forget(route, claim, id)

        return self._engine.claimed(route, [route.source.ref(id)], lift)


def _without_values(result: Result, record: Mapping[str, Any]) -> Result:
    """The result, in whose error the platform may repeat what a record holds: whoever keeps it does not know that."""
    if result.success or result.error is None:
        return result
    return result.with_(error=redacted(result.error, [record]))


def folded(events: Sequence[Event]) -> Event:
    """Make one event of several of a record: what a later one says of a field counts.

    If one of them does not tell what the record holds, that has to be read, and is newer than all that was told.
    """
    last = events[-1]
    contact: dict[str, Any] = {}
    for event in events:
        told = event.data.get("contact")
        if not isinstance(told, Mapping):
            return replace(last, data={"id": last.data["id"]})
        contact.update(told)
    return replace(last, data=last.data | {"contact": contact})
