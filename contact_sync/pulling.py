"""Asking the CRM what has changed, for one that has no webhooks, or whose webhooks may get lost.

A page is applied whole before its cursor is stored: what ends a pull on the way is told again by the next one. Pages
may repeat what is known, which changes nothing.

A *full* pull lists every record. What is paired and not listed is looked up, one by one: what is not found is gone.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from .consumer import Changes, CursorExpired, ask, changes, offers, pages, unhurried
from .courses import Course
from .engine import Engine
from .failures import FAULTS, translate
from .imports import Importer
from .reports import PullReport, Tally
from .results import Result
from .scopes import Scope
from .sides import BATCH_SIZE

log = logging.getLogger(__name__)

CURSOR_RECORD: Final = "pull:cursor"
"""The name of an installation's record that holds the cursor."""

NO_LIST: Final = (
    "{} has no list_changed, so it cannot tell what has changed; pull with full=True (--full), which lists everything"
)
NOTHING_LISTED: Final = (
    "the CRM lists no record at all, though contacts are paired with some; nothing is deleted on that account. Check "
    "its address and account; uninstall if it is really empty"
)

PullProgress = Callable[[PullReport], object]
"""Is called after each page with the report so far. If it raises, the pull ends there."""


class Puller:
    """Applies to the platform what has changed in the CRM.

    Args:
        engine: What decides and claims.
        importer: Writes contacts in batches.
    """

    def __init__(self, engine: Engine, importer: Importer) -> None:
        self._engine = engine
        self._importer = importer

    def pull(self, scope: Scope, progress: PullProgress | None = None, *, full: bool = False) -> PullReport:
        """Apply what has changed since the last time; the first time, everything that there is.

        Args:
            full: Whether to list everything, and to look for what is gone.
        """
        run = _Run(self._engine, self._importer, scope, progress)
        try:
            if not offers(scope.consumer, "list_changed"):
                return run.everything() if full else run.report(NO_LIST.format(type(scope.consumer).__name__))
            cursor = None if full else self._cursor(scope.installation)
            return run.changed(cursor, full=full)
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return run.report(translate(error, "the pull").error)

    def _cursor(self, installation: str) -> str | None:
        kept = self._engine.abilities.records.get_record(installation, CURSOR_RECORD)
        try:
            cursor = json.loads(kept)["cursor"] if kept else None
        except (ValueError, TypeError, KeyError):
            cursor = None
        if kept and not isinstance(cursor, str):
            log.warning("The stored cursor of a pull cannot be read; everything is listed anew")
            return None
        return cursor


class _Ended(Exception):
    """The pull cannot go on; the message says why."""


class _Run:
    """One pull."""

    def __init__(self, engine: Engine, importer: Importer, scope: Scope, progress: PullProgress | None) -> None:
        self._engine = engine
        self._importer = importer
        self._scope = scope
        self._progress = progress
        self._tally = Tally()
        self._route = engine.to_platform(scope)
        self._course = Course(engine.platform, scope.auth.token)

    def report(self, error: str | None = None) -> PullReport:
        return self._tally.pulled(error)

    def changed(self, cursor: str | None, *, full: bool) -> PullReport:
        """Apply what `list_changed` tells, from a cursor on."""
        try:
            if not full:
                try:
                    self._pages(cursor, self._keep)
                except CursorExpired:
                    log.warning("The CRM does not know the cursor of the last pull any more; everything is listed anew")
                    full = True
            if full:
                # Until it is known what is gone, the old cursor stays: broken off, all of this has to be done again.
                last: list[Changes] = []
                self._bury_missing(self._pages(None, last.append))
                for page in last[-1:]:
                    self._keep(page)
        except _Ended as end:
            return self.report(str(end))
        return self.report()

    def everything(self) -> PullReport:
        """Apply all that the consumer lists."""
        seen: set[str] = set()
        try:
            self._course.read_at = time.time()
            for page in pages(self._scope.consumer, BATCH_SIZE):
                if not page.success:
                    raise _Ended(page.error)
                seen |= self._contacts(page.contacts or ())
                self._tell()
                self._course.read_at = time.time()
            self._bury_missing(seen)
        except _Ended as end:
            return self.report(str(end))
        return self.report()

    def _pages(self, cursor: str | None, applied: Callable[[Changes], object]) -> set[str]:
        """Apply pages of changes; give the ids of the records that they had."""
        seen: set[str] = set()
        self._course.read_at = time.time()
        for page in changes(self._scope.consumer, cursor):
            if isinstance(page, Result):
                raise _Ended(page.error)
            for loser, winner in page.merged:
                self._ending(loser, self._engine.merge_contacts(self._route, loser, winner))
            told = self._contacts(page.contacts)
            seen |= told
            for id in page.deleted:
                if id not in told:
                    self._ending(id, self._engine.delete(self._route, id))
            applied(page)
            self._tell()
            self._course.read_at = time.time()
        return seen

    def _contacts(self, contacts: Sequence[Mapping[str, Any]]) -> set[str]:
        seen: set[str] = set()
        for batch in self._importer.batches(contacts):
            results = self._importer.write(self._scope, batch, self._course, create=True)
            for contact, result in zip(batch, results, strict=True):
                id = self._route.source.id_of(contact)
                if id is not None:
                    seen.add(id)
                self._tally.count(id, result)
            self._course.note(results)
            if self._course.end is not None:
                raise _Ended(self._course.end.error)
            _must_not_be_retryable(results)
        return seen

    def _ending(self, id: str, result: Result) -> None:
        self._tally.count_ending(id, result)
        _must_not_be_retryable([result])

    def _keep(self, page: Changes) -> None:
        self._engine.abilities.records.put_record(
            self._scope.installation, CURSOR_RECORD, json.dumps({"v": 1, "cursor": page.cursor})
        )

    def _tell(self) -> None:
        if self._progress is None:
            return
        try:
            self._progress(self._tally.pulled())
        except FAULTS as error:
            raise _Ended(translate(error, "the progress function").error) from error

    def _bury_missing(self, seen: set[str]) -> None:
        """End the pairs of records that were not listed, and that are not found either."""
        paired = list(self._paired())
        if paired and not seen:
            raise _Ended(NOTHING_LISTED)
        # Also those that an update has found to be gone: their partners wait for the news of the delete.
        for id in (*paired, *self._engine.traces.all_gone(self._scope.installation, self._route.source.name)):
            if id in seen:
                continue
            with unhurried():
                found = ask(self._scope.consumer, "get_contact", id)
            if found.not_found:
                self._ending(id, self._engine.delete(self._route, id))
            elif not found.success:
                raise _Ended(f"whether a record is gone could not be found out: {found.error}")
        self._tell()

    def _paired(self) -> Iterator[str]:
        listing = self._engine.abilities.listing
        if listing is None:
            log.warning("The key store cannot list its pairs, so what is gone from the CRM cannot be found by a pull")
            return
        for _, external_id in listing.iter_pairs(self._scope.installation):
            yield external_id


def _must_not_be_retryable(results: Sequence[Result]) -> None:
    """End a pull whose page could not be applied whole for now: the next one starts from the same place."""
    away = next((result for result in results if result.retryable and not result.success), None)
    if away is not None:
        raise _Ended(f"{away.error}; the next pull goes on from the same place")
