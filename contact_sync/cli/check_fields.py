"""What `contact-sync check` says of a consumer's abilities, and of the fields that its CRM names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from contact_sync.consumer import CANNOT_CLEAR, CRMField, ExternalAPIConsumer, abilities_of, batch_size_of, offers
from contact_sync.failures import FAULTS, translate
from mappers import Mapper, Mapping
from mappers.paths import split

from .findings import Finding
from .output import counted, plain


def abilities(consumer: ExternalAPIConsumer) -> Finding:
    """What a consumer can do, in words."""
    own = set(abilities_of(consumer))
    size = batch_size_of(consumer)
    words = {
        "creates, updates and deletes": (consumer.can_create, consumer.can_update, consumer.can_delete) == (True,) * 3,
        "creates nothing": not consumer.can_create,
        "updates nothing": not consumer.can_update,
        "deletes nothing": not consumer.can_delete,
        "pages of its own": "iter_contacts" in own,
        "numbered pages": "iter_contacts" not in own,
        f"batches of {size}": size > 1,
        "no batches": size == 1,
        "searched by any field": "find_contact" in own,
        "searched by e-mail address": "find_contact" not in own,
        "archives": "archive_contact" in own,
        "no archive": "archive_contact" not in own,
        "tells what has changed": "list_changed" in own,
        "does not tell what has changed": "list_changed" not in own,
        "no field can be cleared": consumer.clear_value is CANNOT_CLEAR,
    }
    said = [word for word, true in words.items() if true]
    if consumer.rate_budget is not None:
        said.append(f"{counted(consumer.rate_budget.calls, 'call')} in {consumer.rate_budget.per:g} s")
    return Finding("CRM abilities", "ok", ", ".join(said))


def fields(mapper: Mapper, consumer: ExternalAPIConsumer) -> Iterator[Finding]:
    """Whether the CRM has the fields that the mapping names, and takes what is written to them."""
    declared = set(consumer.read_only_fields)
    named: Sequence[CRMField] = ()
    if offers(consumer, "list_fields"):
        source = f"{type(consumer).__name__}.list_fields"
        try:
            named = list(consumer.list_fields())
        except FAULTS as error:
            said = translate(error, source).error or ""
            yield Finding("fields", "fail", said, f"Repair {source}, or what it calls")
            return
    names = [field.name for field in named]
    rows = [row for row in mapper.rows if not row.id]
    missing = [row for row in rows if names and not _is_there(row, names)]
    refused = {field.name for field in named if field.read_only} | declared
    unwritable = [row for row in rows if row.direction != "to_botmatic" and row.external in refused]
    if missing:
        detail = "; ".join(f"the CRM has no {row.external!r}{_instead(row.external, names)}" for row in missing)
        yield Finding("fields", "fail", detail, "Correct those rows of the mapping, or make the fields there")
    if unwritable:
        detail = f"{', '.join(row.external for row in unwritable)} cannot be written there"
        yield Finding("fields", "warn", detail, 'Set direction="to_botmatic" on those rows')
    if named and not missing and not unwritable:
        yield Finding("fields", "ok", f"the CRM names {counted(len(named), 'field')}, those of the mapping among them")


def _is_there(row: Mapping, names: Sequence[str]) -> bool:
    """Whether one of the CRM's fields is a row's, or the object that it lies in, or a part of it."""
    for name in names:
        try:
            path = split(name)
        except ValueError:
            path = (name,)
        depth = min(len(path), len(row.path))
        if path[:depth] == row.path[:depth]:
            return True
    return False


def _instead(name: str, names: Sequence[str]) -> str:
    folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), list(folded), 1)
    return f" (did you mean {plain(folded[near[0]])!r}?)" if near else ""
