"""How contacts are found: by id, by what is unique, and by a search."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from contact_sync.consumer import EMAIL, EXISTS
from contact_sync.consumers.http import ApiError
from contact_sync.failures import FAULTS, translate
from contact_sync.results import NOT_FOUND, Result

from .calls import SEARCH_LIMIT, SEARCH_WINDOW, Calls
from .records import (
    EMAIL_PROPERTY,
    ID,
    OTHER_ADDRESSES,
    Record,
    UnfitValue,
    addresses_of,
    contact_of,
    email_key,
    is_record_id,
)
from .refusals import refused

LONGEST_ADDRESS: Final = 320

_CALCULATED: Final = {"phone": "hs_calculated_phone_number", "mobilephone": "hs_calculated_mobile_number"}
"""Where HubSpot keeps a number in international form (`+33612345678`), however it was written."""


class Lookups:
    """Look-ups. All that they refuse is a failed result.

    Args:
        calls: HubSpot's.
        properties: Those that contacts are to have.
        unique_keys: Those of which no two contacts have the same value.
    """

    def __init__(self, calls: Calls, properties: tuple[str, ...], unique_keys: Collection[str]) -> None:
        self._calls = calls
        self._properties = properties
        self._unique = unique_keys

    def by_id(self, id: str) -> Result:
        """Read a record; by the id of one that was merged, the one that it is a part of now."""
        if not is_record_id(id):
            return Result.failed(NOT_FOUND)
        return tried(lambda: self._found(self._calls.read(id, self._properties), id))

    def by_email(self, email: str) -> Result:
        """Find a record by one of its addresses."""
        if len(email) > LONGEST_ADDRESS or not EMAIL.fullmatch(email):
            return Result.failed(NOT_FOUND)
        return self._by(EMAIL_PROPERTY, email, lambda record: email_key(email) in addresses_of(record))

    def by(self, field: str, value: str) -> Result:
        """Find records by a property."""
        if field == EMAIL_PROPERTY:
            return self.by_email(value)
        if field == ID:
            return self.by_id(value)
        if value in ("", ".", ".."):
            return Result.failed(NOT_FOUND)
        if field in self._unique:
            return self._by(field, value, lambda record: _holds(record, [field], value))
        return tried(lambda: self._search(field, value), [field])

    def verified(self, result: Result, sent: Mapping[str, Any]) -> Result:
        """Make sure that a record that a refusal names is in the way of what was sent: it is adopted, and written to.

        Args:
            result: What came of a write.
            sent: The contact, or its properties.

        Returns:
            The result, if it names no record, or one that has the e-mail address or another unique value of the
            contact; else `EXISTS` without an id. If the record cannot be read, why.
        """
        if result.success or result.id is None:
            return result
        unique = dict.fromkeys((EMAIL_PROPERTY, *self._unique))
        try:
            record = self._calls.read(result.id, (*unique, OTHER_ADDRESSES))
        except ApiError as error:
            return refused(error).with_(in_doubt=False)  # that the write was refused is certain
        except FAULTS as error:
            return translate(error, "HubSpotConsumer").with_(in_doubt=False)
        if record is not None and any(_has(record, name, sent.get(name)) for name in unique):
            return result.with_(id=record.id)
        return result.with_(id=None, reason=EXISTS)

    def _by(self, field: str, value: str, fits: Callable[[Record], bool]) -> Result:
        """Read a record by a property whose values are unique. What HubSpot finds beyond that value is dropped."""
        asked = dict.fromkeys((*self._properties, field, OTHER_ADDRESSES))

        def read() -> Result:
            record = self._calls.read(value, asked, field)
            return self._found(record if record is not None and fits(record) else None)

        return tried(read, [field])

    def _search(self, field: str, value: str) -> Result:
        """Search for a value. All that have it are found, as far as a search goes."""
        fields = [field, *([_CALCULATED[field]] if field in _CALCULATED and value.startswith("+") else [])]
        groups = [[{"propertyName": name, "operator": "EQ", "value": value}] for name in fields]
        asked = dict.fromkeys((*self._properties, *fields))
        found: list[Record] = []
        after: str | None = None
        while True:
            page = self._calls.search(groups, asked, after)
            found += [record for record in page.records if _holds(record, fields, value)]
            after = page.after
            if after is None or not after.isdecimal() or int(after) + SEARCH_LIMIT > SEARCH_WINDOW:
                break
        if len(found) > 1:
            return Result.ok(contacts=[contact_of(record, self._properties) for record in found])
        return self._found(found[0] if found else None)

    def _found(self, record: Record | None, asked: str | None = None) -> Result:
        if record is None:
            return Result.failed(NOT_FOUND)
        contact = contact_of(record, self._properties)
        return Result.ok(record.id, contact=contact, reason=merger(asked, record))


def merger(asked: str | None, record: Record) -> str | None:
    """What is to be said of a record that was asked for by the id of another one; `None` if it was not."""
    return None if asked in (None, record.id) else f"the record {asked} is a part of {record.id} by now"


def tried(work: Callable[[], Result], sent: Collection[str] = ()) -> Result:
    """Do some work; what HubSpot refuses, or cannot take, is a failed result that says why.

    Args:
        sent: The properties that are sent or searched for, to be named.
    """
    try:
        return work()
    except ApiError as error:
        return refused(error, sent)
    except UnfitValue as error:
        return Result.failed(str(error))


def _has(record: Record, name: str, value: object) -> bool:
    """Whether a record has a unique value of a contact's, which is not empty."""
    if name == EMAIL_PROPERTY:
        return email_key(value) in addresses_of(record)
    return value not in (None, "") and _holds(record, [name], str(value))


def _holds(record: Record, fields: Iterable[str], value: str) -> bool:
    """Whether a record has a value, whatever the case: HubSpot's searches do not tell cases apart."""
    return any(str(record.properties.get(name) or "").strip().casefold() == value.strip().casefold() for name in fields)
