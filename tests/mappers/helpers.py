"""Shared by the tests of `mappers`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mappers import Mapper, Mapping, MappingValueError

ID = Mapping("id", "ref", id=True)

# What messages list when they offer ready-made transforms.
READY_MADE = (
    '"yes_no", "y_n", "true_false", "one_zero", "integer", "number_text", "cents", "comma_list", "semicolon_list", '
    '"lowercase" or "trim"'
)

# The time that an example takes says nothing about the code on a busy machine.
thorough = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(max_size=40)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(texts, json_values, max_size=4)
json_lists = st.lists(json_values, max_size=4)


def table(*rows: Mapping | dict[str, Any], **options: Any) -> Mapper:
    """Make a mapper of rows, with an id row before them."""
    return Mapper([ID, *rows], **options)


def field(**options: Any) -> Mapper:
    """Make a mapper with one field, called `here` on the platform and `there` outside."""
    return table(Mapping("here", "there", **options))


def to_botmatic(mapper: Mapper, value: Any) -> Any:
    """Map one value of `field`'s mapper."""
    return mapper.to_botmatic({"there": value})["here"]


def to_external(mapper: Mapper, value: Any) -> Any:
    """Map one value of `field`'s mapper."""
    return mapper.to_external({"here": value})["there"]


def refusal_to_botmatic(mapper: Mapper, value: Any) -> str:
    """Give the message with which a value is refused on its way to the platform."""
    with pytest.raises(MappingValueError) as caught:
        mapper.to_botmatic({"there": value})
    assert caught.value.field == "there"
    return str(caught.value).removeprefix('external field "there": ')


def refusal_to_external(mapper: Mapper, value: Any) -> str:
    """Give the message with which a value is refused on its way to the external side."""
    with pytest.raises(MappingValueError) as caught:
        mapper.to_external({"here": value})
    assert caught.value.field == "here"
    return str(caught.value).removeprefix('platform field "here": ')
