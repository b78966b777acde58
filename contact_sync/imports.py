"""Bulk work: many of the CRM's contacts to the platform, in batches, with a report.

A batch is claimed whole, its pairs are looked up in one round trip, and it is written with one call for what is new and
one for what is known. One bad contact does not stop the rest, and running an import twice makes nothing twice.

What ends an import: a token that the platform refuses, several batches in a row that fail for now, and a user's
iterable or progress function that raises. The report says so and has what was done before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .consumer import pages
from .engine import GONE, NO_ID, Engine, Route, lease_name
from .errors import Busy
from .events import Change
from .failures import translate
from .platforms import NOTHING_DONE, Platform
from .results import NOT_FOUND, Result
from .scopes import Scope

BATCH_SIZE: Final = 100
"""How many contacts are written with one call to the platform."""

PATIENCE: Final = 3
"""How many batches in a row may fail for now before an import ends: what is away is not asked for thousands more."""

QUEUED: Final = Result.ok(action="batched", reason="it is written with the others of its batch")
"""What `next()` gives to `send` and `format` middleware for a contact of a batch."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import.

    Attributes:
        success: Whether everything was read, and every contact of it is right on the platform.
        error: Why the import could not go on to its end, if it could not.
        created: How many contacts were made.
        updated: How many were updated.
        unchanged: How many needed nothing.
        skipped: How many were left out on purpose (deleted not long ago, or stopped by middleware).
        failed: What could not be written: (external id, or `None` if it has none; error).
    """

    success: bool = True
    error: str | None = None
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: tuple[tuple[str | None, str], ...] = field(default=(), repr=False)

    @property
    def total(self) -> int:
        """How many contacts were looked at."""
        return self.created + self.updated + self.unchanged + self.skipped + len(self.failed)


Progress = Callable[[ImportReport], object]
"""Is called after each batch with the report so far. If it raises, the import ends there."""


class Importer:
    """Writes many of the CRM's contacts to the platform.

    Args:
        engine: What decides and claims.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def import_contacts(
        self, scope: Scope, contacts: Iterable[Mapping[str, Any]], progress: Progress | None = None
    ) -> ImportReport:
        """Create or update contacts that the caller has at hand."""
        problems: list[Result] = []  # read last, when it is known whether there is one
        given = (Result.ok(contacts=batch) for batch in self._batches(_until_it_raises(contacts, problems)))
        return self._import(scope, itertools.chain(given, problems), progress)

    def import_all(self, scope: Scope, progress: Progress | None = None) -> ImportReport:
        """Create or update everything that the consumer lists. A page that cannot be read ends it, and says so."""
        return self._import(scope, pages(scope.consumer, BATCH_SIZE), progress)

    def update(self, scope: Scope, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Update contacts that have a partner on the platform; the others are `NOT_FOUND`. In the order given."""
        results: list[Result] = []
        course = _Course(self._engine.platform, scope.auth.token)
        for batch in self._batches(contacts):
            if course.end is None:
                written = self._write(scope, batch, course, create=False)
                course.note(written)
                results += written
            else:
                results += [course.end] * len(batch)
        return results

    def _import(self, scope: Scope, pages: Iterable[Result], progress: Progress | None) -> ImportReport:
        tally = _Tally()
        course = _Course(self._engine.platform, scope.auth.token)
        for page in pages:
            if not page.success:
                return tally.report(page.error)
            for batch in self._batches(page.contacts or ()):
                results = self._write(scope, batch, course, create=True)
                for contact, result in zip(batch, results, strict=True):
                    tally.count(self._id_of(contact), result)
                try:
                    if progress is not None:
                        progress(tally.report())
                except Exception as error:  # noqa: BLE001 - a user's function may raise anything
                    return tally.report(translate(error, "the progress function").error)
                course.note(results)
                if course.end is not None:
                    return tally.report(course.end.error)
        return tally.report()

    def _id_of(self, contact: object) -> str | None:
        return self._engine.mapper.external_id(contact) if isinstance(contact, Mapping) else None

    def _batches(self, contacts: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
        """Cut contacts into batches in which no id comes twice: the second is an update of the first."""
        batch: list[Mapping[str, Any]] = []
        ids: set[str] = set()
        for contact in contacts:
            id = self._id_of(contact)
            if len(batch) == BATCH_SIZE or id in ids:
                yield batch
                batch, ids = [], set()
            batch.append(contact)
            if id is not None:
                ids.add(id)
        if batch:
            yield batch

    def _write(
        self, scope: Scope, batch: Sequence[Mapping[str, Any]], course: _Course, *, create: bool
    ) -> list[Result]:
        """Write a batch in which no contact comes twice. One result for each, in order."""
        route = self._engine.to_platform(scope)
        work = _Batch(self._engine, route, batch, course)
        leases = [name for id, contact in work.known for name in self._leases(route, id, contact)]
        if not leases:
            return work.results()
        try:
            with self._engine.claims.hold(scope.installation, list(dict.fromkeys(leases))):
                work.run(create=create)
        except Busy as busy:
            if len(batch) > 1:  # one of them is worked on elsewhere; the others need not wait for it
                return [result for contact in batch for result in self._write(scope, [contact], course, create=create)]
            work.fail_rest(translate(busy, "a batch for the platform"))
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            work.fail_rest(translate(error, "a batch for the platform"))
        return work.results()

    def _leases(self, route: Route, id: str, contact: Mapping[str, Any]) -> list[str]:
        return [lease_name(route.source, id), *self._engine.match_leases(route, contact)]


class _Batch:
    """A batch on its way: what is known of each contact, and what came of it."""

    def __init__(self, engine: Engine, route: Route, contacts: Sequence[Mapping[str, Any]], course: _Course) -> None:
        self._engine = engine
        self._route = route
        self._course = course
        self._contacts = contacts
        self._results: dict[int, Result] = {}
        self.known: list[tuple[str, Mapping[str, Any]]] = []
        self._places: dict[str, int] = {}
        for place, contact in enumerate(contacts):
            id = route.source.id_of(contact) if isinstance(contact, Mapping) else None
            if id is None:
                self._results[place] = Result.failed(NO_ID)
            else:
                self.known.append((id, contact))
                self._places[id] = place

    def results(self) -> list[Result]:
        return [self._results[place] for place in range(len(self._contacts))]

    def fail_rest(self, failure: Result) -> None:
        for place in self._places.values():
            self._results.setdefault(place, failure)

    def run(self, *, create: bool) -> None:
        scope = self._route.scope
        partners = self._engine.abilities.batches.get_botmatic_ids(scope.installation, [id for id, _ in self.known])
        new = [(id, contact) for id, contact in self.known if id not in partners]
        self._update([(id, contact) for id, contact in self.known if id in partners], partners)
        if create:
            self._create([(id, contact) for id, contact in new if not self._skip_buried(id)])
        else:
            for id, _ in new:
                self._results[self._places[id]] = Result.failed(NOT_FOUND, reason="this record is not paired")

    def _skip_buried(self, id: str) -> bool:
        buried = self._engine.is_buried(self._route, id)
        if buried:
            self._results[self._places[id]] = Result.skipped(GONE)
        return buried

    def _update(self, known: Sequence[tuple[str, Mapping[str, Any]]], partners: Mapping[str, str]) -> None:
        payloads = {
            id: payload
            for id, contact in known
            if (payload := self._prepare(id, contact, "update", partners[id])) is not None
        }
        platform, token = self._engine.platform, self._route.scope.auth.token
        results = _all_then_each(
            [(partners[id], payload) for id, payload in payloads.items()],
            lambda many: self._course.heard(platform.update_contacts(token, many)),
            lambda one: platform.update_contact(token, *one),
        )
        for id, result in zip(payloads, results, strict=True):
            done = Result.ok(partners[id], action="updated") if result.success else result
            self._results[self._places[id]] = done

    def _create(self, new: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        payloads = {
            id: payload for id, contact in new if (payload := self._prepare(id, contact, "create", None)) is not None
        }
        platform, token = self._engine.platform, self._route.scope.auth.token
        results = _all_then_each(
            list(payloads.values()),
            lambda many: self._course.heard(platform.create_contacts(token, many)),
            lambda one: platform.create_contact(token, one),
        )
        made = [(id, result.id) for id, result in zip(payloads, results, strict=True) if result.success and result.id]
        problem = self._engine.record(self._route, made)
        contacts = dict(new)
        for id, result in zip(payloads, results, strict=True):
            if not result.success:
                done = self._adopt_existing(id, contacts[id], result)
            elif not result.id:
                done = Result.failed("the contact was created, but the answer has no id to pair it with")
            elif problem is not None:
                done = self._engine.unpaired(self._route, result.id, problem)
            else:
                done = Result.ok(result.id, action="created")
            self._results[self._places[id]] = done

    def _adopt_existing(self, id: str, contact: Mapping[str, Any], refusal: Result) -> Result:
        try:
            return self._engine.adopt_existing(self._route, id, contact, refusal)
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return translate(error, "adopting a contact")

    def _prepare(self, id: str, contact: Mapping[str, Any], kind: Any, target_id: str | None) -> dict[str, Any] | None:
        """Take a contact through `send` and `format`. `None` if it is settled already: stopped, or not mappable."""
        payloads: list[dict[str, Any]] = []

        def collect(_change: Change, payload: dict[str, Any]) -> Result:
            payloads.append(payload)
            return QUEUED

        scope = self._route.scope
        change = Change(self._route.target.name, kind, contact, target_id, scope.installation, scope.auth)
        result = self._engine.write(self._route.target, change, collect)
        if not payloads:
            self._results[self._places[id]] = result
            return None
        return payloads[0]


class _Course:
    """How the batches of one run go, and whether it makes sense to go on.

    Attributes:
        end: What all the rest would fail with, too.
    """

    def __init__(self, platform: Platform, token: str) -> None:
        self._platform = platform
        self._token = token
        self._doubtful = False
        self._failed_for_now = 0
        self.end: Result | None = None

    def heard(self, results: list[Result]) -> list[Result]:
        """Take what came of a call to the platform: a plain failure of no contact's own may be about the token."""
        self._doubtful |= any(not (r.success or r.retryable or r.reason == NOTHING_DONE) for r in results)
        return results

    def note(self, results: Sequence[Result]) -> None:
        """Take what came of a whole batch."""
        doubtful, self._doubtful = self._doubtful, False
        if any(result.success and result.action != "skipped" for result in results):
            self._failed_for_now = 0
            return
        away = next((result for result in results if result.retryable), None)
        self._failed_for_now = 0 if away is None else self._failed_for_now + 1
        if away is not None and self._failed_for_now == PATIENCE:
            self.end = away.with_(error=f"{PATIENCE} batches in a row failed for now, the last with: {away.error}")
        elif doubtful:
            self.end = self._refusal_of_token()

    def _refusal_of_token(self) -> Result | None:
        try:
            answer = self._platform.validate_token(self._token)
        except Exception as error:  # noqa: BLE001 - a user's platform may raise anything
            answer = translate(error, "validating the token").with_(retryable=True)
        return None if answer.success or answer.retryable else answer


class _Tally:
    """Counts what came of contacts."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
        self._failed: list[tuple[str | None, str]] = []

    def count(self, id: str | None, result: Result) -> None:
        if result.success:
            action = "updated" if result.action == "adopted" else result.action
            self._counts[action if action in self._counts else "skipped"] += 1
        else:
            self._failed.append((id, result.error or "failed"))

    def report(self, error: str | None = None) -> ImportReport:
        return ImportReport(
            success=error is None and not self._failed, error=error, failed=tuple(self._failed), **self._counts
        )


def _all_then_each(
    items: list[Any], many: Callable[[list[Any]], list[Result]], one: Callable[[Any], Result]
) -> list[Result]:
    """Write all at once; if they are turned down together, one by one: a bad one does not stop the rest.

    Only where it is certain that nothing was done, since a repeated create makes everything twice; and where it is
    about what was sent, since a call that was refused for its token is refused a hundred times more.
    """
    if not items:
        return []
    results = many(items)
    if len(results) != len(items):
        return [Result.failed(f"the platform gave {len(results)} results for {len(items)} contacts")] * len(items)
    if len(items) == 1:
        return results
    return [
        one(item) if not result.success and result.reason == NOTHING_DONE else result
        for item, result in zip(items, results, strict=True)
    ]


def _until_it_raises(contacts: Iterable[Any], problems: list[Result]) -> Iterator[Any]:
    """Walk over what a user gave. If it raises, the walk ends and the failure is noted."""
    try:
        yield from contacts
    except Exception as error:  # noqa: BLE001 - a user's iterable may raise anything
        problems.append(translate(error, "what was given to import"))
