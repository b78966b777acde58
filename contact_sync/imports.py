"""Bulk work: many of the CRM's contacts to the platform, in batches, with a report.

A batch is claimed whole, which gives its pairs and baselines in the same round trip, and it is written with one call
for what is new and one for what has changed. One bad contact does not stop the rest, and running an import twice
makes nothing twice.

What ends an import: a token that the platform refuses, several batches in a row that fail for now, and a user's
iterable or progress function that raises. The report says so and has what was done before.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .batches import write_batch
from .consumer import pages, unhurried
from .courses import Course
from .engine import Engine
from .failures import FAULTS, translate
from .reports import ImportReport, Tally
from .results import Result
from .scopes import Scope
from .sides import BATCH_SIZE

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
        given = (Result.ok(contacts=batch) for batch in self.batches(_until_it_raises(contacts, problems)))
        return self._import(scope, itertools.chain(given, problems), progress)

    def import_all(self, scope: Scope, progress: Progress | None = None) -> ImportReport:
        """Create or update everything that the consumer lists. A page that cannot be read ends it, and says so."""
        return self._import(scope, pages(scope.consumer, BATCH_SIZE), progress)

    def update(self, scope: Scope, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Update contacts that have a partner on the platform; the others are `NOT_FOUND`. In the order given."""
        results: list[Result] = []
        course = Course(self._engine.platform, scope.auth.token)
        for batch in self.batches(contacts):
            if course.end is None:
                written = self.write(scope, batch, course, create=False)
                course.note(written)
                results += written
            else:
                results += [course.end] * len(batch)
        return results

    def _import(self, scope: Scope, pages: Iterable[Result], progress: Progress | None) -> ImportReport:
        tally = Tally()
        course = Course(self._engine.platform, scope.auth.token)
        course.read_at = time.time()
        for page in pages:
            if not page.success:
                return tally.report(page.error)
            for batch in self.batches(page.contacts or ()):
                results = self.write(scope, batch, course, create=True)
                for contact, result in zip(batch, results, strict=True):
                    tally.count(self._id_of(contact), result)
                try:
                    if progress is not None:
                        progress(tally.report())
                except FAULTS as error:
                    return tally.report(translate(error, "the progress function").error)
                course.note(results)
                if course.end is not None:
                    return tally.report(course.end.error)
            course.read_at = time.time()
        return tally.report()

    def _id_of(self, contact: object) -> str | None:
        return self._engine.mapper.external_id(contact) if isinstance(contact, Mapping) else None

    def batches(self, contacts: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
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

    def write(self, scope: Scope, batch: Sequence[Mapping[str, Any]], course: Course, *, create: bool) -> list[Result]:
        """Write a batch in which no contact comes twice. One result for each, in order."""
        route = self._engine.to_platform(scope)
        with unhurried():
            return write_batch(self._engine, route, batch, create=create, read_at=course.read_at, heard=course.heard)


def _until_it_raises(contacts: Iterable[Any], problems: list[Result]) -> Iterator[Any]:
    """Walk over what a user gave. If it raises, the walk ends and the failure is noted."""
    try:
        yield from contacts
    except FAULTS as error:
        problems.append(translate(error, "what was given to import"))
