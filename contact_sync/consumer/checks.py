"""Is what a consumer declares what it has to be? Said when the sync is made, rather than by odd behaviour later."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, get_args

from mappers import paths

from .declared import CANNOT_CLEAR, Ability, RateBudget

if TYPE_CHECKING:
    from .base import ExternalAPIConsumer

_SWITCHES: Final = ("partial_updates", "omits_empty", "can_create", "can_update", "can_delete")
_Json: Final = str | int | float | list | dict
_NAMES: Final = ("unique_keys", "read_only_fields", "lacks")


def declaration_problem(consumer: ExternalAPIConsumer) -> str | None:
    """Say what is wrong with what a consumer declares; `None` if it is all right."""
    owner = type(consumer).__name__
    for name in _SWITCHES:
        given = getattr(consumer, name)
        if not isinstance(given, bool):
            return f"{owner}.{name}: expected True or False, got {type(given).__name__}"
    size: object = consumer.batch_size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        return f"{owner}.batch_size: expected how many records a batch call takes, 1 or more"
    if consumer.clear_value is not CANNOT_CLEAR and not isinstance(consumer.clear_value, _Json | None):
        got = type(consumer.clear_value).__name__
        return f"{owner}.clear_value: expected None, text, or what else JSON can carry, or CANNOT_CLEAR; got {got}"
    for name in _NAMES:
        given = getattr(consumer, name)
        if isinstance(given, str) or not isinstance(given, Collection):
            return f"{owner}.{name}: expected a list of names, got {type(given).__name__}; write {name} = ['…']"
        if not all(isinstance(each, str) and each for each in given):
            return f"{owner}.{name}: each name is text that is not empty"
    for name in (*consumer.read_only_fields, *consumer.unique_keys):
        try:
            paths.split(name)
        except ValueError as error:
            return f"{owner}: the field {name!r} is no path: {error}"
    unknown = sorted(set(consumer.lacks) - set(get_args(Ability)))
    if unknown:
        return f"{owner}.lacks: {unknown[0]!r} is no optional method; they are {', '.join(get_args(Ability))}"
    if not isinstance(consumer.rate_budget, RateBudget | None):
        got = type(consumer.rate_budget).__name__
        return f"{owner}.rate_budget: expected a RateBudget, got {got}; write RateBudget(100, per=10)"
    return None
