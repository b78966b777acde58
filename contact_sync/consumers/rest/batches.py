"""Several contacts with one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

_ABOUT_THE_KEY: Final = (401, 403, 407)
"""A refused key is refused for each contact alone, too: there is no use in sending them one by one."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A contact that is sent.

    Attributes:
        fields: What is sent of it. Left out of `repr`.
        id: Its id; none if it is new.
    """

    fields: Mapping[str, Any]
    id: str | None = None

    def __repr__(self) -> str:
        return f"Outgoing({'new' if self.id is None else 'known'})"


def send_many(caller: Caller, batch: Batch, contacts: Sequence[Outgoing]) -> list[Result] | Result:
    """Send several contacts.

    Returns:
        A result for each, in the order sent; or a single failure, if nothing was done.

    Raises:
        ApiError: The key is refused.
        UnexpectedAnswer: There is not a result for each.
    """
    name = batch.endpoint.name
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
        raise UnexpectedAnswer(f"{name}: the answer holds {given} for {len(contacts)} contacts; see {name}.results")
    return [_result(caller, batch, answer, *pair) for pair in zip(results, contacts, strict=True)]


def _filled(caller: Caller, batch: Batch, contact: Outgoing) -> Any:
    if contact.id is None:
        return batch.each.fill({"contact": contact.fields})
    fields = contact.fields
    if "id" not in batch.each.uses:
        fields = replaced(fields, caller.declared.shape.id, contact.id)
    return batch.each.fill({"contact": fields, "id": contact.id})


def _result(caller: Caller, batch: Batch, answer: Answer, result: Any, contact: Outgoing) -> Result:
    """What became of one contact."""
    status = answer.status if batch.status is None else at(result, batch.status)
    if not isinstance(status, int) or isinstance(status, bool):
        return Result.failed(f"{batch.endpoint.name}: a result holds no status; see {batch.endpoint.name}.status")
    part = Answer(answer.reply, status, None if (found := at(result, batch.answer)) is MISSING else found)
    about: About = "new" if contact.id is None else "record"
    try:
        caller.judge(part, batch.endpoint, about, batch.success)
        if batch.endpoint.item is None or part.is_empty:
            return _without_record(batch, part, contact)
        record = caller.record(part, batch.endpoint, batch.endpoint.item, contact.id)
    except Ended as end:
        return end.result
    except ContactSyncError as error:
        return Result.failed(str(error))
    return Result.ok(caller.declared.shape.id_of(record), contact=record)


def _without_record(batch: Batch, part: Answer, contact: Outgoing) -> Result:
    id = contact.id if contact.id is not None else id_at(part, batch.id)
    if id is None:
        return Result.failed(f"{batch.endpoint.name}: a result holds no id; see {batch.endpoint.name}.item and id")
    return Result.ok(id)
