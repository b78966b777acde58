"""How `contact-sync check --write` looks for its test contact: by the address, whichever way the consumer can."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from contact_sync.consumer import EMAIL, PAGE_SIZE, ExternalAPIConsumer, ask, offers
from contact_sync.results import Result
from contact_sync.sides import hits
from mappers import Mapper

from .check_marks import Marks

PAUSE: Final = 0.5
"""How long to wait between two look-ups, in seconds."""


class Search:
    """Looks in the CRM for the test contact.

    Args:
        consumer: What is tried out.
        mapper: The table of fields.
        marks: What the test contact is recognised by.
        patience: How long a search may take to know a new record, in seconds.
    """

    def __init__(self, consumer: ExternalAPIConsumer, mapper: Mapper, marks: Marks, patience: float) -> None:
        self._consumer = consumer
        self._mapper = mapper
        self._marks = marks
        self._patience = patience

    def find(self, field: str, wait: Callable[[float], bool]) -> tuple[Result, float]:
        """Look for the address until it is found, or the search has had its time.

        Args:
            field: The address's, in the CRM's name.
            wait: Waits so many seconds. Whether to give up.

        Returns:
            What the last look-up gave, and how many seconds all of it took.
        """
        began = time.monotonic()
        while True:
            result = ask(self._consumer, "find_contact", field, self._marks.address)
            waited = time.monotonic() - began
            if not result.not_found or waited + PAUSE > self._patience or wait(PAUSE):
                return result, waited

    def marked(self) -> list[Mapping[str, Any]] | None:
        """The records that are found by the address and have the marks. `None`: nobody can be looked for."""
        row = self._marks.address_row
        if row is None:
            return None
        began = time.monotonic()
        while True:
            results = [ask(self._consumer, "find_contact", row.external, self._marks.address)]
            if offers(self._consumer, "find_contact"):  # otherwise that was get_contact_by_email
                results.append(ask(self._consumer, "get_contact_by_email", self._marks.address))
            marked = [record for result in results for record in hits(result) if self._marks.are_on(record)]
            if marked:
                return marked
            worth_it = any(result.not_found or result.retryable for result in results)
            if not worth_it or time.monotonic() - began + PAUSE > self._patience:
                return [] if any(result.success or result.not_found for result in results) else None
            time.sleep(PAUSE)

    def finds_others(self) -> bool:
        """Whether it is seen to work: a record of the first page that has an address is found by it."""
        row = self._marks.address_row
        if row is None:
            return False
        for record in ask(self._consumer, "list_contacts", 1, PAGE_SIZE).contacts or ():
            address, id = row.read(record, "ext"), self._mapper.external_id(record)
            if id is not None and isinstance(address, str) and EMAIL.fullmatch(address):
                found = hits(ask(self._consumer, "find_contact", row.external, address))
                return any(self._mapper.external_id(one) == id for one in found)
        return False
