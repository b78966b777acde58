"""What is done with a claim: its events are opened, applied, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contact_sync.delivery.base import DIED, Parts, Run
from contact_sync.delivery.envelope import UNREADABLE, NotLetIn, Unreadable, unpack
from contact_sync.delivery.redaction import failure_of
from contact_sync.delivery.retries import Retries
from contact_sync.delivery.runs import FOLDED
from contact_sync.events import Event
from contact_sync.failures import FAULTS, translate
from contact_sync.results import Result

from .mailboxes import Claim, Outcome, Taken


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a claim.

    Attributes:
        outcomes: Of its events that were tried; the others wait on.
        wait: In how many seconds the mailbox is due again; 0 for at once.
        result: What applying it gave, if it was applied.
    """

    outcomes: tuple[Outcome, ...]
    wait: float = 0.0
    result: Result | None = None


class Judge:
    """Applies what was claimed.

    Args:
        parts: What applies events, and what opens them.
        retries: When a failed event is tried again, and when it is given up.
    """

    def __init__(self, parts: Parts, retries: Retries) -> None:
        self._parts = parts
        self._retries = retries

    def apply(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Apply what was claimed of one installation, together.

        Returns:
            What came of each claim, in order.
        """
        verdicts: dict[int, Verdict] = {}
        together: list[tuple[int, list[Taken], Run]] = []
        for number, claim in enumerate(claims):
            opened = self._opened(claim)
            if isinstance(opened, Verdict):
                verdicts[number] = opened
            else:
                together.append((number, *opened))
        results = self._apply([run for _, _, run in together]) if together else []
        for (number, taken, run), result in zip(together, results, strict=True):
            verdicts[number] = self._judged(claims[number], taken, run, result)
        return [verdicts[number] for number in range(len(claims))]

    def _opened(self, claim: Claim) -> tuple[list[Taken], Run] | Verdict:
        """Open the events of a claim, as far as they can be; if the first cannot, that is what came of it."""
        opened: list[Event] = []
        for taken in claim.events:
            try:
                opened.append(self._open(claim, taken))
            except Unreadable as error:
                if not opened:
                    return Verdict((_failed(claim, taken, str(error)),))
                break  # those before it first; then it is the first
            except NotLetIn as error:
                if not opened:
                    return self._again(claim, claim.events, Result.failed(str(error), retryable=True), str(error))
                break
        return list(claim.events[: len(opened)]), Run(tuple(opened), claim.is_alone)

    def died(self, claim: Claim) -> Verdict:
        """Count a crash for events that were in flight when a worker died."""
        outcomes: list[Outcome] = []
        worst = 0
        for taken in claim.events:
            crashes = taken.record.crashes + 1
            over = crashes >= self._retries.crashes
            worst = worst if over else max(worst, crashes)
            outcomes.append(Outcome(taken, taken.record.tried(claim.now, DIED, dead=over, crashed=True)))
        return Verdict(tuple(outcomes), self._retries.after_crash(worst) if worst else 0.0)

    def _open(self, claim: Claim, taken: Taken) -> Event:
        if taken.body is None:
            raise Unreadable(UNREADABLE)
        return unpack(claim.installation, taken.body, self._parts.seal, self._parts.revive)

    def _apply(self, runs: Sequence[Run]) -> list[Result]:
        try:
            return self._parts.handling.apply(runs)
        except FAULTS as fault:  # it promises not to; so it is a fault of ours, and not of the events
            return [translate(fault, "applying an event").with_(retryable=True)] * len(runs)

    def _judged(self, claim: Claim, taken: Sequence[Taken], run: Run, result: Result) -> Verdict:
        held = result.action == "held"
        if result.success and not held:
            *before, last = taken
            folded = [Outcome(one, one.record.applied(claim.now, FOLDED)) for one in before]
            return Verdict((*folded, Outcome(last, last.record.applied(claim.now, result.action))), result=result)
        error = failure_of(result, run.events)
        if result.retryable and not held:
            return self._again(claim, taken, result, error)
        if len(taken) == 1:
            return Verdict((_failed(claim, taken[0], error, result.action),), result=result)
        return self._one_by_one(claim, taken, run)

    def _one_by_one(self, claim: Claim, taken: Sequence[Taken], run: Run) -> Verdict:
        """Apply events singly that failed for good as one: it may be the fault of one of them alone."""
        outcomes: list[Outcome] = []
        for one, event in zip(taken, run.events, strict=True):
            alone = Run((event,), run.alone)
            single = self._judged(claim, [one], alone, *self._apply([alone]))
            outcomes += single.outcomes
            if single.outcomes[-1].record.state == "waiting":
                return Verdict(tuple(outcomes), single.wait, single.result)
        return Verdict(tuple(outcomes), result=single.result)

    def _again(self, claim: Claim, taken: Sequence[Taken], result: Result, error: str) -> Verdict:
        """Try events again later; those that have been tried for too long are given up."""
        now = claim.now
        patience = self._retries.give_up * 1000
        outcomes = [Outcome(one, one.record.tried(now, error, dead=now - one.record.since > patience)) for one in taken]
        left = next((one.record.tries for one in outcomes if one.record.state == "waiting"), None)
        wait = 0.0 if left is None else self._retries.wait(left, result.retry_after)
        return Verdict(tuple(outcomes), wait, result)


def _failed(claim: Claim, taken: Taken, error: str, action: str | None = None) -> Outcome:
    return Outcome(taken, taken.record.tried(claim.now, error, dead=True, action=action))
