"""What has to be so in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from contact_sync import ContactSync
from contact_sync.delivery import EventRecord, State
from contact_sync.installations import token_installation_id
from key_stores import PairListing
from tests.chaos.crm import CRM, Written
from tests.chaos.program import TOKEN
from tests.chaos.senders import Sent
from tests.chaos.stories import Shown, Story, filled

MOST = 5
"""How many of the same kind are named."""


def failed_checks(
    sync: ContactSync, crm: CRM, stories: Sequence[Story], sent: Sent, records: Mapping[str, EventRecord]
) -> list[str]:
    """Look at everything, and name what is not as it has to be."""
    return [
        *_some("events are not applied", _not_applied(sent, records)),
        *_some("dead letters", (one.id for one in sync.delivery.failed(limit=1000))),
        *_some("contacts do not end as if their events had come one by one", wrong_ends(crm, stories)),
        *_some("contacts have a record twice, or one too many", _duplicates(crm, stories)),
        *_some("contacts went back to an older state, or through one that never was", out_of_order(crm, stories)),
        *_some("pairs are wrong", _wrong_pairs(sync, crm, stories)),
        *(
            [f"the platform was written to {crm.platform_calls} times, though the CRM has no news of its own"]
            if crm.platform_calls
            else []
        ),
        *sent.problems[:MOST],
    ]


def records_of(sync: ContactSync, sent: Sent) -> dict[str, EventRecord]:
    """Look up every event that was answered with success, by the id in its answer."""
    ids = {id for each in sent.ids.values() for id in each}
    return {id: found for id in ids if (found := sync.delivery.event(id)) is not None}


def path(states: Sequence[Shown], journal: Sequence[Written]) -> int | None:
    """Find the first write of a contact that went back, or to a state that never was; `None` if there is none.

    Args:
        states: What the CRM has to show after each event, in order.
        journal: What was written. It may leave states out, since events are folded, and repeat the last one, since a
            write whose answer was lost is made again.
    """
    at = 0
    for place, written in enumerate(journal):
        at = next((n for n in range(at, len(states)) if states[n] == written.shown), -1)
        if at < 0:
            return place
    return None


def _some(what: str, which: Iterable[str]) -> list[str]:
    found = list(which)
    more = "; …" if len(found) > MOST else ""
    return [f"{len(found)} {what}: {'; '.join(found[:MOST])}{more}"] if found else []


def _not_applied(sent: Sent, records: Mapping[str, EventRecord]) -> Iterable[str]:
    for (number, place), ids in sorted(sent.ids.items()):
        for id in ids:
            record = records.get(id)
            if record is None or record.state is not State.APPLIED:
                yield f"event {place} of contact {number} ({id} is {record.state if record else 'unknown'})"


def wrong_ends(crm: CRM, stories: Sequence[Story]) -> Iterable[str]:
    """Name the contacts of which the CRM does not show what it has to."""
    by_code = {record["customer_code"]: filled(record) for record in crm.records.values()}
    for story in stories:
        if by_code.get(story.code) != story.events[-1].shown:
            yield story.code


def _duplicates(crm: CRM, stories: Sequence[Story]) -> Iterable[str]:
    living = Counter(record["customer_code"] for record in crm.records.values())
    wanted = {story.code: int(story.events[-1].shown is not None) for story in stories}
    for code in sorted(living.keys() | wanted.keys()):
        made = sum(written.kind == "create" for written in crm.journal.get(code, ()))
        if living[code] != wanted.get(code) or made != 1:
            yield f"{code} (made {made} times, {living[code]} there, {wanted.get(code)} wanted)"


def out_of_order(crm: CRM, stories: Sequence[Story]) -> Iterable[str]:
    """Name the contacts that went back, or through a state that never was."""
    for story in stories:
        journal = crm.journal.get(story.code, [])
        place = path([told.shown for told in story.events], journal)
        if place is not None:
            yield f"{story.code}, write {place + 1} of {len(journal)}"


def _wrong_pairs(sync: ContactSync, crm: CRM, stories: Sequence[Story]) -> Iterable[str]:
    assert isinstance(sync.key_store, PairListing)
    pairs = Counter(sync.key_store.iter_pairs(token_installation_id(TOKEN)))
    wanted = Counter((record["customer_code"].removeprefix("c"), ref) for ref, record in crm.records.items())
    for kind, those in (("missing", wanted - pairs), ("too many", pairs - wanted)):
        for botmatic_id, external_id in sorted(those):
            yield f"{kind}: {botmatic_id} with {external_id}"
