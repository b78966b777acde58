"""What `contact-sync check` looks at in the CRM: whether it answers, and whether the mapping fits it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from contact_sync.consumer import PAGE_SIZE, ExternalAPIConsumer, ask, offers
from contact_sync.results import Result
from mappers import Mapping, MappingError

from .check_fields import abilities, fields
from .findings import Finding, Subject
from .output import counted, milliseconds


def consumer(subject: Subject) -> Iterator[Finding]:
    """Whether the CRM gives a page of records, and whether they can be mapped."""
    found = subject.consumer
    if found is None:
        remedy = f"Pass {subject.options}: there is a CRM account for each"
        yield Finding("consumer", "skipped", "nobody to ask for", remedy)
        return
    if isinstance(found, Result):
        refused = isinstance(subject.speaker(), Result)
        remedy = subject.another if refused else "Repair the consumer function, or name another one"
        yield Finding("consumer", "fail", found.error or "", remedy)
        return
    kind = type(found).__name__
    began = time.perf_counter()
    page = ask(found, "list_contacts", 1, PAGE_SIZE)
    if not page.success or page.contacts is None:
        error = page.error or f"{kind}.list_contacts succeeded without 'contacts'"
        said = error if kind in error else f"{kind}.list_contacts: {error}"
        yield Finding("consumer", "fail", said, f"Repair {kind}.list_contacts, or what it calls")
        return
    yield Finding("consumer", "ok", f"{kind} lists {counted(len(page.contacts), 'record')} in {milliseconds(began)}")
    yield from _records(subject, page.contacts)
    yield from _updates(found)
    yield from _matching(subject, found)
    yield abilities(found)
    yield from fields(subject.sync.mapper, found)


def _records(subject: Subject, records: Any) -> Iterator[Finding]:
    """Whether the records of a page fit the mapping."""
    mapper = subject.sync.mapper
    nameless = sum(mapper.external_id(record) is None for record in records)
    problems = []
    for record in records:
        try:
            mapper.to_botmatic(record)
        except MappingError as error:
            problems.append(str(error))
    if nameless:
        detail = f"{nameless} of {len(records)} have no usable id in {mapper.external_id_key!r}"
        yield Finding("records", "fail", detail, "Name the CRM's own id field in the id row of the mapping")
    if problems:
        detail = f"{len(problems)} of {len(records)} cannot be mapped: {problems[0]}"
        yield Finding("records", "fail", detail, "Correct that row, or the record")
    if records and not nameless and not problems:
        yield Finding("records", "ok", "those of the first page have ids and can be mapped")


def _updates(consumer: ExternalAPIConsumer) -> Iterator[Finding]:
    """What an update may write over."""
    if not consumer.can_update:
        yield Finding("updates", "ok", "none: records cannot be changed (can_update)")
    elif consumer.partial_updates is True:
        yield Finding("updates", "ok", "the changed fields alone (partial_updates)")
    else:
        remedy = "Set partial_updates if the CRM takes single fields: what is edited there meanwhile is written over"
        yield Finding("updates", "ok", "all mapped fields of a change", remedy)


def _matching(subject: Subject, consumer: ExternalAPIConsumer) -> Iterator[Finding]:
    """Which match rows can be searched."""
    rows = subject.sync.mapper.match_fields
    own = offers(consumer, "find_contact")
    blind = [] if own else [row.botmatic for row in rows if not may_hold_addresses(row)]
    if blind:
        kind = type(consumer).__name__
        detail = f"{kind} finds e-mail addresses alone, and nobody by {', '.join(blind)}"
        yield Finding("matching", "warn", detail, f"Write {kind}.find_contact, or set match=False there")
    elif rows:
        yield Finding("matching", "ok", "by find_contact" if own else "by get_contact_by_email")


def may_hold_addresses(row: Mapping) -> bool:
    """Whether a row is for e-mail addresses, as far as its type and its names say."""
    return row.type == "email" or (row.type in ("text", "list") and "mail" in f"{row.botmatic} {row.external}".lower())
