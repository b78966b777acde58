"""A store in memory whose calls can be made to fail, before or after they take effect."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, cast

from key_stores import MemoryKeyStore, StoreUnavailable
from key_stores.memory import Expiring

_METHODS: Final = (
    "acquire_leases",
    "claim",
    "delete_all_ids",
    "delete_record",
    "get_botmatic_ids",
    "get_external_ids",
    "get_record",
    "get_records",
    "put_record",
    "record",
    "release_leases",
)
"""What the sync calls. `renew_leases` and `renew_claim` are called from time to time only."""


class FaultyStore(MemoryKeyStore):
    """A correct store until it is told to fail.

    Attributes:
        struck: How many calls have failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.struck = 0
        self._calls = 0
        self._fails: Callable[[int], bool] = lambda number: False
        self._after = False
        self._guard = threading.Lock()

    def fail(self, first: int, times: int = 1, *, after: bool = False) -> None:
        """Let calls fail, counted from now: the first one that does, and how many do."""
        self._calls, self.struck, self._after = 0, 0, after
        self._fails = lambda number: first <= number < first + times

    def end_claims(self) -> None:
        """End all claims and leases, as when their time is over."""
        with self._lock:
            self._leases = Expiring()
            for kept in self._installations.values():
                kept.claims = Expiring()

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        with self._guard:
            self._calls += 1
            fails = self._fails(self._calls)
            self.struck += fails
        if fails and not self._after:
            raise StoreUnavailable("the key store cannot be reached")
        result = getattr(MemoryKeyStore, name)(self, *args, **kwargs)
        if fails:
            raise StoreUnavailable("the key store did not answer")
        return result


def _faulty(name: str) -> Callable[..., Any]:
    def method(self: FaultyStore, *args: Any, **kwargs: Any) -> Any:
        return self._call(name, *args, **kwargs)

    return cast(Callable[..., Any], method)


for _name in _METHODS:
    setattr(FaultyStore, _name, _faulty(_name))
