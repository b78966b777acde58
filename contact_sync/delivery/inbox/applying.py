"""What is done with claimed lanes: their events are opened, applied, and judged."""

from __future__ import annotations

import time
from collections.abc import Sequence

from contact_sync.delivery.base import Parts, Run
from contact_sync.delivery.envelope import NotLetIn, Unreadable, unpack
from contact_sync.delivery.redaction import failure_of
from contact_sync.delivery.retries import Retries
from contact_sync.delivery.runs import FOLDED
from contact_sync.events import Event
from contact_sync.results import Result

from .claiming import Claimed, Waiting
from .schema import APPLIED, FAILED, WAITING, loaded
from .settling import Outcome, Settled


class Applying:
    """Applies what waits in claimed lanes of one installation.

    Args:
        parts: What applies events, and what opens them.
        retries: When a failed event is tried again.
    """

    def __init__(self, parts: Parts, retries: Retries) -> None:
        self._parts = parts
        self._retries = retries

    def apply(self, lanes: Sequence[Claimed]) -> tuple[list[Settled], list[Result]]:
        """Apply the run at the head of each lane.

        Returns:
            What came of each lane, to be kept, and the results of the runs that were applied.
        """
        settled: list[Settled] = []
        opened: list[tuple[Claimed, list[Waiting], Run]] = []
        for lane in lanes:
            made = self._open(lane)
            if isinstance(made, Settled):
                settled.append(made)
            else:
                opened.append((lane, *made))
        results = self._parts.handling.apply([run for _, _, run in opened]) if opened else []
        for (lane, waiting, run), result in zip(opened, results, strict=True):
            settled.append(self._judged(lane, waiting, run, result))
        return settled, results

    def _open(self, lane: Claimed) -> tuple[list[Waiting], Run] | Settled:
        """Open the events of a lane; if that fails, it is settled by that."""
        installation = loaded(lane.installation)
        events: list[Event] = []
        for waiting in lane.events:
            try:
                events.append(unpack(installation, waiting.body, self._parts.seal, self._parts.revive))
            except Unreadable as error:
                if not events:
                    return Settled(lane, (Outcome(waiting, FAILED, error=str(error)),))
                break  # those before it first; then it is the first
            except NotLetIn as error:
                if not events:
                    return self._again(lane, lane.events, Result.failed(str(error), retryable=True), [])
                break
        return list(lane.events[: len(events)]), Run(tuple(events), alone=lane.events[0].crashes > 0)

    def _judged(self, lane: Claimed, waiting: Sequence[Waiting], run: Run, result: Result) -> Settled:
        if result.success:
            return Settled(lane, _applied(waiting, result))
        if result.retryable and result.action != "held":
            return self._again(lane, waiting, result, run.events)
        if len(waiting) == 1:
            return Settled(lane, (Outcome(waiting[0], FAILED, result.action, failure_of(result, run.events)),))
        return self._one_by_one(lane, waiting, run)

    def _one_by_one(self, lane: Claimed, waiting: Sequence[Waiting], run: Run) -> Settled:
        """Apply events singly that failed for good as one: it may be the fault of one of them alone."""
        outcomes: list[Outcome] = []
        for one, event in zip(waiting, run.events, strict=True):
            single = Run((event,), run.alone)
            judged = self._judged(lane, [one], single, self._parts.handling.apply([single])[0])
            outcomes += judged.outcomes
            if judged.outcomes[-1].state == WAITING:
                return Settled(lane, tuple(outcomes), judged.wait)
        return Settled(lane, tuple(outcomes))

    def _again(self, lane: Claimed, waiting: Sequence[Waiting], result: Result, events: Sequence[Event]) -> Settled:
        """Try the events again later; those that have been tried for too long are given up."""
        now = time.time()
        error = failure_of(result, events)
        states = [FAILED if now - one.since > self._retries.give_up else WAITING for one in waiting]
        outcomes = tuple(Outcome(one, state, error=error) for one, state in zip(waiting, states, strict=True))
        left = next((one for one, state in zip(waiting, states, strict=True) if state == WAITING), None)
        return Settled(lane, outcomes, 0.0 if left is None else self._retries.wait(left.tries + 1, result.retry_after))


def _applied(waiting: Sequence[Waiting], result: Result) -> tuple[Outcome, ...]:
    *before, last = waiting
    return (*(Outcome(one, APPLIED, FOLDED) for one in before), Outcome(last, APPLIED, result.action))
