"""Conflicts that were found and decided: counted, and told to the user's listener."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from key_stores import KnownContact

from .failures import FAULTS, translate
from .plans import Plan
from .rules import ConflictReport

log = logging.getLogger(__name__)

ConflictListener = Callable[[ConflictReport], object]
"""A user's `on_conflict`: is told of each contact in which conflicts were found. What it gives back is ignored."""


class Conflicts:
    """Counts conflicts and tells of them.

    Attributes:
        listener: The user's listener, if there is one.
        count: In how many fields conflicts were found, since this object was made.
    """

    def __init__(self) -> None:
        self.listener: ConflictListener | None = None
        self.count = 0
        self._lock = threading.Lock()

    def report(self, plan: Plan, known: KnownContact) -> None:
        """Take note of the conflicts of a plan that was carried out."""
        winners = plan.conflicts
        if not winners:
            return
        with self._lock:
            self.count += len(winners)
        installation = plan.route.scope.installation
        log.info("Both sides had changed %s; %.200r", ", ".join(map(repr, winners)), installation)
        if self.listener is not None:
            report = ConflictReport(winners, str(known.botmatic_id), str(known.external_id), installation)
            try:
                self.listener(report)
            except FAULTS as error:
                translate(error, "the on_conflict listener")
