"""What is printed in the end: a table of figures, and whether it is proved."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.faults import OUTAGES
from tests.chaos.run import Outcome

DIED = "died"


def report(outcome: Outcome) -> str:
    """Lay the figures out."""
    rows = [*_of_events(outcome), *_of_faults(outcome)]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows]
    verdict = [f"  ✗ {failure}" for failure in outcome.failures]
    return "\n".join(["", *lines, "", *verdict, "FAIL" if outcome.failures else "PASS: nothing is lost"])


def _of_events(outcome: Outcome) -> list[tuple[str, str]]:
    plan, sent, records = outcome.plan, outcome.sent, outcome.records.values()
    delays = [record.settled - record.arrived for record in records if record.settled is not None]
    actions = sorted({record.action or "?" for record in records})
    counts = ", ".join(f"{sum(record.action == action for record in records)} {action}" for action in actions)
    tries = sum(record.tries for record in records)
    died = sum(DIED in attempt.error for record in records for attempt in record.attempts)
    return [
        ("delivery", f"{plan.delivery}, seed {plan.seed}, {'with' if plan.ids else 'without'} delivery ids"),
        ("events", f"{plan.events:,} of {plan.contacts} contacts, each sent twice, on {plan.connections} connections"),
        ("accepted", f"{sent.accepted:,}, as {len(records):,} records"),
        ("answers", ", ".join(f"{count} {status}" for status, count in sorted(sent.answers.items()))),
        ("first answer of success (s)", _spread(sent.waits)),
        ("applied", counts),
        ("tries", f"{tries:,}, of which {tries - len(records):,} again; {died} cut off by the death of a worker"),
        ("accepted to applied (s)", _spread(delays)),
        ("duration (s)", f"{outcome.sending:.0f} until all was accepted, {outcome.draining:.0f} more to apply it"),
    ]


def _of_faults(outcome: Outcome) -> list[tuple[str, str]]:
    crm, kills = outcome.crm, outcome.processes.kills
    calls, failed = crm.calls.total(), crm.failed
    methods = ", ".join(f"{count} {method}" for method, count in sorted(crm.calls.items()))
    rows = [
        ("CRM calls", f"{calls:,} ({methods})"),
        ("CRM failures", f"{failed['before']} before the write, {failed['after']} after it"),
        ("CRM writes", f"{sum(map(len, crm.journal.values())):,}, of {len(crm.journal)} contacts"),
        ("kill -9", f"{kills.total()}: {kills['web']} web, {kills['worker']} worker"),
    ]
    for outage, seconds in outcome.faults.times.items():
        how = f"; {outcome.how[outage]}" if outage in outcome.how else ""
        rows.append((OUTAGES[outage], f"{seconds:.1f} s, {outcome.faults.refused[outage]} answers 503{how}"))
    return rows


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    ordered = sorted(values)
    last = len(ordered) - 1
    return f"p50 {ordered[last // 2]:.3f}   p99 {ordered[round(last * 0.99)]:.2f}   max {ordered[-1]:.2f}"
