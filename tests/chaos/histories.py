"""Histories of contacts: what was told of them, what came of that, and what was written; to see why a run failed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from contact_sync.delivery import EventRecord
from tests.chaos.checks import out_of_order, wrong_ends
from tests.chaos.crm import CRM
from tests.chaos.senders import Sent
from tests.chaos.stories import Story

SLOWEST: Final = 3
"""Of how many contacts the history is told since they took longest, beside those that did not end well."""


def histories(stories: Sequence[Story], crm: CRM, sent: Sent, records: Mapping[str, EventRecord]) -> str:
    """Tell of the contacts that did not end well, and of those that took longest. All values are made up."""
    wrong = {named.partition(",")[0] for named in (*wrong_ends(crm, stories), *out_of_order(crm, stories))}
    took: dict[str, float] = {}
    for record in records.values():
        if record.settled is not None:
            code = f"c{record.contact}"
            took[code] = max(took.get(code, 0.0), record.settled - record.arrived)
    slowest = sorted(took, key=lambda code: -took[code])[:SLOWEST]
    parts = (("did not end well", wrong), ("took longest", slowest))
    return "\n".join(
        f"{what}: {_history(story, crm, sent, records)}"
        for what, codes in parts
        for story in stories
        if story.code in codes
    )


def _history(story: Story, crm: CRM, sent: Sent, records: Mapping[str, EventRecord]) -> str:
    lines = sorted([*_of_events(story, sent, records), *_of_writes(story, crm)])
    return "\n".join([f"contact {story.number}", *(f"  {_clock(at)}  {what}" for at, what in lines), ""])


def _of_events(story: Story, sent: Sent, records: Mapping[str, EventRecord]) -> Iterator[tuple[float, str]]:
    for place, told in enumerate(story.events):
        for id in sent.ids.get((story.number, place), ()):
            record = records.get(id)
            name = f"event {place} ({id[-6:]})"
            if record is None:
                yield 0.0, f"{name}: unknown"
                continue
            yield record.arrived, f"{name} is accepted: {told.name} {told.data} → {told.shown}"
            for attempt in record.attempts:
                yield attempt.at, f"{name} failed: {attempt.error}"
            if record.settled is not None:
                yield record.settled, f"{name} is {record.state}: {record.action}"


def _of_writes(story: Story, crm: CRM) -> Iterator[tuple[float, str]]:
    for number, written in enumerate(crm.journal.get(story.code, ()), 1):
        yield written.at, f"write {number}: {written.kind} {written.ref} → {written.shown}"


def _clock(at: float) -> str:
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}.{at % 1 * 1000:03.0f}"
