"""Several contacts with one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from contact_sync.consumers.http import ApiError
from contact_sync.errors import ContactSyncError
from contact_sync.results import Result
from mappers.paths import replaced
from mappers.values import MISSING

from .answers import Answer
from .calling import About, Caller, Ended, UnexpectedAnswer
from .lookup import at
from .rules import id_at
from .special import Batch
from .whose import Marks, Outgoing, Told, whose

_ABOUT_THE_KEY: Final = (401, 403, 407)
"""A refused key is refused for each contact alone, too: there is no use in sending them one by one."""

_NOBODYS: Final = (
    "the answer does not say which record is that of this contact. Records come with an id, an address (record.email) "
    "or a value (record.unique) of another contact; check what results and item say, and in which order results come"
)
_ANOTHERS: Final = "the answer holds another record than the one that was asked for"


def send_many(caller: Caller, batch: Batch, contacts: Sequence[Outgoing]) -> list[Result] | Result:
    """Send several contacts.

    Returns:
        A result for each, in the order sent; or a single failure, if nothing was done.

    Raises:
        ApiError: The key is refused.
        UnexpectedAnswer: There is not a result for each.
    """
    each = [_filled(caller, batch, contact) for contact in contacts]
    try:
        answer = caller.send(batch.endpoint, {"contacts": each}, "list", judged=batch.success is None)
    except Ended as end:
        if end.reply is not None and end.reply.status in _ABOUT_THE_KEY:
            raise ApiError(end.reply) from None
        return end.result
    results = answer.at(batch.results)
    if not isinstance(results, list) or len(results) != len(contacts):
        given = f"{len(results)} results" if isinstance(results, list) else "no list of results"
        raise UnexpectedAnswer(
            batch.endpoint, f"the answer holds {given} for {len(contacts)} contacts; see {batch.endpoint.name}.results"
        )
    told = [_told(caller, batch, answer, *pair) for pair in zip(results, contacts, strict=True)]
    found = whose(told, contacts, Marks(caller.declared.shape))
    return [_result(batch, *pair) for pair in zip(found, contacts, strict=True)]


def _filled(caller: Caller, batch: Batch, contact: Outgoing) -> Any:
    if contact.id is None:
        return batch.each.fill({"contact": contact.fields})
    fields = contact.fields
    if "id" not in batch.each.uses:
        fields = replaced(fields, caller.declared.shape.id, contact.id)
    return batch.each.fill({"contact": fields, "id": contact.id})


def _told(caller: Caller, batch: Batch, answer: Answer, result: Any, contact: Outgoing) -> Told:
    """What a result says. One that cannot be used leaves it in doubt what was done."""
    name = batch.endpoint.name
    status = answer.status if batch.status is None else at(result, batch.status)
    if not isinstance(status, int) or isinstance(status, bool):
        return _unusable(f"{name}: a result holds no status; see {name}.status")
    part = Answer(answer.reply, status, None if (found := at(result, batch.answer)) is MISSING else found)
    about: About = "new" if contact.id is None else "record"
    try:
        caller.judge(part, batch.endpoint, about, batch.success)
        if batch.endpoint.item is not None and not (contact.id is not None and part.is_empty):
            record = caller.record(part, batch.endpoint, batch.endpoint.item)
            return Told(id=caller.declared.shape.id_of(record), record=record)
    except Ended as end:
        return Told(end.result)
    except ContactSyncError as error:
        return _unusable(str(error))
    id = None if contact.id is not None else id_at(part, batch.id)
    if contact.id is None and id is None:
        return _unusable(f"{name}: a result holds no id; see {name}.item and id")
    return Told(id=id)


def _unusable(error: str) -> Told:
    return Told(Result.failed(error, in_doubt=True))


def _result(batch: Batch, told: Told | None, contact: Outgoing) -> Result:
    """What became of a contact."""
    if told is None:
        return Result.failed(f"{batch.endpoint.name}: {_NOBODYS if contact.id is None else _ANOTHERS}", in_doubt=True)
    return told.failure or Result.ok(told.id or contact.id, contact=told.record)
