"""What came of an import or a pull: counted while it goes on, and reported."""

from __future__ import annotations

from dataclasses import dataclass, field

from .results import Result


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
        conflicts: In how many fields both sides had changed to something else.
    """

    success: bool = True
    error: str | None = None
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: tuple[tuple[str | None, str], ...] = field(default=(), repr=False)
    conflicts: int = 0

    @property
    def total(self) -> int:
        """How many contacts were looked at."""
        return self.created + self.updated + self.unchanged + self.skipped + len(self.failed)


@dataclass(frozen=True, slots=True)
class PullReport(ImportReport):
    """What came of a pull: of asking the CRM what has changed, and applying it.

    Attributes:
        deleted: How many contacts were deleted, merged away, archived or marked, as the rules want it.
    """

    deleted: int = 0

    @property
    def total(self) -> int:
        """How many contacts were looked at."""
        return self.created + self.updated + self.unchanged + self.skipped + self.deleted + len(self.failed)


class Tally:
    """Counts what came of contacts."""

    def __init__(self) -> None:
        self._deleted = 0
        self._counts = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
        self._failed: list[tuple[str | None, str]] = []
        self._conflicts = 0

    def count(self, id: str | None, result: Result) -> None:
        self._conflicts += len(result.conflicts or ())
        if result.success:
            action = "updated" if result.action == "adopted" else result.action
            self._counts[action if action in self._counts else "skipped"] += 1
        else:
            self._failed.append((id, result.error or "failed"))

    def count_ending(self, id: str, result: Result) -> None:
        """Count what came of a record's end: a delete or a merger. One that is paired with nobody needs nothing."""
        if result.not_found:
            self._counts["unchanged"] += 1
        elif result.success and result.action in ("deleted", "updated"):
            self._deleted += 1
        else:
            self.count(id, result)

    def pulled(self, error: str | None = None) -> PullReport:
        report = self.report(error)
        own = {name: getattr(report, name) for name in ImportReport.__dataclass_fields__}
        return PullReport(**own, deleted=self._deleted)

    def report(self, error: str | None = None) -> ImportReport:
        return ImportReport(
            success=error is None and not self._failed,
            error=error,
            failed=tuple(self._failed),
            conflicts=self._conflicts,
            **self._counts,
        )
