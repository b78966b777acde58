"""Looking for records by the value of a field, and comparing what comes with what was looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contact_sync.errors import ContactSyncError
from contact_sync.results import NOT_FOUND, Result
from mappers.paths import read, split
from mappers.values import MISSING

from .calling import Caller
from .paging import NUMBERED, walk

_MOST_PAGES: Final = 20
_SIZE: Final = 100


class NothingToCompare(ContactSyncError):
    """Records were found without the field that they were looked for by."""


def look(caller: Caller, field: str, value: str) -> Result:
    """Look for records.

    Args:
        field: One of the fields that are declared for it.
        value: What it has to be, whole.

    Returns:
        Success with one contact or several, `NOT_FOUND`, or a failure if too many come to be compared.
    """
    find = caller.declared.find
    values = {"field": field, "value": value}
    if value in (".", "..") and "value" in find.endpoint.path.uses:
        return Result.failed(NOT_FOUND)
    if find.endpoint.item is not None:
        answer = caller.send(find.endpoint, values, "record")
        found = [caller.record(answer, find.endpoint, find.endpoint.item)]
        found = [] if caller.declared.shape.is_gone(answer.at(find.endpoint.item)) else found
    else:
        found = []
        before: list[Any] = []
        pages = walk(find.paging, lambda ask: caller.page(find.endpoint, find.paging, ask, values), _SIZE)
        for number, page in enumerate(pages, 1):
            if find.paging.type in NUMBERED and page.records == before:
                break  # it gives all that it finds, whatever page it is asked for
            before = page.records
            found += caller.contacts(page.records, find.endpoint)
            if number > _MOST_PAGES and page.records:
                return Result.failed(
                    f"find: the API gives more than {_MOST_PAGES} pages of records for one value; let find.query ask "
                    "for the whole value of the field"
                )
    if find.compare != "trust":
        found = _with(found, field, value, folds=find.compare == "ignore_case", caller=caller)
    if not found:
        return Result.failed(NOT_FOUND)
    if len(found) > 1:
        return Result.ok(contacts=found)
    return Result.ok(caller.declared.shape.id_of(found[0]), contact=found[0])


def _with(
    contacts: list[dict[str, Any]], field: str, value: str, *, folds: bool, caller: Caller
) -> list[dict[str, Any]]:
    path = split(field)
    held = [(contact, read(contact, path)) for contact in contacts]
    if held and not caller.declared.shape.omits_empty and all(has is MISSING for _, has in held):
        raise NothingToCompare(
            f"find: the records that the API gives do not hold the field {field!r}, so they cannot be compared with "
            "what was looked for; let it give that field, or declare compare: trust"
        )
    wanted = value.casefold() if folds else value
    return [contact for contact, has in held if any(_text(each, folds) == wanted for each in _values(has))]


def _values(has: Any) -> list[Any]:
    return [each for each in (has if isinstance(has, list) else [has]) if not isinstance(each, Mapping)]


def _text(value: Any, folds: bool) -> str | None:
    if value is None or value is MISSING:
        return None
    return str(value).casefold() if folds else str(value)
