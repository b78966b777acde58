"""Is what a consumer declares what it has to be? Said when the sync is made, rather than by odd behaviour later."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, get_args

from .declared import Ability, RateBudget

if TYPE_CHECKING:
    from .base import ExternalAPIConsumer

_SWITCHES: Final = ("can_create", "can_update", "can_delete")
_NAMES: Final = ("unique_keys", "read_only_fields", "lacks")


def declaration_problem(consumer: ExternalAPIConsumer) -> str | None:
    """Say what is wrong with what a consumer declares; `None` if it is all right."""
    owner = type(consumer).__name__
    for name in _SWITCHES:
        given = getattr(consumer, name)
        if not isinstance(given, bool):
            return f"{owner}.{name}: expected True or False, got {type(given).__name__}"
    for name in _NAMES:
        given = getattr(consumer, name)
        if isinstance(given, str) or not isinstance(given, Collection):
            return f"{owner}.{name}: expected a list of names, got {type(given).__name__}; write {name} = ['…']"
        if not all(isinstance(each, str) and each for each in given):
            return f"{owner}.{name}: each name is text that is not empty"
    unknown = sorted(set(consumer.lacks) - set(get_args(Ability)))
    if unknown:
        return f"{owner}.lacks: {unknown[0]!r} is no optional method; they are {', '.join(get_args(Ability))}"
    if not isinstance(consumer.rate_budget, RateBudget | None):
        got = type(consumer.rate_budget).__name__
        return f"{owner}.rate_budget: expected a RateBudget, got {got}; write RateBudget(100, per=10)"
    return None
