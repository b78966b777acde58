"""Every method of a consumer called once, for the tests with a CRM in trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from contact_sync.consumer import (
    CursorExpired,
    ExternalAPIConsumer,
    ask,
    ask_many,
    batch_size_of,
    changes,
    offers,
    pages,
)
from contact_sync.failures import FAULTS, translate
from contact_sync.results import Result

from .contract_probe import PAGE, ConsumerDeclaration
from .paths import put

WALKS: Final = frozenset(("iter_contacts", "list_changed"))
"""The methods that yield."""


def ask_all(declared: ConsumerDeclaration, url: str, *, walks: bool = True) -> dict[str, Result]:
    """Call all methods that a consumer has at once, and fail if one does not come back.

    Args:
        declared: The suite.
        url: Where the CRM of the consumer is.
        walks: Whether to walk, too.

    Returns:
        What came of each, by its name. A walk ends in its failure; one that ends quietly is a success. Fields that are
        named without asking the CRM are left out.
    """
    __tracebackhide__ = True
    consumer = declared.consumer_at(url)
    results: dict[str, Result] = {}

    def call(method: str, made: Callable[[], Result | None]) -> None:
        result = made()
        results[method] = Result.skipped("it has nothing to ask for") if result is None else result

    calls = _calls(declared, consumer)
    threads = {
        method: threading.Thread(target=call, args=(method, made), daemon=True)
        for method, made in calls.items()
        if walks or method not in WALKS
    }
    for thread in threads.values():
        thread.start()
    for method, thread in threads.items():
        thread.join(declared.time_limit)
        assert method in results, (
            f"{method} did not come back within {declared.time_limit:g} seconds; give the HTTP client a time-out "
            "(requests has none unless every call is given one)"
        )
    consumer.close()
    return {method: result for method, result in results.items() if result.action != "skipped"}


def find_by_text(declared: ConsumerDeclaration, url: str) -> Result:
    """Look for a record by the text field, which not every consumer can."""
    consumer = declared.consumer_at(url)
    found = ask(consumer, "find_contact", declared.text_field, "Contact 1")
    consumer.close()
    return found


def _calls(declared: ConsumerDeclaration, consumer: ExternalAPIConsumer) -> dict[str, Callable[[], Result | None]]:
    """The calls of all methods that a consumer has, by their names."""
    email = f"contact@{declared.email_domain}"
    id = declared.missing_id or "1"  # of the CRM's form: a consumer may know better than to ask for any other one

    def contact(n: int) -> dict[str, Any]:
        made = declared.new_contact(n)
        put(made, declared.email_field, f"{n}-{email}")
        return made

    def change(n: int, id: str) -> dict[str, Any]:
        made = declared.new_contact(n)
        put(made, declared.id_field, id)
        return made

    asked: dict[str, tuple[Any, ...]] = {"get_contact": (id,), "get_contact_by_email": (email,)}
    asked["list_contacts"] = (1, PAGE)
    if declared.can_create:
        asked["create_contact"] = (contact(1),)
    if declared.can_update:
        asked["update_contact"] = (change(1, id),)
    if declared.can_delete:
        asked["delete_contact"] = (id,)
    if offers(consumer, "archive_contact"):
        asked["archive_contact"] = (id,)
    if offers(consumer, "find_contact"):
        asked["find_contact"] = (declared.email_field, email)
    calls: dict[str, Callable[[], Result | None]] = {
        method: partial(ask, consumer, method, *args) for method, args in asked.items()
    }
    if batch_size_of(consumer) > 1 and declared.can_create:
        calls["create_contacts"] = lambda: ask_many(consumer, "create_contacts", [contact(2), contact(3)])[0]
    if batch_size_of(consumer) > 1 and declared.can_update:
        both = [change(2, id), change(3, _next_to(id))]
        calls["update_contacts"] = lambda: ask_many(consumer, "update_contacts", both)[0]
    calls["iter_contacts"] = partial(_walk, consumer)
    if offers(consumer, "list_changed"):
        calls["list_changed"] = partial(_tell, consumer)
    if offers(consumer, "list_fields"):
        calls["list_fields"] = partial(_name_fields, consumer)
    return calls


def _walk(consumer: ExternalAPIConsumer) -> Result:
    """The failure of a walk over all records, or a success if it ends without one."""
    return next((page for page in pages(consumer, PAGE) if not page.success), Result.ok())


def _tell(consumer: ExternalAPIConsumer) -> Result:
    """The same of what has changed."""
    try:
        return next((page for page in changes(consumer, None) if isinstance(page, Result)), Result.ok())
    except CursorExpired:
        return Result.failed("CursorExpired, of no cursor")


def _name_fields(consumer: ExternalAPIConsumer) -> Result | None:
    """The failure of naming the fields, or a success if none is named. Those that a consumer knows by itself are no
    matter of the CRM's."""
    try:
        return None if list(consumer.list_fields()) else Result.ok()
    except FAULTS as error:
        return translate(error, f"{type(consumer).__name__}.list_fields")


def _next_to(id: str) -> str:
    """Another id of the same form."""
    last = next((place for place in range(len(id) - 1, -1, -1) if id[place].isalnum()), 0)
    other = {"1": "2", "a": "b", "A": "B"}
    kind = "1" if id[last : last + 1].isdigit() else "A" if id[last : last + 1].isupper() else "a"
    return f"{id[:last]}{other[kind] if id[last : last + 1] == kind else kind}{id[last + 1 :]}"
