"""What a consumer declares of its CRM, and what it may answer with: values, nothing that calls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from contact_sync.errors import ConfigurationError, ContactSyncError
from contact_sync.results import Result

ResultLike = Result | Mapping[str, Any]
"""What a consumer's method may return: a `Result`, or a dict of the Node library's shape."""

ManyResults = Sequence[ResultLike] | ResultLike
"""What a batch call may return: a result for each record, in order; or a single failed one, which counts for all."""

TURNED_DOWN: Final = "the call for all of them was turned down, and nothing of it was done"
"""The `reason` of the failures of a batch that was turned down whole. Its contacts may be sent again, one by one."""

EXISTS: Final = "the record exists already"
"""The `reason` of a create that failed because the CRM has such a record, where it does not say which one it is. The
sync looks for it, by the mapping's match rows and the `unique_keys`, and adopts it."""

READ_ONLY: Final = "the CRM takes no such change"
"""The `reason` of what is not written because the consumer has declared that it cannot be."""


class _CannotClear(Enum):
    CANNOT_CLEAR = "cannot clear"


CANNOT_CLEAR: Final = _CannotClear.CANNOT_CLEAR
"""A `clear_value` that says that the CRM's fields cannot be emptied."""


@dataclass(frozen=True, slots=True)
class RateBudget:
    """How many calls a CRM takes: `RateBudget(100, per=10)` is a hundred in any ten seconds.

    It is each process's own: with four processes, declare a quarter. One consumer object has one budget.

    Attributes:
        calls: How many calls.
        per: In how many seconds.

    Raises:
        ConfigurationError: One of the two is no number above zero.
    """

    calls: int
    per: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("calls", self.calls), ("per", self.per)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ConfigurationError(f"RateBudget: {name} has to be a number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A page of what has changed in a CRM, as `list_changed` yields it.

    Attributes:
        cursor: From where to go on after this page: text of the CRM's own making, such as a sync token or a time.
            It is stored once the page has been applied.
        contacts: The records that were created or changed, whole. Left out of `repr`.
        deleted: The ids of records that are gone.
        merged: The ids of records that have become a part of another one, each with the id of that one.
    """

    cursor: str
    contacts: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    deleted: Sequence[str] = ()
    merged: Sequence[tuple[str, str]] = ()


class CursorExpired(ContactSyncError):
    """The CRM does not know a cursor any more: what has changed since cannot be told, so everything is listed anew."""


@dataclass(frozen=True, slots=True)
class CRMField:
    """A field that a CRM's contacts have, as `list_fields` gives it.

    Attributes:
        name: As the mapping has to write it; `properties.phone` lies in an object.
        type: What it holds, in the CRM's own word for it; empty if it does not say.
        read_only: Whether it cannot be written.
        unique: Whether no two records have the same value.
        label: What people call it there.
    """

    name: str
    type: str = ""
    read_only: bool = False
    unique: bool = False
    label: str = ""


Ability = Literal[
    "archive_contact",
    "create_contacts",
    "find_contact",
    "iter_contacts",
    "list_changed",
    "list_fields",
    "update_contacts",
]
"""The optional methods of a consumer."""
