"""A correct consumer with batch calls, to make wrong ones of."""

from __future__ import annotations

from typing import Any

from contact_sync.consumer import ManyResults
from contact_sync.results import Result
from contact_sync.testing import MemoryConsumer


class Batches(MemoryConsumer):
    """Takes more records at once than the suite creates with one call."""

    def __init__(self, **options: Any) -> None:
        super().__init__(batch_size=500, **options)


def each(results: ManyResults) -> list[Result]:
    """What a batch call of the CRM in memory gave: a list, unless the call was turned down."""
    assert isinstance(results, list)
    return results
