"""Calls of a consumer, each of which ends in a `Result`, whatever the consumer does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from contact_sync.failures import FAULTS, status_of, translate
from contact_sync.observing import observers
from contact_sync.results import Result, to_result

from .declared import TURNED_DOWN
from .pace import wait_for_turn

if TYPE_CHECKING:
    from .base import ExternalAPIConsumer

_ABOUT_THE_KEY: Final = frozenset({401, 403, 407})  # a refused key is refused for each contact alone, too


def ask(consumer: ExternalAPIConsumer, method: str, *args: object) -> Result:
    """Call a consumer's method and get a `Result`, whatever it does: the one place where its faults are translated."""
    wait = wait_for_turn(consumer)
    if wait > 0:
        return _too_many(f"{type(consumer).__name__}.{method}", wait)
    return ask_at_once(consumer, method, *args)


def ask_at_once(consumer: ExternalAPIConsumer, method: str, *args: object) -> Result:
    """Call a consumer's method as `ask` does, without regard to its `rate_budget`: the caller has seen to that."""
    source = f"{type(consumer).__name__}.{method}"
    began = observers.clock()
    try:
        result = to_result(getattr(consumer, method)(*args), source)
    except FAULTS as error:
        result = translate(error, source)
    observers.called("consumer", method, result, began)
    return result


def ask_many(
    consumer: ExternalAPIConsumer,
    method: Literal["create_contacts", "update_contacts"],
    contacts: Sequence[dict[str, Any]],
) -> list[Result]:
    """Call a consumer's batch method and get a `Result` for each contact, in order, whatever it does.

    Those of a call that was turned down whole, so that its contacts may be sent one by one, have the `reason`
    `TURNED_DOWN`. Of creates that has to be certain, since a repeated one makes everything twice.
    """
    source = f"{type(consumer).__name__}.{method}"
    wait = wait_for_turn(consumer)
    if wait > 0:
        return [_too_many(source, wait)] * len(contacts)
    began = observers.clock()
    try:
        results = _each(getattr(consumer, method)(list(contacts)), len(contacts), source)
    except FAULTS as error:
        status = status_of(error)
        if status is None:
            nothing_done = method == "update_contacts"  # perhaps it was, but it may be done again
        else:
            nothing_done = 400 <= status < 500 and status not in _ABOUT_THE_KEY
        results = _whole(translate(error, source), len(contacts), nothing_done=nothing_done)
    if results:
        worked = next((result for result in results if result.success), results[0])
        observers.called("consumer", method, worked, began)
    return results


def _too_many(source: str, wait: float) -> Result:
    return Result.failed(
        f"{source} has to wait: its rate_budget is used up", reason="rate budget", retryable=True, retry_after=wait
    )


def _each(answer: object, count: int, source: str) -> list[Result]:
    """Read what a batch method returned."""
    if isinstance(answer, Result | Mapping):
        one = to_result(answer, source)
        if not one.success:
            said = answer.success if isinstance(answer, Result) else answer.get("success")
            return _whole(one, count, nothing_done=said is False)
        given = "one result"
    elif isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        if len(answer) == count:
            return [to_result(each, source) for each in answer]
        given = f"{len(answer)} results"
    else:
        return [Result.failed(f"{to_result(answer, source).error}, one for each contact")] * count
    return [Result.failed(f"{source} returned {given} for {count} contacts; expected one for each, in order")] * count


def _whole(failure: Result, count: int, *, nothing_done: bool) -> list[Result]:
    """Give every contact of a batch the failure of the whole call; an id or a record in it is that of one alone."""
    reason = TURNED_DOWN if nothing_done and not (failure.retryable or failure.in_doubt) else failure.reason
    return [failure.with_(id=None, contact=None, contacts=None, reason=reason)] * count


def batch_size_of(consumer: ExternalAPIConsumer) -> int:
    """How many records a consumer's batch calls take; 1 if it has none, or if what it says is no number of records."""
    size: object = consumer.batch_size
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 1 else 1
