"""Writes of many contacts with one call, and which result is whose.

HubSpot promises no order of the results. Each input carries a trace id; a result is told by that where HubSpot gives it
back, else by its e-mail address or its id. What HubSpot says nothing of is written by itself, which does no harm: an
address that has been created meanwhile is a conflict that names its record, and an update can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contact_sync.consumer import ManyResults
from contact_sync.consumers.http import ApiError
from contact_sync.failures import FAULTS, translate
from contact_sync.results import Result

from .calls import BATCH_LIMIT, BatchAnswer, Calls, Kind
from .records import EMAIL_PROPERTY, ID, Record, UnfitValue, email_key, is_record_id, written
from .refusals import failure_of, refused

Contact = Mapping[str, Any]
ResultOf = Callable[[str | None, Record], Result]
"""Makes a result of the record that was written, and of the id that was asked for, if one was."""
Verify = Callable[[Result, Mapping[str, Any]], Result]
"""Makes sure of the record that a refusal names, given what was sent."""

_TRACE: Final = "objectWriteTraceId"
_FOR_ALL: Final = frozenset({401, 403, 404, 408, 423, 425, 429, 477})
"""What is said of token, address or moment is true of each contact: none is tried by itself."""

NO_ADDRESS: Final = "an upsert tells contacts by their e-mail address, and this one has none of its own in the call"
NOT_TOLD: Final = "HubSpot did not say what has become of the contact"


@dataclass(frozen=True, slots=True)
class Input:
    """A contact as it stands in a batch.

    Attributes:
        place: Its place among those that were given.
        key: By what its record is told: its address, in lower case, or its id. Left out of `repr`.
        properties: What is to be written. Left out of `repr`.
    """

    place: int
    key: str = field(repr=False)
    properties: Mapping[str, str] = field(repr=False)


class Batches:
    """Batch calls.

    Args:
        calls: HubSpot's.
        result_of: Makes the result of a create or an update.
        alone: Creates or updates one contact by itself, whatever goes wrong.
        verify: Makes sure of the record that a refusal names.
    """

    def __init__(
        self,
        calls: Calls,
        result_of: Mapping[Kind, ResultOf],
        alone: Callable[[Kind, Contact], Result],
        verify: Verify,
    ) -> None:
        self._calls = calls
        self._result_of = result_of
        self._alone = alone
        self._verify = verify

    def create(self, contacts: Sequence[Contact]) -> ManyResults:
        """Create contacts. Those without an e-mail address of their own in the batch are created by themselves."""
        return self._written("create", contacts, _inputs(contacts, _address, filled=True))

    def update(self, contacts: Sequence[Contact]) -> ManyResults:
        """Update contacts. One that comes a second time, or has nothing to be written, is updated by itself."""
        return self._written("update", contacts, _inputs(contacts, _id))

    def upsert(self, contacts: Sequence[Contact]) -> list[Result]:
        """Create contacts, or write over those that have their e-mail address, in as many calls as it takes."""
        inputs = _inputs(contacts, _address)
        told: dict[int, Result] = {}
        for start in range(0, len(inputs), BATCH_LIMIT):
            told |= self._upserted(inputs[start : start + BATCH_LIMIT])
        return [told.get(place) or _left_out(contact) for place, contact in enumerate(contacts)]

    def _upserted(self, inputs: Sequence[Input]) -> dict[int, Result]:
        try:
            told = self._asked("upsert", inputs)
        except ApiError as error:
            # Of a call that was turned down whole, nobody knows whose record it names.
            return {one.place: refused(error, one.properties).with_(id=None, reason=None) for one in inputs}
        except FAULTS as error:
            return dict.fromkeys((one.place for one in inputs), translate(error, "HubSpotConsumer.upsert_contacts"))
        unknown = Result.failed(NOT_TOLD, retryable=True, in_doubt=True)
        return {one.place: told.get(one.place, unknown) for one in inputs}

    def _written(self, kind: Kind, contacts: Sequence[Contact], inputs: Sequence[Input]) -> ManyResults:
        """Make the call, and write by itself what it does not answer."""
        if len(contacts) > BATCH_LIMIT:
            return Result.failed(f"a batch of HubSpot's holds {BATCH_LIMIT} contacts at the most, not {len(contacts)}")
        try:
            told = self._asked(kind, inputs) if inputs else {}
        except ApiError as error:
            failure = refused(error, {name for one in inputs for name in one.properties})
            if error.status_code in _FOR_ALL or error.status_code >= 500:
                return [failure] * len(contacts)
            return failure.with_(id=None, reason=None)  # it was turned down whole, and nothing of it was done
        return [told.get(place) or self._alone(kind, contact) for place, contact in enumerate(contacts)]

    def _asked(self, kind: Kind, inputs: Sequence[Input]) -> dict[int, Result]:
        answer = self._calls.batch(kind, [_body(kind, one) for one in inputs])
        told = _told(answer, inputs, _id_of if kind == "update" else _address_of, self._result_of[kind])
        return {one.place: self._verify(told[one.place], one.properties) for one in inputs if one.place in told}


def _inputs(
    contacts: Sequence[Contact], key_of: Callable[[Contact], str | None], *, filled: bool = False
) -> list[Input]:
    """Choose the contacts that can be told apart in a batch: the first of each key.

    Args:
        filled: Whether empty properties are left out, since in a new record there is nothing to be cleared.
    """
    inputs: dict[str, Input] = {}
    for place, contact in enumerate(contacts):
        key = key_of(contact)
        if key is None or key in inputs:
            continue
        try:
            properties = written(contact)
        except UnfitValue:
            continue
        kept = {name: text for name, text in properties.items() if text != "" or not filled}
        inputs[key] = Input(place, key, kept)
    return list(inputs.values())


def _left_out(contact: Contact) -> Result:
    """Say why a contact is not in the calls of an upsert."""
    try:
        written(contact)
    except UnfitValue as error:
        return Result.failed(str(error))
    return Result.failed(NO_ADDRESS)


def _address(contact: Contact) -> str | None:
    return email_key(contact.get(EMAIL_PROPERTY))


def _id(contact: Contact) -> str | None:
    id = str(contact.get(ID) or "")
    return id if is_record_id(id) and len(contact) > 1 else None


def _address_of(record: Record) -> str | None:
    return email_key(record.properties.get(EMAIL_PROPERTY))


def _id_of(record: Record) -> str | None:
    return record.id


def _body(kind: Kind, one: Input) -> dict[str, Any]:
    """Write an input; with a trace id of its own, so that HubSpot tells of each and none stops the others."""
    body: dict[str, Any] = {"properties": dict(one.properties), _TRACE: str(one.place)}
    if kind != "create":
        body["id"] = one.key
    if kind == "upsert":
        body["idProperty"] = EMAIL_PROPERTY
    return body


def _told(
    answer: BatchAnswer, inputs: Sequence[Input], key_of: Callable[[Record], str | None], result_of: ResultOf
) -> dict[int, Result]:
    """Give the results that an answer tells of, by the places of their contacts."""
    traces = {str(one.place): one for one in inputs}
    keys = {one.key: one for one in inputs}
    told: dict[int, Result] = {}
    for record in answer.records:
        one = traces.get(record.trace) if record.trace is not None else keys.get(key_of(record) or "")
        if one is not None:
            told.setdefault(one.place, result_of(one.key, record))
    for error in answer.errors:
        context = error.get("context")
        named = context if isinstance(context, dict) else {}
        found = [traces[text] for text in _texts(named.get(_TRACE)) if text in traces]
        for one in found or [keys[text] for text in _texts(named.get("ids")) if text in keys]:
            told.setdefault(one.place, failure_of(error, one.properties, "in a batch"))
    return told


def _texts(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
