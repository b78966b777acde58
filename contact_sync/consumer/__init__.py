"""How a CRM is reached: what users implement, what they declare, and how the engine calls it."""

from .base import EMAIL, ExternalAPIConsumer, ReadOnlyConsumer, abilities_of, offers
from .calls import ask, ask_many, batch_size_of
from .checks import declaration_problem
from .declared import (
    CANNOT_CLEAR,
    EXISTS,
    READ_ONLY,
    TURNED_DOWN,
    Ability,
    Changes,
    CRMField,
    CursorExpired,
    ManyResults,
    RateBudget,
    ResultLike,
)
from .pace import one_event, unhurried
from .walks import PAGE_SIZE, changes, pages

__all__ = [
    "CANNOT_CLEAR",
    "EMAIL",
    "EXISTS",
    "PAGE_SIZE",
    "READ_ONLY",
    "TURNED_DOWN",
    "Ability",
    "CRMField",
    "Changes",
    "CursorExpired",
    "ExternalAPIConsumer",
    "ManyResults",
    "RateBudget",
    "ReadOnlyConsumer",
    "ResultLike",
    "abilities_of",
    "ask",
    "ask_many",
    "batch_size_of",
    "changes",
    "declaration_problem",
    "offers",
    "one_event",
    "pages",
    "unhurried",
]
